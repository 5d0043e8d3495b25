"""Products of bfloat16, beside the same layers in float64."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.nn.twins import CELLS, difference, every_cell, leaves, noise, states
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.ops import gate

cpu = pytest.importorskip("carrousel.ops.cpu")
HALF = {"avx512_bf16", "avx512_amx"}  # elsewhere products are float32
HERE = cpu.isa() in HALF
SIZES = [(5, 33, 7, 100), (3, 70, 65, 64), (130, 1, 3, 130), (64, 2, 9, 257), (4, 17, 1, 96)]
LIMIT = dict.fromkeys(CELLS, 0.02) | {"relu RNN": 0.15}  # whose derivative is 0 or 1 beside 0
SMALL = [(1, 1, 1, 1), (3, 2, 5, 17)]


def pair(cell: str, *sizes: int, **options: object) -> tuple[nn.Module, nn.Module]:
    """The same layer with products of bfloat16 and of float64."""
    name, own = CELLS[cell]
    torch.manual_seed(0)
    half = getattr(carrousel, name)(*sizes, **own, **options, precision="bf16")
    double = getattr(carrousel, name)(*sizes, **own, **options).double()
    double.load_state_dict(half.state_dict())
    return half, double


def trained(layer: nn.Module, x: object, hx: object, dy: Tensor) -> dict[str, Tensor]:
    """Outputs, and the gradients of everything."""
    data = x.data if hasattr(x, "batch_sizes") else x
    data = data.clone().requires_grad_()
    hx = tuple(h.clone().requires_grad_() for h in (hx if isinstance(hx, tuple) else (hx,)))
    given = x._replace(data=data) if hasattr(x, "batch_sizes") else data
    y, after = layer(given, hx if len(hx) == 2 else hx[0])
    y = leaves(y)[0]
    (y * dy).sum().backward()
    found = {"y": y, "dx": data.grad, **{f"after {k}": t for k, t in enumerate(leaves(after))}}
    found |= {f"dh {k}": h.grad for k, h in enumerate(hx)}
    found |= {f"d{name}": w.grad for name, w in layer.named_parameters()}
    return {name: t.detach().double() for name, t in found.items()}


def in_double(given: object) -> object:
    return tuple(t.double() for t in given) if isinstance(given, tuple) else given.double()


def python(code: str, isa: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True,
        env=os.environ | {"CARROUSEL_ISA": isa},
    )  # fmt: skip


def check_near_float64(cells=tuple(CELLS), sizes=SIZES) -> None:
    """Output and every gradient, within what rounding to 8 bits explains, in quadratic mean."""
    for cell in cells:
        for steps, batch, inputs, hidden in sizes:
            half, double = pair(cell, inputs, hidden)
            x, hx = noise(steps, batch, inputs), states(half, batch)
            dy = noise(steps, batch, hidden, seed=3)
            found = trained(half, x, hx, dy)
            wanted = trained(double, x.double(), in_double(hx), dy)
            for name, one in found.items():
                off = ((one - wanted[name]).norm() / wanted[name].norm().clamp_min(1e-30)).item()
                assert off < LIMIT[cell], (steps, batch, inputs, hidden, name, off)


def check_threads() -> None:
    for cell in CELLS:
        for steps, batch, inputs, hidden in [(70, 1, 5, 300), (9, 40, 30, 80), (6, 33, 4, 129)]:
            half, _ = pair(cell, inputs, hidden, bidirectional=True)
            lengths = torch.tensor([1 + (steps - 1) * (i % 4) // 3 for i in range(batch)])
            lengths[0] = steps
            x = noise(steps, batch, inputs)
            packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
            for given in (x, packed):
                dy = torch.ones(1)
                results = []
                for threads in (1, 2, 3):
                    torch.set_num_threads(threads)
                    half.zero_grad()
                    results.append(trained(half, given, states(half, batch), dy))
                for other in results[1:]:
                    for name, one in results[0].items():
                        assert torch.equal(one, other[name]), (cell, hidden, name)


@pytest.mark.skipif(not HERE, reason="this processor multiplies no bfloat16")
def test_output_and_gradients_are_near_float64() -> None:
    check_near_float64()


@every_cell
def test_it_is_rounded_where_it_is_said_to_be(cell: str) -> None:
    """In everything that a training step gives, and only where there are such products."""
    half, double = pair(cell, 9, 80)
    x, hx, dy = noise(20, 9, 9), states(half, 9), noise(20, 9, 80, seed=3)
    found = trained(half, x, hx, dy)
    wanted = trained(double, x.double(), in_double(hx), dy)
    for name, one in found.items():
        off = ((one - wanted[name]).norm() / wanted[name].norm()).item()
        assert (off > 1e-4) is HERE, (name, off)


@pytest.mark.usefixtures("threads")
@pytest.mark.skipif(not HERE, reason="this processor multiplies no bfloat16")
def test_one_two_and_three_threads() -> None:
    check_threads()


@pytest.mark.parametrize("isa", sorted(HALF & {*cpu.available_isas()} - {cpu.isa()}))
def test_the_other_instructions_that_this_processor_has(isa: str) -> None:
    done = python(
        "from tests.nn.test_precision import *; check_near_float64(); check_threads()", isa
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not HERE, reason="this processor multiplies no bfloat16")
@every_cell
def test_a_row_is_the_same_whatever_rows_are_beside_it(cell: str) -> None:
    """Forward and backward, among others that are no numbers."""
    for batch in (3, 5, 17, 70):
        half, _ = pair(cell, 9, 80)
        lone, crowd = noise(40, batch, 9), noise(40, batch, 9, seed=4)
        kept = [0, batch // 2, batch - 1]
        crowd[:, [b for b in range(batch) if b not in kept]] = torch.nan
        crowd[:, kept] = lone[:, kept]
        hx, dy = states(half, batch), noise(40, batch, 80, seed=3)
        one, other = trained(half, lone, hx, dy), trained(half, crowd, hx, dy)
        for name in ("y", "dx"):
            assert torch.equal(one[name][:, kept], other[name][:, kept]), (batch, name)


@every_cell
def test_packed_rows_are_those_of_the_padded_batch(cell: str) -> None:
    half, _ = pair(cell, 5, 70, num_layers=2)
    lengths = torch.tensor([29, 90, 57])
    x, hx = noise(90, 3, 5), states(half, 3)
    y, _ = half(pack_padded_sequence(x, lengths, enforce_sorted=False), hx)
    y, _ = nn.utils.rnn.pad_packed_sequence(y)
    whole, _ = half(x, hx)
    for b, n in enumerate(lengths.tolist()):
        assert torch.equal(y[:n, b], whole[:n, b])


def test_without_such_products_it_is_float32() -> None:
    """On any other instruction set, of which one is as good as another: no kernel is there."""
    code = """
