"""Batches of whole tiles, so that a forecast does not depend on what else is forecast.

A product of matrices with one, two or three rows takes another way through BLAS than one with
many, and sums in another order; the last rows of a batch may, too. Batches are therefore filled up
to a multiple of ``TILE`` rows with copies of their last one: a series has the same forecast, to the
last bit, alone, among millions, or in any block of them.
"""

import torch
from torch import Tensor

TILE = 16  # rows


def whole_tiles(count: int) -> Tensor:
    """The rows 0 to ``count`` - 1, of which there must be some, and the last again until the tile
    is full.

    >>> whole_tiles(18)[-3:], len(whole_tiles(18)), len(whole_tiles(32))
    (tensor([17, 17, 17]), 32, 32)
    """
    return torch.arange(count + -count % TILE).clamp(max=count - 1)
