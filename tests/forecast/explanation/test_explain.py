"""Explanations: exact where they claim to be, and true of a network whose memory is known."""

import numpy as np
import polars as pl
import pytest
import torch
from tests.forecast.conftest import make_panel, make_table, seasonal_series

from carrousel import Forecaster
from carrousel.forecast.ensemble.training import predict_quantiles
from carrousel.forecast.explanation.explain import copied, explain, memory_units
from carrousel.forecast.explanation.question import Asked
from carrousel.forecast.intervals.quantiles import MEDIAN
from carrousel.forecast.network.network import Network
from carrousel.forecast.network.shape import Shape
from carrousel.forecast.network.windows import Windows

SHAPE = Shape(h=6, cell="lstm", patch=4, steps=5, seasons=(4,), hidden=6, layers=2)


def network(cell="lstm", seed=0, shape=SHAPE):
    """Random weights everywhere, so that everything depends on everything."""
    torch.manual_seed(seed)
    made = Network(Shape(**{**vars(shape), "cell": cell}))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return made


def asked(networks, history, ahead=0):
    x = torch.tensor(history, dtype=torch.float32).view(1, -1, SHAPE.patch)
    return Asked(networks, slice(ahead, ahead + 1), 0).eval(), x


SERIES = seasonal_series(20, season=4, noise=5.0)


@pytest.mark.parametrize("ahead", [1, 6, None], ids=["first", "last", "mean"])
@pytest.mark.parametrize("length", [3, 9, 20, 33], ids=lambda n: f"{n} values")
def test_the_forecast_is_the_one_that_is_explained(length, ahead):
    networks = [network(seed=0), network(seed=1)]
    panel = make_panel([seasonal_series(length, season=4), SERIES])
    found = explain(networks, panel, 0, ahead)
    windows = Windows.of(panel, SHAPE.history, SHAPE.h)
    medians = predict_quantiles(networks, windows)[0, :, MEDIAN]
    expected = medians.mean() if ahead is None else medians[ahead - 1]
    assert found.forecast == pytest.approx(expected, rel=1e-5)
    steps = min(-(-length // SHAPE.patch), SHAPE.steps)
    assert len(found.steps["removed"]) == steps
    assert len(found.times) == (6 if ahead is None else 1)


def test_what_was_copied_adds_up_to_the_mix_of_simple_forecasts():
    asks, x = asked([network(seed=k) for k in range(2)], SERIES)
    terms, mean, rest = copied(asks, x)
    with torch.no_grad():
        mixed = [(w * a).sum(0).mean() + o[0] for a, w, _, o in asks.simple(x)]
        corrections = [c.mean() for _, _, c, _ in asks.simple(x)]
        forecast = asks(x)
    assert abs(rest) < 1e-3
    assert mean + float(terms.sum()) == pytest.approx(float(sum(mixed) / 2), rel=1e-5)
    assert float(sum(mixed) / 2 + sum(corrections) / 2) == pytest.approx(float(forecast), rel=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_units_add_up_to_the_state_times_its_slope(cell):
    """The top layer is read at its last step only: sum over units = dy/dh . h, minus nothing."""
    net = network(cell)
    asks, x = asked([net], SERIES)
    (name, scores), *_ = memory_units(asks, x)
    top = dict(asks.named_modules())[name]
    kept = []

    def keep(module, args, out):
        out[0].retain_grad()
        kept.append(out[0])

    handle = top.register_forward_hook(keep)
    asks(x).sum().backward()
    handle.remove()
    expected = (kept[0].grad * kept[0]).sum((0, 1)).detach()
    assert scores.shape == (SHAPE.steps, SHAPE.hidden)
    torch.testing.assert_close(scores.sum(0).float(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("cell", ["rnn", "ann"])
def test_a_memory_that_is_no_sum_has_no_units(cell):
    found = explain([network(cell)], make_panel([SERIES]), 0, 1)
    assert len(found.table("units")) == 0
    assert not found.steps["memory"].any()
    erased = found.steps["memory_from"]
    assert (np.ptp(erased) < 1e-4) == (cell == "ann")  # nothing is remembered without a loop


def test_missing_values_and_numbers_for_times():
    gaps = SERIES.copy()
    gaps[[3, 9, 10]] = np.nan
    found = explain([network()], make_panel([gaps], freq=1), 0, 2)
    for name in ("removed", "account", "copied", "memory", "memory_from"):
        assert np.isfinite(found.steps[name]).all(), name
    assert found.times.tolist() == [21]


def test_what_was_never_seen_has_no_effect():
    """A network that weighs only the last value: removal finds the last step alone."""
    net = network()
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.zero_()
        net.head.bias[: SHAPE.h] = 50.0  # all weight on the anchor "last"/first of the list
        net.head.bias[-2 * 5 - 2 * SHAPE.h : -2 * 5 - SHAPE.h] = 0.0  # no correction
    found = explain([net], make_panel([SERIES]), 0, 1)
    assert found.forecast == pytest.approx(found.simple["forecast"][0], rel=1e-4)
    assert abs(found.steps["removed_missing"][-1]) > 0.1
    np.testing.assert_allclose(found.steps["removed_missing"][:-1], 0, atol=1e-3)
    np.testing.assert_allclose(found.steps["copied"][:-1], 0, atol=1e-3)
    assert found.steps["copied"].sum() + found.mean == pytest.approx(found.forecast, rel=1e-4)
    assert found.without_memory == pytest.approx(found.forecast, rel=1e-5)


@pytest.fixture(scope="module")
def fitted():
    table = make_table([seasonal_series(24 * 6, seed=s) for s in range(2)])
    return Forecaster(3, max_steps=10, ensemble=1).fit(table)


def test_the_facade_gives_tables_of_the_kind_that_went_in(fitted, tmp_path):
    found = fitted.explain("s1", step=2)
    first = fitted.predict()
    assert found.forecast == pytest.approx(first["carrousel"][3 + 1], rel=1e-5)
    steps = found.table()
    assert isinstance(steps, pl.DataFrame)
    assert steps.columns[:3] == ["from", "to", "y"]
    assert set(found.table("fidelity")["ranking"]) == {
        "removed", "account", "random", "recency", "leave-one-out",
    }  # fmt: skip
    assert "s1, 2024-01-07 01:00" in str(found)
    found.plot().savefig(tmp_path / "explained.png")
    assert (tmp_path / "explained.png").stat().st_size > 10_000


def test_errors_name_the_argument(fitted):
    with pytest.raises(ValueError, match=r"unique_id: there is no series 'x'; there are 's0'"):
        fitted.explain("x")
    with pytest.raises(ValueError, match="unique_id"):
        fitted.explain()
    with pytest.raises(ValueError, match="step must be from 1 to 3, or None"):
        fitted.explain("s0", step=4)
    with pytest.raises(ValueError, match="part must be one of 'steps'"):
        fitted.explain("s0").table("unit")
