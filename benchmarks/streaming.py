"""Time of ``Forecaster.update``: series that are observed once an hour, one step after the other.

    python benchmarks/streaming.py                # 1,000 series x 1 step, one network
    python benchmarks/streaming.py --ensemble 4
    python benchmarks/streaming.py --instant      # the pretrained network: 1 and 100 series
    python benchmarks/streaming.py --accuracy ../shared/data/forecasting

Prints the median over steps of an update (new rows as a polars frame), of the forecast that
follows, and, for comparison, of reading the whole window again. ``--accuracy`` compares the
forecasts of states that were carried on with those of windows read afresh, at the ends of the
training parts of four sets of series.
"""

import argparse
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import polars as pl
import torch

from carrousel import Forecaster
from carrousel.data import Frequency, Panel, to_panel
from carrousel.forecast.evaluation import metrics
from carrousel.forecast.intervals.quantiles import MEDIAN
from carrousel.forecast.updating.streaming import Stream


def panel_of(count: int, length: int) -> Panel:
    rng, t = np.random.default_rng(0), np.arange(length)
    y = 100 + 20 * np.sin(2 * np.pi * t / 24) + rng.standard_normal((count, length))
    return Panel(
        y=y.astype(np.float32).reshape(-1),
        offsets=np.arange(count + 1) * length,
        ids=[f"series {s}" for s in range(count)],
        start=np.full(count, np.datetime64("2024-01-01", "us")),
        freq=Frequency.parse("1h"),
    )


def hour(future: dict, k: int, of: int) -> pl.DataFrame:
    """The rows of one hour: every series once."""
    rows = pl.DataFrame({name: values[k::of] for name, values in future.items()})
    return rows.with_columns(y=pl.lit(100.0 + k))


def timed(function, *arguments):
    begin = perf_counter()
    function(*arguments)
    return 1000 * (perf_counter() - begin)


SETS = {  # name: (file, horizon, season, windows)
    "M4 hourly": ("m4_hourly.parquet", 48, 24, 1),
    "hospital": ("hospital.parquet", 12, 12, 1),
    "daily temperatures": ("daily-min-temperatures.csv", 14, 7, 20),
    "bicycles hired per hour": ("bike_sharing_hourly.csv", 24, 24, 20),
}


def accuracy(folder: Path, effort: str, seeds: int, names: list[str]) -> None:
    """MASE of the last windows, from states carried on over as much history as there is before
    them, three windows of the network at most, and on from one to the next."""
    for name in names:
        file, h, season, windows = SETS[name]
        panel = read(folder / file)
        for seed in range(seeds):
            forecaster = Forecaster(h, effort=effort, seed=seed)
            forecaster.fit(panel.head(windows * h))
            afresh, carried, count = errors(forecaster, panel, h, season, windows)
            print(
                f"{name}, seed {seed}, {windows} windows: MASE from windows read afresh "
                f"{afresh:.4f}, from states carried on over {count} more {carried:.4f} "
                f"({100 * (carried / afresh - 1):+.1f} %)",
                flush=True,
            )


def errors(
    forecaster: Forecaster, panel: Panel, h: int, season: int, windows: int
) -> tuple[float, float, int]:
    """(MASE afresh, MASE carried on, observations before the first window)."""
    first, lengths = windows * h, panel.lengths
    before = int(min(3 * forecaster.networks_[0].shape.history, lengths.min() - first - 2))
    stream, have = Stream(forecaster.networks_, panel.head(first + before)), first + before
    known = [panel.series(s)[: len(panel.series(s)) - first] for s in range(panel.n_series)]
    scale = np.array([metrics.seasonal_scale(y, season) for y in known])
    found: dict[str, list[float]] = {"afresh": [], "carried": []}
    for drop in range(first, 0, -h):
        rows = panel.offsets[1:, None] - have + np.arange(have - drop)
        stream.advance(np.full(panel.n_series, have - drop), panel.y[rows])
        have = drop
        y = np.stack([panel.series(s)[-drop:][:h] for s in range(panel.n_series)])
        for kind, quantiles in (
            ("afresh", forecaster.window_quantiles(panel, [drop])[0]),
            ("carried", stream.after_gaps(companion=forecaster._companion)),
        ):
            found[kind].append(np.nanmean(metrics.mase(y, quantiles[..., MEDIAN], scale)))
    return float(np.mean(found["afresh"])), float(np.mean(found["carried"])), before


def read(path: Path) -> Panel:
    if path.suffix == ".parquet":
        table = pl.read_parquet(path).filter(pl.col("split") == "train")
        return to_panel(table.select("unique_id", "ds", "y"))[0]
    if path.stem == "bike_sharing_hourly":
        return to_panel(path, time_col="date_time", target_col="users")[0]
    return to_panel(path, time_col="Date", target_col="Temp")[0]


def instant(lengths: list[int], updates: int) -> None:
    """The pretrained network: an hour and the forecast after it, from the state that goes on and
    from the window that is read again."""
    for count, length in ((count, length) for count in (1, 100) for length in lengths):
        panel = panel_of(count, length)
        forecaster = Forecaster(24, effort="instant", season_length=24).fit(panel)
        future = panel.future(updates + 4)
        steps = [hour(future, k, updates + 4) for k in range(updates + 4)]
        for rows in steps[:4]:  # a state for each of the four phases
            forecaster.update(rows).predict()
        took: dict[str, list[float]] = {"update": [], "forecast": [], "window": []}
        for rows in steps[4:]:
            took["update"].append(timed(forecaster.update, rows))
            took["forecast"].append(timed(forecaster.predict))
            held = forecaster.panel_
            took["window"].append(timed(forecaster.predict, held))
        update, forecast, window = (median(each) for each in took.values())
        print(
            f"pretrained, {count} series of {length:,} hours: update {update:.2f} ms, predict() "
            f"{forecast:.1f} ms, from the window {window:.1f} ms",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--lengths", type=int, nargs="+", default=[400, 4000])
    parser.add_argument("--ensemble", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--updates", type=int, default=30)
    parser.add_argument("--instant", action="store_true", help="the pretrained network")
    parser.add_argument("--accuracy", type=Path, metavar="FOLDER")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--effort", default="default")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    if options.accuracy:
        accuracy(options.accuracy, options.effort, options.seeds, options.sets)
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options}")
    if options.instant:
        instant(options.lengths, options.updates)
        return
    for length in options.lengths:
        panel = panel_of(options.series, length)
        forecaster = Forecaster(
            24, options.cell, ensemble=options.ensemble, hidden_size=options.hidden, max_steps=1
        ).fit(panel)
        future = panel.future(options.updates + 1)
        steps = [hour(future, k, options.updates + 1) for k in range(options.updates + 1)]
        first = timed(forecaster.update, steps[0])
        updates = [timed(forecaster.update, rows) for rows in steps[1:]]
        forecasts = [timed(forecaster.predict) for _ in range(5)]
        again = [timed(forecaster.predict, forecaster.panel_) for _ in range(5)]
        print(
            f"{options.series:,} series of {length:,} hours: first update {first:.0f} ms, "
            f"update {median(updates):.2f} ms (best {min(updates):.2f}), "
            f"predict() {median(forecasts):.1f} ms, from the window {median(again):.1f} ms"
        )


if __name__ == "__main__":
    main()
