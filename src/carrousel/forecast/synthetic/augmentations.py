"""What is done to series of every family, so that no two are made by the same few formulas."""

import torch
from torch import Tensor

from .draw import Draw
from .parts import unit


def mixed(x: Tensor, draw: Draw) -> Tensor:
    """Some series become sums of two of the batch; give it series of the same seasons in turn."""
    share = torch.where(draw.share(0.25, len(x), 1), draw.uniform(len(x), 1), 1.0)
    return share * x + (1 - share) * x.roll(1, 0)


def turned(x: Tensor, draw: Draw) -> Tensor:
    """Backwards in time, or upside down."""
    x = torch.where(draw.share(0.25, len(x), 1), x.flip(1), x)
    return torch.where(draw.share(0.25, len(x), 1), -x, x)


def modulated(x: Tensor, draw: Draw) -> Tensor:
    """Amplitudes that swell or fade over the whole series."""
    n, length = x.shape
    t = torch.linspace(0, 1, length, device=x.device)[None]
    slope = draw.share(0.15, n, 1) * draw.normal(n, 1)
    return x * (slope * (t - draw.uniform(n, 1))).clamp(-2, 2).exp()


def sized(x: Tensor, draw: Draw) -> Tensor:
    """Around zero, far from it, or as the exponential (swings in proportion to the level)."""
    n = len(x)
    kind = draw.uniform(n, 1)
    x = unit(x).clamp(-30, 30)
    away = draw.log_uniform(n, 1, low=1.0, high=60.0)
    steep = draw.log_uniform(n, 1, low=0.01, high=0.8)
    top = (steep * x.amax(1, keepdim=True)).clamp_min(1e-6)
    grown = (steep * x * (6 / top).clamp(max=1.0)).exp()
    above = x - x.amin(1, keepdim=True) * draw.uniform(n, 1, low=1.0, high=1.3)
    y = torch.where(kind < 0.35, x + away, grown)
    y = torch.where(kind > 0.7, torch.where(kind < 0.85, above, x), y)
    return torch.where(draw.share(0.05, n, 1), -y, y)


def recorded(y: Tensor, draw: Draw) -> Tensor:
    """As instruments and books record it: rounded, or cut at a limit."""
    n = len(y)
    spread = y.std(1, keepdim=True).clamp_min(1e-6)
    grain = spread * draw.log_uniform(n, 1, low=0.01, high=1.0)
    y = torch.where(draw.share(0.15, n, 1), (y / grain).round() * grain, y)
    lowest = y.mean(1, keepdim=True) - spread * draw.uniform(n, 1, low=0.3, high=2.0)
    highest = y.mean(1, keepdim=True) + spread * draw.uniform(n, 1, low=0.3, high=2.0)
    y = torch.where(draw.share(0.05, n, 1), torch.maximum(y, lowest), y)
    return torch.where(draw.share(0.03, n, 1), torch.minimum(y, highest), y)


def holed(y: Tensor, draw: Draw) -> Tensor:
    """Missing values (NaN): single ones, blocks, and whatever was before the series began."""
    n, length = y.shape
    t = torch.arange(length, device=y.device)[None]
    rare = draw.share(0.08, n, 1) * draw.log_uniform(n, 1, low=0.005, high=0.4)
    gone = draw.uniform(n, length) < rare
    start = draw.integers(0, length, n, 1)
    width = draw.log_uniform(n, 1, low=1.0, high=0.3 * length)
    gone |= draw.share(0.06, n, 1) & (t >= start) & (t < start + width)
    return torch.where(gone, torch.nan, y)
