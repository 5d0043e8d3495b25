"""What more series cost: seconds and memory of learning from, and forecasting, a Parquet directory.

    python benchmarks/scale.py --series 10000 100000 --length 100 --work /tmp/scale
    python benchmarks/scale.py --series 1000000 --length 100    # the bar: 4 GB, 15 minutes
    python benchmarks/scale.py --series 10000 --length 20000    # the bar: 1.5 GB

Each size runs in a process of its own, whose peak of resident memory is what the system says of it
(``ru_maxrss``); pages of files that are mapped count, the cache of the file system does not. The
series are daily, with a week, a level of their own and noise; they are made first, by another
process. The clock says little on a busy machine; the seconds of the processor are told beside it.
Results go to a table, and to ``--out`` as JSON; ``--plot`` draws the cost of a series, and, without
``--series``, from JSON that was written before:

    python benchmarks/scale.py --plot docs/images/scale-cost.png --out scale.json
"""

import argparse
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from carrousel.console import console, table
from carrousel.storage.files import as_json, write_json
from carrousel.storage.plain import parsed

H = 28
IN_A_FILE = 5_000_000  # rows


def make(folder: Path, series: int, length: int) -> None:
    """Parquet files of whole series."""
    folder.mkdir(parents=True)
    days = np.datetime64("2024-01-01", "us") + np.arange(length) * np.timedelta64(1, "D")
    each = max(min(IN_A_FILE // length, series), 1)
    for k, first in enumerate(range(0, series, each)):
        rng, count = np.random.default_rng(k), min(each, series - first)
        level = rng.lognormal(3, 1, (count, 1))
        week = 1 + 0.3 * np.sin(
            2 * np.pi * (np.arange(length) + rng.integers(7, size=(count, 1))) / 7
        )
        y = (level * week * (1 + 0.1 * rng.standard_normal((count, length)))).astype(np.float32)
        names = pl.Series([f"s{first + i:08d}" for i in range(count)])
        pl.DataFrame({
            "unique_id": names.gather(np.repeat(np.arange(count), length)),
            "ds": np.tile(days, count),
            "y": y.reshape(-1),
        }).write_parquet(folder / f"{k:05d}.parquet")  # fmt: skip


def measure(data: Path, work: Path, effort: str) -> dict[str, float]:
    """Learn and forecast; seconds of each stage, and gigabytes at most."""
    marks = [mark()]
    from carrousel import Forecaster
    from carrousel.data.store import open_store

    marks.append(mark())
    store = open_store(data, cache=work / "cache")
    marks.append(mark())
    forecaster = Forecaster(H, effort=effort).fit(data, cache=work / "cache")
    marks.append(mark())
    summary = forecaster.predict(data, out=work / "out", cache=work / "cache", level=[80])
    marks.append(mark())
    assert summary.status == "complete", summary
    assert summary.rows == store.n_series * H
    found: dict[str, float] = {}
    for k, stage in enumerate(("import", "store", "fit", "predict")):
        found[f"{stage} s"] = marks[k + 1][0] - marks[k][0]
        found[f"{stage} cpu s"] = marks[k + 1][1] - marks[k][1]
        found[f"{stage} GB"] = marks[k + 1][2]
    found["all s"] = marks[-1][0] - marks[0][0]
    store_and_predict = found["store cpu s"] + found["predict cpu s"]
    found["cpu us a series"] = 1e6 * store_and_predict / store.n_series  # beside learning
    return found


def mark() -> tuple[float, float, float]:
    """Seconds of the clock, of the processor in this process, and gigabytes of its resident memory
    at most so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return perf_counter(), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9


def plot(rows: list[dict[str, float]], path: Path) -> None:
    """Microseconds of the processor for a series, by how many there are."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from carrousel.colors import ORANGE

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    count, cost = ([row[name] for row in rows] for name in ("series", "cpu us a series"))
    axes.plot(count, cost, "o-", color=ORANGE)
    axes.set(xscale="log", ylim=(0, 1.2 * max(cost)))
    axes.set(xlabel="series of 100 values", ylabel="microseconds a series")
    axes.set_title("Store and forecasts of 28 steps, one processor")
    axes.minorticks_off()
    axes.set_xticks(count, [f"{n:,}" for n in count])
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, nargs="+")
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--effort", default="fast", choices=("instant", "fast", "default"))
    parser.add_argument("--work", type=Path, default=Path("scale-benchmark"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path, help="the cost of a series, as a picture")
    parser.add_argument("--keep", action="store_true", help="the series, for another run")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        sys.stdout.buffer.write(as_json(measure(given.child, given.work, given.effort), None))
        return
    if given.plot is not None and given.series is None and given.out is not None:
        plot(parsed(given.out.read_bytes())["rows"], given.plot)
        return
    rows = []
    for series in given.series or [10_000]:
        data = given.work / f"series-{series}-{given.length}"
        if not data.exists():
            make(data, series, given.length)
        for old in ("cache", "out"):
            shutil.rmtree(given.work / old, ignore_errors=True)
        command = [
            sys.executable, __file__, "--child", str(data), "--work", str(given.work),
            "--effort", given.effort,
        ]  # fmt: skip
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        size = sum(path.stat().st_size for path in data.iterdir()) / 1e9
        rows.append({"series": series, "length": given.length, "files GB": size,
                     **parsed(found.stdout)})  # fmt: skip
        if not given.keep:
            shutil.rmtree(data)
    console().print(table(rows, ("series", "length")))
    if given.plot is not None:
        plot(rows, given.plot)
    if given.out is not None:
        write_json(given.out, {"effort": given.effort, "horizon": H, "rows": rows})


if __name__ == "__main__":
    main()
