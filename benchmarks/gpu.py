"""Layers on a GPU: our kernels in Triton, with and without a trace, beside torch's cuDNN.

    python -m benchmarks.gpu                   # at most six minutes; needs a CUDA device
    python -m benchmarks.gpu --check-only      # no timing; without a device, interpreted on the CPU
    python -m benchmarks.gpu --seconds 600     # all sizes, if six minutes were too few

First every cell is compared with the CPU's kernels in float64; a difference ends the run with exit
code 1. Without a device nothing can be timed: exit code 2. A time is one forward and one backward
pass, the median of seven that alternate. Rows that the time does not reach are counted.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from benchmarks._grid import geometric_mean

import carrousel
from carrousel.ops import cpu, gate, recurrence
from carrousel.ops import layer as door
from carrousel.ops.cells import BY_MODE, MODES, NUMBER
from carrousel.ops.reference.recurrences import slstm_step
from carrousel.ops.rules import RULES, SLSTM

TOLERANCE = {"float32": 1e-4, "tf32": 2e-2, "bfloat16": 6e-2}  # of the largest of all entries
DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}
# steps, sequences, inputs, units, directions: resident weights, and a product for each step
CHECKED = [(9, 33, 5, 17, 2), (7, 20, 8, 64, 1), (5, 40, 16, 128, 1), (4, 19, 9, 300, 1)]
INTERPRETED = [(2, 3, 2, 5, 1)]
NEWER = RULES[:6]  # cells that torch lacks
UNITS, BATCHES, STEPS = (64, 128, 256, 512, 1024), (16, 64, 512), 100
RESERVE = 30.0  # s, within which no new row is begun


class Row(NamedTuple):
    """One line of the table, seconds."""

    label: str
    units: int
    cudnn: float
    plain: float
    traced: float

    @property
    def ratio(self) -> float:
        return self.cudnn / self.traced


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check-only", action="store_true")
    parser.add_argument("--seconds", type=float, default=330.0)
    given = parser.parse_args(arguments)
    end = time.monotonic() + given.seconds
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        if not given.check_only:
            print("no CUDA device is here: nothing was timed (--check-only interprets the kernels)")
            return 2
        os.environ.setdefault("TRITON_INTERPRET", "1")  # before Triton is imported
    if not all(list(checks(device))):
        return 1
    if not given.check_only:
        print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}")
        report(list(rows(end)))
        normalized(end)
        exponential(end)
    return 0


def checks(device: str) -> Iterator[bool]:
    """Of each cell, size and precision whether it is right, said in a line."""
    # The interpreter multiplies no bfloat16.
    names = TOLERANCE if device == "cuda" else ("float32",)
    sizes = CHECKED if device == "cuda" else INTERPRETED
    for mode, size, name in product([*MODES, *NEWER], sizes, names):
        newer = not isinstance(mode, str)
        with multiplied(name):
            differ = difference_of_rule if newer else difference
            found = differ(mode, size, DTYPES[name], device)
        right = found < TOLERANCE[name]
        label = f"{mode.cell.modes[0]} {mode.number}" if newer else mode
        print(f"{'right' if right else 'WRONG'}  {label:10} {name:9} {size}  {found:.1e}")
        yield right


class multiplied:
    """float32 products on the GPU, ours and cuDNN's, as they are or rounded to TF32."""

    def __init__(self, name: str) -> None:
        self.how = "tf32" if name == "tf32" else "ieee"

    def __enter__(self) -> None:
        self.places = torch.backends.cuda.matmul, torch.backends.cudnn.rnn
        self.before = [place.fp32_precision for place in self.places]
        for place in self.places:
            place.fp32_precision = self.how

    def __exit__(self, *_error: object) -> None:
        for place, how in zip(self.places, self.before, strict=True):
            place.fp32_precision = how


def difference(mode: str, size: tuple, dtype: torch.dtype, device: str) -> float:
    """The largest difference of outputs, record and gradients, relative to the largest entry."""
    from carrousel.ops.gpu import layer

    given = drawn(mode, *size)
    there = [on(t, device, dtype) for t in given]
    expected, got = passed(cpu, mode, given), passed(layer, mode, there)
    worst = 0.0
    for pairs in zip(expected, got, strict=True):
        largest = max(one.abs().max().item() for one in pairs[0])
        for one, other in zip(*pairs, strict=True):
            worst = max(worst, (other.double().cpu() - one).abs().max().item() / largest)
    return worst


