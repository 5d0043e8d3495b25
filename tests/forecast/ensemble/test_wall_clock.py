"""Seasons live on the clock on the wall, steps on that of time."""

from functools import cache

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


@cache
def fitted(zone, last, freq="1h", horizon=24, **options):
    """For tests that ask it and leave it as it is."""
    past, _ = rush_hours(zone, last, freq, horizon)
    return Forecaster(horizon, **OPTIONS | options).fit(past)


@pytest.mark.parametrize(("zone", "last"), CHANGES)
def test_the_rush_hour_stays_where_the_clock_shows_it(zone, last):
    freq, horizon = ("30min", 48) if "Lord" in zone else ("1h", 24)
    _, truth = rush_hours(zone, last, freq, horizon)
    forecast = fitted(zone, last, freq, horizon).predict()
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


BESIDE = {
    "calendar": {"calendar": ["hour"]},
    "known ahead": {"futr_exog": ["x"]},
    "past, static and holidays": {
        "hist_exog": ["p"], "static_exog": ["shop"], "holidays": "DE"
    },
    "a group": {"groups": True},
}  # fmt: skip


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize(("zone", "last"), [CHANGES[0], CHANGES[2], CHANGES[1]])
def test_covariates_calendar_and_groups_follow_the_wall(zone, last, beside):
    past, truth = rush_hours(zone, last)
    shops = [
        pd.concat([past, truth]).assign(
            unique_id=shop, y=lambda t, by=by: t["y"] * by,
            x=lambda t: np.cos(t["ds"].dt.hour / 24 * 2 * np.pi), p=lambda t: t["y"] / 10,
            shop=shop,
        )
        for shop, by in (("a", 1), ("b", 2))
    ]  # fmt: skip
    known = pd.concat([shop[:-24] for shop in shops])
    after = pd.concat([shop[-24:] for shop in shops]).reset_index(drop=True)
    ahead = {"X_df": after[["unique_id", "ds", "x"]]} if "known" in beside else {}
    forecaster = Forecaster(24, **OPTIONS, **BESIDE[beside]).fit(known)
    forecast = forecaster.predict(**ahead)
    assert forecast["ds"].tolist() == after["ds"].tolist()
    for shop, by in (("a", 1), ("b", 2)):
        rows = forecast["unique_id"] == shop
        error = (forecast["carrousel"] - after["y"])[rows]
        assert np.abs(error).mean() < 2.5 * by  # an hour late: 13
        assert forecast["ds"][forecast["carrousel"][rows].idxmax()].hour == 8


def test_what_is_known_of_a_step_reaches_that_step():
    """Only the covariate says when the shop is open, and clocks are changed in between."""
    ds = pd.date_range("2024-02-10", periods=1300, freq="h", tz="Europe/Berlin")
    x = (np.random.default_rng(1).random(len(ds)) < 0.5).astype(float)
    table = pd.DataFrame({"ds": ds, "x": x, "y": 100 * x})
    end = int((ds < "2024-03-30 20:00+01:00").sum())
    forecaster = Forecaster(24, **{**OPTIONS, "max_steps": 150}, futr_exog=["x"])
    forecaster.fit(table[: end - 240])
    for known in (end - 48, end, end + 3):
        ahead = table[known : known + 24]
        found = forecaster.predict(table[:known], X_df=ahead[["ds", "x"]])
        assert found["ds"].tolist() == ahead["ds"].tolist()
        assert np.corrcoef(found["carrousel"], ahead["y"])[0, 1] > 0.95
    told = forecaster.backtest(table[: end + 100], 3, step=30)
    assert np.corrcoef(told["carrousel"], told["y"])[0, 1] > 0.95


@pytest.mark.parametrize("step", [1, 6, 24])
@pytest.mark.parametrize(("zone", "last"), [CHANGES[0], CHANGES[2]])
def test_explained_is_what_was_forecast(zone, last, step):
    forecaster = fitted(zone, last, max_steps=5, calendar=("hour",))
    forecast = forecaster.predict().iloc[step - 1]
    found = forecaster.explain(step=step)
    assert found.forecast == pytest.approx(forecast["carrousel"], rel=1e-5)
    assert found.panel.instants(found.times)[0] == np.datetime64(
        forecast["ds"].tz_convert("UTC").tz_localize(None)
    )


@pytest.mark.parametrize(("zone", "last"), [CHANGES[0], CHANGES[2], CHANGES[3]])
def test_the_mean_that_is_explained_is_that_of_the_steps_of_time(zone, last):
    forecaster = fitted(zone, last, "1h", 24)
    forecast = forecaster.predict()["carrousel"]
    if "-03-" in last:  # the last step lies beyond the 24 hours of the clock
        forecast = forecast[:-1]
    found = forecaster.explain(step=None)
    assert found.forecast == pytest.approx(forecast.mean(), rel=1e-5)
    assert len(found.times) == len(forecast)


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


def test_errors_tell_the_time_that_clocks_show():
    ds = pd.date_range("2024-07-01", periods=120, freq="h", tz="America/New_York")
    table = pd.DataFrame({"ds": ds, "y": np.arange(120.0) % 24, "x": 1.0})
    forecaster = Forecaster(2, **{**OPTIONS, "max_steps": 1}, futr_exog=["x"]).fit(table[:100])
    with pytest.raises(ValueError, match="no known value for series 'y' at 2024-07-05 05:00"):
        forecaster.predict(X_df=table[100:101])
    twice = pd.concat([table[100:103], table[100:101].assign(x=2.0)])
    with pytest.raises(ValueError, match="for 2024-07-05 04:00 of series"):
        forecaster.predict(X_df=twice)
    between = table[100:103].assign(ds=ds[100:103] + pd.Timedelta("10min"))
    for refused in (lambda: forecaster.predict(X_df=between), lambda: forecaster.update(between)):
        with pytest.raises(ValueError, match="2024-07-05 04:10 of series 'y' lies between"):
            refused()
    late = table[100:101].assign(ds=ds[100:101] + pd.Timedelta("500D"))
    with pytest.raises(ValueError, match="2025-11-17 03:00 of series 'y' is 12,001 steps after"):
        forecaster.update(late)
