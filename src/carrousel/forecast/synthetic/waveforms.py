"""What machines and nature draw: saws, squares, pulses, steps, saturation, the sun by day."""

import torch
from torch import Tensor

from .draw import Draw
from .parts import Seasons, correlated, noise


def waveforms(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """One form a series, with the season told as its period where there is one."""
    t = torch.arange(length, device=draw.device)[None]
    told = seasons.first[:, None].float()
    free = draw.log_uniform(n, 1, low=4.0, high=0.5 * length).round()
    period = torch.where(told > 1, told, free)
    place = (t / period + draw.uniform(n, 1)).remainder(1.0)
    width = draw.uniform(n, 1, low=0.05, high=0.7)
    peak = draw.uniform(n, 1, low=0.05, high=0.95)
    saw = torch.where(place < peak, place / peak, (1 - place) / (1 - peak))
    square = (place < width).float()
    pulse = torch.exp(-0.5 * (((place - 0.5) * period) / draw.uniform(n, 1, low=0.3, high=3)) ** 2)
    clouds = correlated(draw.normal(n, length), draw.uniform(n, 1, low=0.5, high=0.98))
    sun = torch.sin(2 * torch.pi * place).clamp_min(0) * torch.sigmoid(clouds + 1)
    regime = (draw.uniform(n, length) < draw.log_uniform(n, 1, low=0.002, high=0.1)).long()
    regime = regime.cumsum(1)
    steps = draw.normal(n, int(regime.max()) + 1).gather(1, regime)
    middle = draw.uniform(n, 1, high=1.5) * length
    rise = torch.sigmoid((t - middle) / (draw.log_uniform(n, 1, low=0.02, high=0.3) * length))
    forms = torch.stack([saw * 2, square * 2, pulse * 3, sun * 3, steps, rise * 4])
    which = draw.integers(0, len(forms), n)
    x = forms[which, torch.arange(n, device=draw.device)]
    quiet = draw.share(0.8, n, 1) * draw.log_uniform(n, 1, low=0.005, high=0.5)
    quiet = quiet * torch.where((which == 3)[:, None], 0.05, 1.0)
    return x + quiet * noise(n, length, draw)
