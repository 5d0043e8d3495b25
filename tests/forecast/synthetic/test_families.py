"""Every family of made-up series is finite, of its own generator, and what it says it is."""

import pytest
import torch

from carrousel.forecast.synthetic.augmentations import holed
from carrousel.forecast.synthetic.draw import Draw
from carrousel.forecast.synthetic.mixture import FAMILIES, draw_seasons, made_up
from carrousel.forecast.synthetic.parts import Seasons, correlated, seasonal, week_of_days


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("length", [24, 300])
def test_a_family_is_finite_differs_and_repeats_for_a_seed(name, length):
    state = torch.get_rng_state()
    y, seasons = made_up(32, length, generator(), [name])
    assert torch.equal(state, torch.get_rng_state())  # the global generator is not touched
    assert y.shape == (32, length)
    assert y.isfinite().all()
    assert (y.std(1) > 0).float().mean() > 0.8
    assert (seasons.first >= 1).all()
    again, _ = made_up(32, length, generator(), [name])
    assert torch.equal(y, again)
    assert not torch.equal(y, made_up(32, length, generator(1), [name])[0])


def test_families_come_in_equal_shares():
    y, seasons = made_up(8 * len(FAMILIES), 60, generator())
    assert len(y) == len(seasons.first) == len(seasons.second) == 8 * len(FAMILIES)


@pytest.mark.parametrize(("least", "most"), [(1, 23), (24, 768)])
def test_seasons_lie_within_their_limits_and_fit_the_length(least, most):
    first, second = draw_seasons(2000, 960, Draw(generator()), least, most)
    assert first.min() >= least
    assert first.max() <= most
    assert ((second == 1) | (second == 7 * first) | (second == 52 * first)).all()
    assert (2.2 * second <= 960).all()
    assert (second > 1).any()


def test_a_season_repeats_until_it_changes():
    y = seasonal(torch.full((200,), 12), 120, Draw(generator()))
    same = (y[:, 12:24] - y[:, :12]).abs().amax(1) < 1e-5
    assert same.float().mean() > 0.3  # the others change their size or form


def test_a_week_has_days_that_differ():
    seasons = Seasons(torch.full((50,), 24), torch.full((50,), 168))
    y = week_of_days(seasons, 336, Draw(generator()))
    torch.testing.assert_close(y[:, :168], y[:, 168:])
    assert ((y[:, :24] - y[:, 24:48]).abs().amax(1) > 1e-3).float().mean() > 0.8


def test_correlated_noise_has_the_autocorrelation_asked_for():
    e = Draw(generator()).normal(64, 4000)
    x = correlated(e, torch.full((64, 1), 0.8))
    measured = (x[:, 1:] * x[:, :-1]).mean() / (x * x).mean()
    assert abs(measured - 0.8) < 0.02


def test_holes_are_nan_and_most_values_stay():
    y = holed(torch.ones(500, 100), Draw(generator()))
    gone = y.isnan()
    assert 0.001 < gone.float().mean() < 0.1
    assert (y[~gone] == 1).all()
