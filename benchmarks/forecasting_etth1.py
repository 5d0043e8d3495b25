"""ETTh1 as long-horizon papers measure it: mean errors of standardized values.

    python -m benchmarks.forecasting_etth1 --data DIR [--validate] [--horizons 96 192 336 720]

Seven channels of 17,420 hours, each a series; the first 12 months of 30 days teach, the next 4 are
passed over (or forecast, with --validate), the next 4 are forecast from every hour that leaves a
whole horizon: no window is dropped. Channels are standardized by their teaching part.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import polars as pl

from carrousel import Forecaster
from carrousel.data import Panel, to_panel
from carrousel.forecast.intervals.quantiles import MEDIAN

MONTH = 30 * 24
TRAIN, VALIDATION, TEST = 12 * MONTH, 16 * MONTH, 20 * MONTH
AT_ONCE = 64  # windows


def standardized(folder: Path, stop: int) -> Panel:
    """The first ``stop`` hours of every channel."""
    table = pl.read_csv(folder / "ETTh1.csv", try_parse_dates=True)[:stop]
    channels = [c for c in table.columns if c != "date"]
    table = table.with_columns(
        (pl.col(c) - table[c][:TRAIN].mean()) / table[c][:TRAIN].std(ddof=0) for c in channels
    )
    long = table.unpivot(channels, index="date", variable_name="unique_id", value_name="y")
    return to_panel(long, time_col="date")[0]


def errors(forecaster: Forecaster, panel: Panel, first: int, h: int, every: int) -> np.ndarray:
    """(2,) MSE and MAE of the medians of all windows that begin at ``first`` or later."""
    last = int(panel.lengths[0])
    drops = np.arange(h, last - first + 1, every)[::-1]
    y = panel.y.reshape(panel.n_series, -1)
    total, count = np.zeros(2), 0
    for some in np.array_split(drops, -(-len(drops) // AT_ONCE)):
        forecast = forecaster.window_quantiles(panel, some.tolist())[..., MEDIAN]  # (W, S, h)
        where = last - some[:, None] + np.arange(h)
        error = y[:, where].transpose(1, 0, 2) - forecast
        total += np.square(error).sum(), np.abs(error).sum()
        count += error.size
    return total / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--horizons", nargs="+", type=int, default=[96, 192, 336, 720])
    parser.add_argument("--effort", default="default")
    parser.add_argument("--ensemble", type=int)
    arguments = parser.parse_args()
    first, stop = (TRAIN, VALIDATION) if arguments.validate else (VALIDATION, TEST)
    panel = standardized(arguments.data, stop)
    rows = []
    print(f"{'h':>6}{'MSE':>8}{'MAE':>8}{'fit s':>8}")
    for h in arguments.horizons:
        began = time.perf_counter()
        forecaster = Forecaster(h, effort=arguments.effort, ensemble=arguments.ensemble)
        forecaster.fit(panel.head(stop - TRAIN))
        took = time.perf_counter() - began
        rows.append(errors(forecaster, panel, first, h, 24 if arguments.validate else 1))
        print(f"{h:6}{rows[-1][0]:8.3f}{rows[-1][1]:8.3f}{took:8.0f}", flush=True)
    mse, mae = np.mean(rows, 0)
    print(f"{'mean':>6}{mse:8.3f}{mae:8.3f}")


if __name__ == "__main__":
    main()
