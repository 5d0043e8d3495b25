"""The loss of a forecast: pinball, in units in which series can be compared."""

import torch
from torch import Tensor

from .model import QUANTILES, Forecast, Shape

LARGEST = 50.0  # scaled errors beyond this are outliers: their size teaches nothing more


def targets(window: Tensor, shape: Shape) -> Tensor:
    """(B, history + h) to (B, T, h): the values after each step; a view."""
    return window[:, shape.step :].unfold(1, shape.h, shape.step)


def pinball(error: Tensor, quantiles: Tensor) -> Tensor:
    """max(q e, (q-1) e) for errors e = y - forecast of quantile q (Koenker & Bassett 1978)."""
    return torch.maximum(quantiles * error, (quantiles - 1) * error)


def forecast_loss(forecast: Forecast, target: Tensor, relative: float = 0.5) -> Tensor:
    """Mean pinball loss over all quantiles, the median counted twice.

    ``target`` (B, T, h) is NaN where there is nothing to learn. Errors are measured in units of
    the window's scale (as MASE does) and, with weight ``relative``, in units of the size of the
    values (as sMAPE does).
    """
    scaled = forecast.scaled
    there = target.isfinite() & (scaled.age >= 0)[..., None]
    y = (target - scaled.origin[..., None] - forecast.centre) / forecast.scale
    y = y.masked_fill(~there, 0.0).clamp(-LARGEST, LARGEST)
    q = y.new_tensor(QUANTILES)
    error = y[..., None] - forecast.quantiles  # (B, T, h, Q)
    loss = pinball(error, q).mean(-1) + 0.5 * error[..., len(q) // 2].abs()
    ratio = (forecast.scale / scaled.size.clamp_min(1e-30)).clamp(0.0, 1.0)
    typical = (ratio * there.any(-1, keepdim=True)).sum() / there.any(-1).sum().clamp_min(1)
    weight = (1 - relative) + relative * ratio / typical.clamp_min(1e-30)
    return (loss * weight * there).sum() / there.sum().clamp_min(1)
