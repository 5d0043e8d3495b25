"""What is put between the steps of a layer: masks that were drawn before it ran, and shares."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .cells import Cell

Share = Tensor | float  # (N, H) 1 where a unit keeps its state at a step, else 0; or how much


@dataclass(frozen=True)
class Noise:
    """Of one level in one direction, N rows time-major."""

    read: Tensor | None = None  # (B, H) factors on h where products read it, the same at all steps
    hidden: Share = 0.0  # zoneout: of the state before that stays
    cell: Share = 0.0

    def factors(self, rows: int) -> Tensor | None:
        """On the hidden states of the first sequences."""
        return None if self.read is None else self.read[:rows]

    def zoned(self, number: int, first: int, new: Tensor, before: Tensor) -> Tensor:
        """The hidden (0) or cell state (1) after a step whose rows begin at ``first``: of units
        that stay, as before."""
        share = (self.hidden, self.cell)[number]
        share = share[first : first + len(new)] if isinstance(share, Tensor) else share
        return _mixed(share, before, new)

    def books(self, cell: Cell, gates: dict, rows: slice = slice(None)) -> dict:
        """What steps kept of the memory and wrote, where it may stay and gates do not tell."""
        return _books(self.of_memory(cell, rows), cell, gates)

    def of_memory(self, cell: Cell, rows: slice = slice(None)) -> Share:
        """How much of the memory stays, of these rows."""
        share = self.cell if cell.has_cell else self.hidden
        return share[rows] if isinstance(share, Tensor) else share

    def zone_states(self, first: int, new: list[Tensor], before: list[Tensor]) -> list[Tensor]:
        """The states, h first, after a step whose rows begin at ``first``."""
        pairs = zip(new, before, strict=True)
        return [self.zoned(number, first, *pair) for number, pair in enumerate(pairs)]

    def part(self, rows: Tensor | slice, sequences: int) -> Noise:
        """Of some rows, in this order, which are of the first sequences."""
        shares = (s[rows] if isinstance(s, Tensor) else s for s in (self.hidden, self.cell))
        return Noise(self.factors(sequences), *shares)


def _books(share: Share, cell: Cell, gates: dict) -> dict:
    stays = isinstance(share, Tensor) or share
    if cell.keeps is None or cell.writes is None or not stays:
        return {}
    kept = share + (1 - share) * gates[cell.keeps]
    return {"kept": kept, "written": (1 - share) * cell.writes(gates)}


def _mixed(share: Share, before: Tensor, new: Tensor) -> Tensor:
    if isinstance(share, Tensor):
        return torch.where(share > 0, before, new)
    return share * before + (1 - share) * new if share else new


def kept(probability: float, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """1 with this probability, else 0: from torch's generator, in one order on any threads."""
    draws = torch.rand(shape, device=like.device)
    return (draws < probability).to(like.dtype)
