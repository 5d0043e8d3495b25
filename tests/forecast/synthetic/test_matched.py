"""Made-up series are what they should be, and come in where real ones are few and short."""

import numpy as np
import pytest
import torch

from carrousel import Forecaster
from carrousel.forecast.ensemble import dataset
from carrousel.forecast.ensemble.dataset import Lessons
from carrousel.forecast.intervals.doubt import in_units_of
from carrousel.forecast.network.network import Shape
from carrousel.forecast.options import Options
from carrousel.forecast.plan import EQUAL, FEW, choose
from carrousel.forecast.synthetic import intermittent, most_alike, synthetic_series

from ..conftest import make_panel, make_table, seasonal_series


@pytest.mark.parametrize("length", [1, 2, 30, 400])
@pytest.mark.parametrize("seasons", [(1,), (4,), (12,), (24, 168), (7, 364)])
def test_they_are_finite_all_different_and_the_same_for_a_seed(length, seasons):
    y = synthetic_series(50, length, seasons, 0.5, seed=3)
    assert y.shape == (50, length)
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(y, synthetic_series(50, length, seasons, 0.5, seed=3))
    if length >= 30:
        assert len(np.unique(y, axis=0)) > 45
        assert not np.array_equal(y, synthetic_series(50, length, seasons, 0.5, seed=4))


def test_many_of_them_have_the_season_that_is_asked_for():
    y = synthetic_series(400, 240, (12,), 0.0, seed=0).astype(np.float64)
    change = np.diff(y, axis=1)
    change -= change.mean(1, keepdims=True)
    power = (change**2).mean(1)
    at = {lag: (change[:, lag:] * change[:, :-lag]).mean(1) / power for lag in (12, 11)}
    assert np.median(at[12]) > 0.3 > 0.15 > np.median(at[11])


def test_a_share_of_them_are_counts():
    y = synthetic_series(200, 100, (7,), 0.9, seed=0)
    whole = (y == np.floor(y)).all(1)
    assert 0.8 < whole.mean() < 0.98
    assert y[whole].min() == 0
    assert (y[whole] == 0).mean() > 0.2


@pytest.mark.parametrize(
    ("y", "share"),
    [
        ([0, 0, 1, 0, 5], 0.9),
        ([0] + [3] * 9, 0.5),
        ([0.0, 0.0, -1.0], 0.0),
        ([3.0, 4.0], 0.0),
        ([np.nan, np.nan], 0.0),
    ],
)
def test_counts_are_made_up_beside_counts(y, share):
    assert intermittent(np.array(y, np.float32)) == share


def test_the_fewer_the_values_the_more_is_made_up():
    shares = [
        choose(make_panel([np.arange(float(n))]), Options(3)).share
        for n in (5, EQUAL, 3 * EQUAL, FEW)
    ]
    assert shares == sorted(shares)
    assert shares[1:] == [0.5, 0.75, 1.0]
    plan = choose(make_panel([np.arange(float(FEW))]), Options(3))
    assert plan.synthetic == 0
    assert not any("made-up" in reason for reason in plan.reasons)
    plan = choose(make_panel([np.arange(20.0)]), Options(3))
    assert plan.synthetic
    assert any("made-up" in reason for reason in plan.reasons)


def test_a_batch_holds_the_share_of_real_series():
    panel = make_panel([np.arange(150.0), np.arange(450.0)])
    plan = choose(panel, Options(3))
    lessons = Lessons.of(panel, plan)
    for hidden in (0, plan.holdout):
        series, _ = lessons.sampler(hidden).pick(4000, torch.Generator().manual_seed(0))
        assert float((series < 2).double().mean()) == pytest.approx(plan.share, abs=0.03)


def test_the_real_values_that_are_held_out_are_not_taught():
    y = np.arange(200.0)
    panel = make_panel([y])
    plan = choose(panel, Options(5))
    sampler = Lessons.of(panel, plan).sampler(plan.holdout)
    windows = torch.add(
        *sampler.windows.gather(torch.zeros(50, dtype=torch.long), torch.arange(151, 201))
    )
    assert np.nanmax(windows.numpy()) < len(y) - plan.holdout


@pytest.mark.parametrize("power", [-20, 20])
@pytest.mark.parametrize("freq", ["1y", "1mo"])
def test_few_values_in_another_unit_are_forecast_in_that_unit(freq: str, power: int):
    series = [100 + np.random.default_rng(s).standard_normal(40).cumsum() for s in range(3)]
    forecasts = [
        Forecaster(4, max_steps=12, ensemble=1, nonnegative=False)
        .fit(make_panel([unit * y for y in series], freq))
        .predict_quantiles()
        for unit in (1.0, 2.0**power)
    ]
    np.testing.assert_allclose(forecasts[1], forecasts[0] * 2.0**power, rtol=1e-6)


