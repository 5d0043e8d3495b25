"""Records in a file: what is written of each, and that what is read is one."""

from typing import Any

import torch
from torch import Tensor

from ..ops.tape import BOOKS
from ..ops.written import of_kind
from ..storage.plain import restored
from .record import Info, Record
from .sources import StoredSource

_UNITS = ("hidden", "grad_hidden")  # P of them; gates and cells have H (proj_size)
_OPTIONAL = ("grad_hidden", "grad_cell", *BOOKS)


def prefix(info: Info) -> str:
    return f"{info.name}/{info.call}/"


def stored_record(entry: Any, tensors: dict[str, Tensor]) -> Record:
    """The record that ``entry`` describes, its arrays among the file's ``tensors``.

    Raises:
        ValueError: It is described otherwise than records are, or its arrays are not of one layer.
    """
    info = restored(Info, entry, "record")
    beginning = prefix(info)
    arrays = {k[len(beginning) :]: v for k, v in tensors.items() if k.startswith(beginning)}
    arrays = {name: array for name, array in arrays.items() if "/" not in name}
    _check(info, arrays)
    return Record(info, StoredSource(arrays))


def _check(info: Info, arrays: dict[str, Tensor]) -> None:
    try:
        own = of_kind(info.kind)
    except ValueError as error:
        raise ValueError(f"record {info.name!r} is of no layer: {error}") from None
    if info.num_directions not in (1, 2) or min(info.num_layers, 1 + info.first_step) < 1:
        raise ValueError(f"record {info.name!r} has impossible levels, directions or steps")
    cell = ("cell",) if own.has_cell else ()
    states = (name for state in own.state_names for name in (state, f"initial_{state}"))
    needed = {*own.shown, *states, "inputs", "lengths"}
    known = needed | {name for name in _OPTIONAL if cell or name != "grad_cell"}
    if strange := (needed - arrays.keys()) | (arrays.keys() - known):
        raise ValueError(f"record {info.name!r}: {min(strange)} is missing or too many")
    hidden = arrays["hidden"]
    entries = info.num_layers * info.num_directions
    if hidden.dim() != 4 or len(hidden) != entries:
        raise ValueError(f"record {info.name!r}: hidden has the shape {tuple(hidden.shape)}")
    _, steps, batch, width = hidden.shape
    units = arrays[cell[0]].shape[-1] if cell else width
    for name, array in arrays.items():
        last = width if name in (*_UNITS, "initial_hidden") else units
        shape = {
            "inputs": (steps, batch, array.shape[-1] if array.dim() else 0),
            "lengths": (batch,),
        }.get(name, (entries, batch, last) if name.startswith("initial") else
              (entries, steps, batch, last))  # fmt: skip
        if tuple(array.shape) != shape or array.is_floating_point() == (name == "lengths"):
            raise ValueError(
                f"record {info.name!r}: {name} is {array.dtype} of the shape "
                f"{tuple(array.shape)}, not {shape}"
            )
    lengths = arrays["lengths"]
    if lengths.dtype != torch.int64 or not ((lengths >= 0) & (lengths <= steps)).all():
        raise ValueError(f"record {info.name!r}: lengths are not from 0 to {steps}")
