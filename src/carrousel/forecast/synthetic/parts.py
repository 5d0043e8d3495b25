"""What several families of made-up series are put together from: noise, seasons, trends, shocks.

Everything is (n, length), of standard deviation about 1 unless it says otherwise.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .draw import Draw

TABLE = 768  # longest season whose profile is drawn


class Seasons(NamedTuple):
    """Lags in observations, 1 where there is none; the second is longer than the first."""

    first: Tensor  # (n,) int64
    second: Tensor  # (n,) int64


def unit(x: Tensor) -> Tensor:
    """Each series around 0 with standard deviation 1 (0 where it does not move)."""
    x = x - x.mean(1, keepdim=True)
    return x / x.std(1, keepdim=True).clamp_min(1e-6)


def noise(n: int, length: int, draw: Draw) -> Tensor:
    """White noise: normal, heavy-tailed, skewed, or with a variance that wanders."""
    z = draw.normal(n, length)
    kind = draw.uniform(n, 1)
    tail = draw.uniform(n, 1, low=0.3, high=1.0)
    shape = draw.normal(n, length)
    heavy = z * (tail * shape - tail**2).exp()
    skewed = ((0.6 * tail * z).exp() - (0.18 * tail**2).exp()) / (0.6 * tail)
    drift = shape.cumsum(1) * (0.06 * tail)
    wandering = z * (drift - drift.mean(1, keepdim=True)).clamp(-2, 2).exp()
    out = torch.where(kind < 0.5, z, torch.where(kind < 0.75, heavy, wandering))
    return torch.where(kind > 0.9, skewed, out)


def correlated(e: Tensor, rho: Tensor) -> Tensor:
    """An autoregression of order one: x_t = rho x_(t-1) + sqrt(1 - rho^2) e_t; rho (n, 1)."""
    x = (e * (1 - rho**2).sqrt()).T.contiguous()
    keep = rho[:, 0].contiguous()
    for t in range(1, len(x)):
        x[t].addcmul_(keep, x[t - 1])
    return x.T


def profile_table(season: Tensor, draw: Draw) -> Tensor:
    """(n, TABLE) one season of each series: smooth, rough, humps, pulses, or a wandering line."""
    n = len(season)
    size = int(season.max().clamp(max=TABLE))
    place = torch.arange(size, device=season.device) / season[:, None]
    kind = draw.uniform(n, 1)
    smooth = torch.zeros(n, size, device=season.device)
    for k in range(1, 6):
        weight = draw.normal(n, 1) / k ** draw.uniform(n, 1, low=0.3, high=2.0)
        smooth += weight * torch.cos(2 * math.pi * (k * place + draw.uniform(n, 1)))
    rough = draw.normal(n, size)
    humps = torch.zeros_like(smooth)
    for _ in range(2):
        center, width = draw.uniform(n, 1), draw.log_uniform(n, 1, low=0.02, high=0.15)
        away = (place - center + 0.5).remainder(1.0) - 0.5
        humps += draw.uniform(n, 1, low=0.2) * torch.exp(-0.5 * (away / width) ** 2)
    pulses = draw.normal(n, size) * (draw.uniform(n, size) < draw.uniform(n, 1, high=0.5))
    walk = draw.normal(n, size).cumsum(1)
    last = walk.gather(1, (season[:, None] - 1).clamp(max=size - 1))
    walk = (walk - place * last) / season[:, None].sqrt()
    table = torch.where(kind < 0.35, smooth, torch.where(kind < 0.55, humps * 2, rough))
    table = torch.where(kind > 0.75, torch.where(kind < 0.87, pulses, walk * 2), table)
    mixed = draw.share(0.3, n, 1)
    table = torch.where(mixed, table + 0.4 * draw.normal(n, size), table)
    inside = torch.arange(size, device=season.device) < season[:, None]
    count = season[:, None].clamp(max=size)
    mean = (table * inside).sum(1, keepdim=True) / count
    spread = (((table - mean) * inside) ** 2).sum(1, keepdim=True) / count
    return (table - mean) / spread.sqrt().clamp_min(1e-3) * (season[:, None] > 1)


def seasonal(season: Tensor, length: int, draw: Draw) -> Tensor:
    """A profile that repeats; in some series its size or its form changes from season to season."""
    n = len(season)
    table = profile_table(season, draw)
    t = torch.arange(length, device=season.device) + draw.integers(0, TABLE, n, 1)
    phase = (t % season[:, None]).clamp(max=table.shape[1] - 1)
    out = table.gather(1, phase)
    cycles = t // season[:, None]
    cycles = cycles - cycles[:, :1]
    most = int(cycles.max()) + 1
    moves = draw.share(0.4, n, 1) * draw.log_uniform(n, 1, low=0.01, high=0.25)
    strength = 1 + moves * draw.normal(n, most).cumsum(1)
    out = out * strength.gather(1, cycles)
    changing = draw.share(0.25, n, 1) * draw.log_uniform(n, 1, low=0.02, high=0.3)
    other = profile_table(season, draw).gather(1, phase)
    return out + other * (changing * draw.normal(n, most).cumsum(1)).gather(1, cycles)


def week_of_days(seasons: Seasons, length: int, draw: Draw) -> Tensor:
    """Days whose profile depends on the day of the week, weekends unlike the rest; only where the
    second season is seven times the first (0 elsewhere)."""
    first, second = seasons
    n = len(first)
    t = torch.arange(length, device=first.device) + draw.integers(0, TABLE, n, 1)
    day = (t // first[:, None]) % 7
    work, rest = profile_table(first, draw), profile_table(first, draw)
    phase = (t % first[:, None]).clamp(max=work.shape[1] - 1)
    alike = draw.uniform(n, 1)
    rest = alike * work + (1 - alike) * rest
    level = 0.3 * draw.uniform(n, 1) * draw.normal(n, 7) - draw.uniform(n, 1, high=1.5) * (
        torch.arange(7, device=first.device) >= 5
    )
    size = 1 + 0.3 * draw.uniform(n, 1) * draw.normal(n, 7)
    out = torch.where(day >= 5, rest.gather(1, phase), work.gather(1, phase))
    out = out * size.gather(1, day) + level.gather(1, day)
    return out * (second == 7 * first)[:, None]


def both_seasons(seasons: Seasons, length: int, draw: Draw) -> Tensor:
    """The first season with a longer one added to it or multiplied with it."""
    first = seasonal(seasons.first, length, draw)
    weekly = (seasons.second == 7 * seasons.first)[:, None] & draw.share(0.75, len(first), 1)
    longer = seasonal(seasons.second, length, draw) * draw.log_uniform(
        len(first), 1, low=0.1, high=1.5
    )
    product = draw.share(0.4, len(first), 1)
    together = torch.where(product, first * (1 + 0.5 * longer).clamp(0, 4), first + longer)
    return torch.where(weekly, week_of_days(seasons, length, draw), together)


def trend(n: int, length: int, draw: Draw) -> Tensor:
    """Lines, broken lines, curves and growth that stops, over the whole series."""
    t = torch.linspace(0, 1, length, device=draw.device)[None]
    line = draw.normal(n, 1) * t
    bend = draw.uniform(n, 1)
    broken = draw.share(0.35, n, 1) * draw.normal(n, 1) * 2 * (t - bend).clamp_min(0)
    curve = draw.share(0.2, n, 1) * draw.normal(n, 1) * t**2
    growth = draw.share(0.15, n, 1) * draw.normal(n, 1)
    growth = growth * torch.sigmoid((t - bend) * draw.log_uniform(n, 1, low=4, high=40))
    return draw.share(0.75, n, 1) * (line + broken + curve + growth)


def shocks(n: int, length: int, draw: Draw) -> Tensor:
    """Outliers in some series, shifts of the level in others, a pulse that fades in a few."""
    t = torch.arange(length, device=draw.device)[None]
    often = draw.log_uniform(n, 1, low=0.001, high=0.03)
    hit = draw.share(0.2, n, 1) & (draw.uniform(n, length) < often)
    outliers = hit * draw.normal(n, length) * draw.log_uniform(n, 1, low=3, high=20)
    shift = draw.share(0.15, n, 1) * draw.normal(n, 1) * 5 * (t >= draw.integers(0, length, n, 1))
    since = t - draw.integers(0, length, n, 1)
    fades = draw.share(0.08, n, 1) * draw.normal(n, 1) * 8
    fades = fades * (since >= 0) * torch.exp(-since / draw.log_uniform(n, 1, low=2, high=60))
    return outliers + shift + fades
