"""The record: gates, states and gradients of one call of one recurrent layer."""

import weakref
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ..ops.changes import Change
from ..ops.tape import BOOKS
from ..ops.written import of_kind, short
from ..plottable import Plottable
from .sources import Source


@dataclass(frozen=True)
class Info:
    """What a record is of: the layer's name in the model, its kind and its shape."""

    name: str
    call: int  # 0 for the first call of this layer in the block
    kind: str  # a name in ops/cells.py, or of a written cell (ops/written.py)
    num_layers: int
    num_directions: int
    first_step: int  # 0 unless only some steps were kept

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Record(Plottable, picture="carrousel.plots:plot_record"):
    """Gates, states and gradients of one call of one recurrent layer.

    Arrays are ``(L*D, T, B, H)``: level and direction as in torch's ``h_n`` (level 0 forward,
    level 0 reverse, level 1 forward, ...), step, sequence, unit. Index 0 of T is the first step of
    the sequence whichever direction the layer ran; where a packed sequence has no such step the
    value is NaN. Gates are the values after their sigmoid or tanh.

    Attributes:
        gates: mapping from name to (L*D, T, B, H). LSTM: forget, input, candidate, output. GRU:
            reset, update, candidate. RNN: none. A written cell: its own; and any states beside the
            two below.
        hidden, cell: (L*D, T, B, H). States after each step; ``cell`` is None where there is none.
        initial_hidden, initial_cell: (L*D, B, H). States before the first kept step of each
            direction.
        grad_hidden, grad_cell: (L*D, T, B, H) or None. Total derivatives of the loss by these
            states: dL/dh_t and dL/dc_t through everything that follows. None until ``backward()``
            has passed.
        kept, written: (L*D, T, B, H) or None. Where :func:`carrousel.intervene` changed the memory
            itself: what each step kept of it and what it wrote, ``memory = kept * memory before +
            written``. None where the gates say it.
        inputs: (T, B, I). What the layer was given.
        lengths: (B,). Number of kept steps of each sequence.
    """

    def __init__(
        self,
        info: Info,
        source: Source,
        module: nn.Module | None = None,
    ) -> None:
        self.info = info
        self._source = source
        self._module = (lambda: None) if module is None else weakref.ref(module)

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def call(self) -> int:
        return self.info.call

    @property
    def kind(self) -> str:
        return self.info.kind

    @property
    def module(self) -> nn.Module | None:
        """The layer itself while it lives; None for a record read from a file."""
        return self._module()

    @property
    def gates(self) -> MappingProxyType[str, Tensor]:
        return MappingProxyType({name: self._need(name) for name in of_kind(self.kind).shown})

    @property
    def hidden(self) -> Tensor:
        return self._need("hidden")

    @property
    def cell(self) -> Tensor | None:
        return self._source.array("cell")

    @property
    def initial_hidden(self) -> Tensor:
        return self._need("initial_hidden")

    @property
    def initial_cell(self) -> Tensor | None:
        return self._source.array("initial_cell")

    def state(self, name: str) -> Tensor:
        """The state of this name after each step, (L*D, T, B, H)."""
        return self._need(name)

    def initial(self, name: str) -> Tensor:
        """The state of this name before the first kept step of each direction, (L*D, B, H)."""
        return self._need(f"initial_{name}")

    @property
    def grad_hidden(self) -> Tensor | None:
        return self._source.array("grad_hidden")

    @property
    def grad_cell(self) -> Tensor | None:
        return self._source.array("grad_cell")

    @property
    def changed(self) -> bool:
        """Whether :func:`carrousel.intervene` changed any of it. Of a record that was read from a
        file: whether the memory itself was changed."""
        return self._source.changed

    def changes(self, index: int) -> tuple[Sequence[Change], Tensor] | None:
        """What was changed of entry ``index``, by rows of the call, and which sequence stands at
        each; None of a record that was read from a file."""
        return self._source.changes(index)

    @property
    def kept(self) -> Tensor | None:
        return self._source.array("kept")

    @property
    def written(self) -> Tensor | None:
        return self._source.array("written")

    @property
    def inputs(self) -> Tensor:
        return self._need("inputs")

    @property
    def lengths(self) -> Tensor:
        return self._source.lengths()

    @property
    def steps(self) -> range:
        """The positions in the sequence of the kept steps."""
        first = self.info.first_step
        return range(first, first + self.hidden.shape[1])

    @property
    def present(self) -> Tensor:
        """(T, B) bool: whether the sequence has this step."""
        return torch.arange(self.hidden.shape[1])[:, None] < self.lengths

    def reverse(self, index: int) -> bool:
        """Whether entry ``index`` of the first axis ran from the end of the sequence."""
        return self.info.num_directions == 2 and index % 2 == 1

    def arrays(self) -> dict[str, Tensor]:
        """Everything there is, by name."""
        states = ("cell", "hidden", "initial_cell", "initial_hidden", "grad_cell", "grad_hidden")
        further = (f"initial_{name}" for name in of_kind(self.kind).further)
        names = (*of_kind(self.kind).shown, *states, *further, *BOOKS, "inputs")
        found = {name: self._source.array(name) for name in names}
        return {name: array for name, array in found.items() if array is not None}

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per level, direction, sequence, step, unit: see :meth:`Records.to_dataframe`."""
        from .table import to_dataframe

        return to_dataframe([self], backend)

    def _need(self, name: str) -> Tensor:
        array = self._source.array(name)
        if array is None:
            raise AttributeError(f"the record of {self.name!r} has no {name!r}")
        return array

    def __repr__(self) -> str:
        entries, steps, batch, hidden = self.hidden.shape
        levels, directions = self.info.num_layers, self.info.num_directions
        shape = f"levels={levels}, directions={directions}" if entries > 1 else "levels=1"
        gradients = "yes" if self.grad_hidden is not None else "not yet"
        return (
            f"Record({self.name!r}, call={self.call}, {short(self.kind)}, {shape}, steps={steps}, "
            f"sequences={batch}, units={hidden}, gradients={gradients})"
        )
