"""What is scanned: Parquet files of a directory or a glob, or a lazy frame."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape, glob, has_magic
from pathlib import Path
from typing import Any

import polars as pl

from ...storage.files import as_json

PARQUET = (".parquet", ".pq")
AT_ONCE = 1_000_000  # rows
_HIVE = re.compile(r"[^=]+=.*")


class Unreadable(ValueError):
    """A file that cannot be read, or not as the others."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


@dataclass(frozen=True)
class Source:
    """Files in the order of their names, or a lazy frame.

    >>> source = Source.of(pl.LazyFrame({"unique_id": ["a"], "ds": [1], "y": [2.0]}))
    >>> source.names, [rows.rows() for rows in source.scan(source.names[0], ["unique_id", "y"])]
    (('the lazy frame',), [[('a', 2.0)]])
    """

    name: str
    root: Path
    names: tuple[str, ...]  # of the files, below the root; of a lazy frame one
    lazy: pl.LazyFrame | None = None
    hive: bool = False

    @classmethod
    def of(cls, data: Any) -> "Source":
        """From a directory, a glob or a lazy frame.

        Raises:
            ValueError: There is no Parquet file.
        """
        if isinstance(data, pl.LazyFrame):
            return cls("the lazy frame", Path(), ("the lazy frame",), data)
        text = str(data)
        folder = Path(text).is_dir()
        pattern = f"{escape(text)}/**/*" if folder else text
        found = [Path(one) for one in sorted(glob(pattern, recursive=True))]
        root = Path(text) if folder else _fixed(text)
        inside = [one.relative_to(root) for one in found if one.is_file()]
        shown = [one for one in inside if not any(part[0] in "._" for part in one.parts)]
        names = tuple(one.as_posix() for one in shown if one.suffix.lower() in PARQUET)
        if not names:
            others = sorted({one.suffix for one in shown} - {""})
            there = f", only {', '.join(others)}; other files are read one at a time" * bool(others)
            raise ValueError(f"{text}: there is no Parquet file{there}")
        hive = any(_HIVE.fullmatch(part) for one in shown for part in one.parts[:-1])
        return cls(text, root, names, hive=hive)

    @property
    def fingerprint(self) -> str | None:
        """A digest of the names, sizes and times of the files; None of a lazy frame, which may
        give other rows each time."""
        if self.lazy is not None:
            return None
        stats = [(self.root / name).stat() for name in self.names]
        rows = [(name, s.st_size, s.st_mtime_ns) for name, s in zip(self.names, stats, strict=True)]
        return hashlib.sha256(as_json([str(self.root.resolve()), rows])).hexdigest()

    def schema(self, name: str) -> dict[str, pl.DataType]:
        """The columns of one file.

        Raises:
            Unreadable: It is no Parquet file, or none any more.
        """
        with _named(name):
            return dict(self._lazy(name).collect_schema())

    def scan(self, name: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Some columns of one file, a few rows at a time."""
        with _named(name):
            rows = self._lazy(name).select(columns)
            batches = rows.collect_batches(
                chunk_size=AT_ONCE, maintain_order=True, engine="streaming"
            )
            yield from (batch for batch in batches if len(batch))

    def frame(self, columns: Sequence[str]) -> pl.DataFrame:
        """Some columns of all files, in memory."""
        parts = [part for name in self.names for part in self.scan(name, columns)]
        return pl.concat(parts, how="vertical_relaxed")

    def _lazy(self, name: str) -> pl.LazyFrame:
        if self.lazy is not None:
            return self.lazy
        return pl.scan_parquet(self.root / name, hive_partitioning=self.hive, glob=False)


def is_source(data: Any) -> bool:
    """Whether this is read as a source: a directory, a glob that no file is called like, or a lazy
    frame.

    >>> is_source("data/*.parquet"), is_source("data.parquet"), is_source(pl.LazyFrame())
    (True, False, True)
    """
    if isinstance(data, pl.LazyFrame):
        return True
    if not isinstance(data, str | Path):
        return False
    path = Path(data)
    return path.is_dir() or (has_magic(str(data)) and not path.exists())


def _fixed(pattern: str) -> Path:
    """The folder of a glob that is no pattern."""
    parts = Path(pattern).parts
    first = next((k for k, part in enumerate(parts) if has_magic(part)), len(parts) - 1)
    return Path(*parts[:first])


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say of which file an error of polars is."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if isinstance(error, Exception) else "it is damaged"
        raise Unreadable(name, f"cannot be read as Parquet: {reason}") from None
