"""How often, and how far, convolutions of sequences lie above thresholds, in plain torch."""

import torch
from torch import Tensor

ROWS = 1 << 13  # that are read at once, so that what is said of them stays in the cache


def above(
    rows: Tensor,
    lengths: Tensor,
    chosen: Tensor,
    weight: Tensor,
    dilation: Tensor,
    counts: Tensor,
    threshold: Tensor,
    grid: float,
) -> tuple[Tensor, Tensor]:
    """Shapes as in :func:`carrousel.ops.convolutions.above`."""
    batch, (places, kernels) = len(lengths), threshold.shape
    owner = torch.arange(batch).repeat_interleave(lengths)
    total = torch.zeros(2, batch, places, kernels, dtype=torch.float64)
    for first in range(0, len(rows), ROWS):
        part = slice(first, min(first + ROWS, len(rows)))
        place = 0
        for number, by in enumerate(dilation.tolist()):
            said = convolved(rows, lengths, chosen[number], weight, by, part)
            for _ in range(int(counts[number])):
                rest = (said.double() - threshold[place]).relu()
                # Of each step: whether it is above, and how far.
                for sums, added in zip(total, (rest > 0, rest), strict=True):
                    sums[:, place].index_add_(0, owner[part], added.double())
                place += 1
    return total[0], total[1]


def convolved(
    rows: Tensor, lengths: Tensor, chosen: Tensor, weight: Tensor, by: int, part: slice
) -> Tensor:
    """(N, K) what kernels of the dilation ``by`` make of what lies around the rows of a part, zeros
    being around each sequence; chosen (C, K), weight (taps, K)."""
    size = len(weight)
    ends = lengths.cumsum(0)
    owner = torch.arange(len(lengths)).repeat_interleave(lengths)[part]
    shift = (torch.arange(size) - size // 2) * by
    at = torch.arange(len(rows))[part][:, None] + shift  # (N, taps)
    outside = (at < (ends - lengths)[owner][:, None]) | (at >= ends[owner][:, None])
    place = (at + 1).masked_fill_(outside, 0)
    padded = torch.cat([rows.new_zeros(1, rows.shape[1]), rows])
    windows = padded.index_select(0, place.view(-1)).view(len(place), -1)  # (N, taps * C)
    return windows @ (weight[:, None] * chosen).flatten(0, 1)
