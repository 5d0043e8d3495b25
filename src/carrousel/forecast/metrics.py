"""Measures of forecasts, each per series: (S, h) arrays in, (S,) out; means are the caller's.

Points that are NaN in ``y`` count for nothing; a series without any gives NaN.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def smape(y: Array, forecast: Array) -> Array:
    """200 |y - f| / (|y| + |f|), in percent of the mean of both; 0 where both are 0.

    >>> smape(np.array([[100.0, 0.0]]), np.array([[300.0, 0.0]]))
    array([50.])
    """
    size = np.abs(y) + np.abs(forecast)
    error = 200 * np.abs(y - forecast)
    return _mean(np.where(size == 0, 0.0 * y, error / np.where(size == 0, 1, size)))


def mase(y: Array, forecast: Array, scale: Array) -> Array:
    """Mean absolute error in units of ``scale`` (S,), see ``seasonal_scale`` (Hyndman &
    Koehler 2006)."""
    return _ratio(_mean(np.abs(y - forecast)), scale)


def seasonal_scale(history: Array, season: int) -> float:
    """Mean |y_t - y_(t-season)| of a series' past (n,); NaN where there is no such pair.

    >>> seasonal_scale(np.array([1.0, 2.0, 4.0, 8.0]), 2)
    4.5
    """
    change = np.abs(history[season:] - history[:-season]).astype(np.float64)
    change = change[~np.isnan(change)]
    return float(change.mean()) if len(change) else float("nan")


def coverage(y: Array, low: Array, high: Array) -> Array:
    """Share of the values that lie in [low, high]."""
    inside = ((y >= low) & (y <= high)).astype(np.float64)
    return _mean(np.where(np.isnan(y), np.nan, inside))


def msis(y: Array, low: Array, high: Array, scale: Array, level: float = 95) -> Array:
    """Mean scaled interval score (Gneiting & Raftery 2007; M4): width of the interval plus
    2/alpha times the distance by which a value falls outside, in units of ``scale`` (S,)."""
    alpha = 1 - level / 100
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return _ratio(_mean((high - low) + 2 / alpha * outside), scale)


def pinball(y: Array, forecast: Array, probability: float) -> Array:
    """Mean of max(q e, (q-1) e), e = y - f: what the quantile of probability q minimizes."""
    error = y - forecast
    return _mean(np.maximum(probability * error, (probability - 1) * error))


def _mean(values: Array) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no values is NaN: intended
        return np.nanmean(np.asarray(values, np.float64), axis=1)


def _ratio(value: Array, scale: Array) -> Array:
    """value / scale; NaN where a series never changed, so that nothing can be said of it."""
    scale = np.asarray(scale, np.float64)
    return np.where(scale > 0, value / np.where(scale > 0, scale, 1), np.nan)
