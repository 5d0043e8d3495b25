"""Rows of a source, wherever they stand, as partitions: each holds whole series, in order.

The partitions are ranges of names, chosen from a sample so that each fits in memory; what they are
changes nothing of the result. Three readings: of the names alone, of the rows, which are written
to the partitions' files as they come, and of each partition, which is sorted.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..read import Table, require_columns
from ..reading import ReadOptions
from ..rows import Rows
from .source import Source, Unreadable
from .store import Broken

LOG = logging.getLogger(__name__)
ROWS = 2_000_000  # of a partition, and as many are written at once
SAMPLED = 1000  # names of each batch
TEXT, INFINITE, BEYOND = 1, 2, 3  # what may be wrong with a value
WRONG = {
    TEXT: "{0} holds text that is no number",
    INFINITE: "{0} holds an infinite value; leave it empty if it is unknown",
    BEYOND: "{0} holds values beyond 3.4e38 (float32)",
}


@dataclass(frozen=True)
class Asked:
    """Which columns, and how they are written."""

    id_col: str
    time_col: str
    target_col: str
    reading: ReadOptions
    plain: bool  # whole numbers are no dates: the frequency is one of whole numbers

    @property
    def columns(self) -> list[str]:
        return [self.id_col, self.time_col, self.target_col]


@dataclass
class Found:
    """What the rows of all files have in common."""

    rows: int = 0
    text: bool = False  # whether names are text
    zone: str | None = None
    dated: bool | None = None
    last: int | None = None  # the last time with a value
    unsorted: int = 0  # series
    spread: int = 0  # series with rows in several files
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass(frozen=True)
class Partition:
    """A sorted range of series on disk: rows with ``code``, ``time`` and ``y``, and names."""

    path: Path

    def names(self) -> list[Any]:
        return pl.read_ipc(self.path.with_suffix(".names"))["id"].to_list()

    def rows(self, zone: str | None, dated: bool) -> Rows:
        frame = pl.read_ipc(self.path)
        time = frame["time"].to_numpy()
        time = time.astype("M8[us]") if dated else time
        return Rows(frame["code"].to_numpy(), time, frame["y"].to_numpy(), zone)


def partitions(
    source: Source, asked: Asked, work: Path, stop: bool
) -> tuple[list[Partition], Found, list[Broken]]:
    """The partitions of a source in the folder ``work``, in the order of names.

    Raises:
        ValueError: A file or a value cannot be read, and ``stop``; no file can be.
    """
    broken: dict[str, Broken] = {}
    while True:  # again from the start, without a file that breaks off in its midst
        names = [name for name in source.names if name not in broken]
        try:
            edges, found = _survey(source, names, asked)
            parts = _scattered(source, names, asked, edges, found, work)
        except Unreadable as error:
            if stop or len(names) == 1:
                raise
            broken[error.name] = Broken("file", error.name, error.reason)
            LOG.warning("left out: %s", error)
            continue
        made, wrong = _sorted(parts, names, asked, found, work, stop)
        return made, found, [*broken.values(), *wrong]


def _survey(source: Source, names: Sequence[str], asked: Asked) -> tuple[pl.Series, Found]:
    """Names between the partitions, from a sample of those of each batch."""
    found, samples = Found(), []
    kinds = {_kind_of_names(source, name, asked) for name in names}
    found.text = kinds != {"whole numbers"}
    if len(kinds) > 1:
        found.note(f"{asked.id_col!r} holds text in some files and numbers in others: read as text")
    for name in names:
        for frame in source.scan(name, [asked.id_col]):
            ids = ids_of(frame[asked.id_col], found.text, name)
            found.rows += len(ids)
            many = ids.alias("id").to_frame().group_by("id").len().sort("id")
            step = -(-len(many) // SAMPLED) or 1
            samples.append(many.gather_every(step).with_columns(pl.col("len") * step))
            samples = samples if len(samples) < SAMPLED else [_merged(samples)]
    if not found.rows:
        raise ValueError(f"{source.name} has no rows")
    return _edges(_merged(samples), -(-found.rows // ROWS)), found


def _kind_of_names(source: Source, name: str, asked: Asked) -> str:
    """ "text" or "whole numbers", of a file that has the columns.

    Raises:
        Unreadable: It has not.
    """
    schema = source.schema(name)
    needed = {"id_col": asked.id_col, "time_col": asked.time_col, "target_col": asked.target_col}
    try:
        require_columns(Table(pl.DataFrame(schema=schema), name, asked.reading), needed)
        return _kind(schema[asked.id_col], asked.id_col)
    except ValueError as error:
        raise Unreadable(name, str(error)) from None


def _merged(samples: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """One sample of many, thinned out where it is long."""
    table = pl.concat(samples).group_by("id").agg(pl.col("len").sum()).sort("id")
    step = -(-len(table) // (SAMPLED * SAMPLED)) or 1
    return table.gather_every(step).with_columns(pl.col("len") * step)


def _edges(sample: pl.DataFrame, wanted: int) -> pl.Series:
    """The first names of all partitions but one."""
    share = sample["len"].cum_sum().cast(pl.Float64).to_numpy()
    if not len(share):
        return sample["id"]
    places = np.searchsorted(share, share[-1] * np.arange(1, wanted) / wanted, side="right")
    return sample["id"].gather(np.unique(places[places < len(share)]))


def _scattered(
    source: Source,
    names: Sequence[str],
    asked: Asked,
    edges: pl.Series,
    found: Found,
    work: Path,
) -> list[list[Path]]:
    """The rows of each partition in files of their own, as they come."""
    parts: list[list[Path]] = [[] for _ in range(len(edges) + 1)]
    waiting: list[pl.DataFrame] = []
    number = count()
    for k, name in enumerate(names):
        for frame in source.scan(name, asked.columns):
            try:
                waiting.append(_rows(frame, name, k, asked, found))
            except ValueError as error:
                raise Unreadable(name, str(error)) from None
            if sum(map(len, waiting)) >= ROWS:
                _scatter(waiting, edges, parts, work, next(number))
                waiting = []
    _scatter(waiting, edges, parts, work, next(number))
    return parts


def _scatter(
    waiting: list[pl.DataFrame], edges: pl.Series, parts: list[list[Path]], work: Path, number: int
) -> None:
    if not waiting:
        return
    table = pl.concat(waiting)
    where = edges.search_sorted(table["id"], side="right").alias("part")
    cut = table.with_columns(where).partition_by("part", as_dict=True, include_key=False)
    for (part,), frame in cut.items():
        path = work / f"{part:06d}-{number:06d}.rows"
        _write(frame, path)
        parts[part].append(path)


def _rows(frame: pl.DataFrame, name: str, k: int, asked: Asked, found: Found) -> pl.DataFrame:
    """A batch as rows of ``id``, ``time``, ``y``, what is ``wrong`` with it and its ``file``."""
    ids = ids_of(frame[asked.id_col], found.text, name)
    table = Table(frame, name, asked.reading)
    times = table.times(asked.time_col, plain=asked.plain)
    if times.offset is not None:
        raise ValueError(
            f"{asked.time_col} holds times as text with offsets from UTC; write them as datetimes "
            "with a time zone"
        )
    dated = times.time.dtype.kind == "M"
    for what, known, here in (
        ("zone", found.zone, times.zone), ("kind of time", found.dated, dated)
    ):  # fmt: skip
        if found.dated is not None and known != here:
            raise ValueError(
                f"{asked.time_col} has another {what} than the files before ({here}, not {known})"
            )
    found.zone, found.dated = times.zone, dated
    for note in table.notes:
        found.note(note)
    y, wrong = _values(frame[asked.target_col], asked.target_col)
    time = times.time.astype(np.int64)
    valued = time[~np.isnan(y)]
    if len(valued):
        latest = int(valued.max())
        found.last = latest if found.last is None else max(latest, found.last)
    return pl.DataFrame([
        ids.alias("id"), pl.Series("time", time), pl.Series("y", y), pl.Series("wrong", wrong),
        pl.repeat(k, len(frame), dtype=pl.Int32, eager=True).alias("file"),
    ])  # fmt: skip


def _kind(dtype: pl.DataType, name: str) -> str:
    if dtype.is_integer():
        return "whole numbers"
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return "text"
    raise ValueError(f"{name} must hold text or whole numbers, got {dtype}")


def ids_of(column: pl.Series, text: bool, name: str) -> pl.Series:
    """The names of the series, as a table has them."""
    if text:
        ids = column.cast(pl.String).str.strip_chars()
        ids = ids.set(ids == "", None)
    else:
        ids = column.cast(pl.Int64)
    if ids.null_count():
        row = int(ids.is_null().arg_max() or 0) + 1
        raise Unreadable(name, f"{column.name}: row {row} has no name")
    return ids


def _values(column: pl.Series, name: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """(N,) numbers with NaN for missing, and what is wrong with each."""
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        text = column.cast(pl.String).str.strip_chars()
        numbers = text.cast(pl.Float64, strict=False)
        words = (numbers.is_null() & (text != "").fill_null(False)).to_numpy()
    elif column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
        numbers, words = column.cast(pl.Float64), np.zeros(len(column), bool)
    else:
        raise ValueError(f"{name} must hold numbers, got {column.dtype}")
    y = numbers.to_numpy()
    y = np.where(np.abs(y) < np.finfo(np.float32).tiny, 0.0, y)  # as float32 has them
    far = np.abs(y) > np.finfo(np.float32).max
    wrong = np.select([words, np.isinf(y), far], [TEXT, INFINITE, BEYOND], 0)
    return np.where(wrong > 0, np.nan, y), wrong.astype(np.uint8)


def _sorted(
    parts: list[list[Path]],
    names: Sequence[str],
    asked: Asked,
    found: Found,
    work: Path,
    stop: bool,
) -> tuple[list[Partition], list[Broken]]:
    """Each partition by series and time, without the series that hold what is no number."""
    made, broken = [], []
    for p, paths in enumerate(parts):
        if not paths:
            continue
        table = pl.concat([pl.read_ipc(path) for path in paths])
        for path in paths:
            path.unlink()
        wrong = list(_wrong(table, names, asked))
        if wrong and stop:
            raise ValueError(str(wrong[0]))
        broken += wrong
        if wrong:
            table = table.filter(~pl.col("id").is_in([_name(w.name, found) for w in wrong]))
        if not len(table):
            continue
        made.append(_in_order(table, work / f"{p:06d}.sorted", found))
    return made, broken


def _name(text: str, found: Found) -> Any:
    return text if found.text else int(text)


def _wrong(table: pl.DataFrame, names: Sequence[str], asked: Asked) -> Iterator[Broken]:
    """The series with a value that is none, and in which file it stands."""
    bad = table.filter(pl.col("wrong") > 0).unique("id", keep="first", maintain_order=True)
    for row in bad.iter_rows(named=True):
        reason = WRONG[row["wrong"]].format(repr(asked.target_col))
        yield Broken("series", str(row["id"]), f"{reason} ({names[row['file']]})")


def _in_order(table: pl.DataFrame, path: Path, found: Found) -> Partition:
    ids = table["id"].unique().sort()
    codes = pl.DataFrame([ids, pl.Series("code", np.arange(len(ids)))])
    code = table.select("id").join(codes, on="id", how="left", maintain_order="left")["code"]
    rows = Rows(code.to_numpy(), table["time"].to_numpy(), table["y"].to_numpy())
    files = pl.DataFrame([code, table["file"]]).group_by("code").agg(pl.col("file").n_unique())
    found.spread += int((files["file"] > 1).sum())
    if not rows.sorted:
        order = np.argsort(rows.codes, kind="stable")  # series by series as they came
        back = (np.diff(rows.time[order]) < 0) & (np.diff(rows.codes[order]) == 0)
        found.unsorted += len(np.unique(rows.codes[order][1:][back]))
        rows = rows.in_order()
    _write(pl.DataFrame({"code": rows.codes, "time": rows.time, "y": rows.y}), path)
    _write(ids.to_frame(), path.with_suffix(".names"))
    return Partition(path)


def _write(frame: pl.DataFrame, path: Path) -> None:
    """An intermediate file; what stops it (a full disk) is an error of the system's."""
    try:
        frame.rechunk().write_ipc(path, compression="uncompressed")
    except pl.exceptions.PolarsError as error:
        raise OSError(f"cannot write to {path.parent}: {error}") from error
