"""Where training starts: at the simple forecasts, weighted by how well they did.

The head's weights are zero at first, so that its biases alone decide. They are set from a sample
of the training windows: each anchor is weighted by its error there, the median corrects the bias
that is left, and the distribution is normal and as wide as the errors. Training can only improve
on that; a series too short to learn from keeps it.
"""

from statistics import NormalDist

import torch
from torch import Tensor

from ..network.distribution import QUANTILES, SIDE
from ..network.loss import LARGEST
from ..network.network import Network, targets
from ..network.shape import Shape

SHARPNESS = 6.0  # weights fall with this power of the error
SURE = 1.4826  # standard deviations in a median absolute deviation of a normal


@torch.no_grad()
def start_from(network: Network, window: Tensor, offset: Tensor | None = None) -> None:
    """Set the head's biases from windows (B, history + h) less ``offset`` (B, 1)."""
    shape = network.shape
    seen = network.encode(window[:, : shape.history], offset=offset)
    scaled, anchors = seen.scaled, seen.anchors  # (B, T, K, h)
    relative = targets(window, shape) - scaled.origin[..., None]
    counted = (scaled.age >= min(1, shape.steps - 1))[..., None] & relative.isfinite()
    counted = counted & _telling(shape)[:, None]
    errors = (relative[:, :, None] - anchors) / scaled.scale[..., None]
    size = _mean(errors.abs().clamp(max=LARGEST), counted[:, :, None])  # (K, h)
    logits = -SHARPNESS * size.clamp_min(1e-3).log()
    location = (logits.softmax(0) * anchors).sum(-2)
    rest = ((relative - location) / scaled.scale).masked_fill(~counted, torch.nan)
    median = rest.flatten(0, 1).nanmedian(0).values.nan_to_num()  # (h)
    spread = (rest - median).abs().flatten(0, 1).nanmedian(0).values.nan_to_num(1.0)
    z = torch.tensor([NormalDist().inv_cdf(p) for p in QUANTILES[SIDE + 1 :]])
    increments = torch.diff(z, prepend=torch.zeros(1))
    parts = [
        (logits - logits.mean(0)).flatten(),
        median,
        _inverse_softplus((SURE * spread).clamp_min(1e-2)),
        _inverse_softplus(increments).repeat(2),
    ]
    network.head.bias.copy_(torch.cat(parts))


def _telling(shape: Shape) -> Tensor:
    """(T,) which steps say how good the simple forecasts are at the last one: those that reach
    back for the longest season, where few of them do (a week and a year of days). The errors of
    the others would hide that it is there."""
    reached = torch.arange(1, shape.steps + 1) * shape.patch >= shape.seasons[-1]
    few = reached.any() and 2 * reached.sum() < shape.steps
    return reached if few else torch.ones_like(reached)


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Mean over the first two dimensions, of what is counted."""
    counted = counted.expand_as(values)
    total = values.masked_fill(~counted, 0.0).sum((0, 1))
    return total / counted.sum((0, 1)).clamp_min(1)


def _inverse_softplus(y: Tensor) -> Tensor:
    return y + torch.log(-torch.expm1(-y))
