"""States of the pretrained network that go on, beside windows that are read whole again."""

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn import functional as F

from carrousel import Forecaster
from carrousel.forecast.pretrained.carried import check_carried
from carrousel.forecast.pretrained.checks import check, learn, missed
from carrousel.forecast.pretrained.history import history
from carrousel.forecast.pretrained.network import Remembered
from carrousel.forecast.pretrained.smoothing import smoothed
from carrousel.forecast.pretrained.zero_shot import ZeroShot

from ..conftest import make_panel, make_table, seasonal_series

H = 5
# A season, how long the series is when it is fitted, and how it goes on.
CASES = {
    "weeks of hours": ((24, 168), 1300),
    "years": (1, 30),
    "months": (12, 70),
    "many months": (12, 400),
    "hours": (24, 900),
}


def whole(y, cut, season, h=H):
    """(h, Q): all of the window read again from where it began when it ended after ``cut`` values,
    with what checks taught then; by the network's own parts, with no state."""
    zero_shot = ZeroShot(season if isinstance(season, tuple) else (season,))
    network = zero_shot.network
    patch = network.shape.patch
    size = next((n for n in zero_shot.sizes if n >= cut), zero_shot.history)
    known = np.concatenate([np.full(max(size - cut, 0), np.nan), y[max(cut - size, 0) :]])
    end = len(known) - (len(y) - int(np.flatnonzero(np.isfinite(y))[-1]) - 1)
    gap = len(known) - end
    window = torch.from_numpy(known[:end])[None]
    twice = bool(zero_shot.is_read_twice(window[:, :size]))
    ahead, found, errors = gap + torch.arange(1, h + 1)[None], [], []
    for sign, told in ((1, 0), (1 if patch > 1 else -1, 1))[: 1 + twice]:
        seasons = torch.tensor([zero_shot.seasons_of(told)])
        begin = F.pad(sign * window[:, :size], (-size % patch, 0), value=torch.nan)
        checks = check(network, network.remember(begin, seasons), torch.tensor([[h]]))
        lesson = learn(checks)
        errors.append(missed(checks, lesson))
        shown = F.pad(sign * window, (-window.shape[1] % patch, 0), value=torch.nan)
        first = max(begin.shape[1] - network.shape.read, 0)
        past = history(shown, seasons, shown.shape[1] - first)
        memory = network.encode(past.features)[0]
        last = torch.tensor([[shown.shape[1] - 1]])
        answer = network.answer(Remembered(past, memory), last, ahead[:, None])
        found.append(lesson.corrected(answer).absolute()[:, 0])
    rows = torch.arange(int(twice))
    smooth = None
    if twice and patch == 1:
        _, shares = zero_shot.smoothed(window[:, :size], ahead, *errors)
        smooth = smoothed(window, season).forecast(ahead), shares.detach()
    quantiles, again = found[0].detach(), found[-1].detach()
    together = zero_shot.together(quantiles, rows, again, window, ahead, smooth)
    return together[0].numpy()


def cut_of(y, season, before):
    """How many values there were when the window was cut: values come one by one."""
    cut = before
    for n in range(before + 1, len(y) + 1):
        if np.isfinite(y[n - 1]) and n - cut >= min(max(season, 24), cut):
            cut = n
    return cut


def made(season, length, seed=0):
    y = seasonal_series(length, season if season > 1 else 7, noise=3.0, seed=seed)
    return y.astype(np.float32).astype(np.float64)


def instant(series, season):
    return Forecaster(H, effort="instant", season_length=season).fit(make_panel(series, "MS"))


def rows(series, first, last):
    """The rows number ``first`` to ``last`` of each series."""
    table = make_table(series, "MS").with_columns(k=pl.int_range(pl.len()).over("unique_id"))
    return table.filter(pl.col("k").is_between(first, last, "left")).drop("k")


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.ptp(wanted), rtol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_a_state_that_goes_on_is_the_whole_window_read_again(case):
    season, before = CASES[case]
    day, longest = (season[0], max(season)) if isinstance(season, tuple) else (season, season)
    y = made(day, before + 60)
    forecaster, last = instant([y[:before]], season), before
    for after in (1, 2, 3, 7, 8, 23, 24, 25, 26, 47, 60):
        forecaster.update(rows([y], last, before + after))
        last, shown = before + after, y[: before + after]
        wanted = whole(shown, cut_of(shown, longest, before), season)
        close(forecaster.predict_quantiles()[0], wanted)


@pytest.mark.parametrize("season", [12, 24])
def test_the_layers_read_new_steps_alone(season, monkeypatch):
    y = made(season, 540)
    forecaster, read = instant([y[:500]], season), []
    network = forecaster.pretrained_
    encode = network.encode
    counted = lambda x, *a: read.append(x.shape[1]) or encode(x, *a)  # noqa: E731
    monkeypatch.setattr(network, "encode", counted)
    for k in range(500, 523):
        forecaster.update(rows([y], k, k + 1)).predict()
    patch = network.shape.patch
    assert read[-8:] == [patch] * 8
    assert max(read) > 8 * patch  # the window, once for each phase
    seen = len(read)
    forecaster.predict()
    assert len(read) == seen  # nothing is new


