"""Layers with options that torch lacks, beside the same equations by hand in torch.

    python -m benchmarks.layer_options                  # some minutes
    python -m benchmarks.layer_options --quick          # the small sizes
    python -m benchmarks.layer_options --no-compile     # without torch.compile, which takes minutes

A time is one forward and one backward pass, the median of nine that alternate; results are compared
before anything is timed. "plain": our layer without the option.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from benchmarks._grid import geometric_mean
from benchmarks._measure import alternating, machine

import carrousel

SIZES = [  # sequences, steps, inputs, units
    (8, 64, 4, 16),
    (32, 64, 8, 32),
    (32, 128, 16, 64),
    (256, 24, 8, 64),
    (1, 128, 16, 64),
    (32, 64, 64, 128),
    (128, 48, 1, 128),
    (64, 32, 128, 256),
]
QUICK = SIZES[:3]
norm = torch.nn.functional.layer_norm


def lstm(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    """As people write it: the inputs' part for all steps at once, then a loop."""
    size = w["gain_c"].shape
    ahead = norm(x @ w["weight_ih"].T, w["gain_ih"].shape, w["gain_ih"], w["bias_ih"])
    h = c = x.new_zeros(x.size(1), *size)
    outputs = []
    for one in ahead:
        sums = one + norm(h @ w["weight_hh"].T, w["gain_hh"].shape, w["gain_hh"], w["bias_hh"])
        i, f, g, o = sums.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * norm(c, size, w["gain_c"], w["bias_c"]).tanh()
        outputs.append(h)
    return torch.stack(outputs)


def gru(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    size = w["weight_hh"].size(1)
    split = (2 * size, size)

    def normalized(sums: Tensor, which: str) -> list[Tensor]:
        parts = zip(sums.split(split, -1), w[f"gain_{which}"].split(split),
                    w[f"bias_{which}"].split(split), strict=True)  # fmt: skip
        return [norm(one, gain.shape, gain, bias) for one, gain, bias in parts]

    ahead_rz, ahead_n = normalized(x @ w["weight_ih"].T, "ih")
    h, outputs = x.new_zeros(x.size(1), size), []
    for x_rz, x_n in zip(ahead_rz, ahead_n, strict=True):
        h_rz, h_n = normalized(h @ w["weight_hh"].T, "hh")
        r, z = (x_rz + h_rz).sigmoid().chunk(2, -1)
        n = (x_n + r * h_n).tanh()
        h = n + z * (h - n)
        outputs.append(h)
    return torch.stack(outputs)


BY_HAND = {carrousel.LSTM: lstm, carrousel.GRU: gru}


def trains(forward: Callable[[Tensor], Tensor], layer: Any, x: Tensor, grad: Tensor):
    """One step of training, which gives output and gradients."""

    def step() -> list[Tensor]:
        x.grad = None
        layer.zero_grad()
        y = forward(x)
        y.backward(grad)
        return [y.detach(), x.grad, *(w.grad for w in layer.parameters())]

    return step


def steps(kind: type, size: tuple[int, ...], compiled: bool) -> dict[str, Callable[[], Any]]:
    batch, length, inputs, units = size
    layer, plain = kind(inputs, units, layer_norm=True), kind(inputs, units)
    named = {name.removesuffix("_l0"): w for name, w in layer.named_parameters()}
    x, grad = torch.randn(length, batch, inputs), torch.randn(length, batch, units)
    x.requires_grad_()

    def written(function: Any) -> Callable[[Tensor], Tensor]:
        return lambda x: function(x, named)

    found = {
        "ours": trains(lambda x: layer(x)[0], layer, x, grad),
        "plain": trains(lambda x: plain(x)[0], plain, x, grad),
        "by hand": trains(written(BY_HAND[kind]), layer, x, grad),
    }
    if compiled:
        torch.compiler.reset()
        found["compiled"] = trains(written(torch.compile(BY_HAND[kind])), layer, x, grad)
    return found


def check(found: dict[str, Callable[[], Any]], what: str) -> None:
    wanted = found["by hand"]()
    for one, other in zip(found["ours"](), wanted, strict=True):
        off = ((one - other).abs().max() / other.abs().max()).item()
        if not off < 1e-2:
            sys.exit(f"{what}: ours and the same by hand differ by {off:.2g}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the small sizes")
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(", ".join(f"{key}: {value}" for key, value in machine().items()))
    for kind in BY_HAND:
        ratios: dict[str, list[float]] = {}
        print(f"\n{kind.__name__} with layer_norm=True, training, ms")
        for size in QUICK if options.quick else SIZES:
            found = steps(kind, size, not options.no_compile)
            label = "{} x {}, I {}, H {}".format(*size)
            check(found, label)
            times = alternating(found)
            line = "".join(f"  {name} {value * 1e3:9.3f}" for name, value in times.items())
            print(f"  {label:26}{line}", flush=True)
            for name, value in times.items():
                ratios.setdefault(name, []).append(value / times["ours"])
        for name, values in ratios.items():
            if name != "ours":
                mean, least, most = geometric_mean(values), min(values), max(values)
                print(f"  {name} / ours: geometric mean {mean:.2f}, {least:.2f} to {most:.2f}")


if __name__ == "__main__":
    main()
