"""What is regressed on the last day, against loops over the formulas."""

import numpy as np
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.forecast.pretrained.regression import (
    APART,
    BETTER,
    BLOCK,
    PARTS,
    PENALTIES,
    POWER,
    STEEP,
    TAKEN,
    beside,
    enough,
    forecasts,
    learned,
    share,
)
from carrousel.forecast.pretrained.zero_shot import ZeroShot

from ..conftest import make_table

DAY, WEEK, H = 6, 24, 8


def made(length, seed=0, day=DAY, week=WEEK, kept=0.9):
    """Days, weeks, and a deviation that fades."""
    rng = np.random.default_rng(seed)
    t, away = np.arange(length), np.zeros(length)
    for k in range(1, length):
        away[k] = kept * away[k - 1] + rng.normal()
    profile = rng.normal(0, 5, week) + 8 * np.sin(2 * np.pi * np.arange(week) / day)
    return 200 + profile[t % week] + away


def found(series, seasons=(DAY, WEEK), h=H):
    window = torch.tensor(np.array(series))
    ahead = torch.arange(1, h + 1).expand(len(window), -1)
    lines = learned(window, seasons, ahead[:, -1:])
    return forecasts(window, lines, ahead).numpy(), lines.weight.numpy(), lines.share.numpy()


