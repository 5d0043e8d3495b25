"""Forecasts of public data sets with default settings, beside naive and seasonal naive.

    python benchmarks/forecasting.py --data ../shared/data/forecasting
    python benchmarks/forecasting.py --data DIR --sets m4_hourly hospital --validate

Without ``--validate`` the forecasts are of the test parts, which are for reporting; with it, of
the ends of the training parts, which are for choosing. The metrics are those of every evaluation:
sMAPE in percent; MASE and MSIS (95 %) scaled by the in-sample seasonal naive error of the season
given; CRPS as the weighted quantile loss of nine deciles; coverage in percent.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import forecasting_peers, forecasting_published, forecasting_speed
from carrousel import Forecaster
from carrousel.data import Panel, to_panel
from carrousel.forecast.evaluation import SIMPLE_METHODS, Evaluation, metrics
from carrousel.forecast.evaluation.simple_methods import simple_forecasts
from carrousel.forecast.evaluation.windows import targets
from carrousel.forecast.options import EFFORTS


@dataclass(frozen=True)
class Set:
    """A data set: how to read it, and what is forecast of it."""

    h: int
    season: int  # of MASE and of the seasonal naive method
    read: Callable[[Path], pl.DataFrame]
    windows: int = 1  # how many horizons at the end of each series are forecast
    freq: str | int | None = None


def long_file(name: str, keep: pl.Expr | None = None) -> Callable[[Path], pl.DataFrame]:
    def read(folder: Path) -> pl.DataFrame:
        table = pl.read_parquet(folder / name)
        return table if keep is None else table.filter(keep)

    return read


def one_series(name: str, time_col: str, target: str) -> Callable[[Path], pl.DataFrame]:
    def read(folder: Path) -> pl.DataFrame:
        if name.endswith(".parquet"):
            table = pl.read_parquet(folder / name)
        else:
            table = pl.read_csv(folder / name, null_values="NA", infer_schema_length=None)
        if time_col == "year":
            parts = [pl.col(c) for c in ("year", "month", "day", "hour")]
            table = table.with_columns(pl.datetime(*parts).alias(time_col))
        return table.select(pl.col(time_col).alias("ds"), pl.col(target).cast(float).alias("y"))

    return read


def prices(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "electricity_prices.csv").select("unique_id", "ds", "y")


def channels(folder: Path) -> pl.DataFrame:
    table = pl.read_csv(folder / "ETTh1.csv").with_columns(pl.col("date").str.to_datetime())
    return table.unpivot(index="date", variable_name="unique_id", value_name="y").rename(
        {"date": "ds"}
    )


def m3(period: str) -> Callable[[Path], pl.DataFrame]:
    return long_file("m3.parquet", pl.col("period") == period)


SETS = {
    "m4_hourly": Set(48, 24, long_file("m4_hourly.parquet")),
    "m3_yearly": Set(6, 1, m3("yearly")),
    "m3_quarterly": Set(8, 4, m3("quarterly")),
    "m3_monthly": Set(18, 12, m3("monthly")),
    "m3_other": Set(8, 1, m3("other")),
    "hospital": Set(12, 12, long_file("hospital.parquet")),
    "airline": Set(12, 12, one_series("airline-passengers.csv", "Month", "Passengers"), 2),
    "car_sales": Set(12, 12, one_series("monthly-car-sales.csv", "Month", "Sales"), 2),
    "sunspots": Set(12, 12, one_series("monthly-sunspots.csv", "Month", "Sunspots"), 10),
    "temperatures": Set(14, 7, one_series("daily-min-temperatures.csv", "Date", "Temp"), 20),
    "pollution": Set(24, 24, one_series("pollution.csv", "year", "pm2.5"), 30),
    "bikes": Set(48, 24, one_series("bike_sharing_hourly.csv", "date_time", "users"), 14),
    "prices": Set(24, 24, prices, 7),
    "rte": Set(48, 24, one_series("rte_france_hourly_2026.csv", "datetime", "mw_consumption"), 3),
    "ett1": Set(48, 24, channels, 20),
    "vic_elec": Set(96, 48, one_series("vic_elec_30min.parquet", "ds_utc", "demand"), 14),
}


def main() -> None:
    arguments = parse()
    print(machine())
    if arguments.speed:
        return forecasting_speed.main([])
    print(HEADER)
    results = {}
    for name in arguments.sets:
        results[name] = run(name, SETS[name], arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


def parts(data: Set, folder: Path, validate: bool) -> tuple[Panel, Panel, list[int]]:
    """The series that are forecast, what is learned from, and how many steps are hidden for each
    window; with ``validate`` of the training part."""
    table = data.read(folder)
    held = data.windows * data.h
    if "split" in table.columns and validate:
        table = table.filter(pl.col("split") == "train")
    panel, _ = to_panel(table, freq=data.freq)
    if "split" not in table.columns and validate:
        panel = panel.head(held)
    panel = panel.select(np.flatnonzero(panel.lengths > held + 1))
    return panel, panel.head(held), [held - k * data.h for k in range(data.windows)]


def run(name: str, data: Set, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Print and return the scores of every method on one set."""
    panel, known, drops = parts(data, arguments.data, arguments.validate)
    results = {}
    heads = [panel.head(drop) for drop in drops]
    for method in SIMPLE_METHODS:
        began = time.perf_counter()
        for label, found in simple_forecasts(heads, data.h, (data.season,), [method]).items():
            row = score(panel, known, drops, list(found), data.season)
            results[label] = row | {"seconds": time.perf_counter() - began}
            show(name, label, results[label])
    for name_ in arguments.baselines:
        quantiles, took = forecasting_peers.forecasts(name_, panel, data.h, data.season, drops)
        row = score(panel, known, drops, quantiles, data.season)
        if name_ in forecasting_peers.NEURAL:
            row |= dict.fromkeys(INTERVALS, float("nan"))
        results[name_] = row | {"seconds": took}
        show(name, name_, results[name_])
    if not arguments.validate:
        for method, row in forecasting_published.rows(name).items():
            show(name, method, row)
    options = dict(pair.split("=") for pair in arguments.option)
    options = {
        k: int(v) if v.isdigit() else float(v) if "." in v else v for k, v in options.items()
    }
    for cell in arguments.cells:
        forecaster = Forecaster(data.h, cell, effort=arguments.effort, **options)
        began = time.perf_counter()
        forecaster.fit(known)
        fitted = time.perf_counter()
        quantiles = [forecaster.predict_quantiles(panel, d) for d in drops]
        row = score(panel, known, drops, quantiles, data.season)
        results[cell] = row | {"seconds": fitted - began}
        show(name, cell, results[cell])
        if arguments.verbose and forecaster.plan_:
            print(*(f"    {reason}" for reason in forecaster.plan_.reasons), sep="\n")
            steps = [(r.best_step, r.steps, r.stopped, r.best_score) for r in forecaster.runs_]
            print(f"    {steps}, stretch {forecaster.networks_[0].interval_scale.item():.2f}")
    return results


