"""Does the loop help? The same network with an LSTM, a GRU, and without recurrence ("ann")."""

from carrousel import Forecaster
from carrousel.data import load_sample

series = load_sample("airline")

for cell in ("lstm", "gru", "ann"):
    past = Forecaster(h=12, cell=cell, effort="fast", max_steps=100).backtest(series, windows=3)
    error = (past["carrousel"] - past["y"]).abs().mean()
    print(f"{cell:5} mean absolute error {error:6.1f}")
