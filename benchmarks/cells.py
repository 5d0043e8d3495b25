"""Our layers beside torch.nn, ONNX Runtime and JAX: same weights, one run, results compared first.

    python -m benchmarks.cells                     # everything, about 20 minutes
    python -m benchmarks.cells --quick             # about 2 minutes
    python -m benchmarks.cells --only train forward --filter "GRU 32 x"
    python -m benchmarks.cells --json cells.json

Each time is the median of nine measurements (more calls where a call is short) that alternate with
the peers'. Training is one forward and one backward pass with the gradients of x and all weights.
ratio: the best peer's time / ours. share: our matrix products' operations per second over those of
the machine's own large product, measured between the same calls.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from benchmarks._grid import BARS, KINDS, Bar, Row, geometric_mean, rows
from benchmarks._measure import MatrixProduct, alternating, machine
from benchmarks._memory import peak_of_training

from benchmarks import _jax, _peers

ALLOWED = {"float64": 1e-9}  # difference of results over the largest entry; else
ALLOWED_FLOAT32 = 1e-3  # gradients of hundreds of rows, summed in different orders
PEERS = ("torch", "onnxruntime", "jax")


def contestants(row: Row, skipped: set[str]) -> dict[str, _peers.Step]:
    """Name -> step; "ours" first. Peers that cannot take part are told once."""
    theirs, ours, x, grad = _peers.setting(row)
    if row.kind == "tracing":
        return {"ours": _peers.trains(ours, x, grad), "traced": _peers.traced(ours, x, grad)}
    if row.kind == "stream":
        return {"ours": _peers.streams(ours, x), "torch": _peers.streams(theirs, x)}
    makers: dict[str, Callable[[], _peers.Step]] = {}
    if row.kind == "forward":
        threads = torch.get_num_threads()
        makers["onnxruntime"] = lambda: _peers.onnx_runtime(row, theirs, x, threads)
        makers["jax"] = lambda: _jax.jax_forwards(row, theirs, x)
        steps = {"ours": _peers.forwards(ours, x), "torch": _peers.forwards(theirs, x)}
    else:
        if row.kind != "packed":
            makers["jax"] = lambda: _jax.jax_trains(row, theirs, x, grad)
        steps = {"ours": _peers.trains(ours, x, grad), "torch": _peers.trains(theirs, x, grad)}
    for name, make in makers.items():
        try:
            steps[name] = make()
        except _peers.Missing as reason:
            if str(reason) not in skipped:
                print(f"skipped: {reason}")
            skipped.add(str(reason))
    return steps


def check(row: Row, steps: dict[str, _peers.Step]) -> None:
    """Nothing is timed that does not compute the same."""
    ours = steps["ours"]()
    for name, step in steps.items():
        off = _peers.disagreement(ours, step())
        if not off <= ALLOWED.get(row.kind, ALLOWED_FLOAT32):
            sys.exit(f"{row.kind} {row.cell} {row.label}: ours and {name} differ by {off:.2g}")


def measure(row: Row, skipped: set[str]) -> dict[str, Any]:
    """The row's times in seconds (bytes for memory), ratio and share."""
    if row.kind == "memory":
        values = {name: peak_of_training(row, name) for name in ("ours", "torch")}
        return {"values": values, "ratio": values["ours"] / values["torch"]}
    steps = contestants(row, skipped)
    check(row, steps)
    if row.kind == "tracing":
        values = alternating(steps)
        return {"values": values, "ratio": values["traced"] / values["ours"]}
    product = MatrixProduct(torch.float64 if row.kind == "float64" else torch.float32)
    values = alternating({**steps, "product": product})
    speed = product.operations / values.pop("product")
    best = min(values[name] for name in PEERS if name in values)
    result: dict[str, Any] = {"values": values, "ratio": best / values["ours"]}
    if row.kind in ("train", "forward", "float64"):
        result["gflops"] = row.operations() / values["ours"] / 1e9
        result["share"] = result["gflops"] * 1e9 / speed
    if row.kind == "stream":
        result["values"] = {name: value / _peers.STREAM for name, value in values.items()}
    return result


