"""Quantiles of any probability between and beyond those that the network gives."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..network.distribution import QUANTILES

MEDIAN = QUANTILES.index(0.5)


def probabilities(level: Sequence[float]) -> list[tuple[float, float]]:
    """(lower, upper) probabilities of central intervals of ``level`` percent.

    >>> probabilities([80])
    [(0.1, 0.9)]
    """
    for one in level:
        if isinstance(one, bool) or not isinstance(one, (int, float)) or not 0 < one < 100:
            raise ValueError(f"level must hold percentages between 0 and 100, got {one!r}")
    return [(round(0.5 - one / 200, 6), round(0.5 + one / 200, 6)) for one in level]


def require_finite(quantiles: NDArray) -> None:
    """Refuse to hand out a forecast that is not a number."""
    if not np.isfinite(quantiles).all():
        raise FloatingPointError("the forecast is not finite: the values are too large for float32")


def at(quantiles: NDArray, probability: float) -> NDArray:
    """(..., Q) quantiles to the (...) quantile of any probability.

    Linear on the scale of the normal distribution, where the tails of a normal are straight;
    increasing in the probability, since the quantiles are.
    """
    normal = NormalDist().inv_cdf
    known = np.array([normal(q) for q in QUANTILES])
    z = normal(probability)
    right = int(np.clip(np.searchsorted(known, z), 1, len(known) - 1))
    share = (z - known[right - 1]) / (known[right] - known[right - 1])
    low, high = quantiles[..., right - 1], quantiles[..., right]
    return low + share * (high - low)
