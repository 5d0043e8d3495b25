"""The rules, on panels for which the right choice is known."""

import numpy as np
import pytest

from carrousel.forecast.choose import choose
from carrousel.forecast.options import Options
from carrousel.forecast.seasons import autocorrelation, choose_seasons

from .conftest import make_panel, seasonal_series


@pytest.mark.parametrize(
    ("freq", "length", "seasons"),
    [
        ("1h", 1000, (24, 168)),
        ("1h", 100, (24,)),
        ("30m", 2000, (48, 336)),
        ("1d", 300, (7,)),
        ("1d", 1500, (7, 364)),
        ("B", 1500, (5,)),
        ("1w", 300, (52,)),
        ("1mo", 100, (12,)),
        ("1q", 100, (4,)),
        ("1y", 40, (1,)),
    ],
)
def test_a_frequency_has_its_seasons(freq, length, seasons):
    assert choose_seasons(make_panel([np.arange(length, dtype=float)], freq))[0] == seasons


@pytest.mark.parametrize("season", [4, 7, 12, 24])
def test_integer_time_shows_its_season(season):
    series = [
        seasonal_series(20 * season, season, seed=s) + np.arange(20 * season) for s in range(5)
    ]
    assert choose_seasons(make_panel(series, 1))[0][0] == season


def test_a_day_in_a_week_shows_in_integer_time():
    t = np.arange(24 * 7 * 6)
    weekend = np.where(t // 24 % 7 >= 5, 0.7, 1.0)
    series = weekend * seasonal_series(len(t), level=30)
    assert choose_seasons(make_panel([series], 1))[0] == (24, 168)


@pytest.mark.parametrize("length", [2, 9, 300])
def test_noise_and_walks_have_no_season(length):
    rng = np.random.default_rng(0)
    series = [rng.standard_normal(length).cumsum() for _ in range(20)]
    assert choose_seasons(make_panel(series, 1))[0] == (1,)


def test_a_long_smooth_season_shows_under_noise():
    t = np.arange(144 * 8)
    noise = np.random.default_rng(0).standard_normal(len(t))
    y = 100 + 30 * np.sin(2 * np.pi * t / 144) + 4 * noise
    assert choose_seasons(make_panel([y], 1))[0][0] == 144


def test_single_short_series_show_few_seasons_by_chance():
    rng = np.random.default_rng(0)
    found = [
        choose_seasons(make_panel([rng.standard_normal(30).cumsum()], 1))[0] for _ in range(100)
    ]
    assert sum(seasons == (1,) for seasons in found) >= 85


def test_autocorrelation_is_numpys():
    y = seasonal_series(90, 10)
    change = np.diff(y) - np.diff(y).mean()
    expected = np.mean(change[10:] * change[:-10]) / np.mean(change**2)
    assert autocorrelation(make_panel([y]), [10])[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("season", "step"),
    [(1, 1), (7, 7), (12, 3), (24, 24), (48, 48), (52, 13), (96, 24), (1440, 24)],
)
def test_a_season_is_one_step_or_equal_parts(season, step):
    panel = make_panel([np.arange(5000.0)])
    assert choose(panel, Options(3, season_length=season)).shape.step == step


@pytest.mark.parametrize("length", [2, 10, 50, 400, 5000])
@pytest.mark.parametrize("h", [1, 48])
def test_a_plan_fits_the_series(length, h):
    plan = choose(make_panel([np.arange(float(length))]), Options(h))
    assert plan.shape.steps >= 2
    assert plan.shape.history <= max(length, 2 * plan.shape.step)
    assert h <= plan.holdout <= h + length // 8
    assert plan.origins <= plan.holdout - h + 1


def test_what_is_asked_for_is_taken():
    options = Options(
        6, "gru", season_length=(6, 12), context=60, hidden_size=20, num_layers=3, ensemble=2,
        max_steps=77, batch_size=5, learning_rate=0.01, seed=9,
    )  # fmt: skip
    plan = choose(make_panel([np.arange(500.0)]), options)
    assert (plan.shape.cell, plan.shape.seasons, plan.shape.history) == ("gru", (6, 12), 60)
    assert (plan.shape.hidden, plan.shape.layers, plan.members) == (20, 3, 2)
    assert (plan.train.steps, plan.train.learning_rate, plan.train.seed) == (77, 0.01, 9)
    assert plan.batch_size == 5


def test_more_effort_is_more_work():
    panel = make_panel([np.arange(500.0)])
    work = []
    for effort in ("fast", "default", "best"):
        plan = choose(panel, Options(6, effort=effort))
        work.append(plan.members * plan.train.steps)
    assert work == sorted(set(work))
