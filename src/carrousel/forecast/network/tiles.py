"""Batches of whole tiles, so that a forecast does not depend on what else is forecast.

A product of matrices with one, two or three rows takes another way through BLAS than one with
many, and sums in another order; the last rows of a batch may, too. Batches are therefore filled up
to a multiple of ``TILE`` rows with copies of their last one: a series has the same forecast, to the
last bit, alone, among millions, or in any block of them.

Where a product has few columns, MKL sums each row from where it is aligned in memory, in an order
that depends on its place in the batch (measured: 11 columns or fewer, an odd number of inputs).
``Linear`` therefore has a tile of columns at least.

Where few rows would be filled up to many, only the products are (``FilledLinear``): a single series
then costs what it needs.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TILE = 16  # rows, and columns


def whole_tiles(count: int) -> Tensor:
    """The rows 0 to ``count`` - 1, of which there must be some, and the last again until the tile
    is full.

    >>> whole_tiles(18)[-3:], len(whole_tiles(18)), len(whole_tiles(32))
    (tensor([17, 17, 17]), 32, 32)
    """
    return torch.arange(count + -count % TILE).clamp(max=count - 1)


class Linear(nn.Linear):
    """As torch's: what comes out of a row does not depend on where it stands.

    >>> x, layer = torch.randn(50, 23), Linear(23, 8)
    >>> torch.equal(layer(x[3:19].clone()), layer(x)[3:19]), tuple(layer.weight.shape)
    (True, (8, 23))
    """

    def forward(self, x: Tensor) -> Tensor:
        empty = TILE - self.out_features
        if empty <= 0:
            return super().forward(x)
        bias = None if self.bias is None else F.pad(self.bias, (0, empty))
        out = F.linear(x, F.pad(self.weight, (0, 0, 0, empty)), bias)
        return out[..., : self.out_features]


class FilledLinear(nn.Linear):
    """As torch's, over rows that are filled up to whole tiles.

    >>> x, layer = torch.randn(2, 24, 160), FilledLinear(160, 320)
    >>> torch.equal(layer(x[1, :3]), layer(x)[1, :3])
    True
    """

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2)
        missing = -len(rows) % TILE
        if not missing:
            return super().forward(x)
        out = super().forward(F.pad(rows, (0, 0, 0, missing)))
        return out[: len(rows)].unflatten(0, x.shape[:-1])
