"""Layers with fewer bits, int8 in inference and bfloat16 in training, beside their peers.

    python -m benchmarks.narrow int8                # forward and streaming, some minutes
    python -m benchmarks.narrow bf16                # training, some minutes
    python -m benchmarks.narrow accuracy            # against float64 over 200 steps
    python -m benchmarks.narrow learning --text tinyshakespeare.txt --series m4_hourly.parquet

Learning starts float32 and bf16 from the same weights and shows both the same examples;
--precisions takes one alone, where each is to have an instruction set of its own (CARROUSEL_ISA).

Add --quick for a few sizes. A time is the median of nine that alternate; with --processor-time it
is the least that one thread itself computed, which neighbors on the machine disturb less. Peers of
int8: our float32, torch.ao.quantization.quantize_dynamic, ONNX Runtime's dynamic quantization; of
bf16: our float32, and torch's layer under torch.autocast("cpu", torch.bfloat16).
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from benchmarks._grid import CELLS, SIZES, STREAMING_SIZES, Row, geometric_mean
from benchmarks._measure import ROUNDS, alternating, machine
from benchmarks._peers import Missing, Step, _onnx_model, forwards, onnx_step, setting, streams

import carrousel

QUICK = [SIZES[2], SIZES[3], SIZES[5], SIZES[10], SIZES[12]]
LARGE = 256  # hidden units from which on fewer bits are held to their bars


def torchs_int8(row: Row, theirs: nn.RNNBase) -> Any:
    if row.cell == "RNN":  # which torch quantizes no layers of
        raise Missing("torch.ao.quantization has no RNN")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will move to another package
        # It swaps what is inside a model, and would return the layer itself as it is.
        model = nn.ModuleList([theirs])
        return torch.ao.quantization.quantize_dynamic(model, {type(theirs)}, torch.qint8)[0]


def onnx_int8(row: Row, theirs: nn.RNNBase, x: Tensor, threads: int) -> Step:
    """ONNX Runtime's own dynamic quantization of the same layer; it has one of the LSTM."""
    if row.cell != "LSTM":
        raise Missing("ONNX Runtime quantizes no other layer")
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise Missing("onnxruntime or onnx is not installed") from error
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        whole.write_bytes(_onnx_model(row, theirs))
        quantize_dynamic(whole, small, per_channel=True, weight_type=QuantType.QInt8)
        return onnx_step(small.read_bytes(), x, threads)


def int8_steps(row: Row) -> dict[str, Step]:
    theirs, ours, x, _ = setting(row)
    theirs, ours = theirs.eval(), ours.eval()
    run = streams if row.kind == "stream" else forwards
    found = {"int8": run(carrousel.quantize(ours), x), "float32": run(ours, x)}
    try:
        found["torch"] = run(torchs_int8(row, theirs), x)
        if row.kind != "stream":
            found["onnxruntime"] = onnx_int8(row, theirs, x, torch.get_num_threads())
    except Missing:
        pass
    check(row, found, 0.1)
    return found


def trains(layer: nn.RNNBase, x: Tensor, grad: Tensor, autocast: bool) -> Step:
    x = x.clone().requires_grad_()
    wanted = [x, *layer.parameters()]

    def step() -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            y, _ = layer(x)
        return (y, *torch.autograd.grad(y, wanted, grad.to(y.dtype)))

    return step


def bf16_steps(row: Row) -> dict[str, Step]:
    theirs, ours, x, grad = setting(row)
    half = getattr(carrousel, row.cell)(*row.size[2:], precision="bf16")
    half.load_state_dict(ours.state_dict())
    found = {
        "bf16": trains(half, x, grad, False),
        "float32": trains(ours, x, grad, False),
        "torch": trains(theirs, x, grad, True),
    }
    check(row, found, 0.1)
    return found


def check(row: Row, found: dict[str, Step], most: float) -> None:
    """That outputs agree, as far as so few bits do, before anything is timed."""
    outputs = {name: torch.as_tensor(step()[0]).detach().float() for name, step in found.items()}
    wanted = outputs["float32"]
    for name, y in outputs.items():
        off = ((y - wanted).abs().max() / wanted.abs().max()).item()
        if not off < most:
            sys.exit(f"{row.cell} {row.label}: {name} and float32 differ by {off:.2g}")


