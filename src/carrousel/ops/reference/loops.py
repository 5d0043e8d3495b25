"""A layer as the loop over its steps that the kernels replace, in plain torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

StepFunction = Callable[..., Any]  # of x, h, c, weights and a hand, to h, c or None, and gates
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
    equations: StepFunction | None = None

    @property
    def cell(self) -> Cell:
        return cells.BY_MODE[self.mode]

    def __call__(
        self, first: int, x: Tensor, states: States, hand: Hand = untouched
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The states after a step whose rows begin at ``first``, and its gates by their names.

        x (B, I). What ``hand`` changes is what is carried on: behind projection and zoneout.
        """
        h, c = states[0], states[1] if len(states) > 1 else None
        behind = None
        if self.w_hr is not None or self.noise is not None:
            hand = behind = _Behind(self, first, states, hand)
        if self.equations is not None:
            h, c_t, gates = self.equations(x, h, c, self.weights, hand)
        else:
            read = None if self.noise is None else self.noise.factors(len(x))
            h, c_t, gates = step(self.mode, x, h, c, self.weights, hand, read)
        if self.noise is not None:
            gates = gates | self.noise.books(self.cell, gates, slice(first, first + len(x)))
        if behind is not None and behind.memory is not None:
            c_t = behind.memory
        return [h] if c_t is None else [h, c_t], gates


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
    one: OneStep, x, batch_sizes, h0, c0, reverse=False, insides: list[Inside] | None = None
):
    """All steps of one layer in one direction: the loop that the kernels replace.

    x (N, I) rows time-major, batch_sizes: rows of each step, h0 (B, H or P), c0 (B, H) or None
    -> y (N, H or P), h_n (B, H or P), c_n or None, and the :class:`Run` where a tape is on.
    To ``insides``, where given, gates and states are appended. Of zoneout the memory's share is
    taped as what was kept and written.
    """
    cell, firsts = one.cell, list(accumulate(batch_sizes, initial=0))
    steps = list(zip(x.split(batch_sizes), batch_sizes, strict=True))
    h, c = h0, c0
    outputs: list = [None] * len(steps)
    for t in reversed(range(len(steps))) if reverse else range(len(steps)):
        x_t, rows = steps[t]
        before = [h[:rows]] if c is None else [h[:rows], c[:rows]]
        after, gates = one(firsts[t], x_t, before)
        h_t = after[0]
        c_t: Any = after[1] if len(after) > 1 else None
        outputs[t] = (h_t, c_t, gates)
        h = torch.cat([h_t, h[rows:]])  # rows past the end of their sequence keep their state
        c = None if c is None else torch.cat([c_t, c[rows:]])
    _tape(one.mode, reverse, batch_sizes, outputs, h0, c0)
    y = torch.cat([h_t for h_t, _, _ in outputs])
    if insides is not None:
        memory = None if c0 is None else torch.cat([c_t for _, c_t, _ in outputs])
        gates = {name: torch.cat([g[name] for _, _, g in outputs]) for name in cell.gates}
        insides.append(Inside(y, memory, gates))
    return y, h, c


def single(
    one: OneStep, first: int, x: Tensor, states: States, hand: Hand, insides: list[Inside] | None
) -> list[Tensor]:
    """One step of one direction, taped as by :func:`direction`: x (B, I) -> the states after it."""
    after, gates = one(first, x, states, hand)
    h, c = [*states, None][:2]
    h_t, c_t = [*after, None][:2]
    _tape(one.mode, False, [len(x)], [(h_t, c_t, gates)], h, c)
    if insides is not None:
        assert h_t is not None
        insides.append(Inside(h_t, c_t, {name: gates[name] for name in one.cell.gates}))
    return after


def _tape(mode, reverse, batch_sizes, outputs, h0, c0):
    so_far = tape()
    if so_far is None:
        return
    hidden, memory, gates = zip(*outputs, strict=True)
    run = Run(
        kind=cells.BY_MODE[mode].name,
        reverse=reverse,
        batch_sizes=torch.tensor(batch_sizes),
        hidden=_rows(hidden),
        cell=_rows(memory) if c0 is not None else None,
        gates={name: _rows([g[name] for g in gates]) for name in gates[0]},
        h0=h0.detach().clone(),
        c0=None if c0 is None else c0.detach().clone(),
    )
    so_far.append(run)
    if hidden[0].requires_grad:
        collect(run, "grad_hidden", hidden)
    if c0 is not None and memory[0].requires_grad:  # not where a hand has set all of it
        collect(run, "grad_cell", memory)


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


def layer(
    mode,
    x,
    batch_sizes,
    h0,
    c0,
    weights,
    w_hr=None,
    insides: list[Inside] | None = None,
    noise: Sequence[Noise] | None = None,
    equations: StepFunction | None = None,
):
    """One layer, one direction or both: h0, c0 (D, B, H), weights: 2 or 4 tensors per direction.

    x (T, B, I) or rows (N, I) -> y (T, B, D*H) or (N, D*H), h_n, c_n (D, B, H), or c_n None
    """
    per = len(weights) // h0.shape[0]
    rows = x.reshape(-1, x.size(-1))  # (N, I)
    parts = []
    for d in range(h0.shape[0]):
        own = weights[d * per : (d + 1) * per]
        cell = None if c0 is None else c0[d]
        projection = None if w_hr is None else w_hr[d]
        one = OneStep(mode, own, projection, None if noise is None else noise[d], equations)
        parts.append(direction(one, rows, batch_sizes, h0[d], cell, d == 1, insides))
    y, h_n, c_n = zip(*parts, strict=True)
    whole = torch.cat(y, -1)
    whole = whole.view(*x.shape[:-1], whole.size(-1))
    return whole, torch.stack(h_n), None if c0 is None else torch.stack(c_n)
