"""Gaussian processes by random Fourier features (Rahimi & Recht 2007), with continuous periods."""

import math

import torch
from torch import Tensor

from .draw import Draw
from .parts import Seasons, noise, seasonal, unit

FEATURES = 8


def gaussian_process(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """Sums and products of smooth, rough and periodic parts, a line, and noise."""
    t = torch.arange(length, device=draw.device)[None] - 0.5 * length
    smooth = _stationary(n, t, draw.log_uniform(n, 1, low=8.0, high=float(length)), draw)
    rough = _stationary(n, t, draw.log_uniform(n, 1, low=2.0, high=0.3 * length), draw)
    told = seasons.first[:, None].float()
    period = torch.where(
        told > 1,
        told * draw.uniform(n, 1, low=0.98, high=1.02).where(draw.share(0.2, n, 1), torch.ones(())),
        draw.log_uniform(n, 1, low=4.0, high=0.4 * length),
    )
    wave = _periodic(n, t, period, draw)
    exact = draw.share(0.5, n, 1) & (told > 1)
    wave = torch.where(exact, seasonal(seasons.first, length, draw), wave)
    product = draw.share(0.3, n, 1)
    wave = torch.where(product, wave * (1 + 0.4 * smooth), wave)
    sizes = draw.log_uniform(3, n, 1, low=0.1, high=3.0) * draw.share(0.65, 3, n, 1)
    line = draw.share(0.3, n, 1) * draw.normal(n, 1) * 3 * t / length
    white = draw.log_uniform(n, 1, low=0.01, high=1.0) * noise(n, length, draw)
    return unit(sizes[0] * smooth + sizes[1] * rough + 1.5 * sizes[2] * wave + line + white)


def _stationary(n: int, t: Tensor, scale: Tensor, draw: Draw) -> Tensor:
    """RBF, or with heavier spectra (rational quadratic, Matern): Student's t frequencies."""
    tail = torch.where(
        draw.share(0.5, n, 1),
        draw.gamma(torch.full((n, 1), 1.5, device=t.device)).clamp_min(0.05).div(1.5).rsqrt(),
        1.0,
    )
    out = torch.zeros(n, t.shape[1], device=t.device)
    for _ in range(FEATURES):
        speed = draw.normal(n, 1) * tail / scale
        out += torch.cos(speed * t + draw.uniform(n, 1, high=2 * math.pi))
    return out * math.sqrt(2 / FEATURES)


def _periodic(n: int, t: Tensor, period: Tensor, draw: Draw) -> Tensor:
    """Harmonics with falling weights; the period need not be a whole number."""
    out = torch.zeros(n, t.shape[1], device=t.device)
    fall = draw.uniform(n, 1, low=0.5, high=2.5)
    for k in range(1, 5):
        angle = 2 * math.pi * (k * t / period + draw.uniform(n, 1))
        out += draw.normal(n, 1) / k**fall * torch.cos(angle)
    return out
