"""The door of the network: numbers on one scale, missing ones marked; tokens as vectors."""

from typing import Any

import torch
from torch import Tensor, nn

from ..ragged import Ragged

LARGEST = 20.0  # scales: what lies farther out says no more than that it is far out


class Numbers(nn.Module):
    """Each channel less its mean, in units of its standard deviation; both are measured on what
    the network learns from.

    A missing number (NaN) stands at the mean, and with ``masked`` a second channel says of each
    whether it was there (Lipton, Kale & Wetzel 2016).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int, masked: bool) -> None:
        super().__init__()
        self.masked = masked
        self.register_buffer("mean", torch.zeros(channels, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(channels, dtype=torch.float64))

    @torch.no_grad()
    def measure(self, rows: Tensor) -> None:
        """Take mean and scale from rows (N, C); of a channel without numbers 0 and 1."""
        rows = rows.double()
        present = rows.isfinite()
        count = present.sum(0).clamp_min(1)
        # Sums of numbers near the largest that there are would overflow.
        largest = torch.where(present, rows, 0).abs().amax(0).clamp_min(1e-300)
        shares = torch.where(present, rows / largest, 0)
        mean = shares.sum(0) / count
        away = torch.where(present, shares - mean, 0)
        scale = (away.square().sum(0) / count).sqrt()
        # Of a constant channel the rounding of its mean is all that is left.
        steady = scale <= 1e-12 * (1 + mean.abs())
        self.mean.copy_(mean * largest)
        self.scale.copy_(torch.where(steady, 1.0, scale * largest))

    def forward(self, batch: Ragged, dropout: Any = None) -> Tensor:
        rows = batch.rows
        x = ((rows - self.mean) / self.scale).clamp(-LARGEST, LARGEST).float()
        if not self.masked:
            return x
        present = ~rows.isnan()
        return torch.cat([x.masked_fill(~present, 0.0), present.float()], 1)


class Tokens(nn.Module):
    """A vector for each token; in training, some tokens are hidden from a whole batch."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, width)
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, batch: Ragged, dropout: Any = None) -> Tensor:
        x = self.embedding(batch.rows)
        return x if dropout is None else dropout(batch, x)
