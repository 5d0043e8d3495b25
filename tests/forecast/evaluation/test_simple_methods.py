import numpy as np
import pytest

from carrousel.forecast.evaluation.simple_methods import seasonal_naive

from ..conftest import make_panel, seasonal_series


def test_seasonal_naive_repeats_the_last_season():
    panel = make_panel([np.arange(10.0), np.array([3.0, 4.0])])
    forecast = seasonal_naive(panel, 5, 4)[..., 0]
    np.testing.assert_array_equal(forecast[0], [6, 7, 8, 9, 6])
    np.testing.assert_array_equal(forecast[1], [3, 4, 3, 4, 3])  # shorter than a season


def test_missing_values_are_taken_from_a_season_before():
    panel = make_panel([np.array([1.0, 2.0, 3.0, np.nan])])
    assert seasonal_naive(panel, 2, 2)[0, :, 0].tolist() == [3, 2]
    assert seasonal_naive(panel, 1, 1)[0, :, 0].tolist() == [3]


@pytest.mark.parametrize("season", [1, 24])
def test_intervals_cover_what_they_say(season):
    rng = np.random.default_rng(1)
    if season == 1:  # a random walk: naive is right, and so is its interval
        series = [np.cumsum(rng.standard_normal(212)) for _ in range(200)]
    else:
        series = [seasonal_series(212, seed=s) for s in range(200)]
    known = make_panel([s[:200] for s in series])
    low, high = np.moveaxis(seasonal_naive(known, 12, season, (0.1, 0.9)), -1, 0)
    y = np.stack([s[200:] for s in series])
    assert np.mean((low <= y) & (y <= high)) == pytest.approx(0.8, abs=0.06)


def test_a_constant_series_has_a_point_for_an_interval():
    forecast = seasonal_naive(make_panel([np.full(30, 7.0)]), 3, 12, (0.025, 0.5, 0.975))
    np.testing.assert_array_equal(forecast, 7.0)
