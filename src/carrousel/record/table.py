"""Records as a long table: one row per layer, call, level, direction, sequence, step and unit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import narwhals as nw
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ..ops.tape import BOOKS
from ..wording import one_of

_BACKENDS = ("polars", "pandas", "pyarrow")
_GATES = ("forget", "input", "candidate", "output", "reset", "update")
_STATES = ("cell", "hidden", "grad_cell", "grad_hidden")


class Tabular(Protocol):
    """What a table needs to know of a :class:`carrousel.record.Record`, which imports this."""

    @property
    def info(self) -> Any: ...
    @property
    def hidden(self) -> Tensor: ...
    @property
    def present(self) -> Tensor: ...
    def arrays(self) -> dict[str, Tensor]: ...


def to_dataframe(records: Sequence[Tabular], backend: str = "polars") -> Any:
    """See :meth:`carrousel.record.Records.to_dataframe`."""
    if not records:
        raise ValueError("there is no record yet: call the model inside the trace's block")
    present = [_values(record) for record in records]
    found = dict.fromkeys(name for values in present for name in values)
    own = [name for name in found if name not in (*_GATES, *_STATES)]
    names = [name for name in (*_GATES, *own, *_STATES) if name in found]
    tables = [_columns(*pair, names) for pair in zip(records, present, strict=True)]
    data = {key: np.concatenate([table[key] for table in tables]) for key in tables[0]}
    frame = from_columns(data, backend)
    return frame.with_columns(nw.col(*names).fill_nan(None)).to_native()


def from_columns(data: Mapping[str, Any], backend: str) -> nw.DataFrame[Any]:
    """A data frame of the asked kind: "polars", "pandas" or "pyarrow"."""
    one_of("backend", backend, _BACKENDS)
    return nw.from_dict(data, backend=backend)  # type: ignore[arg-type]


def grid(**axes: Iterable[int]) -> dict[str, np.ndarray]:
    """Columns with a row for each combination of numbers, those of the last axis changing first.

    >>> {name: column.tolist() for name, column in grid(a=range(2), b=(5, 7)).items()}
    {'a': [0, 0, 1, 1], 'b': [5, 7, 5, 7]}
    """
    numbers = [np.array(list(axis), np.int64) for axis in axes.values()]
    parts = np.meshgrid(*numbers, indexing="ij")
    return {name: part.ravel() for name, part in zip(axes, parts, strict=True)}


def _values(record: Tabular) -> dict[str, Tensor]:
    """What there is of each step: gates, states, and those of written cells."""
    aside = (*BOOKS, "inputs")
    return {
        name: array
        for name, array in record.arrays().items()
        if name not in aside and not name.startswith("initial_")
    }


def _columns(record: Tabular, values: dict[str, Tensor], names: list[str]) -> dict[str, np.ndarray]:
    units = max(array.shape[-1] for array in values.values())
    shape = (*record.hidden.shape[:3], units)
    keep = np.broadcast_to(record.present.numpy()[None, :, :, None], shape)
    index = np.nonzero(keep.transpose(0, 2, 1, 3))  # entry, sequence, step, unit
    directions = record.info.num_directions
    columns = {
        "layer": np.full(len(index[0]), record.info.name, dtype=object),
        "call": np.full(len(index[0]), record.info.call),
        "level": index[0] // directions,
        "direction": np.array(["forward", "reverse"], dtype=object)[index[0] % directions],
        "sequence": index[1],
        "step": index[2] + record.info.first_step,
        "unit": index[3],
    }
    for name in names:
        columns[name] = _flat(values.get(name), index, units)
    return columns


def _flat(array: Tensor | None, index: tuple[np.ndarray, ...], units: int) -> np.ndarray:
    if array is None:
        return np.full(len(index[0]), np.nan, dtype=np.float32)
    values = array.detach().cpu()
    values = values if values.dtype == torch.float64 else values.float()
    if array.shape[-1] < units:  # proj_size: the hidden state has fewer units than the cell
        values = pad(values, (0, units - array.shape[-1]), value=float("nan"))
    entry, sequence, step, unit = index
    return values.numpy()[entry, step, sequence, unit]
