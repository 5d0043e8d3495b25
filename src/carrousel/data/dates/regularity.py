"""How regular times are: those read in the wrong order are not."""

import numpy as np
import polars as pl

from ..clock import later


def regularity(times: pl.Series) -> float:
    """The share of a grid of the commonest step that holds times: 1 for regular times, little for
    times in the wrong order. Fewer than four times tell nothing."""
    time = times.unique().sort().to_numpy().astype("M8[us]")
    if len(time) < 4:
        return 0.0
    return max(_filled(time.astype(np.int64)), _filled_months(time), _filled_weekdays(time))


def _filled(time: np.ndarray) -> float:
    steps = np.diff(time)
    sizes, counts = np.unique(steps, return_counts=True)
    mode = sizes[np.argmax(counts)]
    return float(len(steps) * mode / steps.sum()) if (steps % mode == 0).all() else 0.0


def _filled_months(time: np.ndarray) -> float:
    day = time.astype("M8[D]")
    month = day.astype("M8[M]")
    same = len(np.unique((day - month.astype("M8[D]")).astype(np.int64))) == 1
    last = bool(np.all(later(day, 1).astype("M8[M]") > month))
    once = len(np.unique(month)) == len(time)
    return _filled(month.astype(np.int64)) if once and (same or last) else 0.0


def _filled_weekdays(time: np.ndarray) -> float:
    day = time.astype("M8[D]")
    if not np.is_busday(day).all() or len(np.unique(time - day)) > 1:
        return 0.0
    return float((len(day) - 1) / np.busday_count(day[0], day[-1]))
