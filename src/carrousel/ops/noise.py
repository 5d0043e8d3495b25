"""What is put between the steps of a layer: masks that were drawn before it ran, and shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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

    def zone(self, first: int, new: Any, before: Any, cell: Cell, gates: dict) -> Any:
        """h, c and gates after a step whose rows begin at ``first``: of units that stay, as before.

        Where the memory stays, the gates do not tell what was kept of it and written: books do.
        """
        (h, c), (h_before, c_before) = new, before
        rows = slice(first, first + len(h))
        hidden, memory = (s[rows] if isinstance(s, Tensor) else s for s in (self.hidden, self.cell))
        share = memory if cell.has_cell else hidden
        h = _mixed(hidden, h_before, h)
        c = None if c is None else _mixed(memory, c_before, c)
        return h, c, gates | _books(share, cell, gates)

    def books(self, cell: Cell, gates: dict) -> dict:
        """What all steps kept of the memory and wrote, where it may stay."""
        return _books(self.cell if cell.has_cell else self.hidden, cell, gates)

    def zone_states(self, first: int, new: list[Tensor], before: list[Tensor]) -> list[Tensor]:
        """The states, h first, after a step whose rows begin at ``first``."""
        rows = slice(first, first + len(new[0]))
        shares = [s[rows] if isinstance(s, Tensor) else s for s in (self.hidden, self.cell)]
        return [_mixed(s, b, n) for s, b, n in zip(shares, before, new, strict=False)]


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