@pytest.mark.parametrize("season", [12, 24])
def test_a_level_that_changes_is_followed(season):
    y = made(season, 160)
    y[150:] = 1e4 + 50 * (y[150:] - 100)
    forecaster = instant([y[:145]], season)
    forecaster.predict()
    forecaster.update(rows([y], 145, 160))
    found = forecaster.predict_quantiles()[0]
    close(found, whole(y, 145, season))
    assert (found[:, 5] > 5e3).all()


@pytest.mark.parametrize("season", [12, 24])
def test_gaps_series_that_lag_and_series_that_join(season):
    a, b, c = (made(season, 230, seed) for seed in range(3))
    a[200:204] = np.nan
    forecaster = instant([a[:190], b[:150]], season)
    forecaster.predict()
    for last in (195, 200):
        forecaster.update(rows([a], last - 5, last)).predict()
    forecaster.update(rows([a], 200, 206).drop_nulls())  # steps that are left out
    close(forecaster.predict_quantiles()[0], whole(a[:206], 190, season))
    named = rows([c], 0, 60).with_columns(unique_id=pl.lit("new"))
    forecaster.update(pl.concat([rows([a[:0], b], 150, 170), named]), add=True)
    found = forecaster.predict_quantiles()
    close(found[0], whole(a[:206], 190, season))
    close(found[1], whole(b[:170], 150, season))
    close(found[2], whole(c[:60], 60, season))
    forecaster.update(named[:0].vstack(rows([a], 206, 208)))
    empty = rows([a], 208, 212).with_columns(y=pl.lit(None, pl.Float64))
    forecaster.update(empty)  # the end is a gap
    ended = np.concatenate([a[:208], np.full(4, np.nan)])
    close(forecaster.predict_quantiles()[0], whole(ended, 190, season))


@pytest.mark.parametrize("season", [12, 24])
def test_what_is_saved_goes_on_as_if_never_stopped(season, tmp_path):
    series = [made(season, 430, 1), made(season, 60, 2)]
    forecaster = instant([y[:-30] for y in series], season)
    coming = [make_table(series, "MS").group_by("unique_id", maintain_order=True).tail(30)]
    coming = coming[0].with_columns(k=pl.int_range(pl.len()).over("unique_id"))
    step = lambda k, n: coming.filter(pl.col("k").is_between(k, k + n, "left")).drop("k")  # noqa: E731
    forecaster.update(step(0, 7)).predict()
    forecaster.update(step(7, 2)).save(tmp_path)
    loaded = Forecaster.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_quantiles(), forecaster.predict_quantiles())
    for k, n in ((9, 1), (10, 14), (24, 6)):
        forecaster.update(step(k, n))
        loaded.update(step(k, n))
        np.testing.assert_array_equal(loaded.predict_quantiles(), forecaster.predict_quantiles())


@pytest.mark.parametrize("season", [12, 24])
def test_when_a_forecast_is_asked_for_does_not_matter(season):
    y = made(season, 300)
    often, seldom = instant([y[:230]], season), instant([y[:230]], season)
    for k in range(230, 295, 5):
        often.update(rows([y], k, k + 5)).predict()
    seldom.update(rows([y], 230, 295))
    close(often.predict_quantiles(), seldom.predict_quantiles())


def test_a_late_row_begins_the_window_again():
    y = made(12, 120)
    late = y.copy()
    late[104] = np.nan
    forecaster = instant([y[:100]], 12)
    forecaster.update(rows([late], 100, 110)).predict()
    forecaster.update(rows([y], 104, 105))
    found = forecaster.predict_quantiles()[0]
    close(found, whole(y[:110], 110, 12))
    close(found, instant([y[:110]], 12).predict_quantiles()[0])


def test_a_series_without_any_value_waits_for_one():
    y = made(12, 50)
    forecaster = instant([y[:40], np.full(20, np.nan)], 12)
    forecaster.update(rows([y], 40, 42))
    found = forecaster.predict_quantiles()
    np.testing.assert_array_equal(found[1], found[0])  # the typical forecast
    one = pl.DataFrame({"unique_id": "s1", "ds": make_panel([y], "MS").times(0)[20:23], "y": 7.0})
    forecaster.update(one)
    found = forecaster.predict_quantiles()[1]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0, 5], 7.0, rtol=0.05)


def test_how_long_a_window_is_held_is_said():
    forecaster = instant([made(12, 100)], 12)
    forecaster.update(rows([made(12, 101)], 100, 101))
    assert "held for 24 observations" in forecaster.notes_[-1]


def test_states_that_do_not_fit_are_refused(tmp_path):
    forecaster = instant([made(12, 100)], 12).update(rows([made(12, 101)], 100, 101))
    tensors = forecaster._stream.tensors()
    panel, zero_shot = forecaster.panel_, forecaster._zero_shot
    check_carried(tensors, zero_shot, panel, H)
    for name, value, message in (
        ("size", torch.tensor([7]), r"stream\.size"),
        ("cut", torch.tensor([900]), r"stream\.cut"),
        ("hold", torch.tensor([0]), r"stream\.hold"),
        ("top", torch.zeros(1, 2, 1, 3), r"stream\.top"),
    ):
        with pytest.raises(ValueError, match=message):
            check_carried(tensors | {name: value}, zero_shot, panel, H)
    with pytest.raises(ValueError, match=r"stream\.outer is missing"):
        check_carried({k: v for k, v in tensors.items() if k != "outer"}, zero_shot, panel, H)
