"""How sure forecasts are where little or nothing was measured."""

import numpy as np
import polars as pl
import pytest
import torch
from tests.forecast.conftest import make_panel

from carrousel import Forecaster
from carrousel.forecast.intervals.doubt import (
    gaps_before,
    of_the_panel,
    stepped_over,
    usual_scale,
    widened,
)
from carrousel.forecast.network.distribution import QUANTILES, SIDE
from carrousel.forecast.network.shape import Shape
from carrousel.ops.constants import GAPS

FAST = {"max_steps": 60, "ensemble": 1, "hidden_size": 8, "num_layers": 1, "batch_size": 16}
LOW, HIGH = QUANTILES.index(0.025), QUANTILES.index(0.975)


def days(n, seed, level=100.0):
    rng = np.random.default_rng(seed)
    return level + 10 * np.sin(2 * np.pi * np.arange(n) / 7) + rng.normal(0, 1, n)


def ended(y, gap):
    y = y.copy()
    y[len(y) - gap :] = np.nan
    return y


@pytest.fixture(scope="module")
def forecaster():
    return Forecaster(7, **FAST).fit(make_panel([days(300, s) for s in range(4)], "1d"))


def of(forecaster, series):
    """Median and half 95 % interval of the first step, by series."""
    quantiles = forecaster.predict_quantiles(make_panel(series, "1d"))[:, 0]
    return quantiles[:, SIDE], (quantiles[:, HIGH] - quantiles[:, LOW]) / 2


GONE = (0, 1, 3, 6, 7, 20, 90, 97, 98, 99, 150, 280)


def test_after_a_gap_a_forecast_is_what_was_known_and_never_surer(forecaster):
    y = days(300, 9)
    middle, half = of(forecaster, [ended(y, gap) for gap in GONE])
    expected = 100 + 10 * np.sin(2 * np.pi * 300 / 7)
    np.testing.assert_allclose(middle, expected, atol=8)
    assert (half >= 0.8 * half[0]).all()
    assert (half > 1).all()


def test_streaming_over_a_long_gap_is_predicting_after_it(forecaster, tmp_path):
    y, gap = days(300, 9), 140
    long = [ended(y, gap), days(300, 10)]
    whole = Forecaster(7, **FAST).fit(make_panel([y[:160], days(300, 10)[:160]], "1d"))
    expected = whole.predict_quantiles(make_panel(long, "1d"))[0]
    whole.update(make_panel(long, "1d"))
    np.testing.assert_allclose(whole.predict_quantiles()[0], expected, rtol=1e-4)
    whole.save(tmp_path)
    again = Forecaster.load(tmp_path)
    np.testing.assert_allclose(again.predict_quantiles()[0], expected, rtol=1e-4)
    assert again.panel_.times(0)[-1] == make_panel(long, "1d").times(0)[-1]


def test_a_model_saved_after_a_long_gap_remembers_what_was_before(tmp_path):
    fitted = Forecaster(7, **FAST).fit(make_panel([ended(days(300, 1), 200), days(300, 2)], "1d"))
    assert any("no value in the last steps of series 's0' (200)" in note for note in fitted.notes_)
    fitted.save(tmp_path)
    again = Forecaster.load(tmp_path)
    np.testing.assert_allclose(again.predict_quantiles(), fitted.predict_quantiles(), rtol=1e-6)


def test_a_series_without_a_value_is_where_the_others_are(forecaster):
    series = [days(100, 1), days(100, 2), np.full(100, np.nan)]
    quantiles = forecaster.predict_quantiles(make_panel(series, "1d"))
    assert (np.diff(quantiles[2], axis=-1) >= 0).all()
    low, high = quantiles[:2, :, LOW].min(0), quantiles[:2, :, HIGH].max(0)
    assert (quantiles[2, :, SIDE] > low).all()
    assert (quantiles[2, :, SIDE] < high).all()
    assert (quantiles[2, :, HIGH] > quantiles[2, :, LOW] + 1).all()
    with pytest.raises(ValueError, match="no series has a value before the forecast begins"):
        forecaster.predict_quantiles(make_panel([np.full(9, np.nan)], "1d"))


def test_pooled_quantiles_are_those_of_a_mixture():
    each = torch.from_numpy(np.sort(np.random.default_rng(0).normal(size=(3, 2, 11)), -1))
    each[1] = each[0]
    found = of_the_panel(each, torch.tensor([True, True, False]))
    torch.testing.assert_close(found[2], each[0])


@pytest.mark.parametrize("values", [[100.0], [100.0, 100.0], [100.0, 103.0], [100, 103, 96]])
def test_a_new_series_is_not_surer_than_the_others(forecaster, values):
    middle, half = of(forecaster, [values, days(300, 9)])
    assert abs(middle[0] - np.mean(values)) < 6
    assert half[0] > max(half[1], 4)


@pytest.mark.parametrize("values", [[3.0, 3.0], [3.0, 4.0], [0.0, 0.0]], ids=str)
def test_alone_a_new_series_is_unsure(values):
    fitted = Forecaster(3, **FAST).fit(make_panel([values], "1d"))
    quantiles = fitted.predict_quantiles()[0]
    assert (quantiles[:, HIGH] - quantiles[:, SIDE] > 0.05 * max(values[0], 1)).all()
    assert any("no series shows yet how much it moves" in note for note in fitted.notes_)


