"""Learning on, and forecasting what was never seen."""

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel, make_table, seasonal_series

from carrousel import Forecaster

FAST = {"max_steps": 40, "ensemble": 2, "hidden_size": 8, "num_layers": 1, "batch_size": 16,
        "context": 48}  # fmt: skip
DAYS = [seasonal_series(24 * 10, seed=s, level=50.0 * (s + 1)) for s in range(3)]
OTHERS = [seasonal_series(24 * 10, season=12, seed=9, level=200.0, noise=4.0)]


@pytest.fixture(scope="module")
def base():
    return Forecaster(6, "gru", **FAST).fit(make_table(DAYS))


def test_it_starts_where_the_other_ended(base):
    options = {**FAST, "max_steps": 1, "learning_rate": 1e-12}
    tuned = Forecaster(6, **options).fit(make_table(DAYS), init=base)
    for one, other in zip(base.networks_, tuned.networks_, strict=True):
        assert one is not other
        for a, b in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-9)
    assert tuned.networks_[0].shape == base.networks_[0].shape


def test_it_adapts_and_leaves_the_other_alone(base, tmp_path):
    before = base.predict()
    base.save(tmp_path)
    panel = make_panel(OTHERS)
    tuned = Forecaster(6, max_steps=60).fit(panel, init=tmp_path)
    assert base.predict().equals(before)
    run = tuned.runs_[0]
    assert run.best_score <= run.scores[0][1]  # never worse on the end than with no learning
    assert "2 trained networks of 1 gru layers, 8 wide, learn on" in tuned.plan_.reasons[0]
    assert tuned.predict()["ds"][0] == panel.future(1)["ds"][0]


def test_unseen_series_need_no_learning(base):
    """Zero-shot: a daily rhythm at another level, with other names."""
    y = seasonal_series(24 * 6, seed=5, level=5000.0)
    forecast = base.predict(make_table([y[:-6]]))
    truth = 5000 + 20 * np.sin(2 * np.pi * np.arange(138, 144) / 24)
    assert np.abs(forecast["carrousel"] - truth).max() < 8


@pytest.mark.parametrize(
    ("options", "data", "message"),
    [
        ({"h": 5}, DAYS, "init forecasts h=6 steps, this forecaster h=5"),
        ({"h": 6, "hidden_size": 9}, DAYS, "hidden_size: init has 8, this forecaster asks for 9"),
        ({"h": 6, "cell": "rnn"}, DAYS, "cell: init has 'gru', this forecaster asks for 'rnn'"),
        ({"h": 6, "season_length": 12}, DAYS, "season_length: init has .*asks for"),
    ],
)
def test_what_does_not_fit_is_refused(options, data, message, base):
    with pytest.raises(ValueError, match=message):
        Forecaster(**options).fit(make_panel(data), init=base)


def test_wrong_starts_are_refused(base):
    with pytest.raises(ValueError, match="init is for hourly series, the data is daily"):
        Forecaster(6).fit(make_panel(DAYS, "1d"), init=base)
    with pytest.raises(TypeError, match="init must be a fitted Forecaster or the path"):
        Forecaster(6).fit(make_panel(DAYS), init=3)
    with pytest.raises(RuntimeError, match="has learned nothing yet"):
        Forecaster(6).fit(make_panel(DAYS), init=Forecaster(6))