def processor_time(calls: dict[str, Step], rounds: int) -> dict[str, float]:
    """Least seconds that this thread computes in each call."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.thread_time()
            call()
            times[name].append(time.thread_time() - start)
    return {name: min(values) for name, values in times.items()}


def table(rows: Iterator[Row], make: Callable[[Row], dict[str, Step]], measure: Any) -> None:
    first = None
    ratios: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        found = make(row)
        first = first or next(iter(found))
        times = measure(found)
        shown = "  ".join(f"{name} {value * 1e3:9.3f}" for name, value in times.items())
        beside = "  ".join(f"{times[n] / times[first]:5.2f}" for n in times if n != first)
        print(f"{row.kind:8} {row.cell:5} {row.label:26} {shown}   ratios {beside}", flush=True)
        for name in times:
            for group in ("all", *(["H >= 256"] if row.size[3] >= LARGE else [])):
                key = (row.kind, group, name)
                ratios.setdefault(key, []).append(times[name] / times[first])
                ratios.setdefault((row.kind, f"{row.cell}, {group}", name), []).append(
                    times[name] / times[first]
                )
    print()
    for (kind, group, name), values in sorted(ratios.items()):
        if name != first:
            mean, worst = geometric_mean(values), min(values)
            print(f"{kind:8} {group:16} {name} / {first}: {mean:.2f}, worst {worst:.2f}")


def accuracy() -> None:
    """Errors of the hidden states of 200 steps, against the same layer in float64."""
    print("error of h over 200 steps against float64: largest, mean")
    for cell in CELLS:
        for size in ((16, 200, 16, 64), (16, 200, 64, 256)):
            theirs, ours, x, _ = setting(Row("forward", cell, size))
            half = getattr(carrousel, cell)(*size[2:], precision="bf16")
            half.load_state_dict(ours.state_dict())
            with torch.no_grad():
                layers: dict[str, Any] = {
                    "float32": ours, "bf16": half, "int8": carrousel.quantize(ours)
                }  # fmt: skip
                found = {name: layer(x)[0].double() for name, layer in layers.items()}
                with torch.autocast("cpu", torch.bfloat16):
                    found["torch bf16"] = theirs(x)[0].double()
                if cell != "RNN":
                    small = torchs_int8(Row("forward", cell, size), theirs.eval())
                    found["torch int8"] = small(x)[0].double()
                wanted = theirs.double()(x.double())[0]
            for name, y in found.items():
                off = (y - wanted).abs()
                print(f"  {cell:5} I {size[2]}, H {size[3]:4} {name:11}"
                      f" {off.max():.1e}, {off.mean():.1e}")  # fmt: skip


class Characters(nn.Module):
    """A language model by character."""

    def __init__(self, vocabulary: int, precision: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 64)
        self.layer = carrousel.LSTM(64, 256, batch_first=True, precision=precision)
        self.head = nn.Linear(256, vocabulary)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.layer(self.embedding(words))[0])


class Hours(nn.Module):
    """Two days of hours from a week of them."""

    def __init__(self, precision: str) -> None:
        super().__init__()
        self.layer = carrousel.LSTM(24, 128, batch_first=True, precision=precision)
        self.head = nn.Linear(128, 48)

    def forward(self, days: Tensor) -> Tensor:
        return self.head(self.layer(days)[0][:, -1])


def learn(model: nn.Module, draw: Callable[[torch.Generator], Any], loss: Any, steps: int) -> None:
    noise = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        x, target = draw(noise)
        optimizer.zero_grad()
        loss(model(x), target).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def report(what: str, losses: dict[str, list[float]]) -> None:
    print(what)
    mean = {name: sum(values) / len(values) for name, values in losses.items()}
    for name, values in losses.items():
        print(f"  {name:15} {mean[name]:.4f}, of", *[f"{value:.4f}" for value in values])
    if {"bf16", "float32"} <= mean.keys():
        print(f"  bf16 / float32  {mean['bf16'] / mean['float32']:.4f}", flush=True)


def learn_text(file: Path, steps: int, seeds: int, precisions: Sequence[str]) -> None:
    text = file.read_text()
    letters = sorted(set(text))
    data = torch.tensor([letters.index(c) for c in text])
    cut = len(data) * 9 // 10

    def draw(noise: torch.Generator) -> tuple[Tensor, Tensor]:
        start = torch.randint(cut - 65, (64, 1), generator=noise)
        window = data[start + torch.arange(65)]
        return window[:, :-1], window[:, 1:]

    def loss(out: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(out.flatten(0, 1), target.flatten())

    held = data[cut : cut + 100 * 513].view(100, 513)
    losses: dict[str, list[float]] = {}
    for seed in range(seeds):
        for precision in precisions:
            torch.manual_seed(seed)
            model = Characters(len(letters), precision)
            learn(model, draw, loss, steps)
            with torch.no_grad():
                losses.setdefault(precision, []).append(
                    loss(model(held[:, :-1]), held[:, 1:]).item()
                )
                small = loss(carrousel.quantize(model)(held[:, :-1]), held[:, 1:]).item()
            losses.setdefault(f"int8 of {precision}", []).append(small)
    report(f"characters, {steps} steps, nats per character held out", losses)


def learn_series(file: Path, steps: int, seeds: int, precisions: Sequence[str]) -> None:
    import pandas as pd

    frame = pd.read_parquet(file)
    series = [
        torch.tensor(y.to_numpy(), dtype=torch.float32) for _, y in frame.groupby("unique_id")["y"]
    ]

    def window(y: Tensor, end: int) -> tuple[Tensor, Tensor]:
        past, ahead = y[end - 168 : end], y[end : end + 48]
        scale = past.abs().mean().clamp_min(1e-6)
        return (past / scale).view(7, 24), ahead / scale

    def draw(noise: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = []
        for k in torch.randint(len(series), (64,), generator=noise).tolist():
            end = torch.randint(168, len(series[k]) - 95, (1,), generator=noise).item()
            chosen.append(window(series[k], int(end)))
        x, target = zip(*chosen, strict=True)
        return torch.stack(x), torch.stack(target)

    held = [window(y, len(y) - 48) for y in series]
    x, target = (torch.stack(part) for part in zip(*held, strict=True))
    losses: dict[str, list[float]] = {}
    for seed in range(seeds):
        for precision in precisions:
            torch.manual_seed(seed)
            model = Hours(precision)
            learn(model, draw, nn.functional.l1_loss, steps)
            with torch.no_grad():
                losses.setdefault(precision, []).append(
                    nn.functional.l1_loss(model(x), target).item()
                )
                small = nn.functional.l1_loss(carrousel.quantize(model)(x), target).item()
            losses.setdefault(f"int8 of {precision}", []).append(small)
    report(f"hours, {steps} steps, mean absolute error held out", losses)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("int8", "bf16", "accuracy", "learning"))
    parser.add_argument("--quick", action="store_true", help="a few sizes")
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--processor-time", action="store_true", help="of one thread, not the clock"
    )
    parser.add_argument("--text", type=Path, help="of learning: any text")
    parser.add_argument("--series", type=Path, help="of learning: hourly series, Parquet")
    parser.add_argument("--steps", type=int, default=500, help="of learning")
    parser.add_argument("--seeds", type=int, default=2, help="of learning")
    both = ("float32", "bf16")
    parser.add_argument("--precisions", nargs="+", choices=both, default=both, help="of learning")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(", ".join(f"{key}: {value}" for key, value in machine().items()))
    sizes = QUICK if options.quick else SIZES
    if options.what == "accuracy":
        return accuracy()
    if options.what == "learning":
        if options.text:
            learn_text(options.text, options.steps, options.seeds, options.precisions)
        if options.series:
            learn_series(options.series, options.steps, options.seeds, options.precisions)
        return None
    kinds = (
        [("train", sizes)]
        if options.what == "bf16"
        else [("forward", sizes), ("stream", STREAMING_SIZES)]
    )
    rows = (
        Row(kind, cell, size) for kind, some in kinds for cell in options.cells for size in some
    )
    if options.processor_time:
        torch.set_num_threads(1)
    clock = processor_time if options.processor_time else alternating
    make = bf16_steps if options.what == "bf16" else int8_steps
    return table(rows, make, lambda found: clock(found, options.rounds))


if __name__ == "__main__":
    main()
