"""Arrays that stay in their files: read where they are used, and let go of afterwards."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 1 << 21  # values


def mapped(path: Path, dtype: Any) -> NDArray:
    """A column that is read from its file where it is used; nothing can write to it."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return np.zeros(0, dtype)
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype)


def give_back(values: NDArray) -> None:
    """Let go of the memory of a mapped column: what was read is read again when it is needed. Of
    other arrays nothing happens."""
    base: Any = values
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)


def pieces(values: NDArray) -> Iterator[NDArray]:
    """An array piece by piece, so that no more of it is in memory at a time.

    >>> [len(part) for part in pieces(np.zeros(AT_ONCE + 1))]
    [2097152, 1]
    """
    for at in range(0, len(values), AT_ONCE):
        yield values[at : at + AT_ONCE]
        give_back(values)
