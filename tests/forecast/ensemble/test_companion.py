"""The network that ships beside those that were trained."""

import json
from functools import cache

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel, make_table, seasonal_series

from carrousel import Forecaster
from carrousel.forecast.ensemble.companion import (
    DOUBT,
    MOST_HORIZONS,
    USUAL,
    Companion,
    mixed,
    ordinary,
)
from carrousel.forecast.network.distribution import QUANTILES, SIDE
from carrousel.forecast.network.windows import less_last
from carrousel.forecast.pretrained.zero_shot import ZeroShot

SHORT = {"max_steps": 5, "ensemble": 1, "hidden_size": 8, "nonnegative": False}
LOW = QUANTILES.index(0.025)
MONTHS = seasonal_series(72, 12, seed=3)


def around(median, width):
    """(..., Q) quantiles on a line."""
    line = torch.linspace(-1, 1, len(QUANTILES), dtype=torch.float64)
    return torch.as_tensor(median, dtype=torch.float64)[..., None] + width * line


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_quantiles_that_are_near_are_averaged(share):
    a, b = around([10.0, 20.0], 4.0), around([11.0, 18.0], 5.0)
    torch.testing.assert_close(mixed(a, b, share), (1 - share) * a + share * b)


@pytest.mark.parametrize(("width", "factor"), [(1e12, 2.0), (1e-9, 0.5)])
def test_a_wild_forecast_is_kept_within_limits(width, factor):
    trained = around([10.0], 4.0)
    found = mixed(trained, around([1e9], width), 0.5)[0]
    assert found[SIDE].item() == pytest.approx((10 + trained[0, -1 - LOW].item()) / 2)
    away = (found - found[SIDE]) / (trained[0] - 10)
    beside = np.delete(away.numpy(), SIDE)
    np.testing.assert_allclose(beside, (1 + factor) / 2, rtol=1e-6)


def test_quantiles_stay_in_order():
    draw = torch.Generator().manual_seed(0)
    trained, other = (
        torch.randn(500, len(QUANTILES), generator=draw, dtype=torch.float64).sort(1).values
        for _ in range(2)
    )
    trained[:50] = trained[:50, :1]  # nothing but one value
    for share in (0.1, 0.5, 0.9):
        found = mixed(trained, other, share)
        assert found.isfinite().all()
        assert (found.diff(dim=1) >= -1e-12).all()


HIT = np.where(np.arange(72) == 60, 1e5, MONTHS)
WINDOWS = {
    "ordinary": (MONTHS, True),
    "negative": (-MONTHS, True),
    "other units": (1e-9 * MONTHS, True),
    "some missing": (np.where(np.arange(72) % 4, MONTHS, np.nan), True),
    "constant": (np.full(72, 7.0), False),
    "an outlier": (HIT, False),
    "mostly missing": (np.where(np.arange(72) % 3, np.nan, MONTHS), False),
    "nothing": (np.full(72, np.nan), False),
    "seldom": (np.where(np.arange(72) % 24, 0.0, 5.0), False),
}


@pytest.mark.parametrize("kind", WINDOWS)
def test_what_is_ordinary(kind):
    y, expected = WINDOWS[kind]
    window, _ = less_last(torch.from_numpy(y)[None])
    assert ordinary(window).tolist() == [expected]


@pytest.mark.parametrize("level", [-1e12, 1e5, 1e9])
def test_far_from_zero_it_says_the_same(level):
    companion = Companion(ZeroShot((12,)), 0.5, 6)
    near, far = (
        companion.quantiles(*less_last(torch.from_numpy(np.round(MONTHS) + move)[None])) - move
        for move in (np.sign(level) * 1e4, level)
    )
    torch.testing.assert_close(near, far, rtol=1e-3, atol=1e-2)


def fit(share, y=MONTHS, h=6, **options):
    return Forecaster(h, pretrained_share=share, **SHORT | options).fit(make_panel([y], "1mo"))


@cache
def learned(share):
    """``fit(share)`` for tests that ask it and leave it as it is."""
    return fit(share)


