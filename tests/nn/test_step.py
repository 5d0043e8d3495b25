"""One step of streaming takes a way of its own: the same numbers, and only where it may."""

import pytest
import torch
from torch.nn.utils import parametrizations

import carrousel

from .twins import CELLS, TOLERANCE, difference, leaves, noise, states, twins

SIZES = [(1, 1, 1, 1), (1, 8, 64, 1), (1, 9, 17, 2), (3, 20, 33, 3), (64, 5, 40, 1)]

cells = pytest.mark.parametrize("cell", CELLS)


def agree(ours, theirs):
    ours, theirs = leaves(ours), leaves(theirs)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert difference(mine, other) < TOLERANCE[other.dtype]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("size", SIZES, ids="B{0[0]} I{0[1]} H{0[2]} layers {0[3]}".format)
@cells
@torch.no_grad()
def test_a_stream_of_steps(cell, size, batch_first, dtype):
    batch, *sizes = size
    theirs, ours = twins(cell, *sizes, batch_first=batch_first, dtype=dtype)
    mine = other = states(theirs, batch)
    shape = (batch, 1, sizes[0]) if batch_first else (1, batch, sizes[0])
    for t in range(4):
        x = noise(*shape, seed=t, dtype=dtype)
        y, mine = ours(x, mine)
        expected, other = theirs(x, other)
        agree((y, mine), (expected, other))


@cells
@torch.no_grad()
def test_what_is_given_stays_as_it_was_and_nothing_is_shared(cell):
    _, layer = twins(cell, 3, 5)
    given = states(layer, 2)
    y, after = layer(noise(1, 2, 3), given)
    assert all(map(torch.equal, leaves(given), leaves(states(layer, 2))))
    assert torch.equal(y, leaves(after)[0])
    y.fill_(7)
    assert not torch.equal(y, leaves(after)[0])


@cells
@torch.no_grad()
def test_tensors_that_lie_otherwise_in_memory(cell):
    theirs, ours = twins(cell, 3, 4, 2)
    x = noise(2, 1, 3).transpose(0, 1)[:, ::2].expand(1, 5, 3)
    wide = states(theirs, 10)
    given = tuple(s[:, ::2] for s in wide) if isinstance(wide, tuple) else wide[:, ::2]
    agree(ours(x, given), theirs(x, given))


@cells
@torch.no_grad()
def test_parametrized_weights(cell):
    _, layer = twins(cell, 3, 4)
    x, given = noise(1, 2, 3), states(layer, 2)
    before = layer(x, given)
    parametrizations.weight_norm(layer, "weight_hh_l0")
    agree(layer(x, given), before)


@cells
@torch.no_grad()
def test_weights_set_anew_are_seen(cell):
    theirs, ours = twins(cell, 3, 4)
    x, given = noise(1, 2, 3), states(ours, 2)
    ours(x, given)
    for layer in (theirs, ours):
        layer.weight_hh_l0 = torch.nn.Parameter(noise(*layer.weight_hh_l0.shape, seed=3))
        layer.weight_ih_l0.data = noise(3, len(layer.weight_ih_l0), seed=4).T
        layer.bias_ih_l0.zero_()
    agree(ours(x, given), theirs(x, given))


WRONG = {
    "too many inputs": (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)),
    "a state of another width": (torch.zeros(1, 2, 3), torch.zeros(1, 2, 5)),
    "a state of another batch": (torch.zeros(1, 2, 3), torch.zeros(1, 3, 4)),
    "a state of another dtype": (torch.zeros(1, 2, 3), torch.zeros(1, 2, 4).double()),
}


@pytest.mark.parametrize("why", WRONG)
@cells
@torch.no_grad()
def test_wrong_arguments_get_torchs_error(cell, why):
    theirs, ours = twins(cell, 3, 4)
    x, h = WRONG[why]
    given = (h, h) if theirs.mode == "LSTM" else h
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever torch raises
        theirs(x, given)
    with pytest.raises(type(expected.value)) as got:
        ours(x, given)
    assert str(got.value) == str(expected.value)


@cells
@torch.no_grad()
def test_a_trace_sees_it(cell):
    _, layer = twins(cell, 3, 4)
    with carrousel.trace(layer) as trace:
        y, _ = layer(noise(1, 2, 3), states(layer, 2))
    assert torch.equal(trace[""].hidden[0], y)


@cells
@torch.no_grad()
def test_dropout_between_layers(cell):
    _, layer = twins(cell, 3, 40, 2, dropout=0.5)
    x, given = noise(1, 2, 3), states(layer, 2)
    assert not torch.equal(layer(x, given)[0], layer(x, given)[0])
    layer.eval()
    assert torch.equal(layer(x, given)[0], layer(x, given)[0])
