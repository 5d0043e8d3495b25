"""The last values of many series, in memory through which they move."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Rolling:
    """(S, kept, ...) the last values of S series, the newest last.

    The array is a view of twice as much memory: when all series go on by one value the view moves
    on, and only once in ``kept`` values everything is copied back.
    """

    def __init__(self, values: NDArray) -> None:
        self.kept = values.shape[1]
        self._keep(values)

    @property
    def view(self) -> NDArray:
        """The values; writing changes them."""
        return self.buffer[:, self.end - self.kept : self.end]

    def append(self, rows: Any, value: NDArray) -> None:
        """The next value of some series; a slice means all of them."""
        if isinstance(rows, slice):
            if self.end == 2 * self.kept:
                self._keep(self.view)
            self.end += 1
        else:
            self.view[rows, :-1] = self.view[rows, 1:]
        self.view[rows, -1] = value

    def add(self, values: NDArray) -> None:
        """More series."""
        self._keep(np.concatenate([self.view, values]))

    def _keep(self, values: NDArray) -> None:
        shape = len(values), 2 * self.kept, *values.shape[2:]
        self.buffer = np.empty(shape, values.dtype)
        self.buffer[:, : self.kept], self.end = values, self.kept


def last_values(values: NDArray, offsets: NDArray, kept: int) -> NDArray:
    """(S, kept, ...) the last of (N, ...) values of each series, the newest last, NaN before the
    first; series s owns ``values[offsets[s]:offsets[s+1]]``."""
    index = offsets[1:, None] + np.arange(-kept, 0)
    outside = index < offsets[:-1, None]
    found = values[np.where(outside, 0, index)]
    found[outside] = np.nan
    return found