def _pair(y, t, season, taken, h):
    """What is regressed on after step t, and the mean that is taken off ahead of it."""
    mean = lambda s: np.mean([y[s - k * season] for k in range(taken)])  # noqa: E731
    last = [y[s] - mean(s - season) for s in range(t - DAY + 1, t + 1)]
    base = [mean(t + j - season * -(-j // season)) for j in range(1, h + 1)]
    return np.array([*last, np.mean(last)]), np.array(base)


def _slow(y, season, taken, h=H):
    """The forecast and its mean squared error in parts that were left out."""
    n, pairs = len(y), []
    for k in range(1, n):
        t = n - 1 - APART * k
        if t - DAY + 1 < taken * season:
            break
        if t + h < n:
            x, base = _pair(y, t, season, taken, h)
            pairs.append(((k - 1) // BLOCK % PARTS, x, y[t + 1 : t + h + 1] - base))
    part = np.array([p for p, _, _ in pairs])
    x, target = np.array([x for _, x, _ in pairs]), np.array([z for _, _, z in pairs])
    size = np.sqrt((x**2).mean())
    x = x / size

    def ridge(rows, penalty):
        gram = x[rows].T @ x[rows] + penalty * max(rows.sum(), 1) * np.eye(DAY + 1)
        return np.linalg.solve(gram, x[rows].T @ target[rows])

    errors = [
        sum(
            ((target[part == p] - x[part == p] @ ridge(part != p, penalty)) ** 2).sum()
            for p in range(PARTS)
        )
        for penalty in PENALTIES
    ]
    best = int(np.argmin(errors))
    now, base = _pair(y, n - 1, season, taken, h)
    b = ridge(np.ones(len(x), bool), PENALTIES[best])
    return base + now / size @ b, errors[best] / target.size


@pytest.mark.parametrize("length", [4 * WEEK, 201, 1000])
def test_both_are_the_regressions_of_a_loop(length):
    y = made(length)
    forecast, weight, part = found([y, made(length, 1)])
    slow = [_slow(y, season, taken) for season, taken in zip((DAY, WEEK), TAKEN, strict=True)]
    np.testing.assert_allclose(forecast[0], np.stack([f for f, _ in slow], 1), rtol=1e-8)
    errors = np.array([error for _, error in slow])
    expected = errors**-POWER / (errors**-POWER).sum()
    np.testing.assert_allclose(weight[0], expected, rtol=1e-6)
    naive = min(np.mean((y[WEEK:] - y[WEEK - s : length - s]) ** 2) for s in (DAY, WEEK))
    better = np.log(naive / (errors * expected).sum()) / 2
    assert part[0, 0] == pytest.approx(np.clip(STEEP * (better - BETTER), 0, 0.8))


def test_what_is_new_in_the_last_day_fades_as_it_did():
    y = made(3000, 3)
    forecast, weight, part = found([y[:-H]])
    profile = np.array([y[k:-H:WEEK].mean() for k in range(WEEK)])
    coming = profile[np.arange(len(y) - H, len(y)) % WEEK]
    best = coming + (y[-H - 1] - profile[(len(y) - H - 1) % WEEK]) * 0.9 ** np.arange(1, H + 1)
    ours = (forecast[0] * weight[0]).sum(1)
    assert np.abs(ours - best).mean() < 1.2  # the deviation is 2.3 as a rule
    assert part[0, 0] > 0.3


def test_neither_units_nor_what_precedes_nor_neighbors_matter():
    y = made(400)
    forecast = found([y])[0]
    np.testing.assert_allclose(found([1e-6 * y - 3])[0], 1e-6 * forecast - 3, rtol=1e-6)
    before = np.concatenate([np.full(50, np.nan), y])
    both = found([before, made(450, 1)])[0]
    np.testing.assert_allclose(both[:1], forecast, rtol=1e-8)


def test_holes_are_filled_with_the_day_before():
    y = made(400)
    holes, whole = y.copy(), y.copy()
    holes[200:203], whole[200:203] = np.nan, y[200 - DAY : 203 - DAY]
    np.testing.assert_allclose(found([holes])[0], found([whole])[0], rtol=1e-9)


def test_a_forecast_is_moved_by_the_share_and_keeps_its_widths():
    window = torch.tensor(np.array([made(400)]))
    ahead = torch.arange(1, 3 * WEEK + 1)[None]
    quantiles = torch.arange(11.0).double().expand(1, 3 * WEEK, 11) + 200
    moved = beside(quantiles.clone(), window, (DAY, WEEK), ahead) - quantiles
    lines = learned(window, (DAY, WEEK), ahead[:, -1:])
    way = (forecasts(window, lines, ahead) * lines.weight).sum(-1) - 205
    part = share(ahead, lines)
    torch.testing.assert_close(moved, (part * way)[..., None].expand_as(moved))
    most = lines.share.item()
    assert part[0, [0, WEEK - 1]].tolist() == [most, most]
    assert part[0, 3 * WEEK // 2 - 1] == pytest.approx(most / 2)
    assert not part[0, 2 * WEEK - 1 :].any()
    forecast = beside(quantiles.clone(), window, (DAY, WEEK), ahead[:, :1])
    assert forecast.isfinite().all()


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1e150, 1e300])
def test_values_of_any_size_are_regressed_or_left(scale):
    window = torch.tensor(np.array([made(400)])) * scale
    ahead = torch.arange(1, H + 1)[None]
    assert beside(torch.zeros(1, H, 11).double(), window, (DAY, WEEK), ahead).isfinite().all()


def test_only_four_weeks_of_hours_are_enough():
    hours = torch.ones(2, 700).double()
    hours[1, :29] = torch.nan
    assert enough(hours, (24, 168)).tolist() == [True, False]
    for seasons in ((24, 1), (48, 336), (7, 364)):
        assert not enough(hours, seasons).any()
    assert not enough(hours[:, :600], (24, 168)).any()


def of_hours(length):
    return made(length, day=24, week=168, kept=0.99)


@pytest.mark.parametrize("length", [900, 1600])
def test_an_explanation_says_what_regressions_copied(length):
    table = make_table([of_hours(length)], "1h")
    forecaster = Forecaster(24, effort="instant").fit(table)
    found = forecaster.explain(step=3)
    simple = found.table("simple").filter(pl.col("name").str.starts_with("regression on "))
    assert simple["weight"].sum() > 0.1
    assert np.abs(simple["forecast"].to_numpy() - found.forecast).max() < 20
    assert found.table("simple")["weight"].sum() == pytest.approx(1, rel=1e-4)
    assert found.forecast == pytest.approx(forecaster.predict()["carrousel"][2], rel=1e-5)


def test_a_state_that_goes_on_has_the_regression_of_now(tmp_path):
    table = make_table([of_hours(1003)], "1h")
    forecaster = Forecaster(24, effort="instant").fit(table[:-3])
    for k in range(3):
        forecaster.update(table[1000 + k : 1001 + k])
        found = forecaster.predict()
    again = Forecaster(24, effort="instant").fit(table).predict()
    wide = np.ptp(again["carrousel"].to_numpy())
    np.testing.assert_allclose(found["carrousel"], again["carrousel"], atol=0.02 * wide)
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model").predict()
    np.testing.assert_allclose(loaded["carrousel"], found["carrousel"], rtol=1e-9)


def test_a_gap_at_the_end_is_looked_over():
    y, zero_shot = of_hours(800), ZeroShot((24, 168))
    assert found([y], (24, 168))[2].item() > 0.1
    window = torch.tensor(y[None])
    with torch.inference_mode():
        late = zero_shot.following(window, 5 + torch.arange(1, 9)[None])
        whole = zero_shot.following(window, torch.arange(1, 14)[None])
    torch.testing.assert_close(late, whole[:, 5:], rtol=1e-6, atol=1e-6)
