"""The kernels in Triton against the equations in float64; interpreted where there is no GPU."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from tests.nn.twins import TOLERANCE
from torch import Tensor, nn

import carrousel
from carrousel.ops import cpu, gate, kernels, reference
from carrousel.ops.cells import BY_MODE, MODES, NUMBER
from carrousel.ops.inside import as_record
from carrousel.ops.tape import Run

from ..loops import run as by_hand

layer = pytest.importorskip("carrousel.ops.gpu.layer")  # Triton is an extra
interpreter = pytest.importorskip("triton.runtime.interpreter")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# name -> steps, or the rows of each step of a packed batch; sequences, inputs, units, directions,
# with biases; scheme
SHAPES = {
    "one of each": (1, 1, 1, 1, 1, True, "fused"),
    "packed, both directions, without bias": ([3, 1], 3, 2, 3, 2, False, "fused"),
    "a batch, step by step": (3, 2, 3, 5, 1, True, "alternating"),
}
BACK_STEP_BY_STEP = ([3, 1], 3, 2, 3, 2, False, "alternating")
TILES = ([17, 16, 1], 17, 2, 17, 2, True, "fused")


def use(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if scheme == "alternating":
        monkeypatch.setattr(layer, "RESIDENT", 0)


@dataclass
class Problem:
    """Arguments of a layer, float64 on the CPU, and gradients of all that it leaves."""

    mode: str
    x: Tensor
    offsets: Tensor | None
    h0: Tensor
    c0: Tensor | None
    weights: list[Tensor]

    @classmethod
    def of(cls, mode: str, steps, batch: int, inputs: int, units: int, directions: int, bias: bool):
        cell, draw = BY_MODE[mode], torch.Generator().manual_seed(3)

        def random(*shape):
            return torch.randn(shape, generator=draw, dtype=torch.float64) * 0.7

        packed = isinstance(steps, list)
        rows = cell.blocks * units
        shapes = [(rows, inputs), (rows, units), *[(rows,)] * (2 * bias)]
        if norm := cell.norm_rows(mode):
            shapes.append((norm * units,))
        return cls(
            mode,
            random(sum(steps), inputs) if packed else random(steps, batch, inputs),
            torch.tensor([0, *steps]).cumsum(0) if packed else None,
            random(directions, batch, units),
            random(directions, batch, units) if cell.has_cell else None,
            [random(*shape) for _ in range(directions) for shape in shapes],
        )

    def tensors(self) -> list[Tensor]:
        return [t for t in (self.x, self.h0, self.c0, *self.weights) if t is not None]

    def arguments(self, dtype: torch.dtype | None) -> tuple:
        """For the kernels on a GPU in this dtype; None: for those on the CPU."""

        def there(t):
            return t if t is None or dtype is None else t.to(DEVICE, dtype)

        states = there(self.h0), there(self.c0)
        return there(self.x), self.offsets, *states, [there(w) for w in self.weights]

    def expected(self) -> tuple[list[Tensor | None], list[Tensor | None], list[Tensor]]:
        """y, h_n, c_n, saved, cells by the equations; random weights of each; and what backward
        leaves by autograd."""
        for t in self.tensors():
            t.requires_grad_()
        sizes = [self.x.size(1)] * self.x.size(0)
        sizes = sizes if self.offsets is None else self.offsets.diff().tolist()
        insides: list = []
        given = (self.x, sizes, self.h0, self.c0, self.weights)
        out = reference.layer(self.mode, *given, insides=insides)
        saved, cells = as_record(self.mode, insides)
        left = [*out, saved, cells]
        draw = torch.Generator().manual_seed(4)
        found = [None if t is None else torch.randn(t.shape, generator=draw).double() for t in left]
        if saved is not None:  # gates: what else is saved has no derivative of its own
            found[3][..., BY_MODE[self.mode].blocks * self.h0.size(-1) :] = 0
        total = sum((t * w).sum() for t, w in zip(left, found, strict=True) if t is not None)
        return left, found, list(torch.autograd.grad(total, self.tensors()))


def error(got: Tensor, expected: Tensor, largest: Tensor) -> float:
    assert got.shape == expected.shape
    return ((got.double().cpu() - expected).abs().max() / largest).item()


def check(problem: Problem, dtype: torch.dtype) -> None:
    """Outputs and gradients against autograd through the equations; what of the record these do not
    know, and the totals of each step, against the CPU's kernels in float64."""
    left, weights, gradients = problem.expected()
    number = NUMBER[problem.mode]
    runs = {}
    with torch.no_grad():
        got, back, runs["gpu"] = compute(layer, number, problem.arguments(dtype), weights, dtype)
        exact, _, runs["cpu"] = compute(cpu, number, problem.arguments(None), weights, None)
    for one, expected in zip(got, [*left[:3], *exact[3:]], strict=True):
        assert (one is None) == (expected is None)
        if expected is not None:
            assert error(one, expected, expected.abs().max().clamp_min(1)) < TOLERANCE[dtype]
    found = [t for t in (*back[:3], *back[3]) if t is not None]
    largest = torch.stack([t.abs().max() for t in gradients]).max().clamp_min(1)
    for one, expected in zip(found, gradients, strict=True):
        assert one.dtype is dtype
        assert error(one, expected, largest) < TOLERANCE[dtype]
    for gpu, host in zip(runs["gpu"], runs["cpu"], strict=True):
        assert error(gpu.grad_hidden, host.grad_hidden, largest) < TOLERANCE[dtype]
        assert (gpu.grad_cell is None) == (host.grad_cell is None)
        if host.grad_cell is not None:
            assert error(gpu.grad_cell, host.grad_cell, largest) < TOLERANCE[dtype]


