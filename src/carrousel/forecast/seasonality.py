"""Which seasonal periods a panel has: from its frequency, or else from the data."""

import numpy as np
from numpy.typing import NDArray

from ..data.panel import Panel

# What people mean by a season, where times are plain integers and the data must say it.
CANDIDATES = (4, 5, 7, 10, 12, 24, 26, 30, 48, 52, 60, 96, 144, 168, 288, 336)
LOOKED_AT = 200  # series whose autocorrelation is measured
STRONG = 0.2  # smallest autocorrelation that counts as a season
CHANCE = 1.75  # standard deviations of the autocorrelation of noise that it must exceed ...
ODD = (5, 10, 26, 30, 60)  # ... and of seasons that are rarely meant
ODD_CHANCE = 3.0
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
    strength = dict(zip(lags, seasonality(panel, lags), strict=True))
    best = max(strength.values())
    if best < STRONG:
        return (1,), "no season: none shows in the autocorrelation"
    first = next(m for m in lags if strength[m] >= 0.6 * best)
    week = WEEK * first
    seasons = (first, week) if first in DAYS and longest > 2 * week else (first,)
    return seasons, f"seasons of {' and '.join(map(str, seasons))}, seen in the autocorrelation"


def seasonality(panel: Panel, lags: list[int]) -> NDArray[np.float64]:
    """How much each of ``lags`` looks like a season: the autocorrelation of changes there, as far
    as chance alone would not show it.

    Changes from one observation to the next show a season with edges; those over a sixth of the
    season one that is smooth under noise. A trend that wanders makes the latter alike over short
    times, too: what they have in common after half a season is none of the season.
    """
    out = np.zeros(len(lags))
    for k, lag in enumerate(lags):
        span, length = max(lag // 6, 1), panel.lengths[panel.lengths >= 3 * lag]
        pairs = max(np.sort(length - lag)[-LOOKED_AT:].sum(), 1)
        pairs /= (ODD_CHANCE if lag in ODD else CHANCE) ** 2
        out[k] = _beyond_chance(autocorrelation(panel, [lag])[0], pairs)
        if span > 1:
            full, half = autocorrelation(panel, [lag, lag // 2], span)
            out[k] = max(out[k], _beyond_chance(full - max(half, 0.0), pairs / (2 * span)))
    return out


def _beyond_chance(correlation: float, pairs: float) -> float:
    """The correlation itself, or 0 where so few pairs show it by chance."""
    return correlation if correlation > pairs**-0.5 else 0.0


def autocorrelation(panel: Panel, lags: list[int], span: int = 1) -> NDArray[np.float64]:
    """Mean over series of the autocorrelation of differences over ``span`` at each of ``lags``.

    Differences, because a trend alone correlates with itself at every lag.
    """
    sums, counts = np.zeros(len(lags)), np.zeros(len(lags))
    for s in longest_first(panel)[:LOOKED_AT]:
        y = panel.series(s).astype(np.float64)
        change = y[span:] - y[:-span]
        if not np.isfinite(change).any():
            continue
        change = np.nan_to_num(change - np.nanmean(change))
        power = np.sum(change**2)
        for k, lag in enumerate(lags):
            if power > 0 and 3 * lag <= len(change) + span:
                # As many pairs as there are: a long lag is not weaker for having fewer.
                pairs = np.mean(change[lag:] * change[:-lag])
                sums[k] += pairs / (power / len(change))
                counts[k] += 1
    return sums / np.maximum(counts, 1)


def longest_first(panel: Panel) -> NDArray[np.int64]:
    """(S,) the series, the longest first; those of one length by their names, so that the order in
    which they came does not matter."""
    return np.lexsort((np.array([str(name) for name in panel.ids]), -panel.lengths))
