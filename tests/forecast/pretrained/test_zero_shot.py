"""Forecasts without learning: of any length, with gaps, far from zero, alone or together."""

import numpy as np
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.data import load_sample
from carrousel.forecast import Pretrained
from carrousel.forecast.evaluation.simple_methods import seasonal_naive
from carrousel.forecast.pretrained import regression, storage
from carrousel.forecast.pretrained.zero_shot import ZeroShot

from ..conftest import make_panel, make_table, seasonal_series


def forecast(series, h=12, seasons=(12,), freq="MS"):
    return ZeroShot(seasons).window_quantiles(make_panel(series, freq), [0], h)[0]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 13, 40, 193, 2000])
@pytest.mark.parametrize("seasons", [(1,), (12,), (24, 168)])
def test_a_series_of_any_length_has_a_forecast_with_doubt(length, seasons):
    y = seasonal_series(length, season=seasons[0] if seasons[0] > 1 else 12)
    q = forecast([y], seasons=seasons)
    assert q.shape == (1, 12, 11)
    assert np.isfinite(q).all()
    assert (np.diff(q, axis=-1) >= 0).all()
    assert (q[..., -1] > q[..., 0]).all()


def test_a_season_is_foretold_better_than_by_the_naive_methods():
    series = [seasonal_series(180, 12, noise=3.0, seed=s) for s in range(20)]
    panel = make_panel([y[:-12] for y in series], "MS")
    truth = np.stack([y[-12:] for y in series])
    ours = ZeroShot((12,)).window_quantiles(panel, [0], 12)[0][..., 5]
    for season in (1, 12):
        naive = seasonal_naive(panel, 12, season)[..., 0]
        assert np.abs(ours - truth).mean() < np.abs(naive - truth).mean()


@pytest.mark.parametrize(("seasons", "h"), [((12,), 5), ((1,), 1), ((24, 168), 13)])
def test_series_are_forecast_alike_alone_and_together_to_the_last_bit(seasons, h):
    rng = np.random.default_rng(h)
    series = [seasonal_series(n, 12, seed=n) for n in (5, 30, 31, 200, 700)]
    series += [np.cumsum(rng.standard_normal(n)) for n in rng.integers(4, 1200, 15)]
    together = forecast(series, h, seasons)
    for k in (0, 2, 4, 7, 12, 19):
        np.testing.assert_array_equal(together[k], forecast([series[k]], h, seasons)[0])
    np.testing.assert_array_equal(together[6:11], forecast(series[6:11], h, seasons))


@pytest.mark.parametrize("seasons", [(365,), (7, 700), (24, 1000)])
def test_a_window_of_thousands_of_values_is_read(seasons):
    y = seasonal_series(6000, seasons[0], noise=3.0)
    found = forecast([y[:-30]], 30, seasons)[0]
    assert np.abs(found[:, 5] - y[-30:]).mean() < 6