import torch, carrousel
torch.manual_seed(0)
for name in ("LSTM", "GRU", "RNN"):
    half = getattr(carrousel, name)(9, 80, precision="bf16")
    plain = getattr(carrousel, name)(9, 80)
    plain.load_state_dict(half.state_dict())
    x = torch.randn(20, 9, 9)
    results = []
    for layer in (half, plain):
        y = layer(x)[0]
        y.square().sum().backward()
        results.append([y, *(w.grad for w in layer.parameters())])
    assert all(map(torch.equal, *results))
"""
    done = python(code, "baseline")
    assert done.returncode == 0, done.stderr


@every_cell
def test_small_layers_and_float64_are_as_without(cell: str) -> None:
    check_near_float64((cell,), SMALL)
    half, double = pair(cell, 5, 80)
    x = noise(30, 4, 5, dtype=torch.float64)
    assert torch.equal(half.double()(x)[0], double(x)[0])


@every_cell
def test_a_trace_and_states_are_those_of_the_call(cell: str) -> None:
    half, _ = pair(cell, 5, 80)
    x = noise(20, 4, 5)
    y, _ = half(x)
    with carrousel.trace(half) as trace:
        traced, _ = half(x)
    shown, _, inside = half(x, return_states=True)
    assert torch.equal(traced, y)
    assert torch.equal(shown, y)
    assert torch.equal(inside.hidden[0], y)
    assert trace[0].hidden.dtype == "float32" or trace[0].hidden.dtype is torch.float32


@every_cell
def test_second_derivatives_are_those_of_the_equations(cell: str) -> None:
    half, double = pair(cell, 3, 64)
    found = []
    for layer, dtype in ((half, torch.float32), (double, torch.float64)):
        x = noise(16, 4, 3, dtype=dtype).requires_grad_()
        (dx,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
        found.append(torch.autograd.grad(dx.square().sum(), x)[0])
    assert difference(found[0].double(), found[1]) < 0.03


@every_cell
@pytest.mark.parametrize("given", [False, True], ids=["no state", "a state"])
def test_autocast_runs_the_kernels_and_gives_torchs_dtypes(
    cell: str, given: bool, monkeypatch
) -> None:
    name, own = CELLS[cell]
    layer = getattr(carrousel, name)(5, 80, **own)
    half, _ = pair(cell, 5, 80)
    half.load_state_dict(layer.state_dict())
    theirs = getattr(nn, name)(5, 80, **own)
    x, hx = noise(20, 4, 5), states(layer, 4) if given else None
    ways = []
    find = gate.way
    monkeypatch.setattr(gate, "way", lambda tensors: ways.append(find(tensors)) or ways[-1])
    with torch.autocast("cpu", torch.bfloat16):
        found = leaves(layer(x, hx))
        try:
            wanted = [t.dtype for t in leaves(theirs(x, hx))]
        except RuntimeError as error:  # a processor without what oneDNN's LSTM takes
            if "could not create a primitive" not in str(error):
                raise
            wanted = [torch.bfloat16] * 3
    assert ways == [gate.KERNELS]
    assert [t.dtype for t in found] == wanted
    exact = leaves(half(x, hx))
    assert all(torch.equal(a, b.to(a.dtype)) for a, b in zip(found, exact, strict=True))


def test_autocast_trains_and_streams() -> None:
    layer = carrousel.LSTM(6, 70, num_layers=2, dropout=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        y, state = layer(noise(12, 9, 6).bfloat16())
        y, state = layer(noise(1, 9, 6), state)
        y.float().square().sum().backward()
    assert y.dtype is state[0].dtype
    assert all(w.grad is not None and w.grad.dtype is torch.float32 for w in layer.parameters())


def test_what_is_no_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision must be one of"):
        carrousel.GRU(2, 3, precision="half")
    with pytest.raises(ValueError, match="layer_norm=True"):
        carrousel.GRU(2, 3, precision="bf16", layer_norm=True)
    assert "precision=bf16" in repr(carrousel.GRU(2, 3, precision="bf16"))
    assert "precision" not in repr(carrousel.GRU(2, 3))
