"""Where the rows of each step of a layer lie, for programs that each own some sequences."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .fused import ROWS


@dataclass(frozen=True)
class Steps:
    """Rows time-major, of which a step has as many as there are sequences that long."""

    sizes: list[int]  # rows of each step
    starts: list[int]  # first row of each step, and the number of all
    device: torch.device

    def tiles(self) -> tuple[int, Tensor, Tensor]:
        """How many there are; where each step starts; the steps of each tile."""
        first = range(0, self.sizes[0], ROWS)
        steps = [sum(size > row for size in self.sizes) for row in first]
        places = torch.tensor(self.starts).to(self.device)
        return len(steps), places, torch.tensor(steps, dtype=torch.int32).to(self.device)

    def order(self, reverse: bool) -> list[tuple[int, int | None]]:
        """Each step and the one before it, in the order in which the direction runs."""
        steps = list(range(len(self.sizes)))[:: -1 if reverse else 1]
        return list(zip(steps, [None, *steps], strict=False))

    def before(self, states: Tensor, initial: Tensor, reverse: bool) -> Tensor:
        """(N, H) of every row the state before: of states (N, H), or the initial one (B, H)."""
        if not reverse and len(set(self.sizes)) == 1:
            return torch.cat([initial, states[: -len(initial)]])
        parts = []
        for t, earlier in sorted(self.order(reverse)):
            ran = 0 if earlier is None else min(self.sizes[earlier], self.sizes[t])
            start = 0 if earlier is None else self.starts[earlier]
            parts += [states[start : start + ran], initial[ran : self.sizes[t]]]
        return torch.cat(parts)
