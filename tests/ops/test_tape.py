"""What the kernels leave on the tape equals what the specification computes."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.ops import reference
from carrousel.ops.tape import TAPE, Run

KINDS = {"RNN": ("rnn", "RNN_TANH"), "LSTM": ("lstm", "LSTM"), "GRU": ("gru", "GRU")}
every_name = pytest.mark.parametrize("name", KINDS)
F64 = torch.float64


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def taped(layer: Any, *inputs: Any, backward: bool = True) -> list[Run]:
    """The runs of one forward pass, after the backward pass of a loss on outputs and states."""
    runs: list[Run] = []
    token = TAPE.set(runs)
    try:
        output, state = layer(*inputs)
    finally:
        TAPE.reset(token)
    if backward:
        data = output if isinstance(output, Tensor) else output.data
        states = state if isinstance(state, tuple) else (state,)
        (data.square().sum() + sum(s.pow(3).sum() for s in states)).backward()
    return runs


def specified(name: str, layer: Any, x: Tensor, batch_sizes: list[int], hx: Any) -> list[Run]:
    """The same by the reference equations and torch's autograd."""
    runs: list[Run] = []
    token = TAPE.set(runs)
    h0, c0 = hx if name == "LSTM" else (hx, None)
    per = 4
    try:
        h_n, c_n = [], []
        weights = list(layer.parameters())
        for number in range(layer.num_layers):
            own = slice(2 * number, 2 * number + 2)
            some = weights[2 * per * number : 2 * per * (number + 1)]
            cell = None if c0 is None else c0[own]
            x, h, c = reference.layer(KINDS[name][1], x, batch_sizes, h0[own], cell, some)
            h_n.append(h)
            c_n.append(c)
    finally:
        TAPE.reset(token)
    states = [torch.cat(h_n), *([torch.cat(c_n)] if c0 is not None else [])]
    (x.square().sum() + sum(s.pow(3).sum() for s in states)).backward()
    return runs


def assert_same_run(ours: Run, expected: Run) -> None:
    assert (ours.kind, ours.reverse) == (expected.kind, expected.reverse)
    assert ours.batch_sizes.tolist() == expected.batch_sizes.tolist()
    assert list(ours.gates) == list(expected.gates)
    pairs = [(ours.gates[gate], expected.gates[gate]) for gate in expected.gates]
    names = ("hidden", "cell", "h0", "c0", "grad_hidden", "grad_cell")
    pairs += [(getattr(ours, name), getattr(expected, name)) for name in names]
    for got, reference_value in pairs:
        assert (got is None) == (reference_value is None)
        if got is not None:
            torch.testing.assert_close(got, reference_value)


def layer_and_states(name: str) -> tuple[Any, Any]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = getattr(carrousel, name)(3, 9, 2, bidirectional=True, dtype=F64)
    h0, c0 = noise(4, 5, 9, seed=1), noise(4, 5, 9, seed=2)
    return layer, (h0, c0) if name == "LSTM" else h0


@every_name
def test_padded_runs(name: str) -> None:
    layer, hx = layer_and_states(name)
    x = noise(7, 5, 3)
    ours = taped(layer, x, hx)
    expected = specified(name, layer, x.flatten(0, 1), [5] * 7, hx)
    assert [run.kind for run in ours] == [KINDS[name][0]] * 4
    for got, wanted in zip(ours, expected, strict=True):
        assert_same_run(got, wanted)


@every_name
def test_packed_runs(name: str) -> None:
    layer, hx = layer_and_states(name)
    batch = pack_padded_sequence(noise(7, 5, 3), torch.tensor([7, 4, 4, 2, 1]))
    ours = taped(layer, batch, hx)
    expected = specified(name, layer, batch.data, batch.batch_sizes.tolist(), hx)
    for got, wanted in zip(ours, expected, strict=True):
        assert_same_run(got, wanted)


@every_name
def test_tape_changes_no_output_and_no_gradient(name: str) -> None:
    layer, hx = layer_and_states(name)
    x = noise(7, 5, 3)
    plain, _ = layer(x, hx)
    plain.square().sum().backward()
    before = [weight.grad for weight in layer.parameters()]
    layer.zero_grad()
    token = TAPE.set([])
    try:
        output, _ = layer(x, hx)
    finally:
        TAPE.reset(token)
    output.square().sum().backward()
    assert torch.equal(output, plain)
    for one, weight in zip(before, layer.parameters(), strict=True):
        assert torch.equal(one, weight.grad)


@every_name
def test_without_gradient_the_states_and_gates_are_recorded(name: str) -> None:
    layer, hx = layer_and_states(name)
    x = noise(7, 5, 3)
    with torch.no_grad():
        silent = taped(layer, x, hx, backward=False)
    for got, wanted in zip(silent, taped(layer, x, hx), strict=True):
        assert torch.equal(got.hidden, wanted.hidden)
        assert got.gates.keys() == wanted.gates.keys()
        assert all(torch.equal(got.gates[gate], wanted.gates[gate]) for gate in got.gates)
        assert got.grad_hidden is None


@every_name
def test_untouched_without_a_tape(name: str) -> None:
    layer, hx = layer_and_states(name)
    layer(noise(7, 5, 3), hx)
    assert TAPE.get() is None
