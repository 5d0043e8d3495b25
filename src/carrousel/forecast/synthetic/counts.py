"""Counts and demand that is often nothing."""

from torch import Tensor

from .draw import Draw
from .parts import Seasons, both_seasons, trend

LARGEST = 3.0e4  # rate


def counts(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """Poisson and negative binomial counts, some with many zeros, some in lots of one size."""
    one = (n, 1)
    size = draw.share(0.7, *one) * draw.log_uniform(*one, low=0.1, high=0.8)
    walk = draw.share(0.4, *one) * draw.log_uniform(*one, low=0.01, high=0.1)
    move = size * both_seasons(seasons, length, draw) + walk * draw.normal(n, length).cumsum(1)
    move = move + draw.share(0.3, *one) * trend(n, length, draw)
    rate = draw.log_uniform(*one, low=0.03, high=150.0) * move.clamp(-4, 4).exp()
    shape = draw.log_uniform(*one, low=0.3, high=100.0)
    many = draw.gamma(shape.expand(n, length).contiguous()) / shape
    y = draw.poisson((rate * many).clamp(max=LARGEST))
    closed = draw.share(0.3, *one) * draw.uniform(*one, high=0.9)
    y = y * (draw.uniform(n, length) >= closed)
    lots = 1 + draw.share(0.15, *one) * draw.integers(1, 24, *one)
    return y * lots
