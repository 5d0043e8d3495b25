"""One recurrent layer of which some steps are changed.

The kernels run up to a changed step and on from the state after it; the step itself is made by the
equations, into which the changed values are put. A layer of 512 steps of which three are touched
therefore takes three steps of Python, and gradients flow through all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from . import layer, reference
from .autograd import batch_sizes
from .cells import BY_MODE
from .changes import Change, Changes, Freeze, Hands
from .inside import Inside, joined, reordered
from .tape import BOOKS, Pieces, Run, books, tape, taped


def run(
    mode: str,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
    way: str,
    w_hr: list[Tensor] | None,
    changes: Changes,
    level: int,
    insides: list[Inside] | None = None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """As :func:`carrousel.ops.layer.run`, with the changes of one level."""
    if not any((level, d) in changes for d in range(len(h0))):
        return layer.run(mode, x, offsets, h0, c0, weights, way, w_hr, insides)
    sizes, rows = batch_sizes(x, offsets), x.reshape(-1, x.size(-1))
    per, looking, parts = len(weights) // len(h0), tape(), []
    for d in range(len(h0)):
        own = changes.get((level, d), ())
        one = _Direction(
            mode, rows, sizes, weights[d * per : (d + 1) * per], way,
            None if w_hr is None else w_hr[d], own, d == 1, looking is not None,
            insides is not None,
        )  # fmt: skip
        y, h, c, made, inside = one.run(h0[d], None if c0 is None else c0[d])
        parts.append((y, h, c))
        if looking is not None:
            looking.append(made)
        if insides is not None:
            insides.append(joined(inside))
    outputs, h_n, c_n = zip(*parts, strict=True)
    whole = torch.cat(outputs, -1).view(*x.shape[:-1], -1)
    return whole, torch.stack(h_n), None if c0 is None else torch.stack(c_n)


@dataclass(frozen=True)
class _Direction:
    """One direction of one layer over rows (N, I), time-major."""

    mode: str
    rows: Tensor
    sizes: list[int]
    weights: list[Tensor]
    way: str
    w_hr: Tensor | None
    changes: Sequence[Change]
    reverse: bool
    looked_at: bool
    opened: bool  # whether gates and states are asked for

    def run(
        self, h: Tensor, c: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None, Any, list[Inside]]:
        """-> y (N, H), h_n, c_n, the run where somebody looks, gates and states where asked for."""
        h0, c0 = h, c
        outputs: dict[int, Tensor] = {}  # by first step
        pieces: dict[int, Piece] = {}
        before: dict[str, Tensor] = {}
        opened: dict[int, Inside] = {}
        for start, stop, touched in self._spans():
            runs = Pieces() if self.looked_at else None
            insides: list[Inside] | None = [] if self.opened else None
            with taped(runs):
                if touched:
                    y, h, c, before, memory = self._step(start, h, c, before, insides)
                    turn = None
                else:
                    y, h, c, turn = self._straight(start, stop, h, c, insides)
                    memory = None
            outputs[start] = y
            if insides:
                opened[start] = reordered(insides[0], turn)
            if runs:
                pieces[start] = Piece(runs[0], turn, memory)
        y = torch.cat([outputs[start] for start in sorted(outputs)])
        made = None
        if pieces:
            ordered = [pieces[start] for start in sorted(pieces)]
            made = Joined.of(ordered, self.reverse, torch.tensor(self.sizes), h0, c0)
            made.changes = self.changes
        return y, h, c, made, [opened[start] for start in sorted(opened)]

    def _spans(self) -> Iterator[tuple[int, int, bool]]:
        """(first step, one past the last, whether it is one changed step), as the layer runs."""
        total, touched = len(self.sizes), self._touched()
        edges = sorted({0, total, *touched, *(t + 1 for t in touched)})
        spans = [(a, b, a in touched) for a, b in pairwise(edges)]
        return reversed(spans) if self.reverse else iter(spans)

    def _touched(self) -> set[int]:
        total = len(self.sizes)
        touched: set[int] = set()
        for change in self.changes:
            touched |= change.places.keys()
            if isinstance(change.rule, Freeze) and change.name not in ("hidden", "cell"):
                # The gate of the step before must be known.
                back = 1 if self.reverse else -1
                first = total - 1 if self.reverse else 0
                if first in change.places:
                    raise ValueError(
                        f"steps of {change.name!r} to freeze must have one before them, got the "
                        f"first one that is read, {first}"
                    )
                touched |= {t + back for t in change.places}
        return touched

    def _step(
        self,
        t: int,
        h: Tensor,
        c: Tensor | None,
        before: dict[str, Tensor],
        insides: list[Inside] | None,
    ) -> tuple[Tensor, Tensor, Tensor | None, dict[str, Tensor], dict[str, Tensor] | None]:
        cell, first = BY_MODE[self.mode], sum(self.sizes[:t])
        n = self.sizes[t]
        known = {"hidden": h[:n]} | ({} if c is None else {"cell": c[:n]})
        known |= before
        hands = Hands(cell, self.changes, t, known)
        h_t, c_t = reference.single(
            self.mode, self.rows[first : first + n], known["hidden"], known.get("cell"),
            self.weights, self.w_hr, hands, insides,
        )  # fmt: skip
        y, h, c = h_t, _whole(h_t, h), None if c is None else _whole(c_t, c)
        memory = None
        if hands.memory is not None:
            memory = {"kept": hands.memory.kept, "written": hands.memory.written}
        return y, h, c, hands.gates, memory

    def _straight(
        self, start: int, stop: int, h: Tensor, c: Tensor | None, insides: list[Inside] | None
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Steps that nobody changes, by whoever computes this call."""
        sizes, first = self.sizes[start:stop], sum(self.sizes[:start])
        rows, n = self.rows[first : first + sum(sizes)], sizes[0]
        turn = _turned(sizes) if self.reverse else None
        rows = rows if turn is None else rows[turn]
        offsets = None
        if sizes[-1] == n:
            rows = rows.reshape(stop - start, n, -1)
        else:
            offsets = torch.tensor([0, *sizes]).cumsum(0)
        y, h_n, c_n = layer.run(
            self.mode, rows, offsets, h[None, :n], None if c is None else c[None, :n],
            self.weights, self.way, None if self.w_hr is None else [self.w_hr], insides,
        )  # fmt: skip
        y = y.reshape(-1, y.size(-1))
        h = _whole(h_n[0], h)
        c = None if c is None or c_n is None else _whole(c_n[0], c)
        return (y if turn is None else y[turn]), h, c, turn


def _whole(now: Tensor, before: Tensor) -> Tensor:
    """The states of all sequences, of which the first have taken a step."""
    return now if len(now) == len(before) else torch.cat([now, before[len(now) :]])


def _turned(sizes: list[int]) -> Tensor:
    """Where the rows of sequences that are read from their ends stand; its own inverse."""
    counts = torch.tensor(sizes)
    firsts = counts.cumsum(0) - counts
    step = torch.repeat_interleave(torch.arange(len(sizes)), counts)
    row = torch.arange(int(counts.sum())) - firsts[step]
    length = (counts[:, None] > torch.arange(sizes[0])).sum(0)
    return firsts[length[row] - 1 - step] + row


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
        cls, pieces: Sequence[Piece], reverse: bool, sizes: Tensor, h0: Tensor, c0: Tensor | None
    ) -> Joined:
        made = cls.__new__(cls)
        made.pieces, made.changed = pieces, True
        made.kind, made.reverse, made.batch_sizes = pieces[0].run.kind, reverse, sizes
        made.h0, made.c0 = h0.detach().clone(), None if c0 is None else c0.detach().clone()
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
