"""What Ray costs and gives: forecasts of a Parquet directory in parts, without it and on workers.

    python -m benchmarks.scale_ray --series 100000 --work /tmp/scale    # the bars: 15 %, 1.7 times

One model forecasts the same store in this process by one thread, then on a local cluster of one
worker and of two, of one thread each. The files must be the same, byte for byte. A cluster starts
before the clock; what its workers import is counted, since every job pays for it. "over none" is
how much longer one worker takes than no Ray, "times one" how much faster two workers are than one.
"""

import argparse
import shutil
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter

import ray
import torch
from benchmarks.scale import H, make

from carrousel import Forecaster
from carrousel.console import console, table
from carrousel.forecast.distributed import on_ray
from carrousel.storage.files import write_json


def seconds(forecaster: Forecaster, data: Path, work: Path, workers: int) -> dict[str, float]:
    """Of forecasts on so many workers, 0 for none; and of the start of the cluster."""
    out = work / f"out-{workers}"
    shutil.rmtree(out, ignore_errors=True)
    began = perf_counter()
    if workers:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    ready = perf_counter()
    with on_ray() if workers else nullcontext():
        summary = forecaster.predict(data, out=out, cache=work / "cache", level=[80])
    done = perf_counter()
    if workers:
        ray.shutdown()
    assert summary.status == "complete", summary
    return {"workers": workers, "start s": ready - began, "predict s": done - ready,
            "predicted/s": summary.series / (done - ready)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--effort", default="instant", choices=("instant", "fast", "default"))
    parser.add_argument(
        "--rounds", type=int, default=1, help="one after the other; the best counts"
    )
    parser.add_argument("--work", type=Path, default=Path("scale-benchmark"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = given.work / f"series-{given.series}-{given.length}"
    if not data.exists():
        make(data, given.series, given.length)
    forecaster = Forecaster(H, effort=given.effort).fit(data, cache=given.work / "cache")
    rows = []
    for workers in (0, 1, 2):
        found = [seconds(forecaster, data, given.work, workers) for _ in range(given.rounds)]
        rows.append(min(found, key=lambda row: row["predict s"]))
    none, one, two = (row["predict s"] for row in rows)
    over, times = (None, one / none - 1, two / none - 1), (None, 1.0, one / two)
    for row, *more in zip(rows, over, times, strict=True):
        row["over none"], row["times one"] = more
    files = [sorted((given.work / f"out-{k}").glob("part-*.parquet")) for k in (0, 1, 2)]
    for parts in zip(*files, strict=True):
        assert len({path.read_bytes() for path in parts}) == 1, parts
    console().print(table(rows, ("workers",)))
    if given.out is not None:
        write_json(given.out, {"effort": given.effort, "series": given.series, "rows": rows})


if __name__ == "__main__":
    main()
