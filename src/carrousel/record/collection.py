"""Records in the order in which the layers were called; to a table, to a file and back."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..showing import Shown
from ..storage.checkpoint import load_checkpoint, save_checkpoint
from .record import Record
from .stored import prefix, stored_record

_KIND = "trace 1"


class Records(Shown):
    """Records, found by the layer's name in the model, by name and call, or by order of call.

    >>> import torch, carrousel
    >>> model = torch.nn.ModuleDict({"encoder": torch.nn.GRU(1, 2)})
    >>> with carrousel.trace(model) as trace:
    ...     for steps in (3, 5):
    ...         _ = model["encoder"](torch.zeros(steps, 1, 1))
    >>> trace["encoder"].hidden.shape[1]  # by name: the last call
    5
    >>> trace["encoder", 0].hidden.shape[1]  # the first of several calls
    3
    >>> trace[-1].hidden.shape[1]  # the layer that was called last
    5
    """

    def __init__(self, records: list[Record] | None = None) -> None:
        self.records: list[Record] = [] if records is None else records

    @property
    def names(self) -> list[str]:
        """Names of the layers that were called, each once, in order of their first call."""
        return list(dict.fromkeys(record.name for record in self.records))

    def calls(self, name: str) -> list[Record]:
        """All records of the layer with this name. The end of a name will do if only one has it."""
        known = self.names
        ends = [n for n in known if n == name or n.endswith("." + name)]
        exact = name if name in known else ends[0] if len(ends) == 1 else None
        if exact is None:
            raise KeyError(f"no record of a layer {name!r}; there are {known}{self._why(name)}")
        return [record for record in self.records if record.name == exact]

    def _why(self, name: str) -> str:
        """What more can be said of a layer that has no record."""
        return ""

    def __getitem__(self, key: str | int | tuple[str, int]) -> Record:
        if isinstance(key, int):
            return _picked(self.records, key, "records")
        name, call = key if isinstance(key, tuple) else (key, -1)
        if not isinstance(name, str):
            raise TypeError(f"a record's key must be a name, (name, call) or a number, got {key!r}")
        return _picked(self.calls(name), call, f"calls of {name!r}")

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {record!r}" for record in self.records)
        return f"{type(self).__name__}({len(self.records)} records){lines}"

    def _sentences(self) -> list[str]:
        return [repr(record) for record in self.records]

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per layer, call, level, direction, sequence, step and unit.

        Columns: ``layer, call, level, direction, sequence, step, unit``, then the gates, ``cell``,
        ``hidden`` and, after backward, ``grad_cell`` and ``grad_hidden``; what a kind of layer does
        not have is null. ``backend``: "polars", "pandas" or "pyarrow".
        """
        from .table import to_dataframe

        return to_dataframe(self.records, backend)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write every array to a safetensors file; :func:`load_trace` reads it back.

        Keys are ``name/call/quantity`` (``encoder.rnn/0/forget``), shapes those of
        :class:`Record`; any safetensors reader understands the file.
        """
        tensors, infos = {}, []
        for record in self.records:
            beginning = prefix(record.info)
            infos.append(record.info.to_dict())
            tensors[beginning + "lengths"] = record.lengths
            for name, array in record.arrays().items():
                tensors[beginning + name] = array.cpu()
        save_checkpoint(Path(path), tensors, {"kind": _KIND, "records": infos})


def _picked(records: list[Record], number: int, what: str) -> Record:
    if not -len(records) <= number < len(records):
        raise IndexError(f"there is no record {number}: {len(records)} {what} were recorded")
    return records[number]


def load_trace(path: str | os.PathLike[str]) -> Records:
    """Read what ``trace.save(path)`` wrote. Loading runs no code from the file.

    Raises ``ValueError`` if the file is damaged, was changed, or is of another kind.

    >>> import tempfile, torch, carrousel
    >>> lstm = carrousel.LSTM(2, 4)
    >>> with carrousel.trace(lstm) as trace:
    ...     _ = lstm(torch.randn(5, 1, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trace.save(f"{folder}/run")
    ...     records = carrousel.load_trace(f"{folder}/run")
    >>> torch.equal(records[0].cell, trace[0].cell)
    True
    """
    tensors, data = load_checkpoint(Path(path))
    entries = data.get("records")
    if data.get("kind") != _KIND or not isinstance(entries, list):
        raise ValueError(f"path={str(path)!r} holds no trace; Trace.save writes one")
    try:
        return Records([stored_record(entry, tensors) for entry in entries])
    except ValueError as error:
        raise ValueError(f"path={str(path)!r} holds no trace: {error}") from error
