"""Summaries of each channel: what a few of many channels do, convolutions over several at once
tell only beside much noise."""

import torch
from torch import Tensor

from ..ragged import Ragged

PER_CHANNEL = 4


def summaries(values: Tensor, changes: Tensor, batch: Ragged) -> Tensor:
    """(B, 4 * C) of rows (N, C) of the sequences of a batch and of their differences: mean,
    standard deviation, mean size, and root mean square of the differences.

    Sums of numbers on a grid are exact in double precision: a sequence has the same summaries
    whatever stands beside it.

    >>> import torch
    >>> from carrousel.sequence.ragged import Ragged
    >>> rows = torch.tensor([[1.0], [-1.0], [2.0]])
    >>> summaries(rows, rows, Ragged(rows, torch.tensor([2, 1])))[:, :3].tolist()
    [[0.0, 1.0, 1.0], [2.0, 0.0, 2.0]]
    """
    values, changes = values.double(), changes.double()
    mean = _means(values, batch)
    spread = (_means(values.square(), batch) - mean.square()).clamp_min(0).sqrt()
    size, change = _means(values.abs(), batch), _means(changes.square(), batch).sqrt()
    return torch.cat([mean, spread, size, change], 1)


def _means(rows: Tensor, batch: Ragged) -> Tensor:
    sums = torch.segment_reduce(rows, "sum", lengths=batch.lengths, axis=0, unsafe=True)
    return sums / batch.lengths[:, None]
