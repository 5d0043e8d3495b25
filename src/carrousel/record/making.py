"""From a call of a layer, and the runs that it left on the tape, to its record."""

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..ops.tape import Run, copied
from .record import Info, Record
from .rows import crop_rows
from .sources import ChainSource, Excerpt, TapeSource


@dataclass(frozen=True)
class Window:
    """What of each run is kept: which steps, on which device; ``own``: nobody else reads it."""

    steps: slice
    device: str | None
    own: bool


@dataclass(frozen=True)
class Call:
    """One call of a recurrent layer or cell: what it was given, gave, and left on the tape."""

    module: nn.Module
    given: tuple[Any, ...]  # input and, or not, hx
    output: Any
    runs: list[Run]
    window: Window

    def __post_init__(self) -> None:
        # What went to the caller, or came from there, may be written to again: a stream's state in
        # one buffer, dropout in place. The rest of a run nobody else holds.
        rows = self._output_rows
        for run in self.runs:
            if not run.changed:  # what was changed was put together anew
                run.hidden = owned(run.hidden, rows)

    @property
    def is_cell(self) -> bool:
        return isinstance(self.module, nn.RNNCellBase)

    @property
    def states(self) -> tuple[Tensor, ...]:
        """The states that the call was given."""
        hx = self.given[1] if len(self.given) > 1 else None
        return () if hx is None else tuple(hx) if isinstance(hx, tuple | list) else (hx,)

    @property
    def new_states(self) -> tuple[Tensor, ...]:
        """The states that a cell gave."""
        return self.output if isinstance(self.output, tuple) else (self.output,)

    def info(self, name: str, number: int) -> Info:
        directions = 2 if getattr(self.module, "bidirectional", False) else 1
        levels = len(self.runs) // directions
        return Info(name, number, self.runs[0].kind, levels, directions, self._bounds[0])

    def record(self, info: Info) -> Record:
        return Record(info, self.source(), self.module)

    def source(self) -> TapeSource:
        for run in self.runs:
            run.h0 = owned(run.h0, *self.states)
            run.c0 = None if run.c0 is None else owned(run.c0, *self.states)
        start, stop = self._bounds
        device, own = self.window.device, self.window.own
        excerpts = [Excerpt.of(run, start, stop, device, own) for run in self.runs]
        return TapeSource(excerpts, self._input_rows(), self.runs[0].h0.shape[0], self._order)

    @property
    def _bounds(self) -> tuple[int, int]:
        if self.is_cell:
            return 0, 1
        steps = len(self.runs[0].batch_sizes)
        start, stop, _ = self.window.steps.indices(steps)
        return start, max(start, stop)

    @property
    def _order(self) -> Tensor | None:
        given = self.given[0]
        order = given.sorted_indices if isinstance(given, PackedSequence) else None
        return None if order is None else order.clone()

    @property
    def _output_rows(self) -> Tensor:
        rows = self.output if isinstance(self.output, Tensor) else self.output[0]
        return rows.data if isinstance(rows, PackedSequence) else rows

    def _input_rows(self) -> Tensor:
        """The kept part of the input as rows (N, I)."""
        given = self.given[0]
        packed = isinstance(given, PackedSequence)
        lent = rows = (given.data if packed else given).detach()  # first: views of it are no nodes
        if not packed and rows.dim() == 3:
            rows = (rows.transpose(0, 1) if self.module.batch_first else rows).flatten(0, 1)
        elif not packed:
            rows = rows.reshape(-1, rows.shape[-1])
        start, stop = self._bounds
        sizes, device = self.runs[0].batch_sizes, self.window.device
        if stop - start < len(sizes):
            rows = crop_rows(rows, sizes, start, stop)
        rows = rows if device is None else rows.to(device)
        return owned(rows, lent)


def owned(tensor: Tensor, *lent: Tensor) -> Tensor:
    """``tensor``, copied if it lies in the memory of what is ``lent``."""
    shared = any([torch._C._is_alias_of(tensor, other) for other in lent])  # type: ignore[attr-defined]
    return copied(tensor) if shared else tensor


class Chain:
    """Calls of a cell, each given the state that the one before gave: one record of many steps."""

    def __init__(self, info: Info, first: Call) -> None:
        self._source = ChainSource([])
        self.record = Record(info, self._source, first.module)
        self.append(first)

    def continues_with(self, call: Call) -> bool:
        """Whether the states that the call was given are the last ones, as they were then."""
        given, run, last = call.states, call.runs[0], self._run
        if not given or len(given) != len(self._last):
            return False
        handed_on = all(state is known() for state, known in zip(given, self._last, strict=True))
        return handed_on and _same(run.h0, last.hidden) and _same(run.c0, last.cell)

    def go_on(self, call: Call) -> None:
        """Append a call that :meth:`continues_with` has let pass."""
        call.runs[0].h0, call.runs[0].c0 = self._run.hidden, self._run.cell
        self.append(call)

    def append(self, call: Call) -> None:
        self._source.links.append(call.source())
        self._last = [weakref.ref(state) for state in call.new_states]
        self._run = call.runs[0]


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    """Equal in every value, NaN included."""
    if one is None or other is None:
        return one is other
    return torch.equal(one, other) or torch.equal(one.nan_to_num(), other.nan_to_num())
