"""What columns that are known ahead add to forecasts without training."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from carrousel import Forecaster
from carrousel.forecast.pretrained.covariates import Column, Effects

H = 7


def sales(n=371, seed=0):
    """Days with a week's season, promotions worth 90, and a column without any effect."""
    rng = np.random.default_rng(seed)
    promotion, noise = (rng.random(n) < 0.2).astype(int), rng.normal(0, 5, n)
    y = 200 + 20 * np.sin(2 * np.pi * np.arange(n) / 7) + 90 * promotion + noise
    start = pl.datetime(2024, 1, 1)
    days = pl.select(pl.datetime_range(start, start + timedelta(n - 1), "1d")).to_series()
    weather = np.where(rng.random(n) < 0.5, "sun", "rain")
    return pl.DataFrame({"ds": days, "y": y, "promotion": promotion, "weather": weather})


def promoted(**options):
    return Forecaster.pretrained(futr_exog=["promotion"], **options)


def test_effects_are_those_that_made_the_series():
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(5, 2, 900), rng.integers(0, 3, 900), rng.random(900)])
    level = np.cumsum(rng.normal(0, 0.02, 900)) + np.tile(rng.normal(0, 3, 12), 75)
    y = level + 1.5 * x[:, 0] + np.array([0.0, 4.0, -2.0])[x[:, 1].astype(int)]
    effects = Effects.learned(y, x, (0, 3, 0), 12)
    there = np.array([[5.0, 0, 0.5], [6.0, 0, 0.5], [5.0, 1, 0.5], [5.0, 2, 0.1]])
    found = effects.on(there)
    np.testing.assert_allclose(found[1:] - found[0], [1.5, 4, -2], atol=0.1)
    assert abs(effects.on(x).mean()) < 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_columns_without_effect_have_no_say(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(300, 3)), rng.normal(size=300)
    assert not Effects.learned(y, x, (0, 0, 0), 7).on(x).any()


@pytest.mark.parametrize(
    ("y", "x"),
    [
        (np.arange(3.0), np.zeros((3, 1))),
        (np.full(90, 5.0), np.arange(90.0)[:, None]),
        (np.arange(90.0), np.full((90, 1), 2.0)),
        (np.arange(90.0), np.full((90, 1), np.nan)),
        (np.full(90, np.nan), np.arange(90.0)[:, None]),
        (np.zeros(0), np.zeros((0, 1))),
    ],
)
def test_nothing_to_learn_from_is_no_effect(y, x):
    assert not Effects.learned(y, x, (0,), 7).on(x).any()


def test_far_outside_its_range_the_effect_of_a_column_ends():
    column = Column.of(np.linspace(0, 10, 50), 0)
    far, further = column.numbers(np.array([15.0, 1e9]))
    np.testing.assert_array_equal(far, further)
    np.testing.assert_array_equal(column.numbers(np.array([np.nan]))[0, 0], 0.0)


def test_a_bend_is_found():
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 30, 600)
    y = np.abs(x - 15) + rng.normal(0, 0.1, 600)  # too cold, too hot
    effects = Effects.learned(y, x[:, None], (0,), 1)
    cold, mild, hot = effects.on(np.array([[1.0], [15.0], [29.0]]))
    assert min(cold, hot) - mild > 8


def test_forecasts_know_the_promotions_that_come():
    table = sales()
    known, coming = table[:-H], table[-H:].drop("y")
    with_columns = promoted().predict(known, H, X_df=coming)["carrousel"]
    without = Forecaster.pretrained().predict(known, H)["carrousel"]
    error, blind = (with_columns - table["y"][-H:]).abs(), (without - table["y"][-H:]).abs()
    assert error.mean() < 8 < blind.mean() / 3
    other = promoted().predict(known, H, X_df=coming.with_columns(promotion=1 - pl.col.promotion))
    moved = (other["carrousel"] - with_columns) * np.where(coming["promotion"], -1, 1)
    np.testing.assert_allclose(moved, 90, atol=5)


def test_days_of_a_backtest_are_forecast_from_what_came_before():
    table = sales()
    backtest = promoted().backtest(table, H, windows=2)
    last = promoted().predict(table[:-H], H, X_df=table[-H:].drop("y"))
    np.testing.assert_array_equal(backtest["carrousel"][-H:], last["carrousel"])


def test_a_saved_and_an_updated_forecaster_forecast_the_same(tmp_path):
    table, coming = sales(), sales()[-H:].drop("y")
    forecaster = promoted().on(table[:-H], H)
    wanted = forecaster.predict(X_df=coming)
    forecaster.save(tmp_path / "model")
    assert Forecaster.load(tmp_path / "model").predict(X_df=coming).equals(wanted)
    updated = promoted().on(table[: -2 * H], H).update(table[-2 * H : -H])
    assert updated.predict(X_df=coming).equals(wanted)


def test_an_explanation_says_what_the_columns_add():
    table, coming = sales(), sales()[-H:].drop("y")
    forecaster = promoted().on(table[:-H], H)
    found = forecaster.explain(step=2, X_df=coming)
    assert found.forecast == pytest.approx(forecaster.predict(X_df=coming)["carrousel"][1])
    assert found.columns == pytest.approx(90 * (coming["promotion"][1] - 0.2), abs=8)
    parts = found.mean + found.steps["copied"].sum() + found.correction + found.columns
    assert parts + found.error == pytest.approx(found.forecast)
    assert "Columns that are known ahead move it by" in str(found)


def test_series_are_told_apart():
    one, two = sales(seed=3), sales(seed=4).with_columns(y=pl.col.y - 180 * pl.col.promotion)
    both = pl.concat(
        [one.with_columns(unique_id=pl.lit("a")), two.with_columns(unique_id=pl.lit("b"))]
    )
    last = pl.col.ds > one["ds"][-H - 1]
    found = promoted().predict(both.filter(~last), H, X_df=both.filter(last).drop("y"))
    alone = promoted().predict(one[:-H], H, X_df=one[-H:].drop("y"))
    ours = found.filter(unique_id="a")["carrousel"]
    np.testing.assert_array_equal(ours, alone["carrousel"])


def test_clocks_that_change_do_not_matter():
    rng = np.random.default_rng(5)
    utc = pl.datetime_range(
        pl.datetime(2024, 3, 10), pl.datetime(2024, 4, 2, 23), "1h", time_zone="UTC"
    )
    hours = pl.select(utc.dt.convert_time_zone("Europe/Paris").alias("ds"))
    heat = rng.normal(size=len(hours))
    day = 10 * np.sin(hours["ds"].dt.hour().to_numpy() * np.pi / 12)
    table = hours.with_columns(heat=heat, y=100 + day + 6 * heat + rng.normal(0, 0.5, len(hours)))
    backtest = Forecaster.pretrained(futr_exog=["heat"]).backtest(table, 24, windows=2)
    assert (backtest["carrousel"] - backtest["y"]).abs().mean() < 1.5
