"""One step of our cells beside torch's: same weights, one run, results compared first.

    python -m benchmarks.cells_step                        # some minutes
    python -m benchmarks.cells_step --only LSTM --units 256 512 --threads 1
    python -m benchmarks.cells_step --markdown             # as in docs/performance.md

Ours and torch's take turns, and a time is the least of the turns: what neighbors do on the
machine can only add. With one thread it is processor time, with several the clock's. With gradient
a step is one forward and one backward pass with the gradients of x, the states and all weights.
I = H.
ratio: torch's time / ours.
"""

import argparse
import gc
import math
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from benchmarks._measure import machine
from benchmarks._report import table

import carrousel

CELLS = ("RNN", "LSTM", "GRU")
UNITS = (1, 8, 32, 64, 128, 256, 512, 1024)
BATCHES = (1, 4, 16, 64, 128, 512)
LARGEST = 300e6  # multiplications of a product: larger ones take seconds and tell nothing more
ALLOWED = 1e-4  # difference over the largest entry, float32
ROUNDS = 15
BLOCK = 0.001  # s: shorter steps are repeated within one turn

Step = Callable[[], tuple[torch.Tensor, ...]]


def steps(cell: str, units: int, batch: int, grad: bool) -> dict[str, Step]:
    """Ours and torch's step, with the same weights, inputs and gradients."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = getattr(nn, f"{cell}Cell")(units, units)
        ours = getattr(carrousel, f"{cell}Cell")(units, units)
        x, *states, g = torch.randn(3 + (cell == "LSTM"), batch, units).unbind(0)
    ours.load_state_dict(theirs.state_dict())
    make = trains if grad else forwards
    return {name: make(layer, x, states, g) for name, layer in (("ours", ours), ("torch", theirs))}


def forwards(layer: nn.Module, x: torch.Tensor, states: list, _: Any) -> Step:
    hx = tuple(states) if len(states) == 2 else states[0]

    def step() -> tuple[torch.Tensor, ...]:
        with torch.no_grad():
            out = layer(x, hx)
        return out if isinstance(out, tuple) else (out,)

    return step


def trains(layer: nn.Module, x: torch.Tensor, states: list, grad: torch.Tensor) -> Step:
    given = [t.clone().requires_grad_() for t in (x, *states)]
    wanted = [*given, *layer.parameters()]
    hx = tuple(given[1:]) if len(given) == 3 else given[1]

    def step() -> tuple[torch.Tensor, ...]:
        out = layer(given[0], hx)
        out = out if isinstance(out, tuple) else (out,)
        return (*out, *torch.autograd.grad(out, wanted, [grad] * len(out)))

    return step


def differ(ours: tuple[torch.Tensor, ...], theirs: tuple[torch.Tensor, ...]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return max(float((a - b).detach().abs().max() / b.detach().abs().max()) for a, b in pairs)


def compare(calls: dict[str, Step], limit: float) -> dict[str, float]:
    """Least seconds of each call over short turns; ``limit``: seconds for all of them."""
    spent = {name: min(seconds(call, 1) for _ in range(3)) for name, call in calls.items()}
    repeats = {name: max(1, math.ceil(BLOCK / cost)) for name, cost in spent.items()}
    turn = sum(cost * repeats[name] for name, cost in spent.items())
    rounds = max(3, min(ROUNDS, int(limit / turn)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.disable()
    for _ in range(rounds):
        for name, call in calls.items():
            call()  # caches, and the threads of this library instead of the other's
            times[name].append(seconds(call, repeats[name]))
    gc.enable()
    return {name: min(values) for name, values in times.items()}


def seconds(call: Step, repeats: int) -> float:
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    for _ in range(repeats):
        call()
    return max(clock() - start, 1e-6) / repeats


def sizes(options: argparse.Namespace) -> Iterator[tuple[int, str, int, int, bool]]:
    grads = [False, True] if options.grad is None else [options.grad == "yes"]
    for threads, grad, cell in product(options.threads, grads, options.only):
        for units, batch in product(options.units, options.batches):
            if units * units * batch <= LARGEST:
                yield threads, cell, units, batch, grad


def markdown(found: dict[tuple, float], options: argparse.Namespace) -> None:
    """A table for each cell: sizes down, threads and gradient across."""
    across = [(t, g) for t in options.threads for g in (False, True)]
    words = [f"{'training' if g else 'forward'}, {t} thread{'s' * (t > 1)}" for t, g in across]
    for cell in options.only:
        lines = []
        for units, batch in product(options.units, options.batches):
            row = [found.get((t, cell, units, batch, g)) for t, g in across]
            if any(row):
                lines.append([f"{units}, {batch}", *(f"{r:.2f}" if r else "" for r in row)])
        print(f"\n{cell}Cell\n\n{table(['H, B', *words], lines)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--units", nargs="+", type=int, default=UNITS)
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--threads", nargs="+", type=int, default=(1, 2))
    parser.add_argument("--grad", choices=("yes", "no"), help="only with, or without")
    parser.add_argument("--limit", type=float, default=0.25, help="seconds for a size")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    print(", ".join(f"{key}: {value}" for key, value in machine().items() if key != "threads"))
    found: dict[tuple, float] = {}
    for key in sizes(options):
        threads, cell, units, batch, grad = key
        torch.set_num_threads(threads)
        calls = steps(cell, units, batch, grad)
        off = differ(calls["ours"](), calls["torch"]())
        if not off <= ALLOWED:
            sys.exit(f"{cell} H {units} B {batch}: ours and torch's differ by {off:.2g}")
        took = compare(calls, options.limit)
        found[key] = took["torch"] / took["ours"]
        print(
            f"{threads} thread{'s' * (threads > 1):1} {'training' if grad else 'forward ':8} "
            f"{cell:4} H {units:4} B {batch:3}  ours {1e3 * took['ours']:8.4f} ms  "
            f"torch {1e3 * took['torch']:8.4f} ms  ratio {found[key]:5.2f}",
            flush=True,
        )
    slower = sum(ratio < 1 for ratio in found.values())
    print(
        f"geometric mean {geometric_mean(found.values()):.2f}, worst {min(found.values()):.2f}, "
        f"{slower} of {len(found)} below 1"
    )
    if options.markdown:
        markdown(found, options)


if __name__ == "__main__":
    main()