def compute(module, number: int, given: tuple, weights: list, dtype: torch.dtype | None):
    """What forward and backward of ``ops.cpu`` or ``ops.gpu.layer`` give, and runs with totals."""
    out = module.forward(number, *given, True)
    device = given[0].device
    grads = [None if w is None else w.to(device, dtype or w.dtype) for w in weights]
    none = torch.empty(0)
    runs = [Run("", False, none, none, None, {}, none, None) for _ in range(len(given[2]))]
    back = module.backward(
        number, *given, (out[0], *out[3:]), grads[:3], True, True, runs, tuple(grads[3:])
    )
    return out, back, runs


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
def test_against_the_equations(mode, shape, monkeypatch):
    *sizes, scheme = SHAPES[shape]
    use(scheme, monkeypatch)
    check(Problem.of(mode, *sizes), torch.float32)


@pytest.mark.parametrize("mode", ["LSTM", "GRU"])
@pytest.mark.parametrize("shape", [TILES, BACK_STEP_BY_STEP], ids=["two tiles", "step by step"])
def test_packed_both_ways(mode, shape, monkeypatch):
    *sizes, scheme = shape
    use(scheme, monkeypatch)
    check(Problem.of(mode, *sizes), torch.float32)


@pytest.mark.parametrize("mode", ["LSTM", "GRU_NORM"])
@pytest.mark.parametrize("scheme", ["fused", "alternating"])
def test_bfloat16(mode, scheme, monkeypatch):
    use(scheme, monkeypatch)
    if DEVICE == "cpu":
        monkeypatch.setattr(interpreter.InterpreterBuilder, "create_dot", product)
    check(Problem.of(mode, 3, 2, 3, 5, 1, True), torch.bfloat16)


def product(_builder, a, b, start, *_how):
    """The interpreter's own takes the bits of a bfloat16 for an integer."""
    a, b = [
        (t.data.astype(np.uint32) << 16).view(np.float32)
        if t.dtype.scalar == interpreter.tl.bfloat16
        else t.data
        for t in (a, b)
    ]
    return interpreter.TensorHandle(a @ b + start.data, start.dtype.scalar)


def test_without_a_record_the_same_numbers():
    given = Problem.of("LSTM", 2, 2, 3, 5, 2, True).arguments(torch.float32)
    kept, plain = [layer.forward(NUMBER["LSTM"], *given, record) for record in (True, False)]
    assert all(map(torch.equal, kept[:3], plain[:3]))
    assert plain[3:] == (None, None)


def test_a_gpu_whose_processors_hold_less(monkeypatch):
    class Full:
        def __getitem__(self, grid):
            raise layer.triton.runtime.errors.OutOfResources(2, 1, "shared memory")

    monkeypatch.setattr(layer.fused, "forward", Full())
    monkeypatch.setattr(layer.fused, "backward", Full())
    check(Problem.of("RNN_TANH", 2, 2, 3, 5, 1, True), torch.float32)


class Counted:
    def __init__(self):
        self.calls: list[str] = []

    def forward(self, *given, **named):
        self.calls.append("forward")
        return layer.forward(*given, **named)

    def backward(self, *given):
        self.calls.append("backward")
        return layer.backward(*given)


@pytest.fixture
def counted(monkeypatch):
    """Layers go where those on a GPU do; what they call there is counted."""
    counted = Counted()
    monkeypatch.setattr(kernels, "of", lambda _x: counted)
    if DEVICE == "cpu":
        monkeypatch.setattr(gate, "_GPUS", ("cuda", "cpu"))
        monkeypatch.setattr(gate, "has_triton", lambda _device: True)
        monkeypatch.setattr(gate, "plain", lambda _tensors: False)
        monkeypatch.setattr(gate, "alike", lambda _tensors: False)
    return counted


