"""Measures of forecasts: (..., h) arrays in, (...) out; ``METRICS`` is the table of those that
every evaluation, report and benchmark shows.

Points that are NaN in ``y`` count for nothing; a series without any gives NaN.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Quantile = Callable[[float], Array]  # a probability to the quantile (..., h) of a forecast
DECILES = tuple(k / 10 for k in range(1, 10))


@dataclass(frozen=True)
class Metric:
    """A measure as tables, JSON and reports show it.

    Attributes:
        name: In tables and JSON.
        label: For people.
        measure: From the values (..., h), the quantiles of a forecast and the scale (...), see
            ``seasonal_scale``, to the score (...).
        digits: After the point.
        per: What the mean of the scores is divided by the mean of, from the values (..., h);
            None: nothing.
        level: Of the interval whose coverage it is, in percent; of all others small is good.
    """

    name: str
    label: str
    measure: Callable[[Array, Quantile, Array], Array]
    digits: int
    per: Callable[[Array], Array] | None = None
    level: float | None = None

    def written(self, score: float | None) -> str:
        """A score for people: shares in percent, "-" for None."""
        if score is None:
            return "-"
        return f"{score:.{self.digits}f}" if self.level is None else f"{score:.0%}"


def smape(y: Array, forecast: Array) -> Array:
    """200 |y - f| / (|y| + |f|), in percent of the mean of both; 0 where both are 0.

    >>> smape(np.array([[100.0, 0.0]]), np.array([[300.0, 0.0]]))
    array([50.])
    """
    size = np.abs(y) + np.abs(forecast)
    error = 200 * np.abs(y - forecast)
    return mean_known(np.where(size == 0, 0.0 * y, error / np.where(size == 0, 1, size)))


def mase(y: Array, forecast: Array, scale: Array) -> Array:
    """Mean absolute error in units of ``scale`` (...), see ``seasonal_scale`` (Hyndman &
    Koehler 2006)."""
    return _ratio(mean_known(np.abs(y - forecast)), scale)


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
    return mean_known(np.where(np.isnan(y), np.nan, inside))


def msis(y: Array, low: Array, high: Array, scale: Array, level: float = 95) -> Array:
    """Mean scaled interval score (Gneiting & Raftery 2007; M4): width of the interval plus
    2/alpha times the distance by which a value falls outside, in units of ``scale`` (...)."""
    alpha = 1 - level / 100
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return _ratio(mean_known((high - low) + 2 / alpha * outside), scale)


def pinball(y: Array, forecast: Array, probability: float) -> Array:
    """Mean of max(q e, (q-1) e), e = y - f: what the quantile of probability q minimizes."""
    error = y - forecast
    return mean_known(np.maximum(probability * error, (probability - 1) * error))


def crps(y: Array, deciles: Sequence[Array]) -> Array:
    """The continuous ranked probability score, from the quantiles of ``DECILES`` (9 of (..., h)):
    the mean of twice their pinball losses, in the units of y.

    Divided by the mean of |y| it is the weighted quantile loss of GIFT-Eval and GluonTS (Park et
    al. 2022); for a point forecast that is the sum of absolute errors over that of values.

    >>> y = np.array([[100.0, 300.0]])
    >>> float(crps(y, [y - 20.0] * 9)[0])
    20.0
    """
    losses = [2 * pinball(y, found, p) for found, p in zip(deciles, DECILES, strict=True)]
    return np.mean(losses, axis=0)


def mean_size(y: Array) -> Array:
    """Mean |y|."""
    return mean_known(np.abs(y))


# To add a metric, write its function above and its row here: nothing else knows their names.
METRICS = (
    Metric("smape", "sMAPE", lambda y, at, scale: smape(y, at(0.5)), digits=2),
    Metric("mase", "MASE", lambda y, at, scale: mase(y, at(0.5), scale), digits=3),
    Metric("crps", "CRPS", lambda y, at, scale: crps(y, [at(p) for p in DECILES]), digits=4,
           per=mean_size),
    Metric("msis", "MSIS", lambda y, at, scale: msis(y, at(0.025), at(0.975), scale), digits=2),
)  # fmt: skip
DECIDES = ("mase", "smape")  # who won: the first of these that has a value


def coverage_metric(level: float) -> Metric:
    """How many values lie in the central interval of ``level`` percent."""
    low, high = round(0.5 - level / 200, 6), round(0.5 + level / 200, 6)
    return Metric(
        f"coverage{level:g}", f"in {level:g} %",
        lambda y, at, scale: coverage(y, at(low), at(high)), digits=2, level=level,
    )  # fmt: skip


def all_metrics(levels: Iterable[float]) -> tuple[Metric, ...]:
    """``METRICS``, and the coverage of each level."""
    return (*METRICS, *map(coverage_metric, levels))


def mean_known(values: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """Mean over what is not NaN; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no values is NaN: intended
        return np.nanmean(np.asarray(values, np.float64), axis=axis, keepdims=keepdims)


def _ratio(value: Array, scale: Array) -> Array:
    """value / scale; NaN where a series never changed, so that nothing can be said of it."""
    scale = np.asarray(scale, np.float64)
    return np.where(scale > 0, value / np.where(scale > 0, scale, 1), np.nan)
