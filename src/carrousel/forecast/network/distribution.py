"""A forecast is a distribution: quantiles that cannot cross."""

from typing import NamedTuple

import torch
from torch import Tensor

from ...ops.reference.scaling import Scaled

QUANTILES = (0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995)
SIDE = len(QUANTILES) // 2  # quantiles on each side of the median


class Forecast(NamedTuple):
    """The distribution of the ``h`` values after each step of a window.

    Quantile number k outwards from the median is
    ``origin + location + scale * (median ± width * offset_k)``. The form (``quantile_offsets``)
    is shared by the steps of the horizon, which differ in median and width: few numbers, each
    with much evidence.
    """

    location: Tensor  # (B, T, h) relative to the origin
    scale: Tensor  # (B, T, 1)
    median: Tensor  # (B, T, h) beside the location, in units of the scale
    width: Tensor  # (B, T, h) > 0
    quantile_offsets: Tensor  # (B, T, 2, SIDE) below and above, > 0, increasing outwards
    scaled: Scaled

    def signed_offsets(self) -> Tensor:
        """(B, T, Q) distances of the quantiles from the median, in widths; increasing."""
        below, above = self.quantile_offsets.unbind(-2)
        return torch.cat([-below.flip(-1), torch.zeros_like(below[..., :1]), above], -1)

    def quantiles(self) -> Tensor:
        """(B, T, h, Q) float64, in the units of y, increasing along Q."""
        middle, width = self.location + self.scale * self.median, self.scale * self.width
        quantile_offsets = self.signed_offsets()[..., None, :]
        around = torch.addcmul(middle[..., None], width[..., None], quantile_offsets)  # in one pass
        return around.double().add_(self.scaled.absolute()[:, :, None, None])
