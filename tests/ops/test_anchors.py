"""The simple forecasts, written out for one window at a time."""

import numpy as np
import pytest
import torch

from carrousel.ops.constants import WINDOW
from carrousel.ops.reference.anchors import Anchors
from carrousel.ops.reference.scaling import scale_steps


def by_hand(y, h, step, season):
    """Forecasts of what follows a full history y (n,), by name."""
    n, ahead = len(y), np.arange(h)
    back = season * (ahead // season + 1) - ahead
    lags = [y[n - back - season * k] for k in range(WINDOW.seasons)]
    levels = y.reshape(-1, step).mean(1)
    slope = (levels[-1] - levels[-1 - WINDOW.seasons]) / WINDOW.seasons * season / step
    trend = slope * (ahead // season + 1)
    return {
        "last": np.full(h, y[-1]),
        "level": np.full(h, levels[-1]),
        f"last {season}": lags[0],
        f"mean {season}": np.mean(lags, 0),
        "half trend": lags[0] + 0.5 * trend,
        "trend": lags[0] + trend,
    }


@pytest.mark.parametrize(("step", "season"), [(6, 6), (3, 6)])
@pytest.mark.parametrize("h", [1, 6, 15])
def test_each_is_what_its_name_says(step, season, h):
    y = np.random.default_rng(0).normal(10, 3, 60).astype(np.float32)
    anchors = Anchors(step, h, (season,))
    scaled = scale_steps(torch.from_numpy(y)[None], step)
    forecasts = anchors(scaled)[0] + scaled.origin[0]  # (T, K, h)
    assert forecasts.shape == (60 // step, len(anchors.names), h)
    got = dict(zip(anchors.names, forecasts[-1].numpy(), strict=True))
    for name, expected in by_hand(y.astype(float), h, step, season).items():
        np.testing.assert_allclose(got[name], expected, rtol=1e-5, err_msg=name)


def test_the_form_of_a_season_moves_with_the_level():
    season = np.array([0.0, 1.0, 4.0, 2.0])
    y = np.concatenate([season + level for level in (10, 30, 20, 50, 100)])
    anchors = Anchors(4, 4, (4,))
    scaled = scale_steps(torch.tensor(y, dtype=torch.float32)[None], 4)
    form = (anchors(scaled) + scaled.origin[0])[0, -1, anchors.names.index("form 4")]
    np.testing.assert_allclose(form, season + 100)


@pytest.mark.parametrize("h", [5, 24, 100, 400])
def test_a_day_in_a_week_is_the_profile_of_the_week_and_what_yesterday_was_beside_it(h):
    day, week, n = 24, 168, 480
    y = np.random.default_rng(0).standard_normal(n).cumsum()
    anchors = Anchors(day, h, (day, week))
    scaled = scale_steps(torch.tensor(y, dtype=torch.float32)[None], day)
    got = dict(zip(anchors.names, anchors(scaled)[0, -1].numpy(), strict=True))
    ahead = np.arange(h)
    yesterday = n + ahead - day * (ahead // day + 1)
    last_week = n + ahead - week * (ahead // week + 1)

    def mean(position):  # of up to four weeks, the oldest repeated
        weeks = [np.minimum(k, position // week) for k in range(WINDOW.seasons)]
        return np.mean([y[position - week * k] for k in weeks], 0)

    last = y[yesterday] + y[last_week] - y[yesterday - week]
    profile = y[yesterday] + mean(last_week) - mean(yesterday - week)
    np.testing.assert_allclose(got["24 in last 168"] + y[-1], last, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got["24 in mean 168"] + y[-1], profile, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seasons", [(1,), (4,), (4, 12)], ids=str)
def test_only_the_last_step_is_the_last_of_all_steps(seasons):
    y = torch.randn(3, 24).cumsum(1)
    anchors = Anchors(min(seasons[0], 4), 5, seasons)
    scaled = scale_steps(y, anchors.step)
    torch.testing.assert_close(anchors(scaled)[:, -1:], anchors(scaled, only_last=True))


@pytest.mark.parametrize("step", [1, 4])
def test_a_longer_history_changes_nothing_that_was_said_before(step):
    y = torch.randn(2, 40).cumsum(1)
    anchors = Anchors(step, 7, (step, 12))
    short, long = scale_steps(y[:, :20], step), scale_steps(y, step)
    early = anchors(long)[:, : 20 // step] + long.origin[..., None, None]
    torch.testing.assert_close(anchors(short) + short.origin[..., None, None], early)
    torch.testing.assert_close(short.scale, long.scale[:, : 20 // step])


@pytest.mark.parametrize("n", [1, 2, 5])
def test_short_series_get_finite_forecasts(n):
    window = torch.full((1, 24), torch.nan)
    window[0, 24 - n :] = torch.arange(n) + 5.0
    scaled = scale_steps(window, 4)
    forecasts = Anchors(4, 6, (4, 12))(scaled) + scaled.origin[..., None, None]
    assert forecasts.isfinite().all()
    assert forecasts[0, -1].min() >= 5 - n
    assert forecasts[0, -1].max() <= 5 + 3 * n
