"""The forecasts that every other must beat; ``SIMPLE_METHODS`` is the table of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ...data.panel import Panel
from ..network.distribution import QUANTILES

Array = NDArray[np.floating]


def seasonal_naive(
    panel: Panel, h: int, season: int, probabilities: Sequence[float] = (0.5,)
) -> Array:
    """(S, h, P) quantiles of "as one season ago"; ``season=1`` is the naive forecast.

    The intervals are normal, with the root mean square of the in-sample errors
    y_t - y_(t-season), growing with the square root of the seasons ahead (Hyndman &
    Athanasopoulos, Forecasting, section 5.5).

    >>> from carrousel.data import to_panel
    >>> import polars as pl
    >>> panel, _ = to_panel(pl.DataFrame({"ds": range(4), "y": [1.0, 2.0, 3.0, 6.0]}))
    >>> seasonal_naive(panel, 3, 2)[0, :, 0]
    array([3., 6., 3.])
    """
    out = np.empty((panel.n_series, h, len(probabilities)))
    ahead = np.arange(h)
    normal = np.array([NormalDist().inv_cdf(p) for p in probabilities])
    for s in range(panel.n_series):
        y = filled(panel.series(s).astype(np.float64), season)
        period = min(season, len(y))
        center = y[len(y) - period + ahead % period]
        error = y[period:] - y[:-period]
        sigma = np.sqrt(np.mean(error**2)) if len(error) else 0.0
        spread = sigma * np.sqrt(ahead // period + 1)
        out[s] = center[:, None] + spread[:, None] * normal
    return out


@dataclass(frozen=True)
class SimpleMethod:
    """A row of the table: ``forecast(panel, h, season, probabilities)`` gives (S, h, P) quantiles.
    Of one that is ``seasonal`` there is one for each season, with its length in the name; others
    are called with a season of 1."""

    forecast: Callable[[Panel, int, int, Sequence[float]], Array]
    seasonal: bool = False


# To add a method, write its function above and its row here: nothing else knows their names.
SIMPLE_METHODS = {
    "seasonal naive": SimpleMethod(seasonal_naive, seasonal=True),
    "naive": SimpleMethod(seasonal_naive),
}


def require_known(methods: Sequence[str]) -> None:
    """Refuse names that are not in the table."""
    for name in methods:
        if name not in SIMPLE_METHODS:
            known = ", ".join(map(repr, SIMPLE_METHODS))
            raise ValueError(f"methods must be some of {known}, got {name!r}")


def simple_forecasts(
    heads: Sequence[Panel], h: int, seasons: Sequence[int], methods: Sequence[str]
) -> dict[str, Array]:
    """(W, S, h, Q) quantiles of what follows each of the panels ``heads``, by each method."""
    found = {}
    for method in methods:
        one = SIMPLE_METHODS[method]
        for season in [m for m in seasons if m > 1] if one.seasonal else [1]:
            name = f"{method} ({season})" if one.seasonal else method
            found[name] = np.stack([one.forecast(head, h, season, QUANTILES) for head in heads])
    return found


def filled(y: NDArray, season: int) -> NDArray:
    """Missing values taken from one season before, else from the last value, else the next."""
    y = y.copy()
    for t in np.flatnonzero(np.isnan(y)):
        if t >= season:
            y[t] = y[t - season]
        if np.isnan(y[t]) and t > 0:
            y[t] = y[t - 1]
    known = y[~np.isnan(y)]
    return np.where(np.isnan(y), known[0], y) if len(known) else y
