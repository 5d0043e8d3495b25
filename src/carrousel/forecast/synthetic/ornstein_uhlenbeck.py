"""Mean reversion to levels that change (Ornstein & Uhlenbeck 1930, with regimes)."""

from torch import Tensor

from .draw import Draw
from .parts import Seasons, both_seasons, noise


def ornstein_uhlenbeck(n: int, length: int, seasons: Seasons, draw: Draw) -> Tensor:
    """x_t = x_(t-1) + k (mu_t - x_(t-1)) + s_t e_t, with mu and s that jump now and then."""
    back = draw.log_uniform(n, low=0.005, high=1.0)
    often = draw.log_uniform(n, 1, low=0.0003, high=0.02)
    jumps = draw.uniform(n, length) < often
    regime = jumps.long().cumsum(1)
    most = int(regime.max()) + 1
    mean = (2 * draw.normal(n, most)).gather(1, regime)
    loud = (0.5 * draw.normal(n, most)).exp().gather(1, regime)
    e = noise(n, length, draw) * loud * (back * (2 - back)).sqrt()[:, None]
    x = (e + back[:, None] * mean).T.contiguous()
    keep = 1 - back
    for t in range(1, length):
        x[t].addcmul_(keep, x[t - 1])
    size = draw.share(0.7, n, 1) * draw.log_uniform(n, 1, low=0.1, high=4.0)
    return x.T + size * both_seasons(seasons, length, draw)
