"""What is to be changed of a call of a layer: which gate or state, where, and into what.

A :class:`Change` speaks of the call's own steps and of rows as the kernels have them; who makes
them (:mod:`carrousel.intervention`) turns layers, sequences and units into that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .cells import Cell


@dataclass(frozen=True)
class Memory:
    """The memory after a step, as kept * before + written."""

    kept: Tensor
    written: Tensor


@dataclass(frozen=True)
class Spot:
    """Which of the chosen steps a value is for, and which of the chosen sequences have it."""

    place: int
    present: Tensor | None  # (B', ) indices; None: all

    def of(self, values: Tensor, like: Tensor) -> Tensor:
        """Of values (S, B, U), or broadcast to it, those that belong here, (B', U)."""
        values = values.to(like)
        if values.dim() == 3:
            values = values[self.place if len(values) > 1 else 0]
        if values.dim() == 2 and len(values) > 1 and self.present is not None:
            values = values[self.present]
        return values.expand_as(like)


@dataclass(frozen=True)
class Set:
    """Values, (S, B, U) or broadcast to it: chosen steps, sequences, units."""

    values: Tensor

    def value(self, old: Tensor, before: Tensor | None, spot: Spot) -> Tensor:
        return spot.of(self.values, old)

    def memory(self, memory: Memory, old: Tensor, new: Tensor, spot: Spot) -> Memory:
        return Memory(torch.zeros_like(new), new)


@dataclass(frozen=True)
class SetWhere:
    """Values where a mask of the same shape says so."""

    values: Tensor
    mask: Tensor  # bool

    def value(self, old: Tensor, before: Tensor | None, spot: Spot) -> Tensor:
        return torch.where(self._there(old, spot), spot.of(self.values, old), old)

    def memory(self, memory: Memory, old: Tensor, new: Tensor, spot: Spot) -> Memory:
        there = self._there(old, spot)
        return Memory(memory.kept.masked_fill(there, 0), torch.where(there, new, memory.written))

    def _there(self, old: Tensor, spot: Spot) -> Tensor:
        return spot.of(self.mask, old) > 0


@dataclass(frozen=True)
class Scale:
    """Times a factor."""

    values: Tensor

    def value(self, old: Tensor, before: Tensor | None, spot: Spot) -> Tensor:
        return old * spot.of(self.values, old)

    def memory(self, memory: Memory, old: Tensor, new: Tensor, spot: Spot) -> Memory:
        factor = torch.where(old == 0, 1.0, new / torch.where(old == 0, 1.0, old))
        return Memory(memory.kept * factor, memory.written * factor)


@dataclass(frozen=True)
class Add:
    """More by a summand."""

    values: Tensor

    def value(self, old: Tensor, before: Tensor | None, spot: Spot) -> Tensor:
        return old + spot.of(self.values, old)

    def memory(self, memory: Memory, old: Tensor, new: Tensor, spot: Spot) -> Memory:
        return Memory(memory.kept, memory.written + (new - old))


@dataclass(frozen=True)
class Clamp:
    """Within limits."""

    low: float | None
    high: float | None

    def value(self, old: Tensor, before: Tensor | None, spot: Spot) -> Tensor:
        return old.clamp(self.low, self.high)

    def memory(self, memory: Memory, old: Tensor, new: Tensor, spot: Spot) -> Memory:
        held = new != old
        return Memory(memory.kept.masked_fill(held, 0), torch.where(held, new, memory.written))


@dataclass(frozen=True)
class Freeze:
    """What it was after the step before, in the order in which the layer runs."""

    def value(self, old: Tensor, before: Tensor | None, spot: Spot) -> Tensor:
        assert before is not None
        return before

    def memory(self, memory: Memory, old: Tensor, new: Tensor, spot: Spot) -> Memory:
        return Memory(torch.ones_like(new), torch.zeros_like(new))


@dataclass(frozen=True)
class Apply:
    """A function of the value, (B, U), of one step."""

    function: Callable[[Tensor], Tensor]

    def value(self, old: Tensor, before: Tensor | None, spot: Spot) -> Tensor:
        new = self.function(old)
        if not isinstance(new, Tensor) or new.shape != old.shape or new.dtype != old.dtype:
            given = (new.dtype, tuple(new.shape)) if isinstance(new, Tensor) else type(new).__name__
            raise ValueError(
                f"function must give a tensor of {old.dtype} of the shape {tuple(old.shape)}, as "
                f"what it is given, got {given}"
            )
        return new

    def memory(self, memory: Memory, old: Tensor, new: Tensor, spot: Spot) -> Memory:
        return Memory(memory.kept, memory.written + (new - old))


Rule = Set | SetWhere | Scale | Add | Clamp | Freeze | Apply


@dataclass(frozen=True)
class Change:
    """One gate or state of one level and direction, at some steps of a call."""

    name: str
    places: Mapping[int, int]  # step -> its number among those that were chosen
    rule: Rule
    rows: Tensor | None  # (B',) rows of the batch; None: all
    units: Tensor | None  # (U,); None: all

    def at(self, step: int, rows: int) -> Part | None:
        """What is changed of a step that so many sequences have."""
        place = self.places.get(step)
        if place is None:
            return None
        if self.rows is None:
            return Part(self.rule, Spot(place, None), None, self.units)
        present = torch.nonzero(self.rows < rows).flatten()
        return Part(self.rule, Spot(place, present), self.rows[present], self.units)


@dataclass(frozen=True)
class Part:
    """The rows and units of a step's value (B, H) that a rule changes."""

    rule: Rule
    spot: Spot
    rows: Tensor | None
    units: Tensor | None

    def of(self, whole: Tensor) -> Tensor:
        part = whole if self.rows is None else whole[self.rows]
        return part if self.units is None else part[:, self.units]

    def into(self, whole: Tensor, part: Tensor) -> Tensor:
        if self.rows is None and self.units is None:
            return part
        rows = torch.arange(len(whole)) if self.rows is None else self.rows
        units = torch.arange(whole.shape[1]) if self.units is None else self.units
        return whole.index_put((rows[:, None], units[None]), part)

    def changed(self, old: Tensor, before: Tensor | None) -> Tensor:
        previous = None if before is None else self.of(before)
        return self.into(old, self.rule.value(self.of(old), previous, self.spot))

    def memory(self, memory: Memory, old: Tensor, new: Tensor) -> Memory:
        part = Memory(self.of(memory.kept), self.of(memory.written))
        part = self.rule.memory(part, self.of(old), self.of(new), self.spot)
        return Memory(self.into(memory.kept, part.kept), self.into(memory.written, part.written))


class Hands:
    """Put changed values in the place of those that one step computes (see ``reference.step``)."""

    def __init__(
        self,
        cell: Cell,
        changes: Sequence[Change],
        step: int,
        before: Mapping[str, Tensor],
        share: Any = 0.0,
    ) -> None:
        self.cell, self.changes, self.step, self.before = cell, changes, step, before
        self.share = share  # of the memory that zoneout keeps, (B, H) or a number
        self.gates: dict[str, Tensor] = {}
        self.memory: Memory | None = None  # where the memory itself was changed

    def __call__(self, name: str, value: Tensor) -> Tensor:
        carried = self.cell.keeps is not None and name == memory_of(self.cell)
        memory = self._as_computed() if carried else None
        touched = False
        for change in self.changes:
            if change.name != name:
                continue
            part = change.at(self.step, len(value))
            if part is None:
                continue
            before = self._before(name, value)
            new, touched = part.changed(value, before), True
            memory = None if memory is None else part.memory(memory, value.detach(), new.detach())
            value = new
        if name in self.cell.gates:
            self.gates[name] = value
        if carried and touched:
            self.memory = memory
        return value

    def _before(self, name: str, value: Tensor) -> Tensor | None:
        """After the step before; a sequence that a reverse run meets here has its own."""
        before = self.before.get(name)
        if before is None or len(before) >= len(value):
            return None if before is None else before[: len(value)]
        return torch.cat([before, value[len(before) :]])

    def _as_computed(self) -> Memory:
        assert self.cell.keeps is not None
        assert self.cell.writes is not None
        gates = {name: gate.detach() for name, gate in self.gates.items()}
        kept, share = gates[self.cell.keeps], self.share
        return Memory(share + (1 - share) * kept, (1 - share) * self.cell.writes(gates))


def memory_of(cell: Cell) -> str:
    """The state that is the memory."""
    return "cell" if cell.has_cell else "hidden"


Changes = Mapping[tuple[int, int], Sequence[Change]]  # by level and direction


def merged(asked: Sequence[Changes]) -> Changes | None:
    """What several ask for, in this order; None if nobody asks for anything."""
    found: dict[tuple[int, int], list[Change]] = defaultdict(list)
    for one in asked:
        for place, changes in one.items():
            found[place] += changes
    return dict(found) or None


CHANGES: ContextVar[Changes | None] = ContextVar("carrousel_changes", default=None)


@contextmanager
def changing(changes: Changes | None) -> Iterator[None]:
    """A block in which calls of layers are changed in this way, or in none."""
    token = CHANGES.set(changes)
    try:
        yield
    finally:
        CHANGES.reset(token)


def changes() -> Changes | None:
    """Those of the call that is running; never inside compiled code."""
    return None if torch.compiler.is_compiling() else CHANGES.get()
