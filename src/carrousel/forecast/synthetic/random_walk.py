"""Random walks and prices: drift, fat tails, a variance that comes in clusters."""

import torch
from torch import Tensor

from .draw import Draw
from .parts import Seasons, correlated, noise, seasonal, unit


def random_walk(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """Sums of noise, their exponential (a price), or slopes that wander; some seen with noise."""
    clusters = draw.share(0.5, n, 1) * draw.log_uniform(n, 1, low=0.02, high=0.2)
    loud = (clusters * draw.normal(n, length).cumsum(1)).clamp(-2, 2).exp()
    drift = draw.share(0.6, n, 1) * draw.normal(n, 1) * draw.log_uniform(n, 1, low=0.01, high=0.5)
    walk = (noise(n, length, draw) * loud + drift).cumsum(1)
    price = (unit(walk) * draw.log_uniform(n, 1, low=0.02, high=0.7)).exp()
    slopes = correlated(noise(n, length, draw), draw.uniform(n, 1, low=0.7, high=0.99))
    slopes = (slopes + draw.share(0.6, n, 1) * draw.normal(n, 1)).cumsum(1)
    kind = draw.uniform(n, 1)
    x = torch.where(kind < 0.3, unit(price), unit(torch.where(kind < 0.65, walk, slopes)))
    seen = draw.share(0.3, n, 1) * draw.log_uniform(n, 1, low=0.01, high=0.5)
    weak = draw.share(0.25, n, 1) * draw.log_uniform(n, 1, low=0.02, high=0.5)
    return x + seen * draw.normal(n, length) + weak * seasonal(seasons.first, length, draw)