def difference_of_rule(rule, size: tuple, dtype: torch.dtype, device: str) -> float:
    """The same of the recurrent part of a cell that torch lacks, one direction."""
    from carrousel.ops.gpu import recurrence as gpu

    steps, batch, _, units, _ = size
    draw = torch.Generator().manual_seed(1)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    weight = random(1, rule.gates, units, units) / units**0.5 if rule.product else None
    start = random(rule.states, batch, units).abs()
    given = [random(steps * batch, rule.gates * units), start, weight, None, None]
    call, worst = recurrence.Call(rule, None), 0.0
    expected, got = [], []
    for module, own, found in ((recurrence, given, expected), (gpu, None, got)):
        own = [None if t is None else t.to(device, dtype) for t in given] if own is None else own
        with torch.no_grad():
            y, last, saved, states = module.forward(call, own, True)
            grads = torch.ones_like(y), torch.ones_like(last)
            needs = (True, True, rule.product, False, False)
            back = module.backward(call, own, (y, saved, states), grads, needs, None)
        found += [t for t in (y, last, *back) if t is not None]
    for one, other in zip(expected, got, strict=True):
        off = (other.double().cpu() - one).abs().max().item()
        worst = max(worst, off / one.abs().max().item())
    return worst


def on(given, device: str, dtype: torch.dtype):
    if isinstance(given, list):
        return [on(one, device, dtype) for one in given]
    return given.to(device, dtype) if isinstance(given, Tensor) else given


def drawn(mode: str, steps: int, batch: int, inputs: int, units: int, directions: int) -> list:
    """x, offsets, h0, c0, weights in float64, as small as a layer's are at its start."""
    cell, draw = BY_MODE[mode], torch.Generator().manual_seed(1)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    wide = cell.blocks * units
    shapes: list[tuple[int, ...]] = [(wide, inputs), (wide, units), (wide,), (wide,)]
    if cell.norm_rows(mode):
        shapes.append((cell.norm_rows(mode) * units,))
    weights = [random(*shape) / units**0.5 for _ in range(directions) for shape in shapes]
    h0 = random(directions, batch, units)
    c0 = random(directions, batch, units) if cell.has_cell else None
    return [random(steps, batch, inputs), None, h0, c0, weights]


def passed(module, mode: str, given: list) -> tuple[list[Tensor], list[Tensor]]:
    """What forward and backward leave, for a loss of all outputs' sum."""
    with torch.no_grad():
        out = module.forward(NUMBER[mode], *given, True)
        grads = tuple([None if t is None else torch.ones_like(t) for t in out[:3]])
        back = module.backward(NUMBER[mode], *given, (out[0], *out[3:]), grads, True, True, [])
    return [t for t in out if t is not None], [t for t in (*back[:3], *back[3]) if t is not None]


def rows(end: float) -> Iterator[Row]:
    """Each size in each precision, until the time is up."""
    left = list(product(("bfloat16", "tf32", "float32"), UNITS, BATCHES, ("LSTM",)))
    left += list(product(("bfloat16", "tf32"), (128, 512), (64,), ("GRU", "RNN")))
    while left and time.monotonic() < end - RESERVE:
        name, units, batch, kind = left.pop(0)
        with multiplied(name):
            yield timed(kind, name, units, batch)
    if left:
        print(f"{len(left)} rows were not reached: give more --seconds")


def timed(kind: str, name: str, units: int, batch: int) -> Row:
    dtype = DTYPES[name]
    torch.manual_seed(0)
    theirs = getattr(nn, kind)(units, units).to("cuda", dtype)
    ours = getattr(carrousel, kind)(units, units).to("cuda", dtype)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(STEPS, batch, units, device="cuda", dtype=dtype, requires_grad=True)
    gradient = torch.randn_like(x)
    states = [x.new_zeros(1, batch, units) for _ in range(2 if kind == "LSTM" else 1)]

    def cudnn() -> None:
        theirs(x)[0].backward(gradient)

    def plain() -> None:
        h0, c0 = (*states, None)[:2]
        door.run(ours.mode, x, None, h0, c0, list(ours.parameters()), gate.TRITON)[0].backward(
            gradient
        )

    def traced() -> None:
        with carrousel.trace(ours):
            ours(x)[0].backward(gradient)

    seconds = alternating([cudnn, plain, traced])
    return Row(f"{kind} {name} H {units}, B {batch}", units, *seconds)


