"""Packed sequences: the same as torch's packed result, and the same as each sequence alone."""

import pytest
import torch
from tests.nn.twins import (
    TOLERANCE,
    assert_twins_agree,
    difference,
    every_cell,
    noise,
    states,
    twins,
)
from torch.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
)

LENGTHS = {
    "falling lengths": [9, 7, 4, 2],
    "equal lengths": [5, 5, 5],
    "many of length 1": [6, 1, 1, 1, 1],
    "all of length 1": [1, 1, 1],
    "one sequence": [7],
    "unsorted lengths": [3, 9, 1, 9, 5, 1],
    "more rows than a tile": [1 + 11 * k % 23 for k in range(37)],
}
no_onednn_warning = pytest.mark.filterwarnings("ignore:LSTM with projections")
every_dtype = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["float32", "float64"]
)
every_lengths = pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())


def packed(lengths: list[int], inputs: int, dtype: torch.dtype = torch.float32) -> PackedSequence:
    padded = noise(max(lengths), len(lengths), inputs, dtype=dtype)
    return pack_padded_sequence(padded, torch.tensor(lengths), enforce_sorted=False)


@every_lengths
@every_dtype
@every_cell
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both directions"])
@pytest.mark.parametrize("units", [1, 17, 64], ids=lambda units: f"{units} units")
def test_packed_equals_torch(
    cell: str, dtype: torch.dtype, lengths: list[int], units: int, bidirectional: bool
) -> None:
    pair = twins(cell, 5, units, num_layers=2, bidirectional=bidirectional, dtype=dtype)
    assert_twins_agree(pair, packed(lengths, 5, dtype))
    assert_twins_agree(pair, packed(lengths, 5, dtype), states(pair[0], len(lengths)))


@every_lengths
@every_cell
def test_each_packed_sequence_equals_that_sequence_alone(cell: str, lengths: list[int]) -> None:
    _, ours = twins(cell, 3, 9, bidirectional=True)
    batch = packed(lengths, 3)
    outputs, _ = pad_packed_sequence(ours(batch)[0])
    inputs, _ = pad_packed_sequence(batch)
    for row, length in enumerate(lengths):
        alone, _ = ours(inputs[:length, row])
        assert difference(outputs[:length, row], alone) <= TOLERANCE[torch.float32]


@every_cell
def test_packed_output_keeps_the_packing(cell: str) -> None:
    _, ours = twins(cell, 3, 4)
    batch = packed([2, 5, 3], 3)
    output, _ = ours(batch)
    assert isinstance(output, PackedSequence)
    assert torch.equal(output.batch_sizes, batch.batch_sizes)
    assert torch.equal(output.sorted_indices, batch.sorted_indices)
    assert torch.equal(output.unsorted_indices, batch.unsorted_indices)


@every_cell
def test_sorted_packing_without_indices(cell: str) -> None:
    pair = twins(cell, 3, 8)
    batch = pack_sequence([noise(length, 3, seed=length) for length in (6, 4, 1)])
    assert batch.sorted_indices is None
    assert_twins_agree(pair, batch, states(pair[0], 3))


@every_cell
def test_packing_ignores_batch_first(cell: str) -> None:
    assert_twins_agree(twins(cell, 3, 8, batch_first=True), packed([4, 2, 6], 3))


@no_onednn_warning
def test_packed_with_projection() -> None:
    pair = twins("LSTM", 3, 8, proj_size=5, bidirectional=True, num_layers=2)
    assert_twins_agree(pair, packed([4, 2, 6], 3), states(pair[0], 3))


@every_cell
def test_packed_rows_that_are_a_slice_of_a_larger_tensor(cell: str) -> None:
    batch = packed([4, 2, 6], 3)
    wide = noise(batch.data.shape[0], 7)
    view = PackedSequence(wide[:, 2:5], *batch[1:])
    assert_twins_agree(twins(cell, 3, 8), view)
