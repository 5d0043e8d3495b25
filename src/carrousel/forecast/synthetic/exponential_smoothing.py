"""Exponential smoothing with one source of error (Hyndman, Koehler, Ord & Snyder 2008)."""

import torch
from torch import Tensor

from .draw import Draw
from .parts import Seasons, both_seasons, correlated, noise, shocks


def exponential_smoothing(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """Local levels with (damped) trends, seasons, and noise of standard deviation 1."""
    one = (n, 1)
    alpha = draw.share(0.8, *one) * draw.uniform(*one)
    beta = draw.share(0.5, *one) * alpha * draw.uniform(*one, high=0.4)
    damped = torch.where(draw.share(0.5, *one), draw.uniform(*one, low=0.7, high=0.99), 1.0)
    slope = draw.share(0.65, *one) * draw.normal(*one) * draw.log_uniform(*one, low=0.01, high=1.0)
    e = noise(n, length, draw)
    levels = _levels(e, *(p[:, 0].contiguous() for p in (alpha, beta, damped, slope)))
    rho = draw.share(0.3, *one) * draw.uniform(*one, high=0.8)
    e = torch.where(rho > 0, correlated(e, rho), e)
    size = draw.share(0.8, *one) * draw.log_uniform(*one, low=0.2, high=8.0)
    return levels + e + size * both_seasons(seasons, length, draw) + shocks(n, length, draw)


def _levels(e: Tensor, alpha: Tensor, beta: Tensor, damped: Tensor, slope: Tensor) -> Tensor:
    """(n, length) l_(t-1) + phi b_(t-1), moved on by alpha e_t and beta e_t; the rest are (n,)."""
    e = e.T.contiguous()
    out, level = torch.empty_like(e), torch.zeros_like(slope)
    up, steeper = e * alpha, e * beta
    for t in range(len(e)):
        slope = slope * damped
        level = level + slope
        out[t] = level
        level = level + up[t]
        slope = slope + steeper[t]
    return out.T
