"""Do covariates lower the error? The same forecaster without and with them.

    python benchmarks/covariates.py --data ../shared/data/forecasting
    python benchmarks/covariates.py --data DIR --sets bikes --validate

Each set is forecast over its last fourteen days, a day at a time, by networks that learned from
what came before (``backtest``). Weather is what was measured: a weather forecast would be less
exact. ``--validate`` forecasts the fourteen days before those, for choosing.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from carrousel import Forecaster

DAYS = 14


@dataclass(frozen=True)
class Set:
    h: int  # steps in a day
    read: Callable[[Path], pl.DataFrame]
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)


def prices(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "electricity_prices.csv")


def bikes(folder: Path) -> pl.DataFrame:
    table = pl.read_csv(folder / "bike_sharing_hourly.csv")
    return table.rename({"date_time": "ds", "users": "y"})


def victoria(folder: Path) -> pl.DataFrame:
    table = pl.read_parquet(folder / "vic_elec_30min.parquet")
    time = pl.col("ds_utc").dt.replace_time_zone("UTC").dt.convert_time_zone("Australia/Melbourne")
    return table.select(time.alias("ds"), pl.col("demand").alias("y"), "temperature")


WEATHER = ["weather", "temp", "hum", "windspeed"]
SETS = {
    "prices": Set(24, prices, {
        "none": {},
        "calendar": {"calendar": True},
        "load and wind forecasts": {"futr_exog": ["Exogenous1", "Exogenous2"]},
        "the same, calendar": {"futr_exog": ["Exogenous1", "Exogenous2"], "calendar": True},
        "the same, calibrated": {"futr_exog": ["Exogenous1", "Exogenous2"], "conformal": 14},
    }),
    "bikes": Set(24, bikes, {
        "none": {},
        "calendar, holidays": {"calendar": True, "holidays": "US"},
        "weather": {"futr_exog": WEATHER},
        "all": {"futr_exog": WEATHER, "calendar": True, "holidays": "US"},
    }),
    "victoria": Set(48, victoria, {
        "none": {},
        "calendar, holidays": {"calendar": True, "holidays": "AU-VIC"},
        "temperature": {"futr_exog": ["temperature"]},
        "all": {"futr_exog": ["temperature"], "calendar": True, "holidays": "AU-VIC"},
    }),
}  # fmt: skip


def errors(table: pl.DataFrame, levels: list[int]) -> dict[str, float]:
    """Mean absolute error, the same in percent of the mean value, and coverage."""
    y, error = table["y"].to_numpy(), (table["carrousel"] - table["y"]).abs().to_numpy()
    inside = [
        table["y"].is_between(table[f"carrousel-lo-{one}"], table[f"carrousel-hi-{one}"]).mean()
        for one in levels
    ]
    mae = float(np.nanmean(error))
    found = {"mae": mae, "percent": 100 * mae / float(np.nanmean(np.abs(y)))}
    return found | {f"in {one} %": 100 * s for one, s in zip(levels, inside, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--variants", nargs="*", help="only these")
    parser.add_argument("--effort", default="fast")
    parser.add_argument("--validate", action="store_true")
    arguments = parser.parse_args()
    print(f"effort {arguments.effort}; {'validation' if arguments.validate else 'test'} days")
    print("| data | covariates | MAE | % of the mean | in 80 % | in 95 % | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.sets:
        one = SETS[name]
        table = one.read(arguments.data)
        if arguments.validate:
            group = "unique_id" if "unique_id" in table.columns else pl.lit(0)
            count = pl.len().over(group)
            table = table.filter(pl.int_range(pl.len()).over(group) < count - DAYS * one.h)
        for label, options in one.variants.items():
            refused = arguments.effort == "instant" and options.get("calendar")
            if refused or (arguments.variants and label not in arguments.variants):
                continue
            began = time.perf_counter()
            forecaster = Forecaster(one.h, effort=arguments.effort, **options)
            found = errors(forecaster.backtest(table, DAYS), [80, 95])
            seconds = time.perf_counter() - began
            row = [f"{found['mae']:.2f}", *(f"{found[k]:.1f}" for k in list(found)[1:])]
            print("|", " | ".join([name, label, *row, f"{seconds:.0f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
