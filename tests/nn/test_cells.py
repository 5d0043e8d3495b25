"""LSTMCell, GRUCell, RNNCell against torch's."""

import copy
import pickle
from typing import Any

import pytest
import torch
from tests.nn.twins import (
    TOLERANCE,
    assert_same_failure,
    assert_twins_agree,
    cell_twins,
    difference,
    every_cell,
    leaves,
    noise,
)
from torch import Tensor

every_dtype = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["float32", "float64"]
)


def state(cell: str, *shape: int, dtype: torch.dtype = torch.float32) -> Any:
    h, c = noise(*shape, seed=5, dtype=dtype), noise(*shape, seed=6, dtype=dtype)
    return (h, c) if cell == "LSTM" else h


@every_cell
@every_dtype
@pytest.mark.parametrize("bias", [True, False], ids=["with bias", "without bias"])
@pytest.mark.parametrize("units", [1, 8, 17, 64], ids=lambda units: f"{units} units")
def test_cell_equals_torchs(cell: str, dtype: torch.dtype, units: int, bias: bool) -> None:
    for batch in (1, 3, 8):
        for inputs in (1, 5):
            pair = cell_twins(cell, inputs, units, bias=bias, dtype=dtype)
            x = noise(batch, inputs, dtype=dtype)
            assert_twins_agree(pair, x, state(cell, batch, units, dtype=dtype))


@every_cell
def test_cell_without_a_state_starts_from_zeros(cell: str) -> None:
    pair = cell_twins(cell, 3, 8)
    zeros = torch.zeros(4, 8)
    given = pair[1](noise(4, 3), (zeros, zeros) if cell == "LSTM" else zeros)
    for a, b in zip(leaves(given), leaves(pair[1](noise(4, 3))), strict=True):
        assert torch.equal(a, b)
    theirs, ours = (leaves(layer(noise(4, 3))) for layer in pair)
    assert all(difference(b, a) <= TOLERANCE[a.dtype] for a, b in zip(theirs, ours, strict=True))


@every_cell
def test_unbatched_cell(cell: str) -> None:
    assert_twins_agree(cell_twins(cell, 3, 8), noise(3), state(cell, 8))


@every_cell
def test_cell_stepped_over_time_equals_torchs(cell: str) -> None:
    """Gradients through twenty steps."""

    def total(layer: Any) -> list[Tensor | None]:
        x = noise(20, 4, 3, dtype=torch.float64).requires_grad_()
        hx, sum_of_squares = None, torch.zeros(())
        for step in x:
            hx = layer(step, hx)
            sum_of_squares = sum_of_squares + leaves(hx)[0].square().sum()
        sum_of_squares.backward()
        return [x.grad, *(weight.grad for weight in layer.parameters())]

    theirs, ours = map(total, cell_twins(cell, 3, 8, dtype=torch.float64))
    for reference, grad in zip(theirs, ours, strict=True):
        assert difference(grad, reference) <= TOLERANCE[torch.float64]


@every_cell
def test_cell_derivatives_equal_finite_differences(cell: str) -> None:
    _, ours = cell_twins(cell, 2, 3, dtype=torch.float64)
    x = noise(2, 2, dtype=torch.float64).requires_grad_()
    given = [s.requires_grad_() for s in leaves(state(cell, 2, 3, dtype=torch.float64))]

    def function(x: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        return tuple(leaves(ours(x, given if len(given) == 2 else given[0])))

    assert torch.autograd.gradcheck(function, (x, *given))
    assert torch.autograd.gradgradcheck(function, (x, *given))


BAD_CELL_INPUTS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "three dimensions": ((1, 4, 3), (4, 8)),
    "too few features": ((4, 2), (4, 8)),
    "state of another batch": ((4, 3), (5, 8)),
    "state of another width": ((4, 3), (4, 7)),
    "state of three dimensions": ((4, 3), (1, 4, 8)),
}


@every_cell
@pytest.mark.parametrize("shapes", BAD_CELL_INPUTS.values(), ids=BAD_CELL_INPUTS.keys())
def test_bad_cell_input(cell: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    theirs, ours = cell_twins(cell, 3, 8)
    x, hx = noise(*shapes[0]), state(cell, *shapes[1])
    assert_same_failure(lambda: theirs(x, hx), lambda: ours(x, hx))


@every_cell
@pytest.mark.parametrize("copier", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copied_cell(cell: str, copier) -> None:
    _, ours = cell_twins(cell, 3, 8)
    assert_twins_agree((ours, copier(ours)), noise(4, 3), state(cell, 4, 8))


@every_cell
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_cell_of_another_dtype(cell: str, dtype: torch.dtype) -> None:
    pair = cell_twins(cell, 3, 8, dtype=dtype)
    assert_twins_agree(pair, noise(4, 3, dtype=dtype), state(cell, 4, 8, dtype=dtype))


@every_cell
def test_cell_compiles_into_one_graph(cell: str) -> None:
    theirs, ours = cell_twins(cell, 3, 8)
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
    given = noise(4, 3), state(cell, 4, 8)
    for mine, reference in zip(leaves(compiled(*given)), leaves(theirs(*given)), strict=True):
        assert difference(mine, reference) <= TOLERANCE[torch.float32]
    torch.compiler.reset()


@every_cell
def test_cell_under_autocast(cell: str) -> None:
    theirs, ours = cell_twins(cell, 3, 8)
    given = noise(4, 3), state(cell, 4, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pairs = list(zip(leaves(ours(*given)), leaves(theirs(*given)), strict=True))
    for mine, reference in pairs:
        assert mine.dtype == reference.dtype
        assert difference(mine, reference) <= TOLERANCE[torch.bfloat16]
