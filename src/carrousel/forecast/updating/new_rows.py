"""New rows of a table, put in their places after what is known of each series."""

from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...data.covariates import Spec, group_codes, refuse_apart, require_columns
from ...data.panel import Panel
from ...data.places import as_counted, near, refuse_between
from ...data.read import Columns, Table, open_table, read_columns
from ...data.rows import Rows, combined, refuse_repeats
from ...data.static import with_static
from ...wording import counted, some, written
from ..options import Options
from ..tables import to_forecast
from .covariates import corrected, found_for, named, read_beside, steps_beside
from .streaming import Stream

MOST_AHEAD = 10_000  # steps; further ahead a date is wrong


class Late(NamedTuple):
    """Rows that change what is remembered."""

    series: NDArray[np.int64]
    back: NDArray[np.int64]  # steps before the newest
    y: NDArray[np.float64]
    beside: NDArray[np.float32] | None  # (N, C) covariates


@dataclass(frozen=True)
class Arrivals:
    """What came, for a stream of S series."""

    ahead: NDArray[np.int64]  # (S,) new steps of each series, gaps included
    block: NDArray[np.float64]  # (S, K) their values, NaN where missing
    beside: NDArray[np.float32] | None  # (S, K, C) their covariates
    late: Late
    unknown: pl.DataFrame | None  # rows of series that are not in the stream
    notes: list[str]


def read_arrivals(
    data: Any, options: Options, stream: Stream, *, add: bool, static_df: Any = None
) -> Arrivals:
    """Read ``data``, compare with what is known, and say what was found.

    Raises:
        ValueError: Unknown series (unless ``add``), times between the steps, a time far ahead,
            several rows for one time.
    """
    table = _open(data, options, stream)
    if static_df is not None:
        names = stream.meta.covariates.static if stream.meta.covariates else ()
        table = with_static(table, static_df, options.id_col, names, stream.places)
    columns = _columns(table, options, stream)
    beside_rows = read_beside(table, options, stream)
    codes = _series(columns, stream, options, add)
    held = replace(stream.meta, start=stream.start)
    time, unknown = as_counted(columns.times, codes, held, options.time_col), None
    if (codes < 0).any():
        unknown = _unknown(columns, time, codes < 0, stream, options)
        unknown = _with_covariates(unknown, table, codes < 0, stream)
    zone = stream.meta.time_zone if stream.meta.utc else None
    rows, notes = _rows(Rows(codes, time, columns.y, zone)[codes >= 0], stream, options)
    codes, y = rows.codes, rows.y.astype(np.float64)
    place = stream.meta.freq.count(stream.start[codes], rows.time)
    exact = stream.at(codes, place)
    refuse_between(rows.time, exact, codes, stream.ids, stream.meta, options.time_col)
    moving = found_for(beside_rows, codes, place)
    after = place - stream.total[codes]  # 0 is the next step
    new = after >= 0
    ahead = np.zeros(len(stream.ids), np.int64)
    np.maximum.at(ahead, codes[new], after[new] + 1)
    _refuse_far(ahead, stream, options.time_col)
    zero = options.reading.fill == "zero"
    empty = 0.0 if zero else np.nan
    block = np.full((len(ahead), int(ahead.max(initial=0))), empty)
    block[codes[new], after[new]] = y[new]
    columns_ahead = np.full((*block.shape, moving.shape[1]), np.nan, np.float32)
    columns_ahead[codes[new], after[new]] = moving[new]
    beside, missing = steps_beside(stream, ahead, columns_ahead)
    gaps = int(ahead.sum() - new.sum())
    filled = "with zero" if zero else "as missing"
    notes += [f"{counted(gaps, 'gap')} filled {filled}"] if gaps else []
    notes += [f"{counted(missing, 'covariate')} filled with the value before"] if missing else []
    late, more = _late(codes[~new], -1 - after[~new], y[~new], moving[~new], stream)
    said = [] if beside_rows is None else beside_rows[-1]
    return Arrivals(ahead, block, beside, late, unknown, [*table.notes, *notes, *more, *said])


def _open(data: Any, options: Options, stream: Stream) -> Table:
    spec: Spec | None = stream.meta.covariates
    names = (options.id_col, options.time_col, options.target_col)
    more = spec.names if spec else ()
    return open_table(data, names, more, options.reading, stream.meta.reading)


def _columns(table: Table, options: Options, stream: Stream) -> Columns:
    last = stream.at(slice(None), stream.total - 1)
    return read_columns(
        table, options.id_col, options.time_col, options.target_col,
        plain=stream.start.dtype.kind == "i", expected=near(stream.start, last, stream.meta),
    )  # fmt: skip


def _rows(rows: Rows, stream: Stream, options: Options) -> tuple[Rows, list[str]]:
    """One row for each series and time, in order."""
    rows = rows.in_order()
    if options.reading.aggregate is None:
        refuse_repeats(rows, stream.ids, options.time_col, stream.meta.id_col)
    elif len(rows.y):
        return combined(rows, options.reading.aggregate, stream.meta.freq)
    return rows, []


def take_in(
    stream: Stream, data: Any, options: Options, *, add: bool, static_df: Any = None
) -> list[str]:
    """Put new rows into a stream, with ``add`` also new series; says what was found. Nothing is
    changed where they are refused (see ``read_arrivals``)."""
    found, new = read_arrivals(data, options, stream, add=add, static_df=static_df), None
    if found.unknown is not None:
        new, notes = to_forecast(found.unknown, stream.meta, options)
        taken = f"{counted(new.n_series, 'new series', 'new series')} taken in"
        found.notes.extend([*notes, taken])
    _refuse_apart(stream, found.ahead, new)
    stream.correct(*found.late)
    stream.advance(found.ahead, found.block, found.beside)
    if new is not None:
        stream.add(new)
    return found.notes