def test_a_long_window_is_read_as_weeks_too():
    """A weekend that differs from the days before it: a mean of what either reading foretells."""
    t = np.arange(168 * 12)
    y = 100 + 30 * np.sin(2 * np.pi * t / 24) * (t // 24 % 7 < 5)
    y = y + np.random.default_rng(0).standard_normal(len(t))
    days, weeks = ZeroShot((24, 168)), ZeroShot((168,))
    window, ahead = torch.from_numpy(y[None, -1552:]), torch.arange(1, 49)[None]
    assert days.is_read_twice(window).all()
    assert not days.is_read_twice(window[:, -1000:]).any()
    assert not weeks.is_read_twice(window).any()
    with torch.inference_mode():
        found = days.following(window, ahead)
        both = days._read(window, ahead, 0)[0], weeks.following(window, ahead)
        expected = regression.beside(both[0] * 2 / 3 + both[1] / 3, window, (24, 168), ahead)
    torch.testing.assert_close(found, expected)


def test_a_gap_at_the_end_is_looked_over_and_makes_the_forecast_less_sure():
    y = np.cumsum(np.random.default_rng(0).standard_normal(200)) + 100
    gap = np.concatenate([y, np.full(24, np.nan)])
    before, after = forecast([y], h=36, seasons=(1,))[0], forecast([gap], seasons=(1,))[0]
    np.testing.assert_allclose(before[24:], after, rtol=1e-5)
    assert np.ptp(after[0]) > np.ptp(before[0])


def test_a_series_without_a_value_gets_the_typical_forecast_of_the_panel():
    known = [seasonal_series(50, 12, seed=s) for s in range(3)]
    q = forecast([*known, np.full(20, np.nan)])
    np.testing.assert_allclose(q[3], np.median(q[:3], axis=0))
    with pytest.raises(ValueError, match="no value to forecast from"):
        forecast([np.full(20, np.nan)])


def test_windows_of_the_past_know_nothing_of_what_followed():
    y = seasonal_series(100, 12)
    panel = make_panel([y], "MS")
    before = ZeroShot((12,)).window_quantiles(panel, [12], 6)[0]
    np.testing.assert_allclose(before, forecast([y[:-12]], h=6), rtol=1e-6)


def test_instant_forecaster_predicts_updates_saves_and_loads(tmp_path):
    table = make_table([seasonal_series(42, 12, seed=s) for s in range(3)], "MS")
    old, new = (
        table.filter((pl.col("ds") < pl.lit(np.datetime64("2027-06-01"))) == keep)
        for keep in (True, False)
    )
    forecaster = Forecaster(6, effort="instant").fit(old)
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert loaded.predict().equals(forecaster.predict())
    loaded.update(new)
    whole = Forecaster(6, effort="instant").fit(table).predict()
    again = loaded.predict(loaded.panel_)
    np.testing.assert_allclose(again["carrousel"], whole["carrousel"], rtol=1e-4)
    # The state that goes on began earlier, and its checks too.
    np.testing.assert_allclose(loaded.predict()["carrousel"], whole["carrousel"], rtol=1e-3)
    loaded.save(tmp_path / "model")
    assert Forecaster.load(tmp_path / "model").predict().equals(loaded.predict())


def test_pretrained_takes_any_horizon_and_frame():
    airline = load_sample("airline")
    pretrained = Forecaster.pretrained()
    assert isinstance(pretrained, Pretrained)
    assert len(pretrained.predict(airline, h=30)) == 30
    assert type(pretrained.predict(airline.to_pandas(), h=2)).__module__.startswith("pandas")
    backtest = pretrained.backtest(airline, 12, windows=2)
    assert (backtest["carrousel"] - backtest["y"]).abs().mean() < 40
    assert len(pretrained.sample(airline, 3, n=5)) == 15


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"h": 3}, "h is no option"),
        ({"effort": "best"}, "effort is no option"),
        ({"hist_exog": ("visits",)}, "hist_exog cannot be used with effort='instant'"),
        ({"calendar": True}, "calendar cannot be used .* heeds only futr_exog, holidays"),
        ({"groups": True}, "groups cannot be used with effort='instant'"),
        ({"hidden_size": 3}, "hidden_size cannot be chosen with effort='instant'"),
        ({"cell": "gru"}, "cell must be 'lstm' with effort='instant'"),
    ],
)
def test_what_it_cannot_heed_is_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Forecaster.pretrained(**options)


def test_intervals_are_widened_by_the_errors_of_the_past():
    table = make_table([seasonal_series(120, 12)], "MS")
    calibrated = Forecaster(6, effort="instant", conformal=4).fit(table)
    found = calibrated.predict(level=[80])
    plain = Forecaster(6, effort="instant").fit(table).predict(level=[80])
    assert calibrated.calibration_ is not None
    assert found["carrousel"].equals(plain["carrousel"])
    assert not found["carrousel-hi-80"].equals(plain["carrousel-hi-80"])
    assert len(Forecaster(6, effort="instant", conformal=4).backtest(table, 2)) == 12


def test_fine_tuning_it_is_refused_with_the_reason():
    table = make_table([seasonal_series(60, 12)], "MS")
    instant = Forecaster(6, effort="instant").fit(table)
    with pytest.raises(
        ValueError, match=r"init must be a trained .* effort='instant'; leave init out"
    ):
        Forecaster(6, max_steps=1, ensemble=1).fit(table, init=instant)
    with pytest.raises(
        TypeError, match=r"init must be a trained .* pretrained one; leave init out"
    ):
        Forecaster(6, max_steps=1, ensemble=1).fit(table, init=Forecaster.pretrained())


def test_weights_that_were_changed_are_refused(tmp_path):
    storage.save(tmp_path, {name: storage.shipped(name) for name in ("single", "fours")})
    assert set(storage.load(tmp_path)) == {"single", "fours"}
    (weights,) = tmp_path.glob("*.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match="changed after it was saved"):
        storage.load(tmp_path)


def test_hours_of_a_zone_are_forecast_by_the_clock_on_the_wall():
    hours = pl.datetime_range(
        np.datetime64("2024-03-01").item(), np.datetime64("2024-04-01").item(), "1h",
        time_zone="Europe/Berlin", eager=True,
    )  # fmt: skip
    peak = np.where(hours.dt.hour() == 8, 50.0, 10.0)
    peak += np.random.default_rng(0).normal(0, 0.1, len(peak))
    table = pl.DataFrame({"unique_id": "a", "ds": hours, "y": peak})
    known = table.filter(pl.col("ds").dt.date() < pl.date(2024, 3, 31))
    found = Forecaster.pretrained().predict(known, h=24)
    assert found["ds"].to_list() == table["ds"][len(known) : len(known) + 24].to_list()
    assert found["ds"][found["carrousel"].arg_max()].hour == 8
