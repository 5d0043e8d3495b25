"""What is smoothed of short windows, against the recursions as they are written in books."""

from itertools import product

import numpy as np
import pytest
import torch

from carrousel.forecast.pretrained.smoothing import DAMPED, LEVELS, SLOPES, beside, smoothed
from carrousel.forecast.pretrained.zero_shot import ZeroShot

H = 6


def _recursion(y, level, slope, damped, first):
    """Sum of absolute errors one step ahead, and the level and slope after the last value."""
    mean, change, total = y[0], first, 0.0
    for value in y[1:]:
        error = value - mean - damped * change
        total += abs(error)
        mean, change = value - (1 - level) * error, damped * change + level * slope * error
    return total, mean, change


def _slow(y):
    """The two forecasts, (H, 2), of values without a season."""
    first = (y[4] - y[0]) / 4
    fits = ((*_recursion(y, *p, first), p[2]) for p in product(LEVELS, SLOPES, DAMPED))
    _, mean, change, damped = min(fits, key=lambda fit: fit[0])
    one = mean + change * np.cumsum(damped ** np.arange(1, H + 1))
    fits = ((*_recursion(y, level, 0.0, 0.0, 0.0), level) for level in LEVELS)
    _, mean, _, level = min(fits, key=lambda fit: fit[0])
    half = np.polyfit(np.arange(len(y)), y, 1)[0] / 2
    other = mean + half * (np.arange(H) + (1 - (1 - level) ** len(y)) / level)
    return np.stack([one, other], 1)


def _found(windows, season=1):
    longest = max(map(len, windows))
    rows = [np.concatenate([np.full(longest - len(y), np.nan), y]) for y in windows]
    ahead = torch.arange(1, H + 1).expand(len(rows), -1)
    return smoothed(torch.tensor(np.array(rows)), season, ahead).numpy()


def test_both_are_the_recursions_with_the_best_parameters():
    rng = np.random.default_rng(0)
    windows = [rng.normal(0.3, 1, n).cumsum() + 20 for n in (6, 14, 40, 128)]
    for y, found in zip(windows, _found(windows), strict=True):
        np.testing.assert_allclose(found, _slow(y), rtol=1e-8)


@pytest.mark.parametrize("level", [50.0, -50.0])
def test_a_season_is_taken_off_and_given_back(level):
    profile = np.array([9.0, -4.0, 1.0, -6.0])
    y = level + np.tile(profile, 9)
    np.testing.assert_allclose(_found([y[:-2]], 4)[0, :, 0], np.roll(y, 2)[:H], rtol=0.01)


def test_noise_is_no_season():
    y = 100 + np.random.default_rng(1).normal(0, 1, 60)
    assert np.ptp(_found([y], 12)[0, :, 1]) < 2


@pytest.mark.parametrize(("times", "share"), [(1, 0.5), (5, 0.325)])
def test_a_forecast_is_moved_by_the_share_and_keeps_its_widths(times, share):
    y = torch.tensor([[1.0, 2, 4, 3, 5, 6, 5, 7] * times], dtype=torch.double)
    ahead, quantiles = torch.arange(1, 4)[None], torch.arange(11.0).double().expand(1, 3, 11)
    moved = beside(quantiles, y, 1, ahead) - quantiles
    expected = share * (smoothed(y, 1, ahead).mean(-1) - 5)
    torch.testing.assert_close(moved, expected[..., None].expand_as(moved))
    few = torch.where(torch.arange(8 * times) < 8 * times - 3, torch.nan, y)
    assert torch.equal(beside(quantiles, few, 1, ahead), quantiles)


@pytest.mark.parametrize("scale", [1e-200, 1e300])
def test_values_of_any_size_are_smoothed_or_left(scale):
    y = torch.tensor([[1.0, 2, 4, 3, 5, 6, 5, 7] * 3], dtype=torch.double) * scale
    ahead = torch.arange(1, 4)[None]
    assert beside(torch.zeros(1, 3, 11).double(), y, 2, ahead).isfinite().all()


def test_only_windows_that_hold_a_whole_short_series_are_short():
    single, hours = ZeroShot((12,)), ZeroShot((24, 168))
    window = torch.ones(2, single.history).double()
    window[1, :5] = torch.nan
    assert single.is_read_twice(window).tolist() == [False, True]
    assert single.is_read_twice(window[:, 100:], 100).tolist() == [True, True]
    assert not hours.is_read_twice(window).any()
