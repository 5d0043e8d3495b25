"""The same series as it might have been measured: a part of it, at an uneven pace, with noise."""

import math

import torch

from ..ragged import Ragged

CROPPED = 0.2  # of its steps that a series loses at most
PACE = 0.5  # by which share it runs faster here and slower there at most
NOISE = 0.05  # of a channel's standard deviation


def varied(batch: Ragged, generator: torch.Generator) -> Ragged:
    """Numbers (N, C) of which each sequence is a part of itself, stretched over as many steps as it
    had and smoothly warped in time (Le Guennec, Malinowski & Tavenard 2016), with noise. Missing
    numbers are missing near where they were.

    >>> batch = Ragged.of([torch.arange(5.0)[:, None], torch.zeros(3, 1)])
    >>> found = varied(batch, torch.Generator().manual_seed(0))
    >>> found.lengths.tolist(), found.rows.shape
    ([5, 3], torch.Size([8, 1]))
    """
    count, lengths = len(batch), batch.lengths.double()
    lost, place, pace = torch.rand(3, count, generator=generator, dtype=torch.float64)
    kept = (lengths - 1) * (1 - CROPPED * lost)  # from the first of its steps to the last
    first = (lengths - 1 - kept) * place
    speed = PACE * (2 * pace - 1)
    own = batch.owner
    step = torch.arange(len(own)) - batch.starts[own]
    through = step / (lengths[own] - 1).clamp_min(1)  # from 0 to 1
    # Never backwards: the slope of this is 1 + speed * cos(...), above zero.
    warped = through + speed[own] * (2 * math.pi * through).sin() / (2 * math.pi)
    at = (first[own] + kept[own] * warped).clamp_min(0).minimum(lengths[own] - 1)
    before = at.floor().long()
    after = at.ceil().long()
    share = (at - before)[:, None]
    origin = batch.starts[own]
    low, high = batch.rows[origin + before], batch.rows[origin + after]
    between = low + (high - low) * share
    rows = torch.where(between.isfinite(), between, torch.where(share < 0.5, low, high))
    return batch.like(rows + _noise(batch, generator))


def _noise(batch: Ragged, generator: torch.Generator) -> torch.Tensor:
    rows = batch.rows
    present = rows.isfinite()
    known = torch.where(present, rows, 0)
    count = present.sum(0).clamp_min(1)
    away = torch.where(present, known - known.sum(0) / count, 0)
    spread = (away.square().sum(0) / count).sqrt()
    return NOISE * spread * torch.randn(rows.shape, generator=generator, dtype=rows.dtype)
