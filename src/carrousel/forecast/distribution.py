"""A forecast is a distribution: quantiles that cannot cross, and the loss that teaches them."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .scaling import Scaled

QUANTILES = (0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995)
SIDE = len(QUANTILES) // 2  # quantiles on each side of the median
LARGEST = 50.0  # errors beyond this many scales are outliers: their size teaches nothing more
MEDIAN_WEIGHT = 0.5  # of the absolute error of the median, beside the mean over all quantiles


class Forecast(NamedTuple):
    """The distribution of the ``h`` values after each step of a window.

    Quantile number k outwards from the median is
    ``origin + centre + scale * (median ± width * reach_k)``. The distribution's form (``reach``)
    is shared by the steps of the horizon, which differ in median and width: few numbers, each
    with much evidence.
    """

    centre: Tensor  # (B, T, h) relative to the origin
    scale: Tensor  # (B, T, 1)
    median: Tensor  # (B, T, h) beside the centre, in units of the scale
    width: Tensor  # (B, T, h) > 0
    reach: Tensor  # (B, T, 2, SIDE) below and above, > 0, increasing outwards
    scaled: Scaled

    def quantiles(self) -> Tensor:
        """(B, T, h, Q) float64, in the units of y, increasing along Q."""
        reach = torch.cat([-self.reach[..., 0, :].flip(-1), 0 * self.reach[..., 0, :1]], -1)
        reach = torch.cat([reach, self.reach[..., 1, :]], -1)  # (B, T, Q)
        units = self.median[..., None] + self.width[..., None] * reach[..., None, :]
        around = self.centre[..., None] + self.scale[..., None] * units
        return around.double() + self.scaled.origin[:, :, None, None].double()


def forecast_loss(forecast: Forecast, target: Tensor, relative: float = 0.5) -> Tensor:
    """Mean pinball loss over all quantiles, plus the absolute error of the median.

    ``target`` (B, T, h) is NaN where there is nothing to learn. Errors are measured in units of
    the window's scale (as MASE does) and, with weight ``relative``, in units of the size of the
    values (as sMAPE does).
    """
    scaled = forecast.scaled
    there = target.isfinite() & (scaled.age >= 0)[..., None]
    error = (target - scaled.origin[..., None] - forecast.centre) / forecast.scale
    error = error.masked_fill(~there, 0.0).clamp(-LARGEST, LARGEST) - forecast.median
    weight = _weights(scaled, there, relative)
    return PinballLoss.apply(error, forecast.width, forecast.reach, weight)


def _weights(scaled: Scaled, there: Tensor, relative: float) -> Tensor:
    """(B, T, h) of every error; they sum to about 1."""
    ratio = (scaled.scale / scaled.size.clamp_min(1e-30)).clamp(0.0, 1.0)
    counted = there.any(-1, keepdim=True)
    typical = (ratio * counted).sum() / counted.sum().clamp_min(1)
    weight = (1 - relative) + relative * ratio / typical.clamp_min(1e-30)
    return weight * there / there.sum().clamp_min(1)


class PinballLoss(torch.autograd.Function):
    """sum of weight * (mean over quantiles of pinball + MEDIAN_WEIGHT * |error|).

    Pinball (Koenker & Bassett 1978) of an error e = y - forecast of the quantile q is
    max(q e, (q-1) e). The derivatives are known with the value, so that one pass over the
    quantiles, each a small (B, T, h) array in the cache, computes both; autograd would keep some
    ten arrays that are Q times larger.
    """

    @staticmethod
    def forward(ctx: Any, error: Tensor, width: Tensor, reach: Tensor, weight: Tensor) -> Tensor:
        slope = (0.5 / len(QUANTILES) + MEDIAN_WEIGHT) * weight * error.sign()
        total = torch.dot(slope.flatten(), error.flatten())
        d_width, d_reach = torch.zeros_like(width), torch.empty_like(reach)
        d_error, share = slope, weight / len(QUANTILES)
        for side, sign in enumerate((-1.0, 1.0)):
            for k in range(SIDE):
                probability = QUANTILES[SIDE + (k + 1) * int(sign)]
                far = reach[..., side, k, None]  # (B, T, 1)
                rest = torch.addcmul(error, width, far, value=-sign)
                slope = (rest < 0).to(rest.dtype).neg_().add_(probability).mul_(share)
                total += torch.dot(slope.flatten(), rest.flatten())
                d_error += slope
                d_width.addcmul_(slope, far, value=-sign)
                d_reach[..., side, k] = slope.mul_(width).sum(-1).mul_(-sign)
        ctx.save_for_backward(d_error, d_width, d_reach)
        return total

    @staticmethod
    def backward(ctx: Any, *grad: Any) -> Any:
        return *(grad[0] * saved for saved in ctx.saved_tensors), None
