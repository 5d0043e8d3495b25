"""Convolutions over ragged rows, beside the recurrent layers: LSTM-FCN.

Karim, Majumdar, Darabi & Chen 2018: three convolutions with batch normalization read what a series
looks like around each step, recurrent layers what came before it. Here each looks back only, so
that steps can be read as they come.
"""

import torch
from torch import Tensor, nn

from ..ragged import Ragged

KERNELS = (8, 5, 3)  # of the paper, as is that the middle one has twice the filters


class Convolution(nn.Module):
    """Rows (N, C) to rows (N, width)."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        widths = (inputs, filters, 2 * filters, filters)
        self.width = filters
        self.layers = nn.ModuleList(
            nn.Conv1d(widths[k], widths[k + 1], size) for k, size in enumerate(KERNELS)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:])

    def forward(self, batch: Ragged, rows: Tensor) -> Tensor:
        # All sequences one behind the other, zeros between them: one call, however they differ.
        gap = max(KERNELS) - 1
        place = batch.order + gap * (batch.owner + 1)
        length = len(rows) + gap * len(batch)
        for convolution, norm, size in zip(self.layers, self.norms, KERNELS, strict=True):
            line = rows.new_zeros(length, rows.shape[1]).index_copy(0, place, rows)
            said = convolution(line.T[None])[0].T  # (length - size + 1, F), by its first input
            rows = _normed(norm, said.index_select(0, place - (size - 1))).relu()
        return rows

    def advance(self, rows: Tensor, before: list[Tensor] | None) -> tuple[Tensor, list[Tensor]]:
        """The same for steps (T, C) that follow others: what each convolution still sees of those
        comes in and goes out."""
        after = []
        for k, (convolution, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            seen = KERNELS[k] - 1
            past = rows.new_zeros(seen, rows.shape[1]) if before is None else before[k]
            line = torch.cat([past, rows])
            after.append(line[len(line) - seen :])
            rows = norm(convolution(line.T[None])[0].T).relu()
        return rows, after


def _normed(norm: nn.Module, rows: Tensor) -> Tensor:
    """One row alone has no spread: it is seen as when nothing is learned."""
    if not norm.training or len(rows) > 1:
        return norm(rows)
    norm.eval()
    try:
        return norm(rows)
    finally:
        norm.train()
