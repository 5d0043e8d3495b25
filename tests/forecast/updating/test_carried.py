"""Training from states that were carried on, and networks that are trained only to be judged."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel, make_table, seasonal_series
from tests.forecast.updating.test_update_covariates import EXOG, FIRST, H

from carrousel import Forecaster
from carrousel.forecast.ensemble.dataset import Lessons
from carrousel.forecast.ensemble.training import _batch
from carrousel.forecast.network.covariates import Extra
from carrousel.forecast.network.loss import forecast_loss
from carrousel.forecast.network.network import Network, targets
from carrousel.forecast.network.shape import Shape
from carrousel.forecast.options import Options
from carrousel.forecast.plan import choose

LEAD = 3


@pytest.mark.parametrize("covariates", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "ann"])
def test_the_first_steps_are_read_and_not_learned_from(cell, covariates):
    torch.manual_seed(0)
    columns = {"futr": (0,), "hist": (0,)} if covariates else {}
    network = Network(Shape(2, cell, 2, 4, (2, 4), 5, 2, **columns)).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    length = 2 * (LEAD + 4)
    window, extra = torch.randn(3, length + 2, dtype=torch.float64), None
    if covariates:
        futr = torch.randn(3, length + 2, 1, dtype=torch.float64)
        extra = Extra(futr, torch.randn(3, length, 1, dtype=torch.float64), torch.zeros(3, 0))
    network.loss(window, extra).backward()
    found = [parameter.grad.clone() for parameter in network.parameters()]

    network.zero_grad()
    seen = network.encode(window[:, :-2], extra=extra)
    x = network.embedded(seen)
    state = None
    for t in range(LEAD + 4):  # one step after the other; the state is cut off where it is carried
        y, state = network.recurrence(x[:, t : t + 1], state)
        if t == LEAD - 1:
            state = [_cut(part) for part in state]
        x = torch.cat([x[:, :t], y, x[:, t + 1 :]], 1)
    rest = seen.scaled.part(slice(LEAD, None))
    ahead = None if extra is None else extra.part(slice(2 * LEAD, None))
    heads = network.heads(x[:, LEAD:], seen._replace(anchors=seen.anchors[:, LEAD:], extra=ahead))
    forecast = network.decode(heads, rest, seen.anchors[:, LEAD:])
    expected = forecast_loss(forecast, targets(window, network.shape)[:, LEAD:])
    assert network.loss(window, extra).item() == pytest.approx(expected.item(), rel=1e-9)
    expected.backward()
    for one, parameter in zip(found, network.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-7, atol=1e-9)


def _cut(state):
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return None if state is None else state.detach()


def test_every_fourth_batch_holds_longer_windows():
    panel = make_panel([seasonal_series(24 * 40, seed=s) for s in range(2)])
    plan = choose(panel, Options(6, context=240))
    lessons = Lessons.of(panel, plan)
    sampler = lessons.sampler(hidden=0)
    lengths = [
        [part[0].shape[1] for part in _batch(sampler, plan, panel, step, torch.Generator())]
        for step in range(0, 8, 2)
    ]
    assert lengths == [[246, 246 + 120], [246], [246, 246 + 240], [246]]
    alone = replace(plan, shape=replace(plan.shape, cell="ann"))  # it carries nothing
    assert len(_batch(sampler, alone, panel, 0, torch.Generator())) == 1


def test_few_series_with_covariates_have_a_judge():
    forecaster = Forecaster(H, max_steps=4, ensemble=2, hidden_size=6, **EXOG).fit(FIRST)
    plan = forecaster.plan_
    assert plan.judge
    assert plan.holdout == 20  # a third of 60 days
    assert (len(forecaster.networks_), len(forecaster.runs_), plan.trainings) == (2, 3, 3)
    assert forecaster.runs_[0].best_score is not None
    assert forecaster.runs_[1].best_score is None
    assert "by a network of its own" in plan.reasons[-1]
    plain = Forecaster(H, max_steps=1, ensemble=1).fit(FIRST.select("unique_id", "ds", "y"))
    assert not plain.plan_.judge
    many = make_panel([np.arange(30.0)] * 64)
    assert not choose(replace(many, covariates=plan_covariates(forecaster)), Options(H)).judge


def plan_covariates(forecaster):
    return forecaster.panel_.covariates


def test_a_judge_that_is_interrupted_is_kept():
    def stop(name, progress):
        assert name == "network 1 of 2"
        if progress.step == 2:
            raise KeyboardInterrupt

    forecaster = Forecaster(H, max_steps=4, ensemble=1, hidden_size=6, **EXOG)
    forecaster.fit(FIRST, progress=stop)
    assert len(forecaster.networks_) == 1
    assert forecaster.runs_[0].stopped == "interrupted"


def test_states_that_go_on_for_long_stay_as_good():
    """Over thirty windows of a daily rhythm a state forecasts as the window alone does."""
    y = seasonal_series(24 * 110, noise=2.0)
    fitted = Forecaster(24, max_steps=150, ensemble=1, hidden_size=16, context=72)
    fitted.fit(make_table([y[: 24 * 20]])).update(make_table([y]))
    truth = 100 + 20 * np.sin(2 * np.pi * np.arange(24) / 24)
    carried, afresh = (
        np.abs(fitted.predict(data)["carrousel"].to_numpy() - truth).mean()
        for data in (None, fitted.panel_)
    )
    assert carried < 1.2 * afresh + 0.3
