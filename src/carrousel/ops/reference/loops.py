"""A layer as the loop over its steps that the kernels replace, in plain torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from .. import cells
from ..cells import Cell
from ..inside import Inside
from ..noise import Noise
from ..tape import Run, tape
from .cells import Hand, step, untouched
from .equations import Written

States = Sequence[Tensor]  # hidden, and cell where there is one: (B, P) and (B, H)


@dataclass(frozen=True)
class OneStep:
    """How one level makes a step in one direction: equations, projection, zoneout.

    weights: those of the level and direction; w_hr: the LSTM's projection (Sak et al. 2014);
    equations: a step that somebody wrote, in the place of :func:`.cells.step`.
    """

    mode: str
    weights: Sequence[Tensor]
    w_hr: Tensor | None = None
    noise: Noise | None = None
    equations: Written | None = None

    @property
    def cell(self) -> Cell:
        return cells.BY_MODE[self.mode] if self.equations is None else self.equations.cell

    def __call__(
        self, first: int, x: Tensor, states: States, hand: Hand = untouched
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The states after a step whose rows begin at ``first``, and its gates by their names.

        x (B, I). What ``hand`` changes is what is carried on: behind projection and zoneout.
        """
        behind = None
        if self.w_hr is not None or self.noise is not None:
            hand = behind = _Behind(self, first, states, hand)
        if self.equations is not None:
            after, gates = self.equations(x, states, self.weights, hand)
        else:
            after, gates = self._plain(x, states, hand)
        if self.noise is not None:
            gates = gates | self.noise.books(self.cell, gates, slice(first, first + len(x)))
        if behind is not None and behind.memory is not None:
            after[1] = behind.memory
        return after, gates

    def _plain(
        self, x: Tensor, states: States, hand: Hand
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        h, c = [*states, None][:2]
        read = None if self.noise is None else self.noise.factors(len(x))
        h_t, c_t, gates = step(self.mode, x, h, c, self.weights, hand, read)
        return [h_t] if c_t is None else [h_t, c_t], gates


class _Behind:
    """What is done with the states that the equations of a step give, before a hand gets them.

    The output gate shows the cell state of the step itself, from which zoneout then departs; what a
    hand adds to what is carried on is shown, too.
    """

    def __init__(self, one: OneStep, first: int, before: States, hand: Hand) -> None:
        self.one, self.first, self.before, self.hand = one, first, before, hand
        self.memory: Tensor | None = None

    def __call__(self, name: str, value: Tensor) -> Tensor:
        if name == "hidden":
            if self.one.w_hr is not None:
                value = value @ self.one.w_hr.T
            return self.hand(name, self._zoned(0, value))
        if name == "cell":
            zoned = self._zoned(1, value)
            changed = self.hand(name, zoned)
            # As a view, so that its gradient is that of what is carried on, as everywhere.
            self.memory = changed if zoned is value else changed.view_as(changed)
            if changed is zoned:
                return value
            return changed if zoned is value else value + (changed - zoned)
        return self.hand(name, value)

    def _zoned(self, number: int, value: Tensor) -> Tensor:
        noise = self.one.noise
        if noise is None:
            return value
        return noise.zoned(number, self.first, value, self.before[number])


def direction(
    one: OneStep,
    x: Tensor,
    batch_sizes: Sequence[int],
    start: States,
    reverse: bool = False,
    insides: list[Inside] | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """All steps of one layer in one direction: the loop that the kernels replace.

    x (N, I) rows time-major, batch_sizes: rows of each step, start: the states before the first one
    -> y (N, H or P) and the states after the last, and the :class:`Run` where a tape is on. To
    ``insides``, where given, gates and states are appended. Of zoneout the memory's share is taped
    as what was kept and written.
    """
    firsts = list(accumulate(batch_sizes, initial=0))
    steps = list(zip(x.split(batch_sizes), batch_sizes, strict=True))
    states = list(start)
    made: list[Any] = [None] * len(steps)
    for t in reversed(range(len(steps))) if reverse else range(len(steps)):
        x_t, rows = steps[t]
        after, _ = made[t] = one(firsts[t], x_t, [state[:rows] for state in states])
        # Rows past the end of their sequence keep their state.
        states = [torch.cat([new, old[rows:]]) for new, old in zip(after, states, strict=True)]
    _tape(one.cell, reverse, batch_sizes, made, start)
    if insides is not None:
        insides.append(_inside(one.cell, made))
    return torch.cat([after[0] for after, _ in made]), states


def single(
    one: OneStep, first: int, x: Tensor, states: States, hand: Hand, insides: list[Inside] | None
) -> list[Tensor]:
    """One step of one direction, taped as by :func:`direction`: x (B, I) -> the states after it."""
    made = one(first, x, states, hand)
    _tape(one.cell, False, [len(x)], [made], states)
    if insides is not None:
        insides.append(_inside(one.cell, [made]))
    return made[0]


def _inside(cell: Cell, made: Sequence[Any]) -> Inside:
    """Of the states and gates of each step, those of all."""
    named = _named(cell, [torch.cat(rows) for rows in zip(*[one for one, _ in made], strict=True)])
    gates = {name: torch.cat([gates[name] for _, gates in made]) for name in cell.gates}
    further = {name: named[name] for name in cell.further}
    return Inside(named["hidden"], named.get("cell"), gates | further)


def _named(cell: Cell, states: States) -> dict[str, Tensor]:
    return dict(zip(cell.state_names, states, strict=True))


def _tape(cell: Cell, reverse: bool, batch_sizes: Sequence[int], made: Any, start: States) -> None:
    so_far = tape()
    if so_far is None:
        return
    steps = [_named(cell, after) for after, _ in made]
    first = {name: state.detach().clone() for name, state in _named(cell, start).items()}
    gates = {name: _rows([own[name] for _, own in made]) for name in made[0][1]}
    further = {name: _rows([one[name] for one in steps]) for name in cell.further}
    run = Run(
        kind=cell.name,
        reverse=reverse,
        batch_sizes=torch.tensor(batch_sizes),
        hidden=_rows([one["hidden"] for one in steps]),
        cell=_rows([one["cell"] for one in steps]) if cell.has_cell else None,
        gates=gates | further,
        h0=first["hidden"],
        c0=first.get("cell"),
        starts={name: first[name] for name in cell.further},
    )
    so_far.append(run)
    for name in cell.state_names[: 1 + cell.has_cell]:
        if steps[0][name].requires_grad:  # not where a hand has set all of it
            collect(run, f"grad_{name}", tuple([one[name] for one in steps]))


def _rows(steps) -> Tensor:
    return (steps[0] if len(steps) == 1 else torch.cat(steps)).detach()


def collect(run: Run, name: str, states: tuple[Tensor, ...]) -> None:
    """Let backward write the total gradient of each step's state to the run, when it passes."""
    rows = [len(state) for state in states]

    def fill(number: int, gradient: Tensor) -> None:
        total = getattr(run, name)
        if total is None:
            total = gradient.new_zeros(sum(rows), gradient.size(-1))
            setattr(run, name, total)
        start = sum(rows[:number])
        total[start : start + rows[number]] = gradient.detach()

    for number, state in enumerate(states):
        if state.requires_grad:
            state.register_hook(partial(fill, number))


def level(
    mode: str,
    x: Tensor,
    batch_sizes: Sequence[int],
    start: States,
    weights: Sequence[Tensor],
    w_hr: Sequence[Tensor] | None = None,
    insides: list[Inside] | None = None,
    noise: Sequence[Noise] | None = None,
    equations: Written | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """One layer, one direction or both: states (D, B, H), so many weights for each direction.

    x (T, B, I) or rows (N, I) -> y (T, B, D*H) or (N, D*H), and the states (D, B, H) after it
    """
    count = len(start[0])
    per = len(weights) // count
    rows = x.reshape(-1, x.size(-1))  # (N, I)
    parts = []
    for d in range(count):
        own = weights[d * per : (d + 1) * per]
        projection = None if w_hr is None else w_hr[d]
        one = OneStep(mode, own, projection, None if noise is None else noise[d], equations)
        states = [state[d] for state in start]
        parts.append(direction(one, rows, batch_sizes, states, d == 1, insides))
    outputs, ends = zip(*parts, strict=True)
    whole = torch.cat(outputs, -1)
    whole = whole.view(*x.shape[:-1], whole.size(-1))
    return whole, [torch.stack(states) for states in zip(*ends, strict=True)]


def layer(mode, x, batch_sizes, h0, c0, weights, insides: list[Inside] | None = None):
    """The same of torch's own states: -> y, h_n, c_n (D, B, H), or c_n None."""
    start = [h0] if c0 is None else [h0, c0]
    y, states = level(mode, x, batch_sizes, start, weights, insides=insides)
    return y, states[0], None if c0 is None else states[1]
