"""Before training, the network is the weighted simple forecasts; after it, intervals hold."""

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel, seasonal_series

from carrousel.forecast.ensemble.training import new_network, predict_quantiles
from carrousel.forecast.ensemble.validation import INTERVAL_SCALES, Validation
from carrousel.forecast.network.network import Network
from carrousel.forecast.network.windows import Sampler, Windows
from carrousel.forecast.options import Options
from carrousel.forecast.plan import choose


def untrained(series, h=12):
    panel = make_panel(series)
    plan = choose(panel, Options(h, hidden_size=4))
    windows = Windows.of(panel, plan.shape.history, h)
    return new_network(plan.shape, 0, Sampler(windows, plan.shape.patch)).eval(), windows, plan


def test_a_season_without_noise_is_right_before_any_training():
    y = seasonal_series(24 * 20, noise=0.0)
    network, windows, _ = untrained([y])
    median = predict_quantiles([network], windows, 12)[0, :, 5]
    np.testing.assert_allclose(median, y[-12:], atol=0.5)


def test_the_interval_of_noise_covers_what_it_says_before_any_training():
    series = [seasonal_series(24 * 20, seed=s) for s in range(60)]
    network, windows, _ = untrained(series)
    low, high = np.moveaxis(predict_quantiles([network], windows, 12)[..., [3, 7]], -1, 0)
    y = np.stack([s[-12:] for s in series])
    assert np.mean((low <= y) & (y <= high)) == pytest.approx(0.8, abs=0.1)


def test_intervals_that_are_too_narrow_are_stretched():
    network, windows, plan = untrained([seasonal_series(24 * 20, seed=s) for s in range(60)])
    validation = Validation(windows, plan)
    assert validation.best_interval_scale(network) <= INTERVAL_SCALES[1]
    network.interval_scale.fill_(0.5)
    assert 1.6 < validation.best_interval_scale(network) < 2.5


def test_there_is_nothing_to_validate_on_in_short_series():
    network, windows, plan = untrained([np.arange(5.0)])
    assert isinstance(network, Network)
    assert not Validation(windows, plan)


def test_the_global_generator_is_left_as_it_was():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    untrained([seasonal_series(300)])
    assert torch.equal(torch.get_rng_state(), before)