def made(kind: str, **options):
    torch.manual_seed(5)
    return getattr(carrousel, kind)(3, 4, **options).to(DEVICE), torch.randn(4, 2, 3, device=DEVICE)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_a_trace_is_recorded_by_the_kernels(counted, kind):
    module, x = made(kind, bidirectional=True)
    expected, entries = by_hand(module, x)
    expected.square().sum().backward()
    wanted = [p.grad.clone() for p in module.parameters()]
    module.zero_grad()
    with carrousel.trace(module) as trace:
        y = module(x)[0]
        y.square().sum().backward()
    assert counted.calls == ["forward", "backward"]
    record = trace[""]
    assert torch.allclose(y, expected, atol=1e-5)
    hidden = torch.stack([torch.stack(entry["hidden"]) for entry in entries])
    assert torch.allclose(record.hidden, hidden, atol=1e-5)
    totals = torch.stack([torch.stack([h.grad for h in entry["hidden"]]) for entry in entries])
    assert torch.allclose(record.grad_hidden, totals, atol=1e-4)
    for parameter, gradient in zip(module.parameters(), wanted, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-4)


def test_an_untraced_layer_stays_torchs(counted):
    module, x = made("LSTM")
    assert torch.allclose(module(x)[0], nn.LSTM.forward(module, x)[0])
    assert counted.calls == []


def test_states_are_handed_out_with_gradients(counted):
    module, x = made("GRU")
    x.requires_grad_()
    _, entries = by_hand(module, x)
    expected = torch.stack(entries[0]["hidden"]).sum()
    expected = expected + torch.stack([g["update"] for g in entries[0]["gates"]]).square().sum()
    (wanted,) = torch.autograd.grad(expected, x)
    states = module(x, return_states=True)[2]
    (states.hidden.sum() + states.gates["update"].square().sum()).backward()
    assert torch.allclose(x.grad, wanted, atol=1e-5)
    assert counted.calls == ["forward", "backward"]


def test_layer_normalization_needs_no_trace(counted):
    module, x = made("LSTM", layer_norm=True)
    y = module(x)[0]
    assert counted.calls == ["forward"]
    y.sum().backward()
    assert counted.calls == ["forward", "backward"]


def test_a_change_by_hand_runs_the_kernels_up_to_it_and_behind(counted, monkeypatch):
    module, x = made("LSTM")
    found = {}
    for name, there in (("kernels", True), ("equations", False)):
        monkeypatch.setattr(gate, "has_triton", lambda _device, there=there: there)
        with carrousel.intervene(module) as change:
            change.set("forget", 1.0, steps=[1])
            found[name] = module(x)[0]
    assert torch.allclose(found["kernels"], found["equations"], atol=1e-6)
    assert counted.calls == ["forward"] * 2


def test_an_output_changed_in_place_and_a_second_derivative(counted, monkeypatch):
    use("alternating", monkeypatch)
    module, x = made("LSTM")
    x = x[:2]
    x.requires_grad_()
    with carrousel.trace(module):
        y = module(x)[0]
        wanted = torch.autograd.grad(y.square().sum(), x, create_graph=True)[0]
        wanted.sum().backward()
        second = x.grad.clone()
        changed = module(x)[0]
        doubled = changed.mul_(2).square().sum()
        weighted = torch.autograd.grad(doubled, x, create_graph=True)[0]
        again = torch.autograd.grad(module(x)[0].mul_(2).square().sum(), x)[0]
    assert torch.allclose(weighted, 4 * wanted, atol=1e-5)
    assert torch.allclose(again, 4 * wanted, atol=1e-5)
    assert second.abs().max() > 0
    assert counted.calls[-1] == "backward"


def test_where_triton_is_not_the_equations_run(counted, monkeypatch):
    monkeypatch.setattr(gate, "has_triton", lambda _device: False)
    module, x = made("LSTM")
    with carrousel.trace(module) as trace:
        module(x)
    assert counted.calls == []
    assert trace[""].hidden.shape == (1, 4, 2, 4)


def test_whether_there_is_triton(monkeypatch):
    device = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 6))
    for version, spec, there in (
        ("13.0", "triton", True),
        ("13.0", None, False),
        (None, "", False),
    ):
        monkeypatch.setattr(torch.version, "cuda", version)
        monkeypatch.setattr(gate, "find_spec", lambda _name, spec=spec: spec)
        gate.has_triton.cache_clear()
        assert gate.has_triton(device) is there
    gate.has_triton.cache_clear()