HEADINGS = {
    "train": "Training: forward + backward, ms",
    "forward": "Forward without gradient, ms",
    "packed": "Packed, lengths uniform in [T/10, T], training, ms",
    "stream": "Streaming: one step, state carried, no gradient, ms",
    "float64": "float64, training, ms",
    "memory": "Peak extra memory of a training step, MB; ratio: ours / torch",
    "tracing": "Tracing on against off, training, ms; ratio: on / off",
}


def show(row: Row, result: dict[str, Any]) -> None:
    scale = 1e-6 if row.kind == "memory" else 1e3
    line = f"  {row.cell:5}{row.label:42}"
    for name, value in result["values"].items():
        line += f" {name} {value * scale:9.3f} "
    line += f" ratio {result['ratio']:6.2f}"
    if "share" in result:
        line += f"  {result['gflops']:6.1f} GFLOP/s  share {result['share']:4.0%}"
    print(line, flush=True)


def verdict(bar: Bar, found: list[tuple[Row, float]]) -> dict[str, Any]:
    """Geometric mean and worst value of the rows under a bar, and whether they reach it."""
    pick = max if bar.most else min
    worst_row, worst = pick(found, key=lambda pair: pair[1])
    mean = geometric_mean([value for _, value in found])
    sign = -1 if bar.most else 1
    reached = sign * mean >= sign * bar.mean
    if bar.worst is not None:
        reached = reached and sign * worst >= sign * bar.worst
    return {
        "bar": bar.name,
        "rows": len(found),
        "mean": mean,
        "mean_bar": bar.mean,
        "worst": worst,
        "worst_bar": bar.worst,
        "worst_row": f"{worst_row.cell} {worst_row.label}",
        "reached": reached,
    }


def summary(results: list[tuple[Row, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One verdict per bar that has rows, printed."""
    verdicts = []
    print(f"\n{'bar':45} {'geom. mean':>16} {'worst':>16}")
    for bar in BARS:
        found = [(row, r[bar.value]) for row, r in results if bar.takes(row)]
        if not found:
            continue
        v = verdict(bar, found)
        verdicts.append(v)
        sign = "<=" if bar.most else ">="
        worst = f"{v['worst']:5.2f} ({sign} {bar.worst})" if bar.worst else f"{v['worst']:5.2f}"
        mark = "reached" if v["reached"] else "MISSED"
        print(
            f"{bar.name:45} {v['mean']:5.2f} ({sign} {bar.mean})".ljust(64),
            f"{worst:16} {mark}, worst at {v['worst_row']}",
        )
    return verdicts


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few sizes of each kind")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="kinds of rows")
    parser.add_argument("--filter", default="", help='part of "CELL B x T, I .., H .."')
    parser.add_argument("--threads", type=int, help="torch's and ONNX Runtime's (JAX: all cores)")
    parser.add_argument("--json", type=Path, help="write every number here")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    start, about, skipped, results, heading = time.time(), machine(), set(), [], ""
    print(", ".join(f"{key}: {value}" for key, value in about.items()))
    for row in rows(options.quick):
        if row.kind not in options.only or options.filter not in f"{row.cell} {row.label}":
            continue
        if row.kind != heading:
            heading = row.kind
            print(f"\n{HEADINGS[heading]}")
        try:
            results.append((row, measure(row, skipped)))
            show(*results[-1])
        except _peers.Missing as reason:
            print(f"  skipped: {reason}")
    verdicts = summary(results)
    print(f"\n{time.time() - start:.0f} s")
    if options.json:
        lines = [{**row.__dict__, "label": row.label, **result} for row, result in results]
        content = {"machine": about, "rows": lines, "bars": verdicts}
        options.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
