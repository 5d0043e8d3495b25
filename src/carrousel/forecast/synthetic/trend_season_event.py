"""Trend, seasons and events: what people's calendars do to a series."""

import torch
from torch import Tensor

from .draw import Draw
from .parts import Seasons, both_seasons, correlated, noise, shocks, trend


def trend_season_event(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """Broken trends, two seasons, holidays and promotions with their after-effects, noise."""
    season = both_seasons(seasons, length, draw)
    season = season * draw.log_uniform(n, 1, low=0.3, high=8.0)
    slope = trend(n, length, draw) * draw.log_uniform(n, 1, low=0.3, high=12.0)
    rho = draw.share(0.5, n, 1) * draw.uniform(n, 1, low=0.2, high=0.98)
    e = noise(n, length, draw)
    e = torch.where(rho > 0, correlated(e, rho), e) * draw.log_uniform(n, 1, low=0.05, high=1.5)
    return slope + season + e + events(n, length, seasons, draw) + 0.5 * shocks(n, length, draw)


def events(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """Closed or crowded days and promotions; after a promotion less is sold for a while."""
    block = torch.where(seasons.second == 7 * seasons.first, seasons.first, 1)[:, None]
    t = torch.arange(length, device=draw.device)[None]
    day = t // block
    days = int(day.max()) + 1
    often = draw.log_uniform(n, 1, low=0.003, high=0.04)
    holiday = (draw.uniform(n, days) < often) * draw.normal(n, 1) * 3
    starts = (draw.uniform(n, days) < often).float()
    kernel = torch.tensor([1.0, 1.0, 0.8, -0.5, -0.3, -0.1], device=draw.device)
    sold = torch.nn.functional.pad(starts[:, None], (5, 0))
    sold = torch.nn.functional.conv1d(sold, kernel.flip(0)[None, None])[:, 0]
    sold = sold * draw.uniform(n, 1, low=0.5, high=4.0)
    which = draw.uniform(n, 1)
    out = torch.where(which < 0.2, holiday, torch.where(which < 0.35, sold, torch.zeros(())))
    return out.gather(1, day)