@pytest.mark.parametrize("offset", [1e6, 1e8, 1.7e9, 1e12])
def test_an_offset_is_added_to_the_forecast_and_changes_nothing_else(forecaster, offset):
    y = [np.round(days(300, s), 3) for s in (1, 2)]
    expected = forecaster.predict_quantiles(make_panel(y, "1d"))
    found = forecaster.predict_quantiles(make_panel([v + offset for v in y], "1d")) - offset
    half = (expected[..., HIGH] - expected[..., LOW])[..., None] / 2
    assert np.abs((found - expected) / half).max() < 0.5  # the size of the values is seen


def test_fitting_and_results_keep_every_digit():
    y = 123_456_789.0 + np.round(days(200, 3), 2)
    table = pl.DataFrame({"ds": np.arange(200), "y": y})
    found = Forecaster(7, season_length=7, **FAST).backtest(table, 2, level=[80])
    assert (found["y"].to_numpy() == y[-14:]).all()
    naive = np.abs(y[7:] - y[:-7]).mean()
    assert np.abs(found["carrousel"].to_numpy() - y[-14:]).mean() < 2 * naive
    width = (found["carrousel-hi-80"] - found["carrousel-lo-80"]).to_numpy()
    assert (width < 20 * naive).all()


@pytest.mark.parametrize("value", [7.0, -3.3, 1e9 + 1, 0.0])
def test_a_constant_stays_exactly_that_with_some_doubt(value):
    fitted = Forecaster(3, **FAST).fit(make_panel([np.full(60, value)], "1d"))
    quantiles = fitted.predict_quantiles()[0]
    assert (quantiles[:, SIDE] == value).all()
    assert (np.abs(quantiles - value) <= 2e-3 * abs(value) + 1e-12).all()
    assert value == 0 or (quantiles[:, HIGH] > value).all()


@pytest.mark.parametrize("back", [2, 10, 14, 30])
@pytest.mark.parametrize("factor", [100.0, -100.0])
def test_one_outlier_changes_little(forecaster, back, factor):
    y = days(300, 9)
    hit = y.copy()
    hit[-back] *= factor
    (one, other), (half, wide) = of(forecaster, [y, hit])
    assert abs(one - other) < 12
    assert wide < 3 * half
    quantiles = forecaster.predict_quantiles(make_panel([hit], "1d"))
    assert quantiles[..., LOW].min() > 60
    assert quantiles[..., HIGH].max() < 140


def test_a_shift_of_the_level_is_followed(forecaster):
    y = days(300, 9)
    found = []
    for after in (4, 7, 14, 28):
        moved = y.copy()
        moved[-after:] += 300
        middle, _ = of(forecaster, [moved])
        found.append(middle[0])
    assert (np.diff(found) > 0).all()
    assert found[-1] > 350


@pytest.mark.parametrize(("kind", "low", "high"), [("walk", 0.3, 0.8), ("season", 0, 0.15)])
def test_how_fast_doubt_grows_is_measured(kind, low, high):
    rng = np.random.default_rng(0)
    walks = [100 + rng.normal(0, 1, 400).cumsum() for _ in range(8)]
    series = walks if kind == "walk" else [days(400, s) for s in range(8)]
    wander = (
        Forecaster(7, ensemble=1, max_steps=120).fit(make_panel(series, "1d")).networks_[0].wander
    )
    assert low <= wander[5:].mean() <= high
    ahead = torch.arange(1, 3, dtype=torch.float64)
    one = torch.linspace(-1, 1, 11, dtype=torch.float64).expand(len(GAPS), 2, -1)
    wide = widened(one, torch.tensor(GAPS), wander)
    assert (wide[1:, :, -1] >= wide[:-1, :, -1] - 1e-9).all()
    expected = ((16 + ahead) / ahead) ** wander[4]
    torch.testing.assert_close(wide[4, :, -1], expected.cummax(0).values)


def test_gaps_by_hand():
    y = torch.tensor([1, torch.nan, torch.nan, 2, 3, torch.nan, torch.nan, torch.nan])
    start, end = torch.tensor([0, 0, 3, 5, 4, 2]), torch.tensor([1, 3, 8, 8, 5, 2])
    assert gaps_before(y, start, end).tolist() == [0, 2, 3, -1, 0, -1]


def test_whole_seasons_are_stepped_over():
    week = Shape(7, "gru", 7, 14, (7,), 4, 1)
    assert stepped_over(torch.tensor([0, 6, 7, 20, 98]), week).tolist() == [0, 0, 7, 14, 98]
    hours = Shape(24, "gru", 24, 14, (24, 168), 4, 1)  # a window of 336
    over = stepped_over(torch.tensor([100, 167, 168, 400]), hours).tolist()
    assert over == [0, 0, 168, 336]
    year = Shape(7, "gru", 7, 20, (7, 364), 4, 1)  # a window of 140
    assert stepped_over(torch.tensor([60, 100]), year).tolist() == [0, 98]


def test_what_is_usual():
    rng = np.random.default_rng(0)
    noise = [scale * (10 + rng.normal(0, 1, 500)) for scale in (1, 10, 100)]
    week = Shape(5, "gru", 7, 14, (7,), 4, 1)
    prior, note = usual_scale(make_panel(noise, "1d"), week)
    assert note is None
    assert prior.relative == pytest.approx(0.1 * 2**0.5, rel=0.1)  # of differences
    assert prior.absolute == pytest.approx(np.quantile([1.4, 14, 140], 0.1), rel=0.2)
