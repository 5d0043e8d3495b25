"""All families in equal shares, interleaved."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from . import augmentations as a
from .autoregression import autoregression
from .counts import counts
from .draw import Draw
from .exponential_smoothing import exponential_smoothing
from .gaussian_process import gaussian_process
from .ornstein_uhlenbeck import ornstein_uhlenbeck
from .parts import TABLE, Seasons, unit
from .random_walk import random_walk
from .trend_season_event import trend_season_event
from .waveforms import waveforms

Family = Callable[[int, int, Seasons, Draw], Tensor]
FAMILIES: dict[str, Family] = {
    "exponential smoothing": exponential_smoothing,
    "autoregression": autoregression,
    "Gaussian process": gaussian_process,
    "trend, season, event": trend_season_event,
    "Ornstein-Uhlenbeck": ornstein_uhlenbeck,
    "counts": counts,
    "random walk": random_walk,
    "waveforms": waveforms,
}
# Lags of the first season and how often they are drawn; the shorter the series, the shorter the
# seasons that it can show.
PERIODS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 24, 26, 30, 48, 52, 60, 96, 144, 168, 288)
WEIGHTS = (22, 1, 1, 12, 3, 2, 12, 1, 1, 20, 1, 18, 1, 1, 6, 5, 1, 5, 1, 1, 2)


def draw_seasons(n: int, length: int, draw: Draw, least: int = 1, most: int = TABLE) -> Seasons:
    """First seasons from ``least`` to ``most`` that fit three times; in some a second (a week of
    days, a year of weeks)."""
    periods = torch.tensor(PERIODS, device=draw.device)
    fit = (periods * 3 <= length) & (periods >= least) & (periods <= most)
    first = draw.choice(periods, torch.tensor(WEIGHTS, device=draw.device).float() * fit, n)
    odd = draw.integers(max(least, 2), max(min(length // 4, most + 1), least + 1, 3), n)
    first = torch.where(draw.share(0.05, n), odd, first)
    times = torch.where(first >= 24, 7, torch.where(first == 7, 52, 0))
    often = torch.where(first >= 24, 0.75, 0.5)
    second = first * times
    there = (draw.uniform(n) < often) & (second > 0) & (2.2 * second <= length)
    return Seasons(first, torch.where(there, second, 1))


def made_up(
    n: int,
    length: int,
    generator: torch.Generator,
    families: Sequence[str] = tuple(FAMILIES),
    least: int = 1,
    most: int = TABLE,
) -> tuple[Tensor, Seasons]:
    """(n, length) series without missing values, and their seasons; n a multiple of the families.

    >>> y, seasons = made_up(16, 100, torch.Generator().manual_seed(0))
    >>> y.shape, seasons.first.shape
    (torch.Size([16, 100]), torch.Size([16]))
    """
    draw = Draw(generator)
    parts, firsts, seconds = [], [], []
    for name in families:
        seasons = draw_seasons(n // len(families), length, draw, least, most)
        order = seasons.first.argsort()
        seasons = Seasons(seasons.first[order], seasons.second[order])
        parts.append(_one(FAMILIES[name], length, seasons, draw))
        firsts.append(seasons.first)
        seconds.append(seasons.second)
    y = torch.cat(parts)
    mix = draw.permutation(len(y))
    return y[mix], Seasons(torch.cat(firsts)[mix], torch.cat(seconds)[mix])


def _one(family: Family, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    x = family(len(seasons.first), length, seasons, draw).nan_to_num(0.0, 0.0, 0.0)
    if family is counts:
        return torch.where(draw.share(0.1, len(x), 1), a.mixed(x, draw), x)
    x = a.modulated(a.turned(a.mixed(unit(x), draw), draw), draw)
    return a.recorded(a.sized(x, draw), draw)
