"""Ragged rows against torch's own packing and padding."""

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence, pad_sequence

from carrousel.sequence.ragged import Ragged

LENGTHS = [[3], [1, 1, 1], [2, 5, 1, 5, 3], [1, 9]]


def parts(lengths: list[int]) -> list[torch.Tensor]:
    return [torch.randn(length, 2) for length in lengths]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_packed_order_is_torchs(lengths):
    given = parts(lengths)
    batch = Ragged.of(given)
    theirs = pack_sequence(given, enforce_sorted=False)
    assert batch.packing.batch_sizes.tolist() == theirs.batch_sizes.tolist()
    ours = batch.rows[batch.packing.into]
    back = ours[batch.packing.back]
    assert torch.equal(back, batch.rows)
    # Sequences of one length may stand in another order: compared as sets of rows of a step.
    for mine, other in zip(
        ours.split(theirs.batch_sizes.tolist()),
        theirs.data.split(theirs.batch_sizes.tolist()),
        strict=True,
    ):
        assert sorted(mine.tolist()) == sorted(other.tolist())


def test_windows_are_cut_out_of_each_sequence():
    given = parts([5, 2, 3])
    found = Ragged.of(given).windows(torch.tensor([1, 0, 2]), torch.tensor([3, 2, 1]))
    assert all(map(torch.equal, found.parts(), [given[0][1:4], given[1], given[2][2:]]))


@pytest.mark.parametrize("lengths", LENGTHS)
def test_padding_is_torchs(lengths):
    given = parts(lengths)
    assert torch.equal(Ragged.of(given).padded(7.0), pad_sequence(given, padding_value=7.0))


@pytest.mark.parametrize("lengths", LENGTHS)
def test_parts_are_taken_in_the_order_asked_for(lengths):
    given = parts(lengths)
    which = torch.tensor([len(given) - 1, 0])
    found = Ragged.of(given)[which]
    assert all(map(torch.equal, found.parts(), [given[-1], given[0]]))
    assert found.owner.tolist() == [0] * lengths[-1] + [1] * lengths[0]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_gradients_through_the_packed_order_and_factors_are_those_of_indexing(lengths):
    batch = Ragged.of(parts(lengths))
    rows = torch.randn(sum(lengths), 2, dtype=torch.float64, requires_grad=True)
    factors = torch.randn(len(lengths), 2, dtype=torch.float64)
    packing, owner = batch.packing, batch.owner

    def ours(x):
        return packing.unpack(batch.scaled(packing.pack(x).exp(), factors))

    def plain(x):
        return (x[packing.into].exp() * factors[owner])[packing.back]

    assert torch.equal(ours(rows), plain(rows))
    upstream = torch.randn_like(rows)
    found, wanted = (torch.autograd.grad(f(rows), rows, upstream)[0] for f in (ours, plain))
    assert torch.equal(found, wanted)
    assert torch.autograd.gradgradcheck(ours, rows)


@pytest.mark.parametrize("length", [1, 4])
def test_side_by_side_every_row_still_knows_whose_it_is(length):
    batch = Ragged.of(parts([length] * 3))
    abreast = batch.for_layers
    step, owner = abreast.order % length, abreast.owner
    assert torch.equal(abreast.rows, torch.stack(list(batch.parts()), 1).flatten(0, 1))
    assert torch.equal(batch.rows[batch.starts[owner] + step], abreast.rows)
    assert torch.equal(batch.rows[abreast.order], abreast.rows)
    assert torch.equal(abreast.rows[abreast.starts], batch.rows[batch.starts])
    assert torch.equal(abreast.rows[abreast.ends], batch.rows[batch.ends])
    assert torch.equal(abreast.in_line(abreast.rows), batch.rows)
    factors = torch.randn(3, 2)
    theirs = batch.scaled(batch.rows, factors)
    assert torch.equal(abreast.in_line(abreast.scaled(abreast.rows, factors)), theirs)
