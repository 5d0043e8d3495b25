"""What is done to the quantiles of the networks before they are handed out, as columns.

- *Conformal calibration* (Vovk et al. 2005; Romano, Patterson & Candès 2019): each central
  interval is widened or narrowed by the factor with which it would have held the asked share of
  the values in a backtest. With scores that could be exchanged for those to come, the share is
  right; a series that changes its ways breaks any promise.
- *No counts below zero*: quantiles are cut at 0 for series that can only be counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.panel import Panel
from ..network.distribution import QUANTILES, SIDE
from . import quantiles as q

Array = NDArray[np.floating]
LEVELS = tuple(1 - 2 * p for p in QUANTILES[:SIDE])[::-1]  # of the intervals, narrowest first
MODEL = "carrousel"  # name of the forecast's column
LARGEST = 10.0  # factor: beyond it the backtest says nothing about the future


def calibration(y: Array, quantiles: Array) -> tuple[float, ...]:
    """(SIDE,) factors for the intervals of ``LEVELS``, from a backtest's values (...) and
    quantiles (..., Q).

    The score of a value is its distance from the median, in units of the interval's side. The
    factor of a level is the ceil((n+1) level)-th smallest of n scores, or the largest if n is
    too small for that.
    """
    known = np.isfinite(y)
    y, quantiles = y[known], quantiles[known]
    if not len(y):
        raise ValueError("calibration needs values in the backtest's windows, all are missing")
    median = quantiles[:, SIDE]
    factors = []
    for k, level in enumerate(LEVELS, start=1):
        side = np.where(
            y > median, quantiles[:, SIDE + k] - median, median - quantiles[:, SIDE - k]
        )
        score = np.abs(y - median) / np.maximum(side, 1e-12 * np.abs(median) + 1e-30)
        rank = min(int(np.ceil((len(y) + 1) * level)), len(y))
        factors.append(float(np.clip(np.sort(score)[rank - 1], 1 / LARGEST, LARGEST)))
    return tuple(factors)


def calibrated(quantiles: Array, factors: Sequence[float]) -> Array:
    """(..., Q) quantiles with each side of each interval times its factor, still in order."""
    median = quantiles[..., SIDE : SIDE + 1]
    above = (quantiles[..., SIDE + 1 :] - median) * np.asarray(factors)
    below = (median - quantiles[..., :SIDE])[..., ::-1] * np.asarray(factors)
    above, below = (np.maximum.accumulate(side, -1) for side in (above, below))
    return np.concatenate([(median - below)[..., ::-1], median, median + above], -1)


def finished(
    quantiles: Array,
    panel: Panel,
    drops: Sequence[int],
    factors: Sequence[float] | None,
    nonnegative: bool | None,
) -> NDArray:
    """(W, S, h, Q) quantiles as they are handed out: calibrated by ``factors``, if there are any;
    and cut at 0, those of all series if ``nonnegative``, of those that are counts as far as they
    are known (without the last ``drops``) if None, of none if False."""
    if factors is not None:
        quantiles = calibrated(quantiles, factors)
    negative = quantiles[..., 0] < 0  # (W, S, h): the lowest quantile decides
    if nonnegative is False or not negative.any():
        return quantiles
    quantiles = quantiles.copy()
    for w, s in np.argwhere(negative.any(-1)):
        if nonnegative or counts(panel.series(s)[: max(int(panel.lengths[s]) - drops[w], 0)]):
            np.maximum(quantiles[w, s], 0.0, out=quantiles[w, s])
    return quantiles


def columns(quantiles: Array, level: Sequence[float]) -> dict[str, Array]:
    """(..., h, Q) quantiles to flat columns: the median and two for each interval."""
    named = {MODEL: quantiles[..., q.MEDIAN].reshape(-1)}
    for name, (low, high) in zip(level, q.probabilities(level), strict=True):
        named[f"{MODEL}-lo-{name:g}"] = q.at(quantiles, low).reshape(-1)
        named[f"{MODEL}-hi-{name:g}"] = q.at(quantiles, high).reshape(-1)
    return named


@dataclass(frozen=True)
class Band:
    """The forecasts of ``k`` consecutive steps of each of S series, as pictures show them."""

    times: NDArray  # (S, k) as clocks show them
    median: Array  # (S, k)
    lower: dict[float, Array]  # level in percent -> (S, k)
    upper: dict[float, Array]

    @classmethod
    def of(cls, times: NDArray, quantiles: Array, level: Sequence[float]) -> "Band":
        """From quantiles (S, k, Q)."""
        ends = dict(zip(level, q.probabilities(level), strict=True))
        return cls(
            times,
            quantiles[..., q.MEDIAN],
            {one: q.at(quantiles, low) for one, (low, _) in ends.items()},
            {one: q.at(quantiles, high) for one, (_, high) in ends.items()},
        )


def cut_paths(paths: Array, panel: Panel, wanted: bool | None) -> None:
    """Cut (S, n, h) sample paths at 0, in place, where ``finished`` cuts quantiles."""
    if wanted is not False:
        for s in np.flatnonzero((paths < 0).any((1, 2))):
            if wanted or counts(panel.series(int(s))):
                np.maximum(paths[s], 0.0, out=paths[s])


def counts(y: NDArray) -> bool:
    """Whether a series can be taken for counts, or amounts that are often nothing: never negative,
    and either whole numbers throughout or zero at least one time in twenty.

    >>> counts(np.array([0, 3, 1])), counts(np.array([2.5, 3.1])), counts(np.array([-1, 2]))
    (True, False, False)
    """
    known = y[np.isfinite(y)]
    if not len(known) or known.min() < 0:
        return False
    return bool((known == np.floor(known)).all() or (known == 0).mean() >= 0.05)