def as_table(panel: Panel) -> pl.DataFrame:
    """The rows of a panel that came instead of a table."""
    times = [panel.times(s) for s in range(panel.n_series)]
    columns = {panel.time_col: np.concatenate(times), panel.target_col: panel.y, **named(panel)}
    if panel.id_col is None:
        return pl.DataFrame(columns)
    names = [name for name, n in zip(panel.ids, panel.lengths, strict=True) for _ in range(n)]
    return pl.DataFrame({panel.id_col: names, **columns})


def _series(columns: Columns, stream: Stream, options: Options, add: bool) -> NDArray[np.int64]:
    """(N,) place of each row's series in the stream, -1 for those that are to be added."""
    if columns.ids is None:
        if stream.meta.id_col is not None:
            raise ValueError(
                f"id_col: there is no column {options.id_col!r}, and the model holds "
                f"{counted(len(stream.ids), 'series', 'series')}: to which do the rows belong?"
            )
        return np.zeros(len(columns.y), np.int64)
    if stream.meta.id_col is None:
        raise ValueError(
            f"{options.id_col}: the model holds one series without a name; leave the column out"
        )
    names = columns.ids.to_list()
    codes = np.fromiter(map(stream.places.get, names, repeat(-1)), np.int64, len(names))
    missing = codes < 0
    if add or not missing.any():
        return codes
    names = columns.ids.filter(pl.Series(missing)).unique(maintain_order=True).to_list()
    raise ValueError(
        f"{options.id_col}: the model does not hold series {some([repr(n) for n in names])}; "
        "take them in with add=True, or forecast them from their own history with predict(data)"
    )


def _unknown(
    columns: Columns, time: NDArray, missing: NDArray[np.bool_], stream: Stream, options: Options
) -> pl.DataFrame:
    """The rows of series that are to be added."""
    assert columns.ids is not None
    return pl.DataFrame(
        {
            options.id_col: columns.ids.filter(pl.Series(missing)),
            options.time_col: _zoned(time[missing], stream.meta),
            options.target_col: columns.y[missing],
        }
    )


def _zoned(time: NDArray, meta: Panel) -> pl.Series:
    """Times as a column that is read again as they were."""
    column = pl.Series(time)
    return column.dt.replace_time_zone("UTC") if meta.time_zone and meta.utc else column


def _refuse_far(ahead: NDArray[np.int64], stream: Stream, name: str) -> None:
    far = np.flatnonzero(ahead > MOST_AHEAD)
    if len(far):
        s = far[0]
        time = stream.meta.local(stream.at(s, stream.total[s] - 1 + ahead[s]))
        raise ValueError(
            f"{name}: {written(time)} of series {stream.ids[s]!r} is {ahead[s]:,} steps after the "
            "last known time; is the date wrong?"
        )


def _late(
    codes: NDArray, back: NDArray, y: NDArray, moving: NDArray, stream: Stream
) -> tuple[Late, list[str]]:
    """Which rows change what is remembered, ``back`` steps before the newest value."""
    old = back >= stream.stored[codes]
    notes = []
    if old.any():
        notes.append(f"{counted(int(old.sum()), 'row')} left out, older than what is remembered")
        codes, back, y, moving = codes[~old], back[~old], y[~old], moving[~old]
    before = stream.values[codes, stream.kept - 1 - back]
    beside = corrected(stream, codes, back, moving)
    changed = ~_same(before, y) & ~np.isnan(y)
    if beside is not None and stream.beside is not None:
        remembered = stream.beside.view[codes, stream.kept - 1 - back]
        changed |= ~_same(beside, remembered).all(1)
        beside = beside[changed]
    known = int(np.sum(~changed))
    if known:
        notes.append(f"{counted(known, 'row')} known already")
    if changed.any():
        series = counted(len(stream.whole(codes[changed])), "series", "series")
        notes.append(
            f"{counted(int(changed.sum()), 'late row')} put in place; the memory of {series} "
            "begins again from its last values"
        )
    y = np.where(np.isnan(y), before, y)
    return Late(codes[changed], back[changed], y[changed], beside), notes


def _with_covariates(
    unknown: pl.DataFrame, table: Table, which: NDArray[np.bool_], stream: Stream
) -> pl.DataFrame:
    """The rows of series that are to be added, with what a model with covariates reads."""
    spec: Spec | None = stream.meta.covariates
    if not spec or not spec.names:
        return unknown
    require_columns(table, spec)
    theirs = table.only(which)
    columns = {
        name: theirs.text(name) if name in spec.categories else theirs.numbers(name, spec.names)
        for name in spec.names
    }
    return unknown.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _refuse_apart(stream: Stream, ahead: NDArray[np.int64], new: Panel | None) -> None:
    """Series that share a state go on together, and one that joins them ends with them."""
    if stream.groups is None:
        return
    panel, codes = stream.panel(), stream.groups
    ends = stream.at(slice(None), stream.total - 1 + ahead)
    if new is not None and new.static is not None and panel.static is not None:
        static = np.concatenate([panel.static, new.static])
        both = replace(panel, ids=[*panel.ids, *new.ids], static=static)
        ends, panel, codes = np.concatenate([ends, new.ends]), both, group_codes(both) or codes
    refuse_apart(codes[0], ends, panel.ids, panel)


def _same(a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    return (a == b) | (np.isnan(a) & np.isnan(b))