def alternating(calls: list[Callable[[], None]], rounds: int = 7) -> list[float]:
    """Median seconds of each, by the device's own clock."""
    for call in calls * 2:  # compilation
        call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, found in zip(calls, times, strict=True):
            start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda.synchronize()
            start.record()
            call()
            stop.record()
            torch.cuda.synchronize()
            found.append(start.elapsed_time(stop) / 1000)
    return [statistics.median(found) for found in times]


def report(found: list[Row]) -> None:
    print(f"\n| training, T {STEPS} | cuDNN, ms | ours | ours, traced | cuDNN / traced |")
    print("|---|---|---|---|---|")
    for row in found:
        times = " | ".join(f"{1000 * t:.3f}" for t in (row.cudnn, row.plain, row.traced))
        print(f"| {row.label} | {times} | {row.ratio:.2f} |")
    for words, held, bar in (
        ("H >= 256", [r for r in found if r.units >= 256], 1 / 1.3),
        ("H <= 128", [r for r in found if r.units <= 128], 1.0),
    ):
        if held:
            ratios = [row.ratio for row in held]
            mean, worst = geometric_mean(ratios), min(ratios)
            print(f"{words}, traced: {mean:.2f} mean, {worst:.2f} worst; bar {bar:.2f}")


def normalized(end: float) -> None:
    """The LSTM with layer normalization, beside one step of it under torch.compile in a loop."""
    if time.monotonic() > end - RESERVE:
        print("layer normalization was not reached: give more --seconds")
        return
    ours = carrousel.LSTM(128, 128, layer_norm=True).to("cuda")
    cell = torch.compile(step)
    x = torch.randn(STEPS, 64, 128, device="cuda", requires_grad=True)
    weights = list(ours.parameters())

    def looped() -> None:
        h = c = x.new_zeros(64, 128)
        outputs = []
        for x_t in x:
            h, c = cell(x_t, h, c, *weights)
            outputs.append(h)
        torch.stack(outputs).sum().backward()

    compiled, kernels = alternating([looped, lambda: ours(x)[0].sum().backward()])
    print(f"layer-norm LSTM, H 128, B 64: {compiled / kernels:.1f} of torch.compile's loop; bar 5")


def exponential(end: float) -> None:
    """The sLSTM, beside one step of it under torch.compile in a loop."""
    if time.monotonic() > end - RESERVE:
        print("the sLSTM was not reached: give more --seconds")
        return
    ours = carrousel.SLSTM(128, 128, num_heads=2).to("cuda")
    x = torch.randn(STEPS, 64, 128, device="cuda", requires_grad=True)
    weight_hh = ours.weight_hh_l0.detach().clone().requires_grad_()

    @torch.compile
    def cell(sums, states, weight):
        heads = weight.unflatten(0, (4, 2, -1))  # (G, heads, D, D)
        h = torch.einsum("bkv,gkuv->bgku", states[0].unflatten(-1, (2, -1)), heads).flatten(1)
        return slstm_step(SLSTM, sums, h, states)[0]

    def looped() -> None:
        states, outputs = [x.new_zeros(64, 128)] * 4, []
        for sums in nn.functional.linear(x, ours.weight_ih_l0, ours.bias_l0):
            states = cell(sums, states, weight_hh)
            outputs.append(states[0])
        torch.stack(outputs).sum().backward()

    compiled, kernels = alternating([looped, lambda: ours(x)[0].sum().backward()])
    print(f"sLSTM, H 128, 2 heads, B 64: {compiled / kernels:.1f} of torch.compile's loop; bar 5")


def step(x, h, c, w_ih, w_hh, b_ih, b_hh, gain_ih, gain_hh, gain_c, bias_c):
    norm = nn.functional.layer_norm
    sums = norm(x @ w_ih.T, gain_ih.shape, gain_ih, b_ih)
    sums = sums + norm(h @ w_hh.T, gain_hh.shape, gain_hh, b_hh)
    i, f, g, o = sums.chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * norm(c, gain_c.shape, gain_c, bias_c).tanh(), c


if __name__ == "__main__":
    sys.exit(main())
