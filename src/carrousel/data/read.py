"""Whatever holds a table (pandas, polars, pyarrow, CSV, Parquet, workbook) as clean columns.

Histories, new rows, observations to forecast and future covariates all come in through `Table`:
one way to read names, times and numbers, with one set of checks.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from ..wording import columns_are, nearest
from .dates import looks_like_date, parse_dates, parse_whole, refuse_far_off
from .digits import refuse_open_digits
from .files import read_file
from .numbers import cleaned, is_text, looks_numeric, parse_numbers
from .reading import ReadOptions

DEFAULT_ID = "unique_id"
_LARGEST = 2**61  # whole-number times whose differences and futures are numbers, too


@dataclass(frozen=True)
class Times:
    """A column of times."""

    time: np.ndarray  # (N,) datetime64[us] (UTC where `zone`) or int64
    zone: str | None = None
    offset: np.ndarray | None = None  # (N,) timedelta64 east of UTC, where the text has it

    @property
    def local(self) -> np.ndarray:
        """(N,) the clock as it is written beside offsets."""
        return self.time if self.offset is None else self.time + self.offset


@dataclass(frozen=True)
class Columns:
    """One row per observation, in the order of the input."""

    ids: pl.Series | None
    times: Times
    y: np.ndarray  # (N,) float64, NaN = missing


@dataclass
class Table:
    """A table whose columns are still as they came.

    ``notes`` collects how they were read; ``found`` what they told of the way they are written.
    """

    frame: pl.DataFrame
    name: str
    options: ReadOptions
    hint: ReadOptions | None = None
    notes: list[str] = field(default_factory=list)
    found: ReadOptions = field(default_factory=ReadOptions)
    kept: np.ndarray | None = None  # (N,) the rows that count; all are read
    read: dict[str, Times] = field(default_factory=dict)  # columns of times, once

    def only(self, kept: np.ndarray) -> "Table":
        """The same table, of which only some rows (N,) count."""
        return replace(self, kept=kept)

    def text(self, name: str) -> pl.Series:
        """A column as it came, in the rows that count."""
        column = self.frame[name]
        return column if self.kept is None else column.filter(pl.Series(self.kept))

    def ids(self, id_col: str) -> pl.Series | None:
        """The names of the series; None where there is no such column."""
        if id_col not in self.frame.columns:
            return None
        ids = self.frame[id_col]
        if ids.dtype == pl.String and self.name != "df":
            ids = ids.str.strip_chars()
            ids = ids.set(ids == "", None)
        if ids.null_count():
            raise ValueError(f"{id_col}: row {_first(ids.is_null())} has no name")
        return ids if self.kept is None else ids.filter(pl.Series(self.kept))

    def times(
        self,
        time_col: str,
        *,
        plain: bool = False,
        expected: Callable[[np.ndarray], bool] | None = None,
    ) -> Times:
        """Its times. ``plain``: whole numbers are no dates; ``expected``: see ``parse_dates``."""
        times = self.read.get(time_col) or self._times(time_col, plain, expected)
        self.read[time_col] = times
        if self.kept is None:
            return times
        offset = None if times.offset is None else times.offset[self.kept]
        return Times(times.time[self.kept], times.zone, offset)

    def _times(
        self, time_col: str, plain: bool, expected: Callable[[np.ndarray], bool] | None
    ) -> Times:
        column = self.frame[time_col]
        if column.dtype.is_float() or column.dtype == pl.Object:
            column = _whole(column)
        if column.null_count():
            raise ValueError(f"{time_col}: row {_first(column.is_null())} has no time")
        if is_text(column):
            return self._written_times(column, plain, expected)
        if column.dtype.is_integer():
            return self._whole_times(column, plain)
        if not isinstance(column.dtype, pl.Datetime) and column.dtype != pl.Date:
            raise ValueError(f"{time_col} must hold times or integers, got {column.dtype}")
        zone = getattr(column.dtype, "time_zone", None)
        if zone:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        refuse_far_off(column)
        return Times(column.cast(pl.Datetime("us")).to_numpy().astype("M8[us]", copy=False), zone)

    def _written_times(
        self, column: pl.Series, plain: bool, expected: Callable[[np.ndarray], bool] | None
    ) -> Times:
        text = column.cast(pl.String).str.strip_chars()
        if (text.str.len_chars() == 0).any():
            raise ValueError(f"{text.name}: row {_first(text.str.len_chars() == 0)} has no time")
        if pl.Series([text[0]]).str.contains(r"^[-+]?\d+$").all():
            numbers = text.cast(pl.Int64, strict=False)
            if not numbers.null_count():
                return self._whole_times(numbers, plain)
        read = parse_dates(text, self.options, self.hint, expected)
        self._note(*read.notes)
        if read.order is not None:
            self.found = replace(self.found, day_first=read.order == "dmy")
        return Times(read.time, None if read.offset is None else "UTC", read.offset)

    def _whole_times(self, column: pl.Series, plain: bool) -> Times:
        try:
            whole = column.cast(pl.Int64)
        except pl.exceptions.PolarsError:
            whole = pl.Series(column.name, [_LARGEST])
        if int(whole.max()) >= _LARGEST or int(whole.min()) <= -_LARGEST:  # type: ignore[arg-type]
            raise ValueError(f"{column.name}: whole numbers beyond ±2.3e18 are no times")
        dates, notes = parse_whole(whole, self.options, plain=plain)
        self._note(*notes)
        if dates is None and not plain:
            refuse_open_digits(whole)
        return Times(whole.to_numpy() if dates is None else dates)

    def numbers(self, name: str, others: Sequence[str] = ()) -> np.ndarray:
        """(N,) float64 with NaN for missing; refuses text and infinities. ``others``: columns
        that are written in the same way, if they are text."""
        column = self.frame[name]
        if column.dtype == pl.Object:
            column = column.cast(pl.String)
        if is_text(column):
            beside = [self.frame[o] for o in others if o != name and is_text(self.frame[o])]
            numbers, told = parse_numbers(column, self.options, self.hint, beside)
            if told is not None:
                self._note_separators(name, *told)
        elif column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
            numbers = column
        else:
            raise ValueError(f"{name} must hold numbers, got {column.dtype}")
        y = numbers.cast(pl.Float64).to_numpy()  # a null becomes NaN
        if np.isinf(y).any():
            raise ValueError(f"{name}: the value in row {int(np.isinf(y).argmax()) + 1} is "
                             "infinite; leave it empty if it is unknown")  # fmt: skip
        if (np.abs(y) > np.finfo(np.float32).max).any():
            raise ValueError(f"{name}: values beyond 3.4e38 (float32) are not supported")
        low = np.abs(y) < np.finfo(np.float32).tiny
        if (low & (y != 0)).any():  # zero beside others; alone they would be all that there is
            if not (np.abs(y) > 0)[~low].any():
                raise ValueError(f"{name}: values below 1.2e-38 (float32) are not supported")
            y = np.where(low, 0.0, y)
        return y if self.kept is None else y[self.kept]

    def _note_separators(self, name: str, decimal: str, thousands: str) -> None:
        self.found = replace(self.found, decimal=decimal, thousands=thousands or None)
        if (decimal, thousands) != (".", ""):
            between = f", {thousands!r} between thousands" if thousands else ""
            self._note(f"{name!r} read with {decimal!r} before decimals{between}")

    def _note(self, *sentences: str) -> None:
        """What is read again is noted once."""
        self.notes.extend(sentence for sentence in sentences if sentence not in self.notes)


def open_table(
    source: Any,
    names: Sequence[str],
    more: Sequence[str] = (),
    options: ReadOptions | None = None,
    hint: ReadOptions | None = None,
) -> Table:
    """A table from whatever holds one.

    Args:
        source: A pandas, polars or pyarrow frame, or the path of a file.
        names: Of the series (may be absent), the times and, if there are, the values.
        more: Further columns that are wanted.
        options: How it is written.
        hint: How an earlier table of the same model was written.
    """
    options = options or ReadOptions()
    notes: list[str] = []
    if isinstance(source, (str, Path)):
        frame, notes = read_file(Path(source), names, options, _kind)
        return Table(frame, str(source), options, hint, notes)
    source, notes = _without_index(source, names)
    return Table(_as_polars(source, [*names, *more]), "df", options, hint, notes)


_READERS: set[int] = set()  # this process, or the one that it is a fork of, once it has read


def _require_no_fork() -> None:
    """Polars works on threads that a forked child lacks: it would wait for them for ever."""
    _READERS.add(os.getpid())
    if len(_READERS) > 1:
        raise RuntimeError(
            "a table cannot be read in the child of a fork whose parent has read one: polars would "
            "wait for ever; start processes by 'spawn' or 'forkserver', or hand over a Panel"
        )


def read_columns(
    table: Table,
    id_col: str,
    time_col: str,
    target_col: str,
    *,
    others: Sequence[str] = (),
    plain: bool = False,
    expected: Callable[[np.ndarray], bool] | None = None,
) -> Columns:
    """Check and convert the three columns; ``id_col`` may be missing (one series)."""
    _require_no_fork()
    needed = {"time_col": time_col, "target_col": target_col}
    if id_col != DEFAULT_ID:  # a name that somebody wrote down is meant
        needed = {"id_col": id_col, **needed}
    require_columns(table, needed)
    if table.frame.is_empty():
        raise ValueError(f"{table.name} has no rows")
    ids = table.ids(id_col)
    times = table.times(time_col, plain=plain, expected=expected)
    return Columns(ids, times, table.numbers(target_col, others))


def require_columns(table: Table, needed: dict[str, str]) -> None:
    """Say which columns are absent, what there is, and which may be meant."""
    frame = table.frame
    absent = {a: name for a, name in needed.items() if name not in frame.columns}
    if not absent:
        return
    told = "; ".join(f"{a}: there is no column {name!r}" for a, name in absent.items())
    rest = [c for c in frame.columns if c not in needed.values()]
    times = [c for c in rest if frame[c].dtype.is_temporal() or _holds(looks_like_date, frame[c])]
    numbers = [
        c for c in rest if c not in times
        and (frame[c].dtype.is_numeric() or _holds(looks_numeric, frame[c]))
    ]  # fmt: skip
    guesses = {"time_col": times, "target_col": numbers}
    hints = []
    for a, name in absent.items():
        fits = guesses.get(a, ())
        guess = fits[0] if len(fits) == 1 else nearest(name, rest)
        if guess is not None:
            hints.append(f"{a}={guess!r}")
    perhaps = f"; perhaps {', '.join(hints)} is meant" if hints else ""
    if looks_like_date(pl.Series(frame.columns[:1])) or looks_numeric(pl.Series(frame.columns[:1])):
        perhaps += "; if the first line holds values, give header=False (--no-header)"
    read = f" ({'; '.join(table.notes)})" if table.notes else ""  # what was guessed may be why
    raise ValueError(f"{told}; {columns_are(frame.columns)}{read}{perhaps}")


def _holds(looks: Callable[[pl.Series], bool], column: pl.Series) -> bool:
    """Whether the first cells look so."""
    return is_text(column) and looks(column.cast(pl.String).drop_nulls().head(50))


def _kind(cell: str) -> str:
    """What one cell of a text file holds."""
    one = pl.Series([cell])
    if cleaned(one).null_count():
        return "nothing"
    if looks_like_date(one):
        return "time"
    return "number" if looks_numeric(one) else "text"


def _without_index(source: Any, names: Sequence[str]) -> tuple[Any, list[str]]:
    """A pandas frame whose times (and names) stand in its index, with them as columns."""
    time_col = names[1]
    if not nw.dependencies.is_pandas_dataframe(source) or time_col in source.columns:
        return source, []
    index, levels = source.index, list(source.index.names)
    if time_col in levels:
        return source.reset_index(), []
    kind = type(index.levels[-1] if index.nlevels > 1 else index).__name__
    if kind not in ("DatetimeIndex", "PeriodIndex"):
        return source, []
    named = [*levels[:-1], time_col]
    if index.nlevels == 2 and named[0] is None:
        named[0] = names[0]
    return source.set_axis(index.set_names(named)).reset_index(), [
        f"the index of the frame read as {time_col!r}"
    ]


def _as_polars(source: Any, wanted: list[str]) -> pl.DataFrame:
    """The ``wanted`` columns (all, if one is absent) as a polars frame."""
    frame = nw.from_native(source, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, nw.DataFrame):
        raise TypeError(
            "df must be a pandas, polars or pyarrow data frame, or the path of a CSV, Parquet or "
            f"workbook file, got {type(source).__name__}"
        )
    names = frame.columns
    kept = list(dict.fromkeys(wanted)) if all(c in names for c in wanted) else names
    native = frame.to_native()
    if isinstance(native, pl.DataFrame):
        return pl.DataFrame([native[c] for c in kept])
    return pl.DataFrame({c: _column(frame[c]) for c in kept})


def _column(column: nw.Series) -> pl.Series:
    native = column.to_native()
    if isinstance(native, pl.Series):
        return native
    if column.dtype == nw.Object and len(column) and isinstance(column[0], datetime):
        cells = column.to_list()
        if len({cell.utcoffset() for cell in cells if isinstance(cell, datetime)}) > 1:
            # polars has one zone for a column; their text has the offsets.
            return pl.Series(column.name, [None if cell != cell else str(cell) for cell in cells])
    if type(getattr(native, "dtype", None)).__name__ == "PeriodDtype":
        column = nw.from_native(native.dt.to_timestamp(), series_only=True)
    try:
        return column.to_polars()
    except (ImportError, TypeError, ValueError):  # pandas without pyarrow; cells of mixed types
        return _mixed(column.name, column.to_list())


def _mixed(name: str, cells: list[Any]) -> pl.Series:
    cells = [None if cell != cell else cell for cell in cells]  # NaN differs from itself
    try:
        return pl.Series(name, cells)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells])


def _whole(column: pl.Series) -> pl.Series:
    """Integers that came as floats (pandas does that beside a missing value)."""
    whole = column.cast(pl.Float64, strict=False).fill_nan(None)
    if (whole.drop_nulls() % 1 != 0).any():
        raise ValueError(f"{column.name} must hold times or integers, got fractions")
    if (whole.abs() > 2.0**53).any():
        raise ValueError(f"{column.name}: fractions hold no whole numbers beyond 9e15")
    return whole.cast(pl.Int64)


def _first(mask: pl.Series) -> int:
    """Number of the first true row, counted from 1."""
    return int(mask.arg_max() or 0) + 1
