"""Forecast a year of airline passengers, with intervals, and check the past first."""

from carrousel import Forecaster
from carrousel.data import load_sample

series = load_sample("airline")  # or a pandas, polars or pyarrow frame, or the path of a file

forecaster = Forecaster(h=12, effort="fast")
past = forecaster.backtest(series, windows=2)
error = (past["carrousel"] - past["y"]).abs().mean()
print(f"Mean error over the last two years, foretold from what was known: {error:.1f} thousand")

print(forecaster.fit(series).predict(level=[80, 95]))
