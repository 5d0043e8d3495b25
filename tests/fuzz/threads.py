"""One thread against two and three, bit for bit, over random shapes: layers, windows and the loss.

    python -m tests.fuzz.threads --seconds 60 --seed 1     # CARROUSEL_ISA chooses the kernels
    python -m tests.fuzz.threads --cases 100

Sizes are small, so that there are many, and large enough for the work to be shared in every way
that there is: by rows, by units, by parts of the batch.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from carrousel.forecast.network.distribution import QUANTILES
from carrousel.forecast.network.loss import training_loss
from carrousel.forecast.network.network import Network, targets
from carrousel.forecast.network.shape import Shape
from carrousel.forecast.network.windows import Windows
from carrousel.ops import cpu, recurrence
from carrousel.ops.cells import LSTM, SLSTM
from carrousel.ops.noise import Noise
from carrousel.ops.recurrence import Call
from carrousel.ops.rules import RULES
from carrousel.ops.tape import Run

THREADS = (1, 2, 3)
TIMES = 2  # that each number of threads is tried: a race is not lost every time
MOST_WORK = 12_000_000  # multiplications in a case
Named = dict[str, Tensor | None]


@dataclass(frozen=True)
class Case:
    """One layer on one batch."""

    mode: int
    sizes: tuple[int, ...]  # rows of each step
    packed: bool
    inputs: int
    hidden: int
    directions: int
    bias: bool
    dtype: torch.dtype
    seed: int


def draw_case(draw: random.Random) -> Case:
    """A case whose work is worth sharing, more often than not, and never long."""
    mode = draw.randrange(len(cpu.MODES))
    batch = draw.choice([1, 2, draw.randint(3, 16), draw.randint(3, 16), draw.randint(1, 80)])
    inputs = draw.choice([1, draw.randint(2, 20), draw.randint(2, 20), draw.randint(1, 200)])
    hidden = draw.choice([draw.randint(1, 40), draw.randint(30, 130), draw.randint(1, 330)])
    gates = cpu.GATES[mode]
    longest = MOST_WORK // (batch * gates * hidden * (inputs + hidden)) + 1
    steps = min(draw.choice([1, draw.randint(2, 30), 60, draw.randint(60, 120), 200]), longest)
    packed = draw.random() < 0.6
    lengths = [draw.randint(1, steps) if packed else steps for _ in range(batch)]
    lengths[0] = steps
    sizes = tuple(sum(length > t for length in lengths) for t in range(steps))
    return Case(
        mode, sizes, packed, inputs, hidden, draw.choice([1, 1, 2]), draw.random() < 0.8,
        draw.choice([torch.float32, torch.float32, torch.float64]), draw.randrange(1 << 30),
    )  # fmt: skip


def layer(case: Case) -> Iterator[Named]:
    """What forward and backward give with each number of threads, tried again and again."""
    noise = torch.Generator().manual_seed(case.seed)

    def fill(*shape: int) -> Tensor:
        return torch.randn(shape, generator=noise, dtype=torch.float64).to(case.dtype)

    batch, rows, wide = case.sizes[0], sum(case.sizes), cpu.GATES[case.mode] * case.hidden
    lead = (rows,) if case.packed else (len(case.sizes), batch)
    x, dy = fill(*lead, case.inputs), fill(*lead, case.directions * case.hidden)
    offsets = torch.tensor([0, *case.sizes]).cumsum(0) if case.packed else None
    state = (case.directions, batch, case.hidden)
    h0, c0 = fill(*state), fill(*state) if cpu.HAS_CELL[case.mode] else None
    small = case.hidden**-0.5
    weights = []
    for _ in range(case.directions):
        weights += [fill(wide, case.inputs) * small, fill(wide, case.hidden) * small]
        weights += [fill(wide), fill(wide)] if case.bias else []
        norm = cpu.NORM[case.mode] * case.hidden
        weights += [fill(norm)] if norm else []
    given: Any = (case.mode, x, offsets, h0, c0, weights)
    grads = (dy, fill(*state), None if c0 is None else fill(*state))
    for threads in THREADS:
        for _ in range(TIMES):
            torch.set_num_threads(threads)
            yield results(given, grads)


def results(given: Any, grads: Any) -> Named:
    """Everything that the kernels write, by name, with and without a record."""
    seen: Named = {}
    for record in (False, True):
        names = ("y", "h_n", "c_n", "saved", "cells")
        out = cpu.forward(*given, record)
        seen |= {f"{name}, record={record}": t for name, t in zip(names, out, strict=True)}
    y, _, _, saved, cells = out
    for watched in (False, True):
        runs: list[Any] = [empty_run() for _ in range(len(given[3]))] if watched else []
        out = cpu.backward(*given, (y, saved, cells), grads, watched, True, runs)
        seen |= {
            f"{name}, {watched}": t for name, t in zip(("dx", "dh0", "dc0"), out, strict=False)
        }
        seen |= {f"dweight {k}, {watched}": t for k, t in enumerate(out[3])}
        for d, run in enumerate(runs):
            seen |= {f"total dh {d}": run.grad_hidden, f"total dc {d}": run.grad_cell}
    return seen


def recurrent(seed: int) -> Iterator[Named]:
    """A random rule on random sums, and the product behind its weights' gradient."""
    draw, noise = random.Random(seed), torch.Generator().manual_seed(seed)
    rule, heads = draw.choice(RULES), draw.choice([1, 1, 2, 3, 5])
    heads = heads if rule.cell is SLSTM else 1
    batch, steps = draw.choice([1, 2, 7, draw.randint(1, 70)]), draw.randint(1, 40)
    hidden = heads * draw.randint(1, draw.choice([8, 40, 130]) // heads + 1)
    lengths = sorted((draw.randint(1, steps) for _ in range(batch)), reverse=True)
    if draw.random() < 0.5:
        lengths = [steps] * batch
    sizes = tuple(sum(length > t for length in lengths) for t in range(lengths[0]))
    offsets = torch.tensor([0, *sizes]).cumsum(0) if min(lengths) < max(lengths) else None
    rows, dtype = sum(sizes), draw.choice([torch.float32, torch.float64])

    def fill(*shape: int) -> Tensor:
        return torch.randn(shape, generator=noise, dtype=torch.float64).to(dtype)

    size = hidden // heads
    start = fill(rule.states, batch, hidden).abs() / 2
    given: Any = [fill(rows, rule.gates * hidden), start, None, None, None]
    between = None
    if rule.product:
        given[2] = fill(heads, rule.gates, size, size) * size**-0.5
        between = random_noise(draw, fill, batch, rows, hidden) if rule.cell is not SLSTM else None
    if rule.cell is LSTM and draw.random() < 0.5:
        given[4] = fill((rule.gates - 1) * hidden)
    call = Call(rule, offsets, heads, draw.random() < 0.5, between)
    grads = (fill(rows, hidden), fill(*start.shape))
    for threads in THREADS:
        for _ in range(TIMES):
            torch.set_num_threads(threads)
            plain = recurrence.forward(call, given, False)
            y, last, saved, states = recurrence.forward(call, given, True)
            needs, run = (True,) * 5, empty_run()
            back = recurrence.backward(call, given, (y, saved, states), grads, needs, run)
            seen: Named = {f"forward {k}": t for k, t in enumerate((*plain[:2], y, last, saved))}
            seen |= {f"backward {k}": t for k, t in enumerate(back)}
            yield seen | {"total dh": run.grad_hidden, "total dc": run.grad_cell}


def random_noise(draw: random.Random, fill: Any, batch: int, rows: int, hidden: int) -> Noise:
    """Recurrent dropout and zoneout, each there or not."""
    read = (fill(batch, hidden) > 0).to(fill(1).dtype) if draw.random() < 0.5 else None
    shares = [
        draw.choice([0.0, 0.3, (fill(rows, hidden) > 0.5).to(fill(1).dtype)]) for _ in range(2)
    ]
    return Noise(read, *shares)


def empty_run() -> Run:
    """A run that takes the gradients of states."""
    nothing = torch.empty(0)
    return Run("", False, nothing, nothing, None, {}, nothing, None)


def forecaster(seed: int) -> Iterator[Named]:
    """What a forecaster's windows, loss and quantiles are with each number of threads."""
    draw, noise = random.Random(seed), torch.Generator().manual_seed(seed)
    step, steps, h = draw.randint(1, 12), draw.randint(1, 40), draw.randint(1, 30)
    seasons = tuple(sorted({draw.randint(1, step * steps) for _ in range(draw.randint(1, 3))}))
    network = Network(Shape(h, "gru", step, steps, seasons, 4, 1))
    series = draw.randint(1, 60)
    lengths = torch.randint(1, 2 * step * steps + 2, (series,), generator=noise)
    stop = lengths.cumsum(0)
    y = torch.randn(int(stop[-1]), generator=noise).cumsum(0) + 100
    y[torch.rand(len(y), generator=noise) < 0.1] = torch.nan
    windows = Windows(y, stop - lengths, stop, step * steps, h)
    batch = draw.randint(1, 300)
    which = torch.randint(series, (batch,), generator=noise)
    end = windows.start[which] + (torch.rand(batch, generator=noise) * lengths[which]).long()
    for threads in THREADS:
        for _ in range(TIMES):
            torch.set_num_threads(threads)
            yield forecasts(network, *windows.gather(which, end), seed)


def forecasts(network: Network, window: Tensor, offset: Tensor, seed: int) -> Named:
    """Windows as the network sees them, and the loss of random outputs with its derivative."""
    noise = torch.Generator().manual_seed(seed)
    history = window[:, : network.shape.history]
    seen = network.encode(history, offset=offset)
    columns = network.head.out_features
    out = torch.randn(*seen.features.shape[:2], columns, generator=noise).requires_grad_()
    goal = targets(window, network.shape)
    loss = training_loss(out * 1, seen.anchors, seen.scaled, goal)
    loss.backward()
    last = network.encode(history, last=True, offset=offset)
    total = torch.zeros(len(window), network.shape.h, len(QUANTILES), dtype=torch.float64)
    network.add_quantiles(last, total)
    named = {
        "window": window,
        "offset": offset,
        "features": seen.features,
        "anchors": seen.anchors,
        "loss": loss,
    }
    return {**named, **vars(seen.scaled), "gradient": out.grad, "quantiles": total}


def difference(tries: Iterator[Named]) -> str | None:
    """The first thing in which a try differs from the first one."""
    first = next(tries)
    for number, other in enumerate(tries, 1):
        for name, one in first.items():
            if not same(one, other[name]):
                return f"{name} with {THREADS[number // TIMES]} threads"
    return None


def same(a: Tensor | None, b: Tensor | None) -> bool:
    """Equal, bit for bit but for the kind of NaN."""
    if a is None or b is None:
        return a is b
    return torch.equal(a, b) or bool(((a == b) | (a.isnan() & b.isnan())).all())


def compare(draw: random.Random) -> str | None:
    """One random case; a sentence if threads change it."""
    if draw.random() < 0.3:
        seed = draw.randrange(1 << 30)
        found, what = difference(recurrent(seed)), f"recurrent {seed}"
    elif draw.random() < 0.15:
        seed = draw.randrange(1 << 30)
        found, what = difference(forecaster(seed)), f"forecaster {seed}"
    else:
        case = draw_case(draw)
        found, what = difference(layer(case)), str(case)
    return None if found is None else f"{found}: {what}"


def search(seed: int, seconds: float = float("inf"), cases: int | None = None) -> list[str]:
    """All differences within a time or a number of cases; torch's number of threads as before."""
    draw, end, before = random.Random(seed), time.monotonic() + seconds, torch.get_num_threads()
    found, count = [], 0
    try:
        while time.monotonic() < end and count != cases:
            found += [line for line in [compare(draw)] if line]
            count += 1
    finally:
        torch.set_num_threads(before)
    print(f"{cpu.isa()}: {count} cases, {len(found)} depend on the number of threads")
    return found


def run(seconds: float, seed: int) -> list[str]:
    """Every instruction set of this processor in its own process, for a share of the time."""
    isas = cpu.available_isas()
    command = [sys.executable, "-m", "tests.fuzz.threads", "--seed", str(seed)]
    command += ["--seconds", str(seconds / len(isas))]
    found = []
    for isa in isas:
        environment = os.environ | {"CARROUSEL_ISA": isa}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            found.append(f"{isa}: {done.stdout}{done.stderr}")
    return found


def main() -> int:
    """The command line; returns how many cases differ."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--cases", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = search(given.seed, given.seconds, given.cases)
    print("\n".join(found[:20]))
    return len(found)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
