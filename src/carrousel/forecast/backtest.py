"""Forecasts of the past beside what happened, each made from what was known then."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.panel import Panel


def cutoffs(n_windows: int, step: int, h: int) -> list[int]:
    """How many steps at the end of each series are hidden, for each window, the earliest first.

    >>> cutoffs(3, 2, 5)
    [9, 7, 5]
    """
    if n_windows < 1:
        raise ValueError(f"n_windows must be at least 1, got {n_windows}")
    if step < 1:
        raise ValueError(f"step must be at least 1, got {step}")
    return [h + step * k for k in reversed(range(n_windows))]


def forecast_windows(
    panel: Panel, drops: Sequence[int], learn: Callable[[Panel], Any], *, refit: bool
) -> NDArray[np.float64]:
    """(W, S, h, Q) quantiles of the windows that follow the series without their last ``drops``.

    ``learn(panel)`` gives a fitted forecaster. It is called once, before the first window, and
    all windows are forecast in one pass; with ``refit``, before each.
    """
    if not refit:
        return learn(panel.head(drops[0])).window_quantiles(panel, drops)
    each = [learn(panel.head(drop)).window_quantiles(panel, [drop]) for drop in drops]
    return np.concatenate(each)


def window_columns(panel: Panel, drops: Sequence[int], h: int) -> dict[str, NDArray]:
    """Names, times, cutoff and values of the windows, one after the other."""
    known = panel.lengths - np.asarray(drops)[:, None]  # (W, S)
    steps = known[..., None] + np.arange(h)  # (W, S, h)
    series = np.arange(panel.n_series)
    columns = {
        panel.time_col: panel.at(series[:, None], steps).reshape(-1),
        "cutoff": np.repeat(panel.at(series, known - 1), h),
        panel.target_col: panel.y[panel.offsets[:-1, None] + steps].reshape(-1).astype(np.float64),
    }
    if panel.id_col is None:
        return columns
    names = np.tile(np.repeat(np.asarray(panel.ids), h), len(drops))
    return {panel.id_col: names, **columns}
