"""The steps that take tensors themselves: None for whatever is not what the kernels can read."""

import pytest
import torch
from torch import Tensor

from carrousel import _core
from carrousel.ops import cpu, gate, reference

BATCH, INPUTS, HIDDEN = 3, 5, 4
modes = pytest.mark.parametrize("mode", range(4), ids=cpu.MODES[:4])


def state(mode, *shape):
    return torch.randn(shape), torch.randn(shape) if cpu.MODES[mode] == "LSTM" else None


def weights(mode, inputs=INPUTS):
    rows = cpu.GATES[mode] * HIDDEN
    shapes = ((rows, inputs), (rows, HIDDEN), (rows,), (rows,))
    return [torch.randn(shape) for shape in shapes]


def of_cell(mode):
    h, c = state(mode, BATCH, HIDDEN)
    return {"x": torch.randn(BATCH, INPUTS), "h0": h, "c0": c, "weights": weights(mode)}


def of_layers(mode):
    h, c = state(mode, 2, BATCH, HIDDEN)
    both = [*weights(mode), *weights(mode, HIDDEN)]
    return {"x": torch.randn(1, BATCH, INPUTS), "h0": h, "c0": c, "weights": both}


def step_cell(mode, x, h0, c0, weights, record=False):
    return _core.cell_step(mode, 1, x, h0, c0, weights, INPUTS, HIDDEN, record)


def step_layers(mode, x, h0, c0, weights):
    return _core.layers_step(mode, 1, False, x, h0, c0, weights, INPUTS, HIDDEN)


def _escaped(t: Tensor) -> Tensor:
    """What a transform of torch.func handed around, after its end."""
    kept: list[Tensor] = []
    torch.func.vmap(lambda one: kept.append(one) or one.sum())(torch.stack([t, t]))
    return kept[0]


class Own(Tensor):
    pass


WRONG = {
    "of another dtype": lambda t: t.double(),
    "of half": lambda t: t.half(),
    "of complex numbers": lambda t: t.to(torch.complex64),
    "of whole numbers": lambda t: t.long(),
    "on meta": lambda t: t.to("meta"),
    "of fewer": lambda t: t[..., :-1].contiguous(),
    "of more dimensions": lambda t: t[None],
    "of none": lambda t: torch.tensor(1.0),
    "empty": lambda t: t[:0],
    "with gaps": lambda t: torch.stack([t, t], -1)[..., 0],
    "negated by a flag": torch._neg_view,
    "zero by a flag": lambda t: torch._efficientzerotensor(t.shape),
    "sparse": lambda t: t.to_sparse(),
    "freed": lambda t: t.untyped_storage().resize_(0) and t,
    "of a class of its own": lambda t: t.as_subclass(Own),
    "out of a transform": _escaped,
    "no tensor": lambda t: t.tolist(),
    "missing": lambda t: None,
}


def changed(given, name, change):
    if name in given:
        return given | {name: change(given[name].clone())}
    place = int(name.removeprefix("weight "))
    found = list(given["weights"])
    found[place] = change(found[place].clone())
    return given | {"weights": found}


@pytest.mark.parametrize("wrong", WRONG)
@modes
def test_a_step_with_one_wrong_tensor(mode, wrong):
    for make, step in ((of_cell, step_cell), (of_layers, step_layers)):
        given = make(mode)
        names = ["x", "h0", *[f"weight {i}" for i in range(len(given["weights"]))]]
        names += ["c0"] if given["c0"] is not None else []
        assert step(mode, **given) is not None
        for name in names:
            assert step(mode, **changed(given, name, WRONG[wrong])) is None, name


@modes
def test_a_cell_state_for_a_cell_that_has_none_and_weights_too_few(mode):
    for make, step in ((of_cell, step_cell), (of_layers, step_layers)):
        given = make(mode)
        other = torch.randn_like(given["h0"]) if given["c0"] is None else None
        assert step(mode, **given | {"c0": other}) is None
        whole = given["weights"]
        for count in {0, 1, 3, 5, len(whole) - 1}:
            few = whole[:count] if count < len(whole) else [*whole, whole[0]]
            assert step(mode, **given | {"weights": few}) is None
    assert step_layers(mode, **of_layers(mode) | {"x": torch.randn(2, BATCH, INPUTS)}) is None


@pytest.mark.parametrize("wrong", WRONG)
@modes
def test_gradients_of_one_wrong_tensor(mode, wrong):
    given = of_cell(mode)
    y, _, saved, cells = step_cell(mode, **given, record=True)
    dy, dc = state(mode, BATCH, HIDDEN)
    record = {"y": y if saved is None else None, "saved": saved, "cells": cells}
    right = {"mode": mode, "threads": 1} | given | record | {"dy": dy, "dc": dc}
    wanted = ("mode", "threads", "x", "h0", "c0", "y", "saved", "cells", "dy", "dc", "weights")

    def gradients(arguments):
        return _core.cell_gradients(*[arguments[name] for name in wanted], True, True)

    assert gradients(right) is not None
    names = [name for name in wanted[2:-1] if right[name] is not None]
    for name in [*names, *[f"weight {i}" for i in range(4)]]:
        if name in ("dy", "dc") and wrong in ("with gaps", "missing"):
            continue  # copied row by row; zeros
        assert gradients(changed(right, name, WRONG[wrong])) is None, name


@modes
def test_gradients_that_lie_otherwise_in_memory(mode):
    given = of_cell(mode)
    y, _, saved, cells = step_cell(mode, **given, record=True)
    h = y if saved is None else None

    def gradients(dy):
        rest = (h, saved, cells, dy, None, given["weights"], True, True)
        return _core.cell_gradients(mode, 1, given["x"], given["h0"], given["c0"], *rest)

    dy = torch.randn(BATCH, HIDDEN)
    for other in (dy.T.contiguous().T, torch.stack([dy, dy], -1)[..., 1]):
        for a, b in zip(gradients(dy)[3], gradients(other)[3], strict=True):
            assert torch.equal(a, b)
    ones = torch.ones(()).expand(BATCH, HIDDEN)  # as from a sum
    assert torch.equal(gradients(ones)[1], gradients(ones.contiguous())[1])


@modes
def test_numbers_are_those_of_the_equations(mode):
    given = of_layers(mode)
    x, h, c = given["x"][0], given["h0"], given["c0"]
    y, h_n, c_n = step_layers(mode, **given)
    for layer in range(2):
        own = given["weights"][4 * layer : 4 * layer + 4]
        before = None if c is None else c[layer]
        x, after, _ = reference.step(cpu.MODES[mode], x, h[layer], before, own)
        torch.testing.assert_close(h_n[layer], x)
        assert (c_n is None) == (after is None)
        if after is not None:
            torch.testing.assert_close(c_n[layer], after)
    assert torch.equal(y[0], h_n[1])


@pytest.mark.parametrize("mode", [-1, 4, 1 << 20])
def test_no_such_mode(mode):
    with pytest.raises(ValueError, match="mode must be 0 to 3"):
        step_cell(mode, **of_cell(0))


@pytest.mark.parametrize("wrong", WRONG)
def test_plain(wrong):
    right = [torch.randn(2, 3), torch.nn.Parameter(torch.randn(4))]
    assert gate.plain(right)
    shaped = ("of fewer", "of more dimensions", "of none", "with gaps")
    assert gate.plain([*right, WRONG[wrong](torch.randn(2, 3))]) == (wrong in shaped)
    assert not gate.plain([])
