"""Beside us: what forecasts of a Parquet directory cost with other programs, on one worker and two.

    python -m benchmarks.scale_peers --series 2000 --work /tmp/scale

The series are those of ``benchmarks/scale.py``. Each program forecasts 28 steps with intervals of
80 % in a process of its own. Ours without training and after one (``instant``, ``fast``), in parts,
without Ray on one worker and on a local cluster of two; statsforecast's seasonal naive and AutoETS
from the table in memory, by ``n_jobs``; neuralforecast's LSTM of the same width as ours, which
learns for 500 updates from a directory for each series (these are written before the clock starts)
and can forecast from a table in memory only, on one worker. Seconds of the processor are those of a
program and its children (of Ray's workers they are not known).
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

OURS = {"carrousel instant": "instant", "carrousel fast": "fast"}
LSTM = "neuralforecast LSTM"
PROGRAMS = (*OURS, "SeasonalNaive", "AutoETS", LSTM)


def ours(effort: str, data: Path, work: Path, workers: int) -> int:
    """Forecasts in parts; how many rows."""
    import ray
    import torch

    from carrousel import Forecaster
    from carrousel.forecast.distributed import on_ray

    torch.set_num_threads(1)
    if workers > 1:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    with on_ray() if workers > 1 else nullcontext():
        forecaster = Forecaster(H, effort=effort).fit(data, cache=work / "cache")
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


def directories(data: Path) -> list[str]:
    """A directory of one file for each series, as neuralforecast wants them."""
    import polars as pl

    folder = data.with_name(f"{data.name}-directories")
    if not folder.exists():
        pl.read_parquet(data / "*.parquet").write_parquet(
            pl.PartitionBy(folder, key="unique_id", include_key=True), mkdir=True
        )
    return sorted(map(str, folder.iterdir()))


def from_directories(data: Path) -> int:
    """Forecasts of an LSTM; how many rows."""
    import polars as pl
    import torch
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import LSTM

    torch.set_num_threads(1)
    model = LSTM(
        h=H, input_size=56, encoder_hidden_size=32, decoder_hidden_size=32, max_steps=500,
        loss=MQLoss(level=[80]), accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    found = NeuralForecast([model], freq="1d")
    found.fit(directories(data))
    return len(found.predict(pl.read_parquet(data / "*.parquet")))


def measure(name: str, data: Path, work: Path, workers: int) -> dict[str, float | None]:
    """Seconds, of the clock and of the processors, and gigabytes of the largest process."""
    began = perf_counter()
    if name in OURS:
        rows = ours(OURS[name], data, work, workers)
    elif name == LSTM:
        rows = from_directories(data)
    else:
        rows = theirs(name, data, workers)
    seconds = perf_counter() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": seconds,
        "cpu s": None if name in OURS and workers > 1 else _busy(used),
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
    if LSTM in given.programs:
        directories(data)
    rows = []
    for name in given.programs:
        for workers in given.workers if name != LSTM else [1]:
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
