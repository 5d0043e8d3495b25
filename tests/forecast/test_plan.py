"""The rules, on panels for which the right choice is known."""

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel, seasonal_series

from carrousel import Forecaster
from carrousel.forecast.network.network import Network
from carrousel.forecast.network.shape import Shape
from carrousel.forecast.options import Options
from carrousel.forecast.plan import choose
from carrousel.forecast.seasonality import autocorrelation, choose_seasons


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
    assert choose(panel, Options(3, season_length=season)).shape.patch == step


@pytest.mark.parametrize("length", [2, 10, 50, 400, 5000])
@pytest.mark.parametrize("h", [1, 48])
def test_a_plan_fits_the_series(length, h):
    plan = choose(make_panel([np.arange(float(length))]), Options(h))
    assert plan.shape.steps >= 2
    assert plan.shape.history <= max(length, 2 * plan.shape.patch)
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


LENGTHS = (2, 5, 7, 12, 24, 48, 49, 52, 53, 96, 127, 168, 251, 262, 313, 365, 367, 720, 1440, 3600,
           8760, 10_007, 10_080)  # fmt: skip


@pytest.mark.parametrize("season", LENGTHS)
@pytest.mark.parametrize("short", [None, 24, 1440])
def test_every_season_is_reached_or_said_not_to_be(season, short):
    seasons = (season,) if short is None or short >= season else (short, season)
    for length in (3 * season, season // 2 + 2, 5 * season + 100):
        panel = make_panel([np.arange(float(length))])
        for context in (None, season // 2 + 1):
            plan = choose(panel, Options(2, season_length=seasons, context=context))
            history, said = plan.shape.history, [r for r in plan.reasons if "cannot be seen" in r]
            far = [f"{one:,}" for one in seasons if one > history]
            assert bool(said) == bool(far)
            assert all(one in said[0] for one in far)
            assert f"{plan.shape.steps} steps of {plan.shape.patch} " in " ".join(plan.reasons)
        if length >= 3 * season:
            plan = choose(panel, Options(2, season_length=seasons))
            assert plan.shape.history >= season
            assert plan.shape.steps <= 128


@pytest.mark.parametrize("season", [251, 313])
def test_a_season_that_no_step_divides_is_learned(season):
    rng = np.random.default_rng(0)
    t = np.arange(4 * season + 24)
    profile = np.convolve(rng.normal(0, 10, season + 2), np.ones(3) / 3, "valid")
    y = 100 + profile[t % season] + rng.normal(0, 1, len(t))
    options = {"max_steps": 30, "ensemble": 1, "effort": "fast", "hidden_size": 16}
    forecaster = Forecaster(24, season_length=season, **options).fit(make_panel([y[:-24]]))
    median = forecaster.predict_quantiles()[0, :, 5]
    assert np.abs(median - y[-24:]).mean() < 1.5  # of the noise alone: 0.8; of the mean: 5


def test_kernels_and_torch_agree_where_a_step_divides_no_season():
    network = Network(Shape(5, "lstm", 24, 15, (251, 300), 8, 1))
    history = torch.randn(3, 360, dtype=torch.float64).cumsum(1)
    network = network.double()
    plain = network.encode(history.clone().requires_grad_())
    fast = network.encode(history)
    torch.testing.assert_close(fast.features, plain.features)
    torch.testing.assert_close(fast.anchors, plain.anchors)
