"""The fused loss against its definition, differentiated by torch."""

import pytest
import torch

from carrousel.forecast.network.distribution import QUANTILES, SIDE, Forecast
from carrousel.forecast.network.loss import forecast_loss
from carrousel.forecast.network.network import Network, targets
from carrousel.forecast.network.shape import Shape
from carrousel.ops.reference.scaling import scale_steps


def a_network(h, dtype):
    shape = Shape(h, "rnn", 3, 5, (3, 6), 8, 1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network(shape).to(dtype)
        torch.nn.init.normal_(network.head.weight, std=0.5)
        window = torch.randn(4, shape.history + h, dtype=dtype).cumsum(1)
    window[0, 2:5] = torch.nan  # a gap
    window[1, :9] = torch.nan  # a short series
    window[2, -h:] = torch.nan  # no future
    window[3, 10] = 1e4  # an outlier, beyond which errors are cut off
    return network, window


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("h", [1, 5, 8, 17, 48])
def test_the_loss_in_one_pass_is_its_formula_differentiated(h, dtype):
    network, window = a_network(h, dtype)
    history, target = window[:, : network.shape.history], targets(window, network.shape)
    values, gradients = [], []
    for value in (network.loss(window), forecast_loss(network(history), target)):
        values.append(value)
        gradients.append(torch.autograd.grad(3 * value, list(network.parameters())))
    torch.testing.assert_close(values[0], values[1])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("h", [1, 5, 8, 17, 48])
def test_quantiles_in_one_pass_are_those_of_the_distribution(h, dtype):
    network, window = a_network(h, dtype)
    network.interval_scale.fill_(1.3)
    seen = network.encode(window[:, : network.shape.history], last=True)
    total = torch.ones(4, h, len(QUANTILES), dtype=torch.float64)
    network.add_quantiles(seen, total)
    expected = 1 + network.predict(seen).quantiles()[:, 0]
    near = {"rtol": 1e-5, "atol": 1e-3} if dtype is torch.float32 else {}
    torch.testing.assert_close(total, expected, **near)
    assert (total.diff(dim=-1) > 0).all()


def test_quantiles_increase_and_their_middle_is_the_median():
    scaled = scale_steps(torch.randn(2, 6).cumsum(1), 3)
    median, width = torch.randn(2, 2, 4), torch.rand(2, 2, 4) + 0.1
    quantile_offsets = torch.rand(2, 2, 2, SIDE).cumsum(-1)
    forecast = Forecast(torch.randn(2, 2, 4), scaled.scale, median, width, quantile_offsets, scaled)
    quantiles = forecast.quantiles()
    assert quantiles.shape == (2, 2, 4, len(QUANTILES))
    assert (quantiles.diff(dim=-1) > 0).all()
    expected = forecast.location + scaled.scale * median + scaled.origin[..., None]
    torch.testing.assert_close(quantiles[..., SIDE].float(), expected)


def test_what_is_missing_teaches_nothing():
    shape = Shape(2, "lstm", 3, 4, (3,), 4, 1)
    network = Network(shape)
    window = torch.randn(2, 14)
    window[:, 12:] = torch.nan  # the future of the last step
    forecast, target = network(window[:, :12]), targets(window, shape)
    assert target.shape == (2, 4, 2)
    loss = forecast_loss(forecast, target)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())
    assert forecast_loss(forecast, torch.full_like(target, torch.nan)) == 0
