"""What must hold of every forecast, whatever the series."""

from dataclasses import replace

import numpy as np
import pytest

from carrousel import Forecaster

from .conftest import make_panel, seasonal_series

FAST = {"max_steps": 40, "ensemble": 1, "hidden_size": 8, "num_layers": 1, "batch_size": 16}
SERIES = [seasonal_series(24 * 10, seed=s, level=50.0 * (s + 1)) for s in range(4)]


@pytest.fixture(scope="module", params=["lstm", "ann"])
def forecaster(request):
    return Forecaster(30, request.param, **FAST).fit(make_panel(SERIES))


def quantiles(forecaster, series):
    return forecaster.predict_quantiles(make_panel(series))


@pytest.mark.parametrize("factor", [1000.0, 1e-6, 1e12])
def test_multiplying_the_values_multiplies_the_forecast(forecaster, factor):
    expected = factor * quantiles(forecaster, SERIES)
    got = quantiles(forecaster, [factor * s for s in SERIES])
    np.testing.assert_allclose(got, expected, rtol=1e-3)


def test_fitting_on_multiplied_values_multiplies_the_forecast():
    panel, large = make_panel(SERIES), make_panel([1000 * s for s in SERIES])
    one, other = (Forecaster(6, **FAST).fit(p).predict()["carrousel"] for p in (panel, large))
    np.testing.assert_allclose(other, 1000 * one.to_numpy(), rtol=1e-2)


def test_shifting_the_times_shifts_the_forecast():
    panel = make_panel(SERIES)
    later = replace(panel, start=panel.freq.advance(panel.start, 1000))
    one, other = (Forecaster(6, **FAST).fit(p).predict() for p in (panel, later))
    np.testing.assert_array_equal(one["carrousel"], other["carrousel"])
    assert ((other["ds"] - one["ds"]).dt.total_hours() == 1000).all()


def test_other_series_change_nothing(forecaster):
    alone = quantiles(forecaster, SERIES[:1])
    among = quantiles(forecaster, [SERIES[1] * 1e6, SERIES[0], np.zeros(50)])
    np.testing.assert_allclose(among[1], alone[0], rtol=1e-5)


def test_permuting_the_series_permutes_the_forecasts(forecaster):
    order = [2, 0, 3, 1]
    got = quantiles(forecaster, [SERIES[k] for k in order])
    np.testing.assert_allclose(got, quantiles(forecaster, SERIES)[order], rtol=1e-5)


def test_only_the_context_matters(forecaster):
    history = forecaster.networks_[0].shape.history
    longer = [np.concatenate([np.full(500, 1e9), s]) for s in SERIES]
    np.testing.assert_array_equal(
        quantiles(forecaster, longer)[:, 0],
        quantiles(forecaster, [s[-history:] for s in longer])[:, 0],
    )


@pytest.mark.parametrize("value", [0.0, 7.0, -3e8, 1e-9])
def test_a_constant_series_is_forecast_as_that_constant(forecaster, value):
    forecast = quantiles(forecaster, [np.full(24 * 10, value)])
    np.testing.assert_allclose(forecast, value, rtol=0.01, atol=1e-20)


@pytest.mark.parametrize("kind", ["alone", "among others"])
def test_a_constant_series_is_learned_as_that_constant(kind):
    constant = np.full(24 * 10, 7.0)
    series = [constant] if kind == "alone" else [constant, *SERIES]
    forecaster = Forecaster(12, **FAST).fit(make_panel(series))
    forecast = forecaster.predict_quantiles(forecaster.panel_)[0]
    np.testing.assert_allclose(forecast, 7.0, rtol=0.01)


SPECIAL = {
    "one value": np.array([5.0]),
    "two values": np.array([5.0, 7.0]),
    "three values": np.array([5.0, 7.0, 6.0]),
    "huge": 1e30 * SERIES[0],
    "tiny": 1e-30 * SERIES[0],
    "large offset": 1e7 + SERIES[0],
    "intermittent": np.where(np.arange(240) % 37 == 0, 3.0, 0.0),
    "zeros at first": np.concatenate([np.zeros(100), SERIES[0][:140]]),
    "a step": np.repeat([1.0, 1e6], 120),
    "a spike": np.where(np.arange(240) == 230, 1e9, SERIES[0]),
    "half missing": np.where(np.arange(240) % 2, np.nan, SERIES[0]),
    "mostly missing": np.where(np.arange(240) % 50, np.nan, SERIES[0]),
    "a missing end": np.where(np.arange(240) > 180, np.nan, SERIES[0]),
    "negative": -SERIES[0],
    "alternating": np.tile([1e6, -1e6], 120),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_any_series_gets_a_finite_forecast_with_quantiles_in_order(forecaster, name):
    forecast = quantiles(forecaster, [SPECIAL[name]])
    assert np.isfinite(forecast).all()
    assert (np.diff(forecast, axis=-1) >= 0).all()


def test_training_survives_all_of_them():
    forecaster = Forecaster(30, **FAST).fit(make_panel(list(SPECIAL.values())))
    assert np.isfinite(forecaster.predict_quantiles(forecaster.panel_)).all()
    assert all(run.stopped != "diverged" for run in forecaster.runs_)


@pytest.mark.parametrize("h", [1, 17, 100])
@pytest.mark.parametrize("length", [2, 3, 30, 130])
def test_any_horizon_and_any_length(h, length):
    table = Forecaster(h, **FAST).fit(make_panel([SERIES[0][:length]])).predict()
    assert len(table) == h
    assert table["carrousel"].is_finite().all()


@pytest.mark.parametrize("freq", [1, "30m", "1h", "1d", "B", "1w", "1mo", "ME", "1q", "1y"])
def test_any_frequency(freq):
    table = Forecaster(4, **FAST).fit(make_panel([s[:130] for s in SERIES], freq)).predict()
    assert len(table) == 16
