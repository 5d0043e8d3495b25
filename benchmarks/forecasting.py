"""Forecasts of public data sets with default settings, beside naive and seasonal naive.

    python benchmarks/forecasting.py --data ../shared/data/forecasting
    python benchmarks/forecasting.py --data DIR --sets m4_hourly hospital --validate

Without ``--validate`` the forecasts are of the test parts, which are for reporting; with it, of
the ends of the training parts, which are for choosing. sMAPE in percent; MASE and MSIS (95 %)
scaled by the in-sample seasonal naive error of the season given; coverage in percent.
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

from benchmarks import forecasting_peers, forecasting_speed
from carrousel import Forecaster
from carrousel.data import Panel, to_panel
from carrousel.forecast import QUANTILES, metrics
from carrousel.forecast.evaluation.simple_methods import seasonal_naive
from carrousel.forecast.options import EFFORTS
from carrousel.forecast.quantiles import at


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


def run(name: str, data: Set, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Print and return the scores of every method on one set."""
    table = data.read(arguments.data)
    held = data.windows * data.h
    if "split" in table.columns and arguments.validate:
        table = table.filter(pl.col("split") == "train")
    panel, _ = to_panel(table, freq=data.freq)
    if "split" not in table.columns and arguments.validate:
        panel = panel.head(held)
    panel = panel.select(np.flatnonzero(panel.lengths > held + 1))
    known = panel.head(held)
    drops = [held - k * data.h for k in range(data.windows)]
    results = {}
    for season in dict.fromkeys((1, data.season)):
        began = time.perf_counter()
        quantiles = [seasonal_naive(panel.head(d), data.h, season, QUANTILES) for d in drops]
        label = "naive" if season == 1 else "seasonal naive"
        row = score(panel, known, drops, quantiles, data.season)
        results[label] = row | {"seconds": time.perf_counter() - began}
        show(name, label, results[label])
    for name_ in arguments.baselines:
        quantiles, took = forecasting_peers.forecasts(name_, panel, data.h, data.season, drops)
        row = score(panel, known, drops, quantiles, data.season)
        if name_ in forecasting_peers.NEURAL:
            row |= dict.fromkeys(("msis", "coverage80", "coverage95"), float("nan"))
        results[name_] = row | {"seconds": took}
        show(name, name_, results[name_])
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
            print(f"    {steps}, stretch {forecaster.networks_[0].stretch.item():.2f}")
    return results


def score(
    panel: Panel, known: Panel, drops: list[int], quantiles: list[np.ndarray], season: int
) -> dict[str, float]:
    """Means over series and windows. Series that never changed have no scale: left out of
    MASE and MSIS."""
    h = quantiles[0].shape[1]
    scale = np.array(
        [metrics.seasonal_scale(known.series(s), season) for s in range(panel.n_series)]
    )
    rows = []
    for drop, forecast in zip(drops, quantiles, strict=True):
        ends = panel.offsets[1:] - drop
        y = panel.y[ends[:, None] + np.arange(h)].astype(np.float64)
        low, high, middle = at(forecast, 0.025), at(forecast, 0.975), at(forecast, 0.5)
        rows.append(
            {
                "smape": metrics.smape(y, middle),
                "mase": metrics.mase(y, middle, scale),
                "msis": metrics.msis(y, low, high, scale),
                "coverage80": 100 * metrics.coverage(y, at(forecast, 0.1), at(forecast, 0.9)),
                "coverage95": 100 * metrics.coverage(y, low, high),
            }
        )
    return {k: float(np.nanmean([row[k] for row in rows])) for k in rows[0]}


COLUMNS = ("sMAPE", "MASE", "MSIS", "in 80%", "in 95%", "fit s")
HEADER = f"{'set':14}{'method':16}" + "".join(f"{name:>8}" for name in COLUMNS)


def show(name: str, method: str, row: dict[str, float]) -> None:
    numbers = [row["smape"], row["mase"], row["msis"], row["coverage80"], row["coverage95"]]
    text = "".join(f"{v:8.3f}" for v in numbers[:3]) + "".join(f"{v:8.1f}" for v in numbers[3:])
    print(f"{name:14}{method:16}{text}{row['seconds']:8.1f}", flush=True)


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
