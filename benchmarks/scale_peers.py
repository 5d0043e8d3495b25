"""Beside us: what forecasts of a Parquet directory cost with statsforecast, on one worker and two.

    python -m benchmarks.scale_peers --series 2000 --work /tmp/scale

The series are those of ``benchmarks/scale.py``. Each program forecasts 28 steps with intervals of
80 % in a process of its own: ours by ``effort="instant"`` in parts, without Ray on one worker and
on a local cluster of two; statsforecast its seasonal naive and AutoETS from the table in memory, by
``n_jobs``. Seconds of the processor are those of a program and its children (of Ray's workers they
are not known).
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter

from benchmarks.scale import H, make

from carrousel.console import console, table
from carrousel.storage.files import as_json, write_json
from carrousel.storage.plain import parsed

PROGRAMS = ("carrousel", "SeasonalNaive", "AutoETS")


def ours(data: Path, work: Path, workers: int) -> int:
    """Forecasts in parts; how many rows."""
    import ray
    import torch

    from carrousel import Forecaster
    from carrousel.forecast.distributed import on_ray

    torch.set_num_threads(1)
    if workers > 1:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    with on_ray() if workers > 1 else nullcontext():
        forecaster = Forecaster(H, effort="instant").fit(data, cache=work / "cache")
        rows = forecaster.predict(data, out=work / "out", cache=work / "cache", level=[80]).rows
    ray.shutdown()
    return int(rows)


def theirs(name: str, data: Path, workers: int) -> int:
    """Forecasts of the table; how many rows."""
    import polars as pl
    from statsforecast import StatsForecast, models

    model = getattr(models, name)(season_length=7)
    rows = pl.read_parquet(data / "*.parquet")
    found = StatsForecast([model], freq="1d", n_jobs=workers).forecast(df=rows, h=H, level=[80])
    return len(found)


def measure(name: str, data: Path, work: Path, workers: int) -> dict[str, float | None]:
    """Seconds, of the clock and of the processors, and gigabytes of the largest process."""
    began = perf_counter()
    rows = ours(data, work, workers) if name == "carrousel" else theirs(name, data, workers)
    seconds = perf_counter() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": seconds,
        "cpu s": None if name == "carrousel" and workers > 1 else _busy(used),
        "GB": max(one.ru_maxrss for one in used) * 1024 / 1e9,
        "series/s": rows / H / seconds,
    }


def _busy(used: list[resource.struct_rusage]) -> float:
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--programs", nargs="+", default=PROGRAMS, choices=PROGRAMS)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--work", type=Path, default=Path("scale-benchmark"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = given.work / f"series-{given.series}-{given.length}"
    if given.child is not None:
        found = measure(given.child, data, given.work, given.workers[0])
        sys.stdout.buffer.write(b"\n" + as_json(found, None))
        return
    if not data.exists():
        make(data, given.series, given.length)
    rows = []
    for name in given.programs:
        for workers in given.workers:
            for old in ("cache", "out"):
                shutil.rmtree(given.work / old, ignore_errors=True)
            words = ["--child", name, "--workers", str(workers), "--series", str(given.series),
                     "--length", str(given.length), "--work", str(given.work)]  # fmt: skip
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.scale_peers", *words],
                check=True, stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            found = parsed(done.stdout.splitlines()[-1])
            rows.append({"program": name, "workers": workers, **found})
    console().print(table(rows, ("program",)))
    if given.out is not None:
        write_json(given.out, {"series": given.series, "horizon": H, "rows": rows})


if __name__ == "__main__":
    main()
