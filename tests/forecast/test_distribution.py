"""The fused loss against its definition, differentiated by torch."""

import pytest
import torch

from carrousel.forecast.distribution import (
    MEDIAN_WEIGHT,
    QUANTILES,
    SIDE,
    Forecast,
    PinballLoss,
    forecast_loss,
)
from carrousel.forecast.model import Network, Shape, targets
from carrousel.forecast.scaling import scale_steps


def plain(error, width, reach, weight):
    """The same loss as one expression over all quantiles."""
    below, above = -reach[..., 0, :].flip(-1), reach[..., 1, :]
    offsets = torch.cat([below, torch.zeros_like(below[..., :1]), above], -1)  # (B, T, Q)
    rest = error[..., None] - width[..., None] * offsets[..., None, :]
    q = rest.new_tensor(QUANTILES)
    pinball = torch.maximum(q * rest, (q - 1) * rest).mean(-1)
    return (weight * (pinball + MEDIAN_WEIGHT * error.abs())).sum()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 5)], ids=str)
def test_value_and_gradients_are_those_of_the_definition(shape):
    draw = torch.Generator().manual_seed(0)
    error, width, weight = (torch.randn(shape, generator=draw).double() for _ in range(3))
    width, weight = width.exp(), weight.abs()
    reach = torch.rand(*shape[:2], 2, SIDE, generator=draw).double().cumsum(-1)
    leaves = [t.requires_grad_() for t in (error, width, reach)]
    values, gradients = [], []
    for loss in (PinballLoss.apply, plain):
        values.append(loss(error, width, reach, weight))
        gradients.append(torch.autograd.grad(3 * values[-1], leaves))
    torch.testing.assert_close(values[0], values[1])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_quantiles_increase_and_their_middle_is_the_median():
    scaled = scale_steps(torch.randn(2, 6).cumsum(1), 3)
    median, width = torch.randn(2, 2, 4), torch.rand(2, 2, 4) + 0.1
    reach = torch.rand(2, 2, 2, SIDE).cumsum(-1)
    forecast = Forecast(torch.randn(2, 2, 4), scaled.scale, median, width, reach, scaled)
    quantiles = forecast.quantiles()
    assert quantiles.shape == (2, 2, 4, len(QUANTILES))
    assert (quantiles.diff(dim=-1) > 0).all()
    expected = forecast.centre + scaled.scale * median + scaled.origin[..., None]
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
