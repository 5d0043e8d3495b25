"""From a call of a layer, and the runs that it left on the tape, to its record."""

import weakref
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from carrousel.ops.tape import Run
from carrousel.record.record import Info, Record
from carrousel.record.rows import crop_rows
from carrousel.record.sources import ChainSource, Excerpt, TapeSource


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
        if not self._output_rows.requires_grad:
            # Nothing keeps the model from changing its output in place, which the run shares.
            for run in self.runs:
                run.hidden = run.hidden.clone()

    @property
    def is_cell(self) -> bool:
        return isinstance(self.module, nn.RNNCellBase)

    @property
    def state(self) -> Tensor | None:
        """The hidden state that the call was given."""
        hx = self.given[1] if len(self.given) > 1 else None
        return hx[0] if isinstance(hx, tuple | list) else hx

    @property
    def new_state(self) -> Tensor:
        """The hidden state that a cell gave."""
        return self.output[0] if isinstance(self.output, tuple) else self.output

    def info(self, name: str, number: int) -> Info:
        directions = 2 if getattr(self.module, "bidirectional", False) else 1
        levels = len(self.runs) // directions
        return Info(name, number, self.runs[0].kind, levels, directions, self._bounds[0])

    def record(self, info: Info) -> Record:
        return Record(info, self.source(), self.module)

    def source(self) -> TapeSource:
        start, stop = self._bounds
        device, own = self.window.device, self.window.own
        excerpts = [Excerpt.of(run, start, stop, device, own) for run in self.runs]
        return TapeSource(excerpts, self._input_rows(), self.runs[0].h0.shape[0], self._order)

    @cached_property
    def _bounds(self) -> tuple[int, int]:
        steps = len(self.runs[0].batch_sizes)
        if self.is_cell:
            return 0, steps
        start, stop, _ = self.window.steps.indices(steps)
        return start, max(start, stop)

    @property
    def _order(self) -> Tensor | None:
        given = self.given[0]
        return given.sorted_indices if isinstance(given, PackedSequence) else None

    @property
    def _output_rows(self) -> Tensor:
        rows = self.output if isinstance(self.output, Tensor) else self.output[0]
        return rows.data if isinstance(rows, PackedSequence) else rows

    def _input_rows(self) -> Tensor:
        """The kept part of the input as rows (N, I)."""
        given = self.given[0]
        if isinstance(given, PackedSequence):
            rows = given.data
        elif given.dim() == 3:
            rows = (given.transpose(0, 1) if self.module.batch_first else given).flatten(0, 1)
        else:
            rows = given.reshape(-1, given.shape[-1])
        start, stop = self._bounds
        sizes, device = self.runs[0].batch_sizes, self.window.device
        if stop - start < len(sizes):
            rows = crop_rows(rows, sizes, start, stop)
        rows = rows.detach()
        return rows if device is None else rows.to(device)


class Chain:
    """Calls of a cell, each given the state that the one before gave: one record of many steps."""

    def __init__(self, info: Info, first: Call) -> None:
        self._source = ChainSource([])
        self.record = Record(info, self._source, first.module)
        self.append(first)

    def continues_with(self, call: Call) -> bool:
        return call.state is not None and call.state is self._last()

    def append(self, call: Call) -> None:
        self._source.links.append(call.source())
        self._last = weakref.ref(call.new_state)
