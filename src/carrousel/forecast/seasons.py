"""Which seasonal periods a panel has: from its frequency, or else from the data."""

import numpy as np
from numpy.typing import NDArray

from ..data.panel import Panel

# What people mean by a season, where times are plain integers and the data must say it.
CANDIDATES = (4, 5, 7, 10, 12, 24, 26, 30, 48, 52, 60, 96, 144, 168, 288, 336)
LOOKED_AT = 200  # series whose autocorrelation is measured
STRONG = 0.2  # smallest autocorrelation that counts as a season
WEEK = 7
DAYS = (24, 48, 96, 144, 288)  # observations in what can only be a day, so that a week matters


def choose_seasons(panel: Panel) -> tuple[tuple[int, ...], str]:
    """(lags in observations, shortest first; a sentence about where they come from)."""
    natural = panel.freq.season_length
    if panel.freq.unit == "int":
        return _from_data(panel)
    day = panel.freq.unit == "us" and natural * panel.freq.step == 86_400_000_000
    longest = int(panel.lengths.max())
    if day and natural > 1 and longest > 2 * WEEK * natural:
        return (natural, WEEK * natural), f"a day and a week of {panel.freq} observations"
    if natural == WEEK and longest > 3 * 364:
        return (WEEK, 364), "a week and a year (52 weeks) of days"
    return (natural,), f"{natural} observations in a season, from the frequency"


def _from_data(panel: Panel) -> tuple[tuple[int, ...], str]:
    longest = int(panel.lengths.max())
    lags = [m for m in CANDIDATES if 3 * m <= longest]
    if not lags:
        return (1,), "no season: the series are too short to show one"
    strength = dict(zip(lags, autocorrelation(panel, lags), strict=True))
    best = max(strength.values())
    if best < STRONG:
        return (1,), "no season: none shows in the autocorrelation"
    first = next(m for m in lags if strength[m] >= 0.6 * best)
    week = WEEK * first
    seasons = (first, week) if first in DAYS and longest > 2 * week else (first,)
    return seasons, f"seasons of {' and '.join(map(str, seasons))}, seen in the autocorrelation"


def autocorrelation(panel: Panel, lags: list[int]) -> NDArray[np.float64]:
    """Mean over series of the autocorrelation of first differences at each of ``lags``.

    Differences, because a trend alone correlates with itself at every lag.
    """
    order = np.argsort(-panel.lengths, kind="stable")
    sums, counts = np.zeros(len(lags)), np.zeros(len(lags))
    for s in order[:LOOKED_AT]:
        change = np.diff(panel.series(s).astype(np.float64))
        change = np.nan_to_num(change - np.nanmean(change)) if len(change) else change
        power = np.sum(change**2)
        for k, lag in enumerate(lags):
            if power > 0 and 3 * lag <= len(change) + 1:
                # As many pairs as there are: a long lag is not weaker for having fewer.
                pairs = np.mean(change[lag:] * change[:-lag])
                sums[k] += pairs / (power / len(change))
                counts[k] += 1
    return sums / np.maximum(counts, 1)
