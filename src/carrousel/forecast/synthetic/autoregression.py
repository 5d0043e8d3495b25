"""Seasonal ARIMA processes, drawn by their poles so that they are stable by construction."""

import torch
from torch import Tensor

from .draw import Draw
from .parts import Seasons, both_seasons, noise, shocks, unit

BURN = 64  # steps that are dropped, so that the start does not show


def autoregression(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """AR of order four (two pairs of poles) and MA of order two, a seasonal AR, integrated or not.

    Seasons are added, or carried on from season to season by shocks of their own.
    """
    e = noise(n, length + BURN, draw)
    theta = draw.uniform(n, 2, low=-0.7, high=0.7) * draw.share(0.5, n, 2)
    moved = e.clone()
    for k in (1, 2):
        moved[:, k:] += theta[:, k - 1 : k] * e[:, :-k]
    x = _recursion(moved, _coefficients(n, draw))
    x = _seasonal(x, seasons.first, draw)[:, BURN:]
    x = unit(x)
    integrated = draw.share(0.45, n, 1)
    walk = x.cumsum(1) + draw.share(0.5, n, 1) * draw.normal(n, 1) * 0.2 * torch.arange(
        length, device=draw.device
    )
    x = torch.where(integrated, walk, x)
    size = draw.share(0.7, n, 1) * draw.log_uniform(n, 1, low=0.2, high=6.0)
    return x + size * both_seasons(seasons, length, draw) + 0.5 * shocks(n, length, draw)


def _coefficients(n: int, draw: Draw) -> Tensor:
    """(4, n) coefficients of x_(t-1) ... x_(t-4): the product of two polynomials of order two."""
    parts = []
    for often in (1.0, 0.4):
        radius = draw.uniform(2, n, high=0.97) ** 0.7
        angle = draw.uniform(n, high=3.14159)
        complex_pair = draw.share(0.35, n)
        sign = torch.where(draw.share(0.75, 2, n), 1.0, -1.0)
        one, two = radius * sign
        a = torch.where(complex_pair, 2 * radius[0] * torch.cos(angle), one + two)
        b = torch.where(complex_pair, -(radius[0] ** 2), -one * two)
        there = draw.share(often, n)
        parts.append((a * there, b * there))
    (a, b), (c, d) = parts
    return torch.stack([a + c, b + d - a * c, -a * d - b * c, -b * d])


def _recursion(e: Tensor, coefficients: Tensor) -> Tensor:
    x = e.T.contiguous()
    for t in range(1, len(x)):
        for k in range(min(t, 4)):
            x[t].addcmul_(coefficients[k], x[t - 1 - k])
    return x.T


def _seasonal(x: Tensor, season: Tensor, draw: Draw) -> Tensor:
    """z_t = Phi z_(t-m) + x_t, where there is a season; Phi up to 1 (a season that wanders)."""
    n, length = x.shape
    phi = draw.share(0.4, n) * draw.uniform(n, low=0.3, high=1.05).clamp(max=1.0) * (season > 1)
    some = phi.nonzero()[:, 0]
    if not len(some):
        return x
    z, lag, keep = x[some].T.contiguous(), season[some], phi[some]
    column = torch.arange(len(some), device=x.device)
    for t in range(int(lag.min()), length):
        before = t - lag
        z[t] += keep * z[before.clamp_min(0), column] * (before >= 0)
    x = x.clone()
    x[some] = z.T
    return x
