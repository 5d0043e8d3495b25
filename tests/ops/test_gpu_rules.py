"""Cells that torch lacks in Triton, against their equations; interpreted where there is no GPU."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.ops import gate, recurrence
from carrousel.ops.recurrence import Call
from carrousel.ops.rules import MIN_GRU_POSITIVE, RULES, SLSTM
from carrousel.ops.tape import Run

gpu = pytest.importorskip("carrousel.ops.gpu.recurrence")  # Triton is an extra
NEWER = RULES[:6]

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# rows of each step, units, heads, reverse, whether the weights stay
SHAPES = {
    "one of each": ([1], 1, 1, False, True),
    "packed, in reverse": ([3, 2, 1], 4, 2, True, True),
    "product by product": ([3, 3, 1], 6, 2, False, False),
    "product by product, in reverse": ([3, 1, 1], 4, 1, True, False),
}


def problem(rule: Any, sizes: list[int], units: int, heads: int, reverse: bool) -> Any:
    """A call, what it is given, and gradients of its output and last states, float64."""
    draw = torch.Generator().manual_seed(3)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    heads = heads if rule.product else 1
    sums, start = random(sum(sizes), rule.gates * units), random(rule.states, sizes[0], units)
    if rule.states > 1:
        start[2] = start[2].abs()
        start[2, 0, 0] = 0  # nothing has been written
    size = units // heads
    weight = random(heads, rule.gates, size, size) * 0.7 if rule.product else None
    offsets = torch.tensor([0, *sizes]).cumsum(0)
    call = Call(rule, offsets, heads, reverse)
    return (
        call,
        (sums, start, weight, None, None),
        (random(sum(sizes), units), random(*start.shape)),
    )


def there(tensors: Any) -> Any:
    return tuple([None if t is None else t.to(DEVICE, torch.float32) for t in tensors])


def run_of(rows: int) -> Run:
    none = torch.empty(0)
    return Run("", False, none, none, None, {}, none, None)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", NEWER, ids=lambda rule: f"{rule.cell.name} {rule.number}")
def test_against_the_cpus_kernels_and_the_equations(rule, shape, monkeypatch):
    *sizes, stays = SHAPES[shape]
    if not stays:
        monkeypatch.setattr(gpu.layer, "RESIDENT", 0)
    call, given, grads = problem(rule, *sizes)
    expected = recurrence.forward(call, given, True)
    got = gpu.forward(call, there(given), True)
    for one, other in zip(got, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one.cpu().double(), other, rtol=1e-4, atol=1e-4)
    runs, needs = [run_of(len(given[0])) for _ in range(2)], (True,) * 5
    record = (expected[0], *expected[2:])
    exact = recurrence.backward(call, given, record, grads, needs, runs[0])
    by_equations = recurrence.differentiable(call, given, grads, False)
    found = gpu.backward(call, there(given), (got[0], *got[2:]), there(grads), needs, runs[1])
    for one, other, third in zip(found, exact, by_equations, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one.cpu().double(), other, rtol=1e-3, atol=1e-3)
            torch.testing.assert_close(other, third)
    for name in ("grad_hidden", "grad_cell"):
        one, other = (getattr(run, name) for run in reversed(runs))
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one.cpu().double(), other, rtol=1e-3, atol=1e-3)


def test_two_tiles_and_units_of_two_programs():
    for rule, units in ((SLSTM, 5), (MIN_GRU_POSITIVE, 70)):
        call, given, grads = problem(rule, [17, 16, 1], units, 1, False)
        expected, got = recurrence.forward(call, given, True), gpu.forward(call, there(given), True)
        torch.testing.assert_close(got[0].cpu().double(), expected[0], rtol=1e-4, atol=1e-4)
        needs = (True, True, rule.product, False, False)
        record = (expected[0], *expected[2:])
        exact = recurrence.backward(call, given, record, grads, needs, None)
        record = (got[0], *got[2:])
        found = gpu.backward(call, there(given), record, there(grads), needs, None)
        for one, other in zip(found, exact, strict=True):
            if one is not None:
                torch.testing.assert_close(one.cpu().double(), other, rtol=1e-3, atol=1e-3)


def test_without_a_record_or_gradients_of_some():
    call, given, grads = problem(SLSTM, [2, 2], 4, 2, False)
    kept, plain = [gpu.forward(call, there(given), record) for record in (True, False)]
    assert torch.equal(kept[0], plain[0])
    assert plain[2:] == (None, None)
    needs, record = (True, True, False, False, False), (kept[0], *kept[2:])
    for own in ((grads[0], None), (None, grads[1])):
        found = gpu.backward(call, there(given), record, there(own), needs, None)
        wanted = recurrence.differentiable(call, given, own, False)
        torch.testing.assert_close(found[0].cpu().double(), wanted[0], rtol=1e-3, atol=1e-3)
        assert found[2] is None


def test_a_gpu_whose_processors_hold_less(monkeypatch):
    original = gpu.rules.forward

    class Full:
        def __getitem__(self, grid):
            def launch(*given, **flags):
                if flags["HOW"] == gpu.rules.RESIDENT.value:
                    raise gpu.triton.runtime.errors.OutOfResources(2, 1, "shared memory")
                return original[grid](*given, **flags)

            return launch

    call, given, _ = problem(SLSTM, [2, 1], 4, 1, False)
    whole = gpu.forward(call, there(given), True)
    monkeypatch.setattr(gpu.rules, "forward", Full())
    for one, other in zip(gpu.forward(call, there(given), True), whole, strict=True):
        torch.testing.assert_close(one, other)


@pytest.fixture
def counted(monkeypatch):
    """Layers go where those on a GPU do; what they call there is counted."""
    calls: list[str] = []

    def passes(_given):
        def forward(*given):
            calls.append("forward")
            return gpu.forward(*given)

        def backward(*given):
            calls.append("backward")
            return gpu.backward(*given)

        return forward, backward

    monkeypatch.setattr(recurrence, "_passes", passes)
    if DEVICE == "cpu":
        monkeypatch.setattr(gate, "_GPUS", ("cuda", "cpu"))
        monkeypatch.setattr(gate, "has_triton", lambda _device: True)
        monkeypatch.setattr(gate, "plain", lambda _tensors: False)
    return calls


@pytest.mark.parametrize("kind", ["SLSTM", "MinLSTM"])
def test_layers_are_computed_and_recorded_by_the_kernels(counted, kind, monkeypatch):
    torch.manual_seed(0)
    module = getattr(carrousel, kind)(3, 4, bidirectional=True).to(DEVICE)
    x = torch.randn(4, 2, 3, device=DEVICE)
    packed = pack_padded_sequence(x, torch.tensor([2, 4]), enforce_sorted=False)
    found = []
    for there in (True, False):
        monkeypatch.setattr(gate, "has_triton", lambda _device, there=there: there)
        module.zero_grad()
        with carrousel.trace(module) as trace:
            output, states = module(packed)
            output.data.square().sum().backward()
        states = states if isinstance(states, tuple) else (states,)
        gradients = [p.grad.clone() for p in module.parameters()]
        found.append([output.data, *states, *gradients, *trace[0].arrays().values()])
    assert counted == ["forward"] * 2 + ["backward"] * 2
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_second_derivatives_are_those_of_the_equations(counted, monkeypatch):
    module = carrousel.SLSTM(3, 4).to(DEVICE)
    x, found = torch.randn(2, 2, 3, device=DEVICE, requires_grad=True), []
    for there in (True, False):
        monkeypatch.setattr(gate, "has_triton", lambda _device, there=there: there)
        (first,) = torch.autograd.grad(module(x)[0].square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.sum(), x)[0])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)
    assert counted == ["forward", "backward"]
