"""Seasons live on the clock on the wall, steps on that of time."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from carrousel import Forecaster
from carrousel.data import to_panel
from carrousel.data.wall import Wall

OPTIONS = {"effort": "fast", "max_steps": 40, "ensemble": 1, "hidden_size": 16}
PROFILE = np.full(24, 20.0)
PROFILE[[7, 8, 9, 17, 18]] = 60, 100, 70, 90, 60  # rush hours by the clock
CHANGES = [  # zone, the last known time, both sides of each change of the clock
    ("Europe/Berlin", "2024-03-30 23:00"),
    ("Europe/Berlin", "2024-04-01 05:00"),
    ("Europe/Berlin", "2024-10-26 23:00"),
    ("Europe/Berlin", "2024-10-27 12:00"),
    ("America/New_York", "2024-03-09 20:00"),
    ("Australia/Lord_Howe", "2024-10-05 20:00"),  # by half an hour
    ("Africa/Cairo", "2024-04-25 12:00"),
]


def rush_hours(zone, last, freq="1h", horizon=24):
    last = pd.Timestamp(last, tz=zone).tz_convert("UTC")
    steps = pd.date_range(
        end=last + horizon * pd.Timedelta(freq), periods=1300 + horizon, freq=freq
    )
    ds = steps.tz_convert(zone)
    noise = np.random.default_rng(0).normal(0, 1, len(ds))
    table = pd.DataFrame({"ds": ds, "y": PROFILE[ds.hour] + noise})
    return table[:-horizon], table[-horizon:]


@pytest.mark.parametrize(("zone", "last"), CHANGES)
def test_the_rush_hour_stays_where_the_clock_shows_it(zone, last):
    freq, horizon = ("30min", 48) if "Lord" in zone else ("1h", 24)
    past, truth = rush_hours(zone, last, freq, horizon)
    forecaster = Forecaster(horizon, **OPTIONS).fit(past)
    forecast = forecaster.predict()
    assert forecast["ds"].tolist() == truth["ds"].tolist()
    error = forecast["carrousel"].to_numpy() - truth["y"].to_numpy()
    assert np.abs(error).mean() < 2.5  # of the noise alone: 0.8; an hour late: 13
    assert forecast["ds"][forecast["carrousel"].idxmax()].hour == 8


def test_backtests_updates_and_saved_models_follow_the_wall(tmp_path):
    past, truth = rush_hours("Europe/Berlin", "2024-03-30 12:00", horizon=60)
    table = pd.concat([past, truth])
    told = Forecaster(24, **OPTIONS).backtest(table, 3, step=12)
    assert np.abs(told["carrousel"] - told["y"]).mean() < 2.5
    joined = told.merge(table, on="ds")
    assert len(joined) == 72
    np.testing.assert_allclose(joined["y_x"], joined["y_y"], rtol=1e-6)
    forecaster = Forecaster(24, **OPTIONS).fit(past)
    forecaster.update(truth[:36])
    after = forecaster.predict().merge(truth, on="ds")
    assert len(after) == 24
    assert np.abs(after["carrousel"] - after["y"]).mean() < 3.5
    forecaster.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model").predict(past.iloc[-900:])
    assert again["ds"].tolist() == truth["ds"].tolist()[:24]


@pytest.mark.parametrize("month", [3, 10])
def test_the_wall_is_pandas_own(month):
    ds = pd.date_range(f"2024-{month}-20", periods=400, freq="h", tz="Europe/Berlin")
    panel, _ = to_panel(pl.DataFrame({"ds": ds.to_series().to_list(), "y": np.arange(400.0)}))
    assert panel.time_zone
    panel, _ = to_panel(pd.DataFrame({"ds": ds, "y": np.arange(400.0)}))
    wall = Wall.of(panel)
    local = pd.Series(np.arange(400.0), ds.tz_localize(None))
    local = local[~local.index.duplicated()].asfreq("h")
    np.testing.assert_array_equal(wall.panel.y, local.to_numpy(np.float32))
    np.testing.assert_array_equal(wall.panel.times(0), local.index.to_numpy().astype("M8[us]"))


@pytest.mark.parametrize(
    ("zone", "freq"), [("UTC", "h"), ("Asia/Tokyo", "h"), ("Europe/Berlin", "6h")]
)
def test_where_no_clock_is_changed_nothing_is(zone, freq):
    ds = pd.date_range("2024-03-20", periods=100, freq=freq, tz=zone)
    panel, _ = to_panel(pd.DataFrame({"ds": ds, "y": np.arange(100.0)}))
    assert Wall.of(panel, 24) is None
