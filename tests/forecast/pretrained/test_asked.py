"""What a forecast without training relied on: of the forecast itself, and true in plain cases."""

import numpy as np
import polars as pl
import pytest
import torch

import carrousel
from carrousel import Forecaster
from carrousel.data.wall import Wall
from carrousel.forecast.explanation.explain import copied, memory_units
from carrousel.forecast.pretrained.asked import MOST, step_of
from carrousel.forecast.pretrained.zero_shot import ZeroShot

from ..conftest import make_panel, make_table, seasonal_series


def asked(series, seasons=(12,), steps=(1,), h=6):
    found, x, _ = ZeroShot(seasons).asked(make_panel([series], "MS"), 0, list(steps), h)
    return found, x


@pytest.mark.parametrize("length", [1, 5, 24, 150, 700, 1300])
@pytest.mark.parametrize(("seasons", "gap"), [((1,), 0), ((12,), 3), ((24, 168), 0), ((30,), 5)])
def test_the_forecast_is_the_one_that_is_explained(length, seasons, gap):
    y = np.concatenate([seasonal_series(length, max(seasons[0], 4)) + 1e5, np.full(gap, np.nan)])
    quantiles = ZeroShot(seasons).window_quantiles(make_panel([y], "MS"), [0], 6)[0, 0]
    question, x = asked(y, seasons, (2, 5))
    with torch.no_grad():
        found = float(question(x))
    wide = np.ptp(quantiles[[1, 4]].mean(0))
    assert abs(found - quantiles[[1, 4], 5].mean()) < 1e-3 * wide
    assert x.shape[1] <= MOST


@pytest.mark.parametrize(
    ("seasons", "length"), [((1,), 300), ((12,), 300), ((24, 168), 300), ((24, 168), 1300)]
)
def test_what_was_copied_and_corrected_adds_up_to_the_forecast(seasons, length):
    y = seasonal_series(length, max(seasons[0], 4), noise=3.0) + 50
    question, x = asked(y, seasons, (1, 4))
    terms, mean, rest = copied(question, x)
    with torch.no_grad():
        sides = list(question.simple(x))
        forecast = float(question(x))
    mixed = np.mean([float((a * w).sum(0).mean() + origin) for a, w, _, origin in sides])
    correction = np.mean([float(correction.mean()) for _, _, correction, _ in sides])
    weights = torch.stack([weights for _, weights, _, _ in sides]).mean(0)
    assert float(weights.sum(0).mean()) == pytest.approx(1, rel=1e-5)
    assert mixed + correction == pytest.approx(forecast, rel=1e-4)
    assert mean + float(terms.sum()) + rest == pytest.approx(mixed, rel=1e-5)
    assert abs(rest) < 0.02 * abs(mean)  # shares and growth alone are no sums


def test_units_add_up_to_the_state_times_its_slope():
    question, x = asked(seasonal_series(100, 12, noise=3.0))
    units = memory_units(question, x)
    assert [name.split(".")[1] for name, _ in units] == ["0", "1"]  # upright, and upside down
    modules, kept = dict(question.named_modules()), []

    def keep(module, args, out):
        out[0].retain_grad()
        kept.append(out[0])

    handles = [modules[name].register_forward_hook(keep) for name, _ in units]
    question(x).sum().backward()
    for handle in handles:
        handle.remove()
    for (_, scores), memory in zip(units, kept, strict=True):
        expected = (memory.grad * memory).sum((0, 1)).detach()
        assert scores.shape[0] == x.shape[1]
        torch.testing.assert_close(scores.sum(0).float(), expected, rtol=0.05, atol=0.02)


def test_an_explanation_names_the_season_that_a_forecast_copies():
    rng = np.random.default_rng(0)
    profile = rng.normal(0, 30, 7)
    y = np.tile(profile, 5) + rng.normal(0, 0.5, 35) + 100
    y[-7] = 400.0  # the same day a week ago was extraordinary
    table = make_table([y, seasonal_series(35, 7)], "D")
    forecaster = Forecaster(7, effort="instant").fit(table)
    name = table["unique_id"][0]
    found = forecaster.explain(name, step=1)
    forecast = forecaster.predict().filter(pl.col("unique_id") == name)["carrousel"][0]
    assert found.forecast == pytest.approx(forecast, rel=1e-5)
    steps = found.table("steps")
    row = int(np.argmax(np.abs(steps["removed"].to_numpy())))
    gone = table.filter(pl.col("unique_id") == name)["ds"][-7]
    assert steps["from"][row] <= gone <= steps["to"][row]
    assert len(found.table("units")) == 2 * 160  # upright, and upside down
    assert found.table("simple")["weight"].sum() == pytest.approx(1, rel=1e-4)
    assert "Simple forecasts weighed most" in str(found)


def test_a_trace_shows_what_the_network_did():
    forecaster = Forecaster(6, effort="instant").fit(make_table([seasonal_series(60, 12)], "MS"))
    with carrousel.trace(forecaster.pretrained_) as trace:
        forecaster.predict()
    assert trace.names == ["layers.0", "layers.1"]
    assert trace["layers.1"].gates["forget"].shape[-1] == 160


def test_an_update_beside_columns_says_that_values_are_read_anew():
    table = make_table([seasonal_series(60, 12)], "MS").with_columns(x=pl.int_range(60) % 5)
    forecaster = Forecaster(6, effort="instant", futr_exog=["x"]).fit(table.head(50))
    assert "no state goes on" in forecaster.update(table.tail(10)).notes_[-1]
    coming = table.tail(6).with_columns(pl.col("ds").dt.offset_by("6mo"))
    found = forecaster.predict(X_df=coming)
    again = Forecaster(6, effort="instant", futr_exog=["x"]).fit(table).predict(X_df=coming)
    np.testing.assert_allclose(found["carrousel"], again["carrousel"], rtol=1e-6)


@pytest.mark.parametrize(
    ("known", "season", "patch", "expected"),
    [(60, 12, 1, 1), (144, 12, 1, 2), (276, 12, 1, 4), (1616, 24, 4, 24), (1291, 7, 1, 21),
     (100, 24, 4, 4), (500, 30, 4, 8), (700, 1, 1, 10)],
)  # fmt: skip
def test_steps_are_parts_of_a_season_or_seasons(known, season, patch, expected):
    assert step_of(known, season, patch) == expected


def test_hours_of_a_zone_are_explained_by_the_clock_on_the_wall():
    hours = pl.datetime_range(
        np.datetime64("2024-03-10").item(), np.datetime64("2024-04-01").item(), "1h",
        time_zone="Europe/Berlin", eager=True,
    )  # fmt: skip
    y = np.where(hours.dt.hour() == 8, 50.0, 10.0)
    y = y + np.random.default_rng(0).normal(0, 0.1, len(y))
    table = pl.DataFrame({"unique_id": "a", "ds": hours, "y": y})
    known = table.filter(pl.col("ds").dt.date() < pl.date(2024, 3, 31))
    forecaster = Forecaster(24, effort="instant").fit(known)
    forecast = forecaster.predict()
    at_eight = int(forecast["carrousel"].arg_max())
    wall = Wall.of(forecaster.panel_, 24)
    question, x, _ = ZeroShot((24, 168)).asked(wall, 0, [at_eight + 1], 24)
    with torch.no_grad():
        assert float(question(x)) == pytest.approx(forecast["carrousel"][at_eight], rel=1e-5)
