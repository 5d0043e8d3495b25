"""Matrices in a byte a number: whole multiples, -127 to 127, of one step for each row.

A row's step has few binary digits, so that each product is exact in float32: whoever multiplies,
torch or a browser, gets the same numbers, and what was rounded once is stored without loss.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 127
DIGITS = 12  # of a step, in binary: with the 7 of a multiple they fit the 24 of a float32


def rounded(matrix: NDArray[Any]) -> NDArray[np.float32]:
    """(R, C) the nearest matrix that ``split`` can take apart.

    >>> rounded(np.array([[1.0, 0.013, -2.0]], np.float32)).tolist()
    [[1.0078125, 0.0157470703125, -1.9998779296875]]
    """
    mantissa, exponent = np.frexp(np.abs(matrix).max(1, keepdims=True) / MOST)
    steps = np.ldexp(np.round(np.ldexp(mantissa, DIGITS)), exponent - DIGITS).astype(np.float32)
    return (np.clip(_multiples(matrix, steps), -MOST, MOST) * steps).astype(np.float32)


def split(matrix: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """(R, C) multiples and (R,) steps that give exactly this matrix; None if there are none."""
    if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
        return None
    numbers = matrix.astype(np.float32)
    steps = np.abs(numbers).max(1, keepdims=True) / np.float32(MOST)
    found = _multiples(numbers, steps).astype(np.int8), steps[:, 0]
    return found if np.array_equal(joined(*found), matrix) else None


def joined(multiples: NDArray[np.int8], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """(R, C) the matrix that ``split`` took apart."""
    return multiples.astype(np.float32) * steps[:, None]


def _multiples(matrix: NDArray[Any], steps: NDArray[np.float32]) -> NDArray[Any]:
    """(R, C) the nearest whole multiples of each row's step; of no step, 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(steps > 0, np.round(matrix / steps), 0)
