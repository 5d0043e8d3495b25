"""What is smoothed of short windows, against the recursions as they are written in books."""

from itertools import product

import numpy as np
import pytest
import torch

from carrousel.forecast.pretrained.checks import Missed
from carrousel.forecast.pretrained.smoothing import (
    CHECKS,
    DAMPED,
    ENOUGH,
    FEW,
    LEVELS,
    POWER,
    SLOPES,
    checked,
    moved,
)
from carrousel.forecast.pretrained.smoothing import smoothed as fitted
from carrousel.forecast.pretrained.zero_shot import ZeroShot

H = 6


def smoothed(window, season, ahead):
    return fitted(window, season).forecast(ahead)


def learned(window, season, missed):
    ahead = torch.ones(len(window), 1).long()
    return checked(window, season, ahead, missed)[1]


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


def test_a_forecast_is_moved_by_the_shares_and_keeps_its_widths():
    y = torch.tensor([[1.0, 2, 4, 3, 5, 6, 5, 7]], dtype=torch.double)
    ahead, quantiles = torch.arange(1, 4)[None], torch.arange(11.0).double().expand(1, 3, 11)
    found, shares = smoothed(y, 1, ahead), torch.tensor([[0.1, 0.3]])
    way = moved(quantiles, found, shares) - quantiles
    expected = (found - 5) @ shares[0].double()
    torch.testing.assert_close(way, expected[..., None].expand_as(way), rtol=1e-6, atol=1e-6)


def _missed(window, scale, ahead=(2, 4), origins=12, unknown=()):
    """As if the network had erred as much as both forecasts do on average, times ``scale``."""
    length = window.shape[1]
    origin = torch.arange(length - 1 - max(ahead), length - 1 - max(ahead) - origins, -1)
    steps = torch.tensor(ahead).expand(1, origins, -1)
    off = np.zeros((origins, len(ahead), 2))
    for k, last in enumerate(origin.tolist()):
        found = smoothed(window[:, : last + 1], 1, steps[:, 0])[0].numpy()
        off[k] = np.abs(window[0, last + np.array(ahead)].numpy()[:, None] - found)
    error = torch.from_numpy(scale * off.mean(-1))[None].clone()
    error[0, list(unknown)] = torch.nan
    return Missed(origin[None], steps, error), off


@pytest.mark.parametrize(
    ("worse", "kept"), [(0.5, 1.0), (1.0, 1.0), (1.4, 1.0), (np.exp(0.6), 0.5), (3.0, 0.0)]
)
def test_shares_fall_with_errors_beside_those_of_the_network(worse, kept):
    y = np.random.default_rng(2).normal(0.5, 1, 52).cumsum()
    window, unknown = torch.from_numpy(y)[None], (1, 4)
    missed, off = _missed(window, 1.0, unknown=unknown)
    off = np.delete(off[:CHECKS], unknown, 0)
    errors = off.sum((0, 1))
    weight = errors**-POWER / (errors**-POWER).sum()
    sure = (52 - FEW) / (ENOUGH - FEW)
    weight = 0.5 + (weight - 0.5) * sure
    size = float(missed.error[:, :CHECKS].nansum())
    missed = missed._replace(error=missed.error * (weight @ errors) / size / worse)
    wanted = (0.2 + 5 / 52) * (1 - (1 - kept) * sure) * weight
    np.testing.assert_allclose(learned(window, 1, missed)[0].numpy(), wanted, rtol=1e-4, atol=1e-7)


def test_a_check_of_few_values_teaches_nothing():
    y = torch.from_numpy(np.random.default_rng(2).normal(0.5, 1, FEW).cumsum())[None]
    missed, _ = _missed(y, 0.1)
    np.testing.assert_allclose(learned(y, 1, missed), [[(0.2 + 5 / FEW) / 2] * 2], rtol=1e-6)


@pytest.mark.parametrize(("known", "share"), [(8, 0.5), (40, 0.325), (3, 0.0)])
def test_without_a_check_both_are_as_usual(known, share):
    y = torch.from_numpy(np.random.default_rng(2).normal(0.5, 1, 48).cumsum())[None]
    y[:, : 48 - known] = torch.nan
    missed, _ = _missed(y, 1.0, origins=3)
    missed = missed._replace(error=torch.full_like(missed.error, torch.nan))
    np.testing.assert_allclose(learned(y, 1, missed).numpy(), [[share / 2] * 2], rtol=1e-6)


def test_a_window_learns_the_same_alone_and_among_others():
    rng = np.random.default_rng(3)
    windows = torch.from_numpy(rng.normal(0.5, 1, (9, 60)).cumsum(1))
    windows[4, :45] = torch.nan
    origin = torch.arange(55, 45, -1).expand(9, -1)
    ahead = torch.tensor([2, 4]).expand(9, 10, 2)
    error = torch.from_numpy(rng.normal(0, 1, (9, 10, 2)))
    together = learned(windows, 4, Missed(origin, ahead, error))
    for k in range(9):
        one = slice(k, k + 1)
        alone = learned(windows[one], 4, Missed(origin[one], ahead[one], error[one]))
        assert torch.equal(alone, together[one])


@pytest.mark.parametrize("scale", [1e-200, 1e300])
def test_values_of_any_size_are_smoothed_or_left(scale):
    y = torch.tensor([[1.0, 2, 4, 3, 5, 6, 5, 7] * 3], dtype=torch.double) * scale
    ahead, shares = torch.arange(1, 4)[None], torch.full((1, 2), 0.25)
    found = smoothed(y, 2, ahead)
    assert moved(torch.zeros(1, 3, 11).double(), found, shares).isfinite().all()
    missed, _ = _missed(y, 1.0)
    assert learned(y, 2, missed).isfinite().all()


def test_a_line_without_noise_is_foretold_by_its_slope():
    y = torch.arange(60.0).double()[None]
    missed, _ = _missed(y, 0.0)
    both = learned(y, 1, missed._replace(error=missed.error + 1))[0]
    assert both[0] > 3 * both[1]  # half of the slope is wrong, a slope that is damped less so


def test_only_windows_that_hold_a_whole_short_series_are_short():
    single, hours = ZeroShot((12,)), ZeroShot((24, 168))
    window = torch.ones(2, single.history).double()
    window[1, :5] = torch.nan
    assert single.is_read_twice(window).tolist() == [False, True]
    assert single.is_read_twice(window[:, 100:], 100).tolist() == [True, True]
    assert not hours.is_read_twice(window).any()
