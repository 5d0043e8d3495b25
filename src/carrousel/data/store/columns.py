"""Columns of numbers and of names as plain files: written piece by piece, mapped when read."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..mapped import mapped

AT_ONCE = 1 << 22  # bytes


class Writer:
    """A new file that arrays are added to; ``close`` gives its length and digest."""

    def __init__(self, path: Path, dtype: Any) -> None:
        self.path, self.dtype = path, np.dtype(dtype).newbyteorder("<")
        self._file, self._digest, self.count = path.open("xb"), hashlib.sha256(), 0

    def add(self, values: Any) -> None:
        """Write an array (or bytes, of a column of bytes) behind what is there."""
        if isinstance(values, bytes):
            values = np.frombuffer(values, np.uint8)
        content = np.ascontiguousarray(values, self.dtype).view(np.uint8).data
        self._file.write(content)
        self._digest.update(content)
        self.count += len(values)

    def close(self) -> dict[str, Any]:
        """What is checked when the column is opened."""
        self._file.close()
        return {"bytes": self.count * self.dtype.itemsize, "sha256": self._digest.hexdigest()}

    def widened(self, dtype: Any) -> "Writer":
        """The same column with larger numbers."""
        self._file.close()
        wider = Writer(self.path.with_suffix(".wider"), dtype)
        step = AT_ONCE // self.dtype.itemsize
        for at in range(0, self.count, step):
            wider.add(piece(self.path, self.dtype, at, min(at + step, self.count)))
        wider._file.flush()
        wider.path.replace(self.path)
        wider.path = self.path
        return wider


def piece(path: Path, dtype: Any, start: int, stop: int) -> NDArray:
    """The numbers ``start`` to ``stop`` of a column, in memory."""
    size = np.dtype(dtype).itemsize
    found = np.fromfile(path, dtype, stop - start, offset=start * size)
    if len(found) != stop - start:
        raise ValueError(f"{path}: it is shorter than it was; remove the store")
    return found


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while content := file.read(AT_ONCE):
            digest.update(content)
    return digest.hexdigest()


class Names(Sequence[Any]):
    """The names of series, read from their file when they are asked for: text, or whole numbers."""

    def __init__(self, text: NDArray | None, ends: NDArray) -> None:
        self._text, self._ends = text, ends

    @classmethod
    def of(cls, folder: Path, text: bool) -> "Names":
        """Those of a store."""
        if not text:
            return cls(None, mapped(folder / "ids.bin", "<i8"))
        return cls(mapped(folder / "ids.bin", np.uint8), mapped(folder / "id_ends.bin", "<i8"))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, which: int) -> Any: ...
    @overload
    def __getitem__(self, which: slice) -> list[Any]: ...
    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            return [self._at(k) for k in range(start, stop, step)]
        return self._at(range(len(self))[which])

    def _at(self, k: int) -> Any:
        if self._text is None:
            return int(self._ends[k])
        start = int(self._ends[k - 1]) if k else 0
        return self._text[start : int(self._ends[k])].tobytes().decode()