def of_the_window(fitted, y=MONTHS):
    """(h, Q) what the network that ships says of what the trained networks read."""
    shape = fitted.networks_[0].shape
    seen = make_panel([y[-shape.history :]], "1mo")
    return ZeroShot(shape.seasons).window_quantiles(seen, [0], shape.h)[0, 0]


def test_what_is_handed_out_is_the_mixture_also_from_disk_and_as_rows_come(tmp_path):
    known, new = MONTHS[:66], make_table([MONTHS], "1mo").tail(6)
    both, alone = fit(0.4, known), fit(0.0, known)

    def expected(y):
        parts = (
            torch.from_numpy(q) for q in (alone.predict_quantiles()[0], of_the_window(both, y))
        )
        return mixed(*parts, 0.4).numpy()

    np.testing.assert_allclose(both.predict_quantiles()[0], expected(known), rtol=1e-5)
    assert (both.pretrained_share_, alone.pretrained_share_) == (0.4, 0.0)
    assert any("40% of forecasts" in note for note in both.notes_)
    both.save(tmp_path)
    assert Forecaster.load(tmp_path).predict().equals(both.predict())
    for one in (both, alone):
        one.update(new.with_columns(unique_id=np.repeat("s0", 6)))
    np.testing.assert_allclose(both.predict_quantiles()[0], expected(MONTHS), rtol=1e-5)
    both.save(tmp_path)
    again = Forecaster.load(tmp_path)
    np.testing.assert_allclose(again.predict_quantiles(), both.predict_quantiles(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["constant", "an outlier", "mostly missing", "seldom"])
def test_what_is_not_ordinary_is_forecast_by_what_was_trained(kind):
    both, alone = learned(0.4), learned(0.0)
    panel = make_panel([WINDOWS[kind][0], MONTHS], "1mo")
    found, expected = (one.predict_quantiles(panel) for one in (both, alone))
    np.testing.assert_array_equal(found[0], expected[0])
    assert np.abs(found[1] - expected[1]).max() > 0.01
    gap = make_panel([np.append(MONTHS, [np.nan])], "1mo")
    np.testing.assert_array_equal(both.predict_quantiles(gap), alone.predict_quantiles(gap))


def test_a_series_is_forecast_the_same_alone_and_among_others():
    both = learned(0.4)
    series = [seasonal_series(n, 12, seed=n) for n in (72, 61, 200, 30)]
    among = both.predict_quantiles(make_panel(series, "1mo"))
    for k, y in enumerate(series):
        alone = both.predict_quantiles(make_panel([y], "1mo"))[0]
        np.testing.assert_allclose(among[k], alone, rtol=1e-5)


def test_a_model_of_another_version_says_that_its_companion_is_gone(tmp_path):
    from carrousel.storage import model_directory

    both, alone = learned(0.4), learned(0.0)
    both.save(tmp_path)
    content = json.loads((tmp_path / "model.json").read_text("utf-8"))
    content["companion"]["digest"] = 64 * "0"
    content["digest"] = model_directory._digest({k: v for k, v in content.items() if k != "digest"})
    (tmp_path / "model.json").write_text(json.dumps(content), "utf-8")
    with pytest.warns(RuntimeWarning, match=r"40% of .* \(000000000000\) .* fit again"):
        loaded = Forecaster.load(tmp_path)
    assert loaded.pretrained_share_ == 0
    np.testing.assert_allclose(loaded.predict_quantiles(), alone.predict_quantiles(), rtol=1e-6)


class Knowing:
    """Forecasts that miss what came by ``error`` in every step."""

    def __init__(self, y, error):
        self.y, self.error = y, error

    def quantiles(self, *_):
        return around(self.y + self.error, 1.0)


@pytest.mark.parametrize(
    ("windows", "far"), [(40, DOUBT**2 / (DOUBT**2 + MOST_HORIZONS**2)), (4, 0.76), (1, 0.98)]
)
@pytest.mark.parametrize(("trained", "ours", "best"), [(9.0, 0.0, 1.0), (0.0, 9.0, 0.0),
                                                       (0.6, -0.2, 0.75)])  # fmt: skip
def test_the_better_forecast_counts_more(windows, far, trained, ours, best):
    from types import SimpleNamespace

    from carrousel.forecast.ensemble.companion import _measured

    y = torch.from_numpy(np.stack([seasonal_series(60, 12, seed=s) for s in range(windows)]))
    history, offset = less_last(y[:, :54])
    target, scale = (y[:, 54:] - offset).float(), torch.ones(windows, 1, 1)
    validation = SimpleNamespace(
        history=history[:, None], offset=offset, target=target[:, None], horizons=windows
    )
    said = around(y[:, 54:] + trained, 1.0)[:, None]
    forecast = SimpleNamespace(quantiles=lambda: said, scale=scale)
    companion = Knowing(y[:, 54:], ours)
    found = _measured(lambda *_, **__: forecast, companion, validation)
    assert abs(found - best) <= far * abs(best - USUAL) + 1e-9
    assert (found - USUAL) * (best - USUAL) > 0


def test_where_nothing_is_held_out_it_counts_as_usual():
    fitted = Forecaster(4, **SHORT).fit(make_panel([[3.0, 4.0, 5.5, 6.0]], "1y"))
    assert fitted.pretrained_share_ == USUAL
    assert isinstance(fitted._companion, Companion)


def test_an_explanation_adds_up_with_what_the_network_that_ships_gave():
    both, alone = fit(0.25, context=9), fit(0.0, context=9)
    found, trained = both.explain(step=2), alone.explain(step=2)
    assert found.forecast == pytest.approx(both.predict()["carrousel"].to_numpy()[1])
    own, theirs = alone.predict_quantiles()[0], of_the_window(both)
    said = np.clip(theirs[:, SIDE], own[:, LOW], own[:, -1 - LOW])[1]
    assert found.pretrained == pytest.approx(0.25 * (said - found.mean), rel=1e-3, abs=1e-3)
    np.testing.assert_allclose(found.steps["copied"], 0.75 * trained.steps["copied"], rtol=1e-3)
    total = found.mean + found.steps["copied"].sum() + found.correction + found.error
    assert total + found.pretrained == pytest.approx(found.forecast)
    assert all(np.isfinite(found.steps[k]).all() for k in ("account", "memory", "removed"))
    assert "has a share of 25%" in str(found)
    assert found.simple["weight"].sum() == pytest.approx(0.75)
    assert (trained.share, trained.pretrained) == (0.0, 0.0)
    assert "pretrained" not in str(trained)


def test_an_explanation_of_what_is_not_ordinary_is_of_what_was_trained():
    both = fit(0.25, context=18)
    found = both.explain(data=make_panel([HIT], "1mo"), unique_id="s0")
    assert found.share == 0


def test_the_explorer_shows_the_trained_networks_and_says_so(tmp_path):
    from carrousel.web.series import forecaster_page

    both, alone = learned(0.4), learned(0.0)
    both.save(tmp_path / "both")
    alone.save(tmp_path / "alone")
    with_it, without = (forecaster_page(tmp_path / k, "x")["meta"] for k in ("both", "alone"))
    assert with_it["series"] == without["series"]
    assert with_it["title"]["en"] == "x (trained networks alone)"
    assert without["title"]["en"] == "x"
    assert both.without_pretrained().predict().equals(alone.predict())
    assert alone.without_pretrained() is alone


def test_covariates_are_read_by_what_was_trained_alone():
    table = make_table([seasonal_series(200)])
    assert Forecaster(6, calendar=True, **SHORT).fit(table).pretrained_share_ == 0
    with pytest.raises(ValueError, match=r"pretrained_share: .* no covariates"):
        Forecaster(6, calendar=True, pretrained_share=0.5)
    with pytest.raises(ValueError, match="pretrained_share"):
        Forecaster(6, pretrained_share=1)
    with pytest.raises(ValueError, match="pretrained_share cannot be chosen"):
        Forecaster(6, effort="instant", pretrained_share=0.5)
