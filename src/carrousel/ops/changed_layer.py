"""One recurrent layer of which some steps are changed.

The kernels run up to a changed step and on from the state after it; the step itself is made by the
equations, into which the changed values are put. A layer of 512 steps of which three are touched
therefore takes three steps of Python, and gradients flow through all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

import torch
from torch import Tensor

from . import gate, layer, recurrence, reference
from .autograd import batch_sizes
from .cells import Cell
from .changes import Change, Freeze, Hands
from .inside import Inside, joined, reordered
from .joined import Joined, Piece
from .noise import Noise
from .recurrence import Call, Given
from .reference.equations import Written
from .reference.loops import OneStep
from .reference.recurrences import RuleStep
from .rules import Rule
from .tape import Pieces, tape, taped

States = list[Tensor]  # hidden first: of one direction (B, ...) each


@dataclass(frozen=True)
class Span:
    """Steps of one direction that nobody changes, by their rows (N, ...) in the order of time."""

    rows: slice
    sizes: list[int]
    turn: Tensor | None  # where rows stand that are read from the end

    def of(self, rows: Tensor) -> Tensor:
        part = rows[self.rows]
        return part if self.turn is None else part[self.turn]

    @property
    def offsets(self) -> Tensor | None:
        """None where all steps have as many rows."""
        whole = self.sizes[-1] == self.sizes[0]
        return None if whole else torch.tensor([0, *self.sizes]).cumsum(0)


class Direction(Protocol):
    """One direction of one level over rows (N, ...), time-major."""

    @property
    def cell(self) -> Cell: ...

    def straight(
        self, span: Span, states: States, insides: list[Inside] | None
    ) -> tuple[Tensor, States]:
        """Its output (N, P) and the states after it, by whoever computes the call."""

    def share(self, rows: slice) -> Any:
        """How much of the memory stays where it is, of these rows (zoneout)."""

    def single(
        self, rows: slice, states: States, hands: Hands, insides: list[Inside] | None
    ) -> States:
        """The states after one step, with changes put into it."""


@dataclass(frozen=True)
class OfLayer:
    """A direction of RNN, LSTM or GRU; ``rule``: of the kernel that runs it, where one does that
    puts something between its steps."""

    one: OneStep
    rows: Tensor
    way: str
    rule: Rule | None = None
    peepholes: bool = False

    @property
    def cell(self) -> Cell:
        return self.one.cell

    @property
    def _between(self) -> bool:
        return self.one.noise is not None or self.one.equations is not None

    def straight(
        self, span: Span, states: States, insides: list[Inside] | None
    ) -> tuple[Tensor, States]:
        x, offsets, one = span.of(self.rows), span.offsets, self.one
        if offsets is None:
            x = x.reshape(len(span.sizes), span.sizes[0], -1)
        start = [state[None] for state in states]
        two = layer.as_two(start)
        noise = None if one.noise is None else [one.noise.part(_index(span), span.sizes[0])]
        weights, w_hr = list(one.weights), None if one.w_hr is None else [one.w_hr]
        after: Sequence[Tensor | None]
        if self.rule is not None and insides is None and self.way is gate.KERNELS:
            peepholes = self.peepholes
            y, *after = recurrence.layer(self.rule, x, offsets, *two, weights, noise, peepholes)
        elif self._between:
            plain = (one.mode, x, offsets, start, weights, w_hr, insides)
            y, after = layer.by_equations(*plain, noise, one.equations)
        else:
            y, *after = layer.run(one.mode, x, offsets, *two, weights, self.way, w_hr, insides)
        return y.reshape(-1, y.size(-1)), [state[0] for state in after if state is not None]

    def share(self, rows: slice) -> Any:
        return 0.0 if self.one.noise is None else self.one.noise.of_memory(self.cell, rows)

    def single(
        self, rows: slice, states: States, hands: Hands, insides: list[Inside] | None
    ) -> States:
        x = self.rows[rows]
        return reference.single(self.one, rows.start, x, states, hands, insides)


@dataclass(frozen=True)
class OfRule:
    """A direction of a cell that torch lacks; ``call`` without offsets, and not in reverse."""

    call: Call
    given: Given
    way: str

    @property
    def cell(self) -> Cell:
        return self.call.rule.cell

    def straight(
        self, span: Span, states: States, insides: list[Inside] | None
    ) -> tuple[Tensor, States]:
        call = replace(self.call, offsets=span.offsets)
        given: Given = (span.of(self.given[0]), torch.stack(states), *self.given[2:])
        if insides is None:
            y, after = recurrence.run(call, given, self.way)
        else:
            y, after = recurrence.opened(call, given, insides)
        return y, list(after)

    def share(self, rows: slice) -> Any:
        return 0.0

    def single(
        self, rows: slice, states: States, hands: Hands, insides: list[Inside] | None
    ) -> States:
        given: Given = (self.given[0][rows], torch.stack(states), *self.given[2:])
        made = RuleStep(self.call.rule, weight=given[2])(0, given[0], states, hands)
        return recurrence.changed(self.call, given, made, insides)


def _index(span: Span) -> Tensor | slice:
    """Which rows of the whole, and in which order."""
    if span.turn is None:
        return span.rows
    return torch.arange(span.rows.start, span.rows.stop)[span.turn]


def of_layer(
    given: tuple[Any, ...],
    changes: Sequence[Sequence[Change]],
    insides: list[Inside] | None = None,
    noise: Sequence[Noise] | None = None,
    equations: Written | None = None,
    rule: Rule | None = None,
    peepholes: bool = False,
) -> tuple[Tensor, States]:
    """One level of RNN, LSTM or GRU with the changes of each direction; ``given`` as of
    :func:`carrousel.ops.layer.run`, with all states (D, B, H) in the place of h0 and c0, and what
    comes back as of :func:`carrousel.ops.layer.by_equations`."""
    mode, x, offsets, states, weights, way, w_hr = given
    count = len(states[0])
    rows, per = x.reshape(-1, x.size(-1)), len(weights) // count
    directions, start = [], []
    for d in range(count):
        own = weights[d * per : (d + 1) * per]
        projection, one = None if w_hr is None else w_hr[d], None if noise is None else noise[d]
        step = OneStep(mode, own, projection, one, equations)
        directions.append(OfLayer(step, rows, way, rule, peepholes))
        start.append([state[d] for state in states])
    y, last = run(directions, batch_sizes(x, offsets), start, changes, insides)
    return y.view(*x.shape[:-1], -1), [torch.stack(one) for one in zip(*last, strict=True)]


def of_rules(
    calls: Sequence[tuple[Call, Given, str]],
    changes: Sequence[Sequence[Change]],
    insides: list[Inside] | None,
) -> tuple[Tensor, list[Tensor]]:
    """One level of a cell that torch lacks: y (N, D*H), the last states (S, B, H) of each
    direction."""
    first, given, _ = calls[0]
    directions = [
        OfRule(replace(call, offsets=None, reverse=False), own, way) for call, own, way in calls
    ]
    start = [list(own[1]) for _, own, _ in calls]
    y, last = run(directions, first.sizes(given), start, changes, insides)
    return y, [torch.stack(states) for states in last]


def run(
    directions: Sequence[Direction],
    sizes: list[int],
    start: Sequence[States],
    changes: Sequence[Sequence[Change]],
    insides: list[Inside] | None,
) -> tuple[Tensor, list[States]]:
    """One level, of whose directions some are changed: y (N, D*P) and the states after each.

    sizes: rows of each step; start: the states (B, ...) from which each begins. What is looked at
    goes to the tape, and gates and states to ``insides`` where they are asked for.
    """
    looking, outputs, last = tape(), [], []
    for d, (direction, own) in enumerate(zip(directions, changes, strict=True)):
        one = _Changed(direction, sizes, own, d == 1, looking is not None, insides is not None)
        y, states, made, inside = one.run(start[d])
        outputs.append(y)
        last.append(states)
        if looking is not None:
            looking.append(made)
        if insides is not None:
            insides.append(joined(inside))
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1), last


@dataclass(frozen=True)
class _Changed:
    """One direction with its changes."""

    direction: Direction
    sizes: list[int]
    changes: Sequence[Change]
    reverse: bool
    looked_at: bool
    opened: bool  # whether gates and states are asked for

    def run(self, states: States) -> tuple[Tensor, States, Any, list[Inside]]:
        """-> y (N, P), the last states, the run where somebody looks, gates and states where asked
        for."""
        start = states
        outputs: dict[int, Tensor] = {}  # by first step
        pieces: dict[int, Piece] = {}
        before: dict[str, Tensor] = {}
        opened: dict[int, Inside] = {}
        for first, stop, touched in self._spans():
            runs = Pieces() if self.looked_at else None
            insides: list[Inside] | None = [] if self.opened else None
            turn = memory = None
            with taped(runs):
                if touched:
                    y, states, before, memory = self._step(first, states, before, insides)
                else:
                    y, states, turn = self._straight(first, stop, states, insides)
            outputs[first] = y
            if insides:
                opened[first] = reordered(insides[0], turn)
            if runs:
                pieces[first] = Piece(runs[0], turn, memory)
        y = torch.cat([outputs[first] for first in sorted(outputs)])
        made = None
        if pieces:
            ordered = [pieces[first] for first in sorted(pieces)]
            made = Joined.of(ordered, self.reverse, torch.tensor(self.sizes), start)
            made.changes = self.changes
        return y, states, made, [opened[first] for first in sorted(opened)]

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
            if isinstance(change.rule, Freeze) and change.name in self.direction.cell.gates:
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
        self, t: int, states: States, before: dict[str, Tensor], insides: list[Inside] | None
    ) -> tuple[Tensor, States, dict[str, Tensor], dict[str, Tensor] | None]:
        cell, first, n = self.direction.cell, sum(self.sizes[:t]), self.sizes[t]
        rows, found = slice(first, first + n), [state[:n] for state in states]
        known = before | dict(zip(cell.state_names, found, strict=True))
        hands = Hands(cell, self.changes, t, known, self.direction.share(rows))
        after = self.direction.single(rows, found, hands, insides)
        memory = None
        if hands.memory is not None:
            memory = {"kept": hands.memory.kept, "written": hands.memory.written}
        return after[0], list(map(_whole, after, states)), hands.gates, memory

    def _straight(
        self, start: int, stop: int, states: States, insides: list[Inside] | None
    ) -> tuple[Tensor, States, Tensor | None]:
        """Steps that nobody changes."""
        sizes, first = self.sizes[start:stop], sum(self.sizes[:start])
        turn = _turned(sizes) if self.reverse else None
        span = Span(slice(first, first + sum(sizes)), sizes, turn)
        y, after = self.direction.straight(span, [state[: sizes[0]] for state in states], insides)
        return (y if turn is None else y[turn]), list(map(_whole, after, states)), turn


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