def score(
    panel: Panel, known: Panel, drops: list[int], quantiles: list[np.ndarray], season: int
) -> dict[str, float]:
    """Means over series and windows of every metric of ``carrousel.forecast.evaluation``. Series
    that never changed have no scale: left out of MASE and MSIS."""
    scale = [metrics.seasonal_scale(known.series(s), season) for s in range(panel.n_series)]
    evaluation = Evaluation(
        panel, drops, {"": np.stack(quantiles)}, targets(panel, drops, quantiles[0].shape[1]),
        np.tile(scale, (len(drops), 1)), LEVELS, (season,),
    )  # fmt: skip
    shares = {metric.name for metric in evaluation.coverages.values()}  # in percent here
    means = {k: float("nan") if v is None else v for k, v in evaluation.means[""].items()}
    return {name: 100 * v if name in shares else v for name, v in means.items()}


LEVELS = (80, 95)
METRICS = metrics.all_metrics(LEVELS)
INTERVALS = {"crps", "msis", *(m.name for m in METRICS if m.level)}  # not of point forecasts
HEADER = f"{'set':14}{'method':22}" + "".join(
    f"{name:>9}" for name in (*(metric.label for metric in METRICS), "fit s")
)


def show(name: str, method: str, row: dict[str, float]) -> None:
    text = "".join(f"{row[m.name]:9.{1 if m.level else m.digits}f}" for m in METRICS)
    print(f"{name:14}{method:22}{text}{row['seconds']:9.1f}", flush=True)


def machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, {time.strftime('%Y-%m-%d')}"
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", action="store_true", help="time and memory; needs no data")
    parser.add_argument("--data", type=Path, default=Path(), help="folder with the data sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET")
    parser.add_argument("--cells", nargs="*", default=["lstm"], metavar="CELL")
    parser.add_argument(
        "--baselines", nargs="*", choices=forecasting_peers.NAMES, default=[], metavar="NAME"
    )
    parser.add_argument("--effort", default="default", choices=EFFORTS)
    parser.add_argument("--validate", action="store_true", help="forecast the ends of training")
    parser.add_argument("--option", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
