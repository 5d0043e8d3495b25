"""Runs of a call of which some steps were changed, put together from the pieces that were run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .tape import BOOKS, Run, books
from .written import of_kind


@dataclass(frozen=True)
class Piece:
    """Some consecutive steps of a run."""

    run: Run
    turn: Tensor | None  # where its rows stand, if they were read from the end
    memory: dict[str, Tensor] | None  # kept and written, if the memory itself was changed

    @property
    def length(self) -> int:
        return int(self.run.batch_sizes.sum())

    def rows(self, rows: Tensor) -> Tensor:
        return rows if self.turn is None else rows[self.turn]

    def gate(self, name: str) -> Tensor:
        return self.rows(self.run.gates[name])

    def books(self, name: str) -> Tensor:
        """What was kept or written of the memory."""
        if self.memory is not None:
            return self.memory[name]
        return self.rows(books(self.run, name))


class Joined(Run):
    """A run of several pieces, which are put together when they are first read; so are their
    gradients, once backward has passed."""

    pieces: Sequence[Piece] = ()

    @classmethod
    def of(
        cls, pieces: Sequence[Piece], reverse: bool, sizes: Tensor, start: Sequence[Tensor]
    ) -> Joined:
        made = cls.__new__(cls)
        made.pieces, made.changed = pieces, True
        made.kind, made.reverse, made.batch_sizes = pieces[0].run.kind, reverse, sizes
        cell = of_kind(made.kind)
        named = {n: s.detach().clone() for n, s in zip(cell.state_names, start, strict=True)}
        made.h0, made.c0 = named["hidden"], named.get("cell")
        made.starts = {name: named[name] for name in cell.further}
        return made

    def _joined(self, name: str) -> Any:
        """``hidden``, ``cell`` or ``gates``."""
        if name not in vars(self):
            vars(self)[name] = self._gates() if name == "gates" else self._rows(name)
        return vars(self)[name]

    def _rows(self, name: str) -> Tensor | None:
        parts = [(piece, getattr(piece.run, name)) for piece in self.pieces]
        rows = [piece.rows(part) for piece, part in parts if part is not None]
        return torch.cat(rows) if rows else None

    def _gates(self) -> dict[str, Tensor]:
        names, pieces = list(self.pieces[0].run.gates), self.pieces
        gates = {name: torch.cat([piece.gate(name) for piece in pieces]) for name in names}
        if any(piece.memory is not None for piece in pieces):
            gates |= {name: torch.cat([piece.books(name) for piece in pieces]) for name in BOOKS}
        return gates

    def _gradient(self, name: str) -> Tensor | None:
        """``grad_hidden`` or ``grad_cell``."""
        parts = [getattr(piece.run, name) for piece in self.pieces]
        if all(part is None for part in parts):
            return vars(self).get(name)
        width = next(part.shape[1] for part in parts if part is not None)
        # Where no gradient came through, a later change had cut its way.
        rows = [
            self.h0.new_zeros(piece.length, width) if part is None else piece.rows(part)
            for part, piece in zip(parts, self.pieces, strict=True)
        ]
        vars(self)[name] = torch.cat(rows)
        for piece in self.pieces:
            setattr(piece.run, name, None)
        return vars(self)[name]


def _kept(name: str, read: Callable[[Joined, str], Any]) -> property:
    return property(
        lambda self: read(self, name), lambda self, value: vars(self).__setitem__(name, value)
    )


for _name in ("hidden", "cell", "gates"):
    setattr(Joined, _name, _kept(_name, Joined._joined))
for _name in ("grad_hidden", "grad_cell"):
    setattr(Joined, _name, _kept(_name, Joined._gradient))
