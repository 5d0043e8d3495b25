"""Windows of the past: where they begin, and what happened in them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...data.panel import Panel


def hidden_steps(windows: int, step: int, h: int) -> list[int]:
    """How many steps at the end of each series are hidden, for each window, the earliest first.

    >>> hidden_steps(3, 2, 5)
    [9, 7, 5]
    """
    if windows < 1:
        raise ValueError(f"windows must be at least 1, got {windows}")
    if step < 1:
        raise ValueError(f"step must be at least 1, got {step}")
    return [h + step * k for k in reversed(range(windows))]


def positions(panel: Panel, hidden: Sequence[int], h: int) -> NDArray[np.int64]:
    """(W, S, h) steps of the windows, counted from the first of each series."""
    known = panel.lengths - np.asarray(hidden)[:, None]  # (W, S)
    return known[..., None] + np.arange(h)


def targets(panel: Panel, hidden: Sequence[int], h: int) -> NDArray[np.float64]:
    """(W, S, h) what happened in the windows."""
    rows = panel.offsets[:-1, None] + positions(panel, hidden, h)
    return panel.y[rows].astype(np.float64)