@pytest.mark.parametrize("step", [1, 3])
def test_made_up_series_move_as_much_as_real_ones(step: int):
    rng = np.random.default_rng(0)
    real = [1e6 + size * rng.standard_normal(80).cumsum() for size in (1e3, 1e3, 1e3)]
    shape = Shape(4, "lstm", step, 8, (1,), 8, 1)
    made_up = rng.standard_normal((50, 60)).cumsum(1) * 10.0 ** rng.integers(-6, 6, (50, 1))
    lag = 1 if step == 1 else 3
    found = in_units_of(make_panel(real), made_up, shape, seed=0)
    wanted = np.mean([np.abs(y[lag:] - y[:-lag]).mean() for y in real])
    moves = np.abs(found[:, lag:] - found[:, :-lag]).mean(1)
    np.testing.assert_allclose(moves, wanted, rtol=0.5)
    np.testing.assert_allclose(found / found[:, :1], made_up / made_up[:, :1], rtol=1e-9)


def test_a_series_too_short_to_hold_anything_out_is_forecast_with_an_interval():
    table = (
        Forecaster(4, max_steps=60, ensemble=1)
        .fit(make_table([np.array([3.0, 4.0, 5.5, 6.0, 7.5])], "1y"))
        .predict()
    )
    low, middle, high = (table[f"carrousel{k}"].to_numpy() for k in ("-lo-95", "", "-hi-95"))
    assert (low < middle).all()
    assert (middle < high).all()
    assert (np.diff(high - low) > 0).all()  # doubt grows


def test_single_short_series_are_covered():
    inside = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y = seasonal_series(48, 12, noise=4.0, seed=seed) + rng.standard_normal(48).cumsum() * 3
        table = Forecaster(12, ensemble=1, max_steps=100).fit(make_table([y[:36]], "1mo")).predict()
        low, high = table["carrousel-lo-95"].to_numpy(), table["carrousel-hi-95"].to_numpy()
        inside.append((low <= y[36:]) & (y[36:] <= high))
    assert np.mean(inside) > 0.85


def test_those_most_like_a_seasonal_series_are_seasonal():
    many = synthetic_series(800, 60, (12,), 0.0, seed=0)
    real = seasonal_series(60, 12, noise=3.0).astype(np.float32)
    kept = most_alike(many, [real], (12,), 100)
    assert kept.shape == (100, 60)

    def repeats(y):
        change = np.diff(y.astype(np.float64), axis=1)
        change -= change.mean(1, keepdims=True)
        return np.median((change[:, 12:] * change[:, :-12]).mean(1) / (change**2).mean(1))

    assert repeats(kept) > repeats(many) + 0.1


@pytest.mark.parametrize("real", [np.full(30, 5.0), np.array([1, np.nan, 2, 4.0]), np.arange(90.0)])
def test_likeness_to_what_is_constant_short_or_has_gaps(real):
    many = synthetic_series(40, 50, (12,), 0.0, seed=0)
    assert most_alike(many, [real.astype(np.float32)], (12,), 7).shape == (7, 50)


def test_size_and_offset_make_no_series_less_alike():
    many = synthetic_series(200, 50, (1,), 0.0, seed=0)
    y = many[17].astype(np.float64)
    for real in (y, 1000 * y, y - 3.0):
        kept = most_alike(many, [real.astype(np.float32)], (1,), 5)
        assert any(np.array_equal(one, many[17]) for one in kept)


def test_they_are_drawn_once_for_panels_that_want_the_same_and_stay_as_they_were(monkeypatch):
    few, asked = {"max_steps": 1, "ensemble": 1, "hidden_size": 4, "pretrained_share": 0}, []

    def drawn(*given):
        asked.append(given)
        return synthetic_series(*given)

    monkeypatch.setattr(dataset, "synthetic_series", drawn)
    dataset._drawn.cache_clear()
    for level in (5.0, 70.0):
        series = [seasonal_series(40, 12, level=level)]
        Forecaster(3, **few).fit(make_table(series, "1mo"))
    assert len(asked) == 1
    np.testing.assert_array_equal(dataset._drawn(*asked[0]), synthetic_series(*asked[0]))
