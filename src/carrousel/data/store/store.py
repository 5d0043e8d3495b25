"""``Store``: series in files of their own, values one after the other, mapped into memory."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ...storage.plain import parsed, restored
from ..frequency import Frequency
from ..mapped import mapped
from ..panel import Panel
from .columns import Names, digest_of, piece

FORMAT = 1
META = "store.json"
TOGETHER = 512  # series that a block is made of a multiple of: what a network is shown at once
MOST_SERIES = 8192  # in a block
MOST_VALUES = 1 << 22  # in a block, unless so few series as are shown at once have more


@dataclass(frozen=True)
class Broken:
    """What was left out of a store: a file, or a series."""

    kind: str  # "file", "series" or "rows"
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}: {self.reason}"


@dataclass(frozen=True)
class Description:
    """What a store says of itself; ``files`` are lengths and digests, by name."""

    format: int
    source: str
    series: int
    values: int
    dtype: str
    text: bool  # whether names are text
    dated: bool
    freq: Frequency
    id_col: str
    time_col: str
    target_col: str
    time_zone: str | None
    notes: tuple[str, ...]
    broken: tuple[Broken, ...]
    files: dict[str, dict[str, Any]]


class Store:
    """Series of a folder that ``open_store`` made; it is never changed.

    Attributes:
        description: What it holds, what was found when it was made (``notes``) and what was left
            out (``broken``).
        offsets: (S+1,) where each series begins in the file of values.
        blocks: (n+1,) block ``i`` holds the series ``blocks[i]`` to ``blocks[i+1]``: cut by the
            lengths of series alone, so that every process and every machine has the same.
    """

    lock: IO[bytes] | None  # held as long as nobody else would find the store

    def __init__(self, folder: str | Path, verify: bool = True) -> None:
        """``verify``: compare every byte with its digest (workers leave that to who began)."""
        self.folder, self.lock = Path(folder), None
        try:
            data = parsed((self.folder / META).read_bytes())
            self.description = restored(Description, data, "store")
        except (OSError, ValueError) as error:
            raise ValueError(f"{folder}: it is no store of series: {error}") from None
        if self.description.format != FORMAT:
            raise ValueError(f"{folder}: a store of format {self.description.format}; remove it")
        self._check(verify)
        self.offsets: NDArray[np.int64] = mapped(self.folder / "offsets.bin", "<i8")
        self.ids = Names.of(self.folder, self.description.text)

    def __reduce__(self) -> Any:
        """For another process, which opens the same files and cuts the same blocks."""
        return _opened, (self.folder.absolute(), self.blocks)

    def __repr__(self) -> str:
        return f"Store({str(self.folder)!r}: {self.n_series:,} series, {self.n_values:,} values)"

    @property
    def n_series(self) -> int:
        return self.description.series

    @property
    def n_values(self) -> int:
        return self.description.values

    @property
    def notes(self) -> list[str]:
        return list(self.description.notes)

    @property
    def broken(self) -> tuple[Broken, ...]:
        return self.description.broken

    @property
    def n_blocks(self) -> int:
        return len(self.blocks) - 1

    @cached_property
    def identity(self) -> str:
        """A digest of what is in it: equal for equal series, wherever and whenever it was made."""
        d = self.description
        told = [d.dtype, d.dated, asdict(d.freq), d.time_zone, d.id_col, d.time_col, d.target_col]
        text = repr([*told, sorted((name, f["sha256"]) for name, f in d.files.items())])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def blocks(self) -> NDArray[np.int64]:
        return cut_in_blocks(np.asarray(self.offsets))

    def block(self, i: int) -> Panel:
        """The series of block ``i``, in memory."""
        if not 0 <= i < self.n_blocks:
            raise IndexError(f"block must be 0 to {self.n_blocks - 1}, got {i}")
        return self.between(int(self.blocks[i]), int(self.blocks[i + 1]))

    def between(self, first: int, last: int) -> Panel:
        """The series ``first`` to ``last`` (exclusive), in memory."""
        offsets = self.offsets[first : last + 1].astype(np.int64)
        y = piece(self.folder / "values.bin", self.description.dtype, offsets[0], offsets[-1])
        start = piece(self.folder / "start.bin", "<i8", first, last)
        return self._panel(y, offsets - offsets[0], self.ids[first:last], start)

    def panel(self) -> Panel:
        """All series, mapped: for training, which reads a few windows of them at a time."""
        y = mapped(self.folder / "values.bin", self.description.dtype)
        start = piece(self.folder / "start.bin", "<i8", 0, self.n_series)
        return self._panel(y, np.array(self.offsets), self.ids, start)

    def sample(self) -> Panel:
        """A panel like those of the store without a series."""
        none = np.zeros(0, np.int64)
        return self._panel(none.astype(self.description.dtype), np.zeros(1, np.int64), [], none)

    def _panel(self, y: NDArray, offsets: NDArray, ids: Sequence[Any], start: NDArray) -> Panel:
        d = self.description
        return Panel(
            y=y,
            offsets=offsets,
            ids=ids,  # type: ignore[arg-type]
            start=start.astype("M8[us]") if d.dated else start,
            freq=d.freq,
            id_col=d.id_col,
            time_col=d.time_col,
            target_col=d.target_col,
            time_zone=d.time_zone,
        )

    def remove(self) -> None:
        """Delete its files; it can be made again from its source."""
        if self.lock is not None:
            self.lock.close()
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def _check(self, verify: bool) -> None:
        for name, told in self.description.files.items():
            path = self.folder / name
            size = os.path.getsize(path) if path.exists() else -1
            wrong = size != told["bytes"] or (verify and digest_of(path) != told["sha256"])
            if wrong:
                raise ValueError(f"{path}: it is not as it was written; remove the store")


def cut_in_blocks(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n+1,) cuts between blocks of at most ``MOST_SERIES`` whole series and, as far as that can
    be, ``MOST_VALUES`` values; of a multiple of ``TOGETHER`` series, or where these have too many
    values of a half, a quarter ... of it.

    >>> cut_in_blocks(np.arange(20_001) * 100).tolist()
    [0, 8192, 16384, 20000]
    >>> cut_in_blocks(np.arange(1001) * 20_000).tolist()
    [0, 128, 256, 384, 512, 640, 768, 896, 1000]
    """
    series, unit = len(offsets) - 1, TOGETHER
    while unit > 1 and _most(offsets, unit) > MOST_VALUES:
        unit //= 2
    edges = np.append(np.arange(0, series, unit), series)
    cuts = [0]
    for k in range(1, len(edges)):
        full = edges[k] - cuts[-1] > MOST_SERIES
        full = full or offsets[edges[k]] - offsets[cuts[-1]] > MOST_VALUES
        if full and edges[k - 1] > cuts[-1]:
            cuts.append(int(edges[k - 1]))
    return np.array([*cuts, series] if series else [0], np.int64)


def _most(offsets: NDArray[np.int64], unit: int) -> int:
    """Values of so many series side by side, at most."""
    edges = np.append(np.arange(0, len(offsets) - 1, unit), len(offsets) - 1)
    return int(np.diff(offsets[edges]).max(initial=0))


def _opened(folder: Path, blocks: NDArray[np.int64]) -> Store:
    store = Store(folder, verify=False)  # who sent it has checked every byte
    store.blocks = blocks
    return store
