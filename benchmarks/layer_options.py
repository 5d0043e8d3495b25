"""Layers with options that torch lacks, beside the same equations by hand in torch.

    python -m benchmarks.layer_options                  # some minutes
    python -m benchmarks.layer_options --quick          # the small sizes
    python -m benchmarks.layer_options --no-compile     # without torch.compile, which takes minutes
    python -m benchmarks.layer_options --layers SLSTM MinGRU

"by hand" of SLSTM are the steps of the xlstm package where it is installed (`pip install xlstm
--no-deps`).

A time is one forward and one backward pass, the median of nine that alternate; results are compared
before anything is timed. "plain": our layer without the option.
"""

import argparse
import functools
import importlib.util
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


def lstm_between(x: Tensor, w: dict[str, Tensor], **options: Any) -> Tensor:
    """The LSTM with peepholes, coupled gates, zoneout of both states or recurrent dropout."""
    size = w["weight_hh"].size(1)
    steps, batch = x.shape[:2]
    ahead = x @ w["weight_ih"].T + (w["bias_ih"] + w["bias_hh"])
    read, zones = 1.0, None
    if options.get("recurrent_dropout"):
        keep = 1 - options["recurrent_dropout"]
        read = (torch.rand(batch, size) < keep).float() / keep
    if options.get("zoneout"):
        p = options["zoneout"]
        zones = [(torch.rand(steps * batch, size) < p).view(steps, batch, size) for _ in range(2)]
    seen = w["peephole"].chunk(2 if options.get("coupled") else 3) if "peephole" in w else None
    h = c = x.new_zeros(batch, size)
    outputs = []
    for t, one in enumerate(ahead):
        *first, g, o = (one + (h * read) @ w["weight_hh"].T).chunk(-(-one.size(-1) // size), -1)
        if seen is not None:
            first = [s + p * c for s, p in zip(first, seen, strict=False)]
        f = first[-1].sigmoid()
        i = 1 - f if options.get("coupled") else first[0].sigmoid()
        new_c = f * c + i * g.tanh()
        new_h = (o if seen is None else o + seen[-1] * new_c).sigmoid() * new_c.tanh()
        h = new_h if zones is None else torch.where(zones[0][t], h, new_h)
        c = new_c if zones is None else torch.where(zones[1][t], c, new_c)
        outputs.append(h)
    return torch.stack(outputs)


def min_gru(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    """The loop; people's parallel scans need positive numbers."""
    z, n = (x @ w["weight_ih"].T + w["bias"]).chunk(2, -1)
    keep = z.sigmoid()
    h, outputs = x.new_zeros(n.shape[1:]), []
    for k, written in zip(keep, (1 - keep) * n, strict=True):
        h = k * h + written
        outputs.append(h)
    return torch.stack(outputs)


def min_lstm(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    f, i, n = (x @ w["weight_ih"].T + w["bias"]).chunk(3, -1)
    f, i = f.sigmoid(), i.sigmoid()
    keep = f / (f + i)
    h, outputs = x.new_zeros(n.shape[1:]), []
    for k, written in zip(keep, (1 - keep) * n, strict=True):
        h = k * h + written
        outputs.append(h)
    return torch.stack(outputs)


HEADS = 4


def slstm(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    """By the xlstm package's own steps, its way on a CPU; without the package the same by hand."""
    size = w["bias"].numel() // 4
    block = size // HEADS
    ahead = x @ w["weight_ih"].T
    weight = w["weight_hh"].view(4, HEADS, block, block).transpose(0, 1)
    package = vanilla()
    if package is not None:
        states, step = x.new_zeros(4, x.size(1), size), package.slstm_pointwise_function_registry
        weight = weight.reshape(HEADS, 4 * block, block)
        found = package.slstm_forward(ahead, states, weight, w["bias"], step["slstm"])
        return found[0][0, 1:]
    h = c = n = m = x.new_zeros(x.size(1), size)
    outputs = []
    for t, one in enumerate(ahead):
        read = torch.einsum("bkv,kguv->bgku", h.unflatten(-1, (HEADS, block)), weight)
        i, f, z, o = (one + read.reshape(len(h), -1) + w["bias"]).chunk(4, -1)
        kept = torch.nn.functional.logsigmoid(f) + m
        new_m = torch.max(i, kept) if t else i
        i, f, m = (i - new_m).exp(), (kept - new_m).exp(), new_m
        c, n = f * c + i * z.tanh(), f * n + i
        h = o.sigmoid() * c / n
        outputs.append(h)
    return torch.stack(outputs)


@functools.cache
def vanilla() -> Any:
    """What of the package needs nothing but torch, or None where it is not installed."""
    found = importlib.util.find_spec("xlstm")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "blocks/slstm/src/vanilla"
    spec: Any = importlib.util.spec_from_file_location("vanilla", folder / "__init__.py")
    module = sys.modules["vanilla"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BETWEEN: dict[str, dict[str, Any]] = {
    "LSTM with peepholes": {"peepholes": True},
    "LSTM, coupled": {"coupled": True},
    "LSTM with zoneout": {"zoneout": 0.1},
    "LSTM with recurrent dropout": {"recurrent_dropout": 0.2},
}
Hand = Callable[[Tensor, dict[str, Tensor]], Tensor]
LAYERS: dict[str, tuple[Callable[[int, int], Any], Hand, type]] = {
    "LSTM with layer_norm": (
        functools.partial(carrousel.LSTM, layer_norm=True), lstm, carrousel.LSTM,
    ),
    "GRU with layer_norm": (functools.partial(carrousel.GRU, layer_norm=True), gru, carrousel.GRU),
    **{
        name: (
            functools.partial(carrousel.LSTM, **options),
            functools.partial(lstm_between, **options),
            carrousel.LSTM,
        )
        for name, options in BETWEEN.items()
    },
    "SLSTM": (functools.partial(carrousel.SLSTM, num_heads=HEADS), slstm, carrousel.LSTM),
    "MinGRU": (carrousel.MinGRU, min_gru, carrousel.GRU),
    "MinLSTM": (carrousel.MinLSTM, min_lstm, carrousel.LSTM),
}  # fmt: skip


def trains(forward: Callable[[Tensor], Tensor], layer: Any, x: Tensor, grad: Tensor):
    """One step of training, which gives output and gradients."""

    def step() -> list[Tensor]:
        torch.manual_seed(0)  # the same masks
        x.grad = None
        layer.zero_grad()
        y = forward(x)
        y.backward(grad)
        return [y.detach(), x.grad, *(w.grad for w in layer.parameters())]

    return step


def steps(name: str, size: tuple[int, ...], compiled: bool) -> dict[str, Callable[[], Any]]:
    batch, length, inputs, units = size
    make, hand, plain_kind = LAYERS[name]
    layer, plain = make(inputs, units), plain_kind(inputs, units)
    named = {name.removesuffix("_l0"): w for name, w in layer.named_parameters()}
    x, grad = torch.randn(length, batch, inputs), torch.randn(length, batch, units)
    x.requires_grad_()

    def written(function: Any) -> Callable[[Tensor], Tensor]:
        return lambda x: function(x, named)

    found = {
        "ours": trains(lambda x: layer(x)[0], layer, x, grad),
        "plain": trains(lambda x: plain(x)[0], plain, x, grad),
        "by hand": trains(written(hand), layer, x, grad),
    }
    if compiled:
        torch.compiler.reset()
        found["compiled"] = trains(written(torch.compile(hand)), layer, x, grad)
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
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS), metavar="NAME")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(", ".join(f"{key}: {value}" for key, value in machine().items()))
    for name in options.layers:
        ratios: dict[str, list[float]] = {}
        print(f"\n{name}, training, ms")
        for size in QUICK if options.quick else SIZES:
            found = steps(name, size, not options.no_compile)
            label = "{} x {}, I {}, H {}".format(*size)
            check(found, label)
            times = alternating(found)
            line = "".join(f"  {who} {value * 1e3:9.3f}" for who, value in times.items())
            print(f"  {label:26}{line}", flush=True)
            for who, value in times.items():
                ratios.setdefault(who, []).append(value / times["ours"])
        for who, values in ratios.items():
            if who != "ours":
                mean, least, most = geometric_mean(values), min(values), max(values)
                print(f"  {who} / ours: geometric mean {mean:.2f}, {least:.2f} to {most:.2f}")


if __name__ == "__main__":
    main()
