"""From a table to a panel: validate, sort, find the frequency, fill gaps."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ..wording import some
from .clock import local_time, nominal_time, usual_clock, wall_time
from .frequency import DAY, Frequency
from .gaps import notes_on_gaps, unfinished_step
from .infer import fits, infer_frequency
from .panel import Panel
from .read import Table, Times, open_table, read_columns
from .reading import ReadOptions
from .rows import Rows, combined, in_the_future, refuse_lonely_dates, refuse_repeats
from .zones import zone_of

_MOST_FILLED = 20  # a gap this many times the data is an error in a date, not a gap
_FEW = 1000  # steps that are made of however few rows


def to_panel(
    frame: Any,
    *,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str = "y",
    freq: str | int | Frequency | None = None,
    reading: ReadOptions | None = None,
) -> tuple[Panel, list[str]]:
    """A panel from a data frame (pandas, polars, pyarrow) or a path, and notes.

    Files are CSV (in any encoding, compressed or not), Parquet or workbooks; ``reading`` settles
    what they leave open (docs/reading-tables.md). Rows may come in any order, with gaps (filled as
    missing) and with missing values; the notes say what was done. A table without ``id_col`` is
    one series. Raises ValueError, naming the column or argument, for what cannot be repaired: no
    such column, text or infinite values in the target, several rows for one time, a series without
    values, no recognizable frequency.

    >>> panel, notes = to_panel(pl.DataFrame({"ds": [1, 2, 4], "y": [1.0, 2.0, 4.0]}))
    >>> panel.y, notes
    (array([ 1.,  2., nan,  4.], dtype=float32), ['1 gap filled as missing'])
    """
    table = open_table(frame, (id_col, time_col, target_col), options=reading)
    return build_panel(table, id_col, time_col, target_col, freq)


def build_panel(
    table: Table,
    id_col: str,
    time_col: str,
    target_col: str,
    freq: str | int | Frequency | None = None,
    others: tuple[str, ...] = (),
) -> tuple[Panel, list[str]]:
    """The same from an open table; ``others`` are columns that are written as the target is."""
    wanted = None if freq is None else Frequency.parse(freq)
    plain = wanted is not None and wanted.unit == "int"
    columns = read_columns(table, id_col, time_col, target_col, others=others, plain=plain)
    notes = list(table.notes)
    codes, ids = _codes(columns.ids, len(columns.y), target_col)
    times = columns.times
    rows = Rows(codes, times.time, columns.y, times.zone, times.offset)
    coming, more = in_the_future(rows, target_col)
    if coming.any():
        rows, notes = rows[~coming], notes + more
    if not rows.sorted:
        rows = rows.in_order()
        notes.append(f"rows sorted by {time_col}")
    names = (None if columns.ids is None else id_col, time_col, target_col)
    panel, more = arranged(rows, ids, times, table, names, wanted)
    reading = None if table.found == ReadOptions() else table.found
    return replace(panel, reading=reading), notes + more + unfinished_step(panel)


def arranged(
    rows: Rows,
    ids: list[Any],
    times: Times,
    table: Table,
    names: tuple[str | None, str, str],
    wanted: Frequency | None,
) -> tuple[Panel, list[str]]:
    """The panel of sorted rows, and what was done: one row for each time, on one clock, with gaps
    filled. ``times`` has the zone that they came in, ``table`` how it is to be read."""
    id_col, time_col, _ = names
    how, notes = table.options.aggregate, []
    if how is None:
        refuse_repeats(rows, ids, time_col, id_col)
    zone, wall = None, False
    if times.zone or table.options.time_zone is not None:
        rows, zone, wall, more = _on_the_clock(rows, times, wanted, time_col, table)
        notes += more
    if how is not None:
        rows, more = combined(rows, how, wanted)
        notes += more
    panel, more = _placed(rows, ids, table.options, wanted, names, zone, wall)
    _refuse_empty(panel)
    return panel, notes + more


def _codes(ids: pl.Series | None, rows: int, target_col: str) -> tuple[np.ndarray, list[Any]]:
    """(N,) number of each row's series, by first appearance, and the names."""
    if ids is None:
        return np.zeros(rows, np.int64), [target_col]
    names = ids.unique(maintain_order=True)
    table = pl.DataFrame([names.alias("name"), pl.Series("code", np.arange(len(names)))])
    rows_named = pl.DataFrame([ids.alias("name")])
    joined = rows_named.join(table, on="name", how="left", maintain_order="left")
    return joined["code"].to_numpy(), names.to_list()


def _on_the_clock(
    rows: Rows, times: Times, wanted: Frequency | None, time_col: str, table: Table
) -> tuple[Rows, str | None, bool, list[str]]:
    """Days and longer steps on the clock of their place, shorter ones in UTC unless it is that
    clock which moves in equal steps; the time zone that is left, whether these are steps of the
    clock on the wall, and notes."""
    asked = table.options.time_zone
    if not times.zone:
        if asked is not None:
            raise ValueError(f"time_zone: {time_col!r} holds times without a zone or an offset")
        return rows, None, False, []
    in_days, known = _in_days(wanted, rows), asked
    if times.offset is not None and table.hint is not None:
        known = asked or table.hint.time_zone
    if times.offset is not None and times.offset.any() and in_days and known is None:
        rows = replace(rows, time=_with_offset(rows, times), zone=None, offset=None)
        note = f"{time_col!r}: days of the clocks that the offsets from UTC belong to"
        return rows, None, False, [note]
    zone, notes = _zone(times, known, time_col)
    if in_days:
        usual = usual_clock(local_time(rows.time, zone), rows.codes)
        time = nominal_time(rows.time, zone, usual)
        return replace(rows, time=time, zone=None, offset=None), zone, False, notes
    shown = _by_the_wall(wanted, rows, zone)
    if shown is not None:
        note = f"times follow the clocks of {zone}, also when these are changed"
        rows = replace(rows, time=shown, zone=None, offset=None)
        return rows, zone, True, [*notes, note]
    return replace(rows, zone=zone, offset=None), zone, False, notes


def _zone(times: Times, known: str | None, time_col: str) -> tuple[str, list[str]]:
    """Whose clocks count, and notes: ``known``, or as the offsets tell."""
    assert times.zone is not None
    if known is not None:
        return known, []
    if times.offset is None:
        return times.zone, []
    return zone_of(times.time, times.offset, time_col)


def _with_offset(rows: Rows, times: Times) -> np.ndarray:
    """(N,) sorted times with the offsets that stand beside them (one instant, one offset)."""
    assert times.offset is not None
    instants, first = np.unique(times.time, return_index=True)
    return rows.time + times.offset[first[np.searchsorted(instants, rows.time)]]


def _in_days(freq: Frequency | None, rows: Rows) -> bool:
    """Whether steps are days or longer: such times are wall time, whatever the summer time."""
    if freq is not None:
        return freq.unit != "us" or freq.step >= DAY
    steps = np.diff(rows.time).astype(np.int64)[rows.codes[1:] == rows.codes[:-1]]
    steps = steps[steps > 0]  # rows of one time are made one later
    return len(steps) > 0 and bool(steps.min() >= DAY - DAY // 24)


def _by_the_wall(freq: Frequency | None, rows: Rows, zone: str) -> np.ndarray | None:
    """Times as clocks show them, where it is these that move in equal steps (every six hours), and
    not time itself: then some step between two observations is longer or shorter than usual."""
    time, same = rows.time, (rows.codes[1:] == rows.codes[:-1]) & ~rows.again[1:]
    if not same.any():
        return None
    steps = np.diff(time).astype(np.int64)[same]
    if freq is not None and not (steps % freq.step).any():
        return None
    step = np.gcd.reduce(steps)
    for local in (local_time(time, zone), wall_time(time, zone)):
        shown = np.diff(local).astype(np.int64)[same]
        regular = np.gcd.reduce(shown)
        if shown.min() > 0 and (not regular % freq.step if freq else regular > step):
            return local
    return None


def _placed(
    rows: Rows,
    ids: list[Any],
    options: ReadOptions,
    wanted: Frequency | None,
    names: tuple[str | None, str, str],
    zone: str | None,
    wall: bool,
) -> tuple[Panel, list[str]]:
    """The panel of sorted rows, and what was done about gaps."""
    time_col = names[1]
    first = rows.time[rows.start][rows.codes]
    zero = options.fill == "zero"
    freq = (
        _checked(wanted, rows, first, ids, time_col)
        if wanted
        else infer_frequency(rows.time, first, rows.codes, ids, weekly=not zero)
    )
    place = freq.count(first, rows.time)
    refuse_lonely_dates(place, rows, ids, time_col)
    offsets = _offsets(place, rows, time_col)
    y = narrow(rows.y)
    values = np.full(offsets[-1], 0.0 if zero else np.nan, y.dtype)
    values[offsets[rows.codes] + place] = y
    panel = Panel(values, offsets, ids, rows.time[rows.start], freq, *names, zone, wall)
    for s in range(len(ids)) if zero and zone else ():
        panel.series(s)[panel.never_was(panel.times(s))] = np.nan
    return panel, notes_on_gaps(panel, rows, given=wanted is not None, zero=zero)


def _checked(
    freq: Frequency, rows: Rows, first: np.ndarray, ids: list[Any], name: str
) -> Frequency:
    """``freq`` as given, or the same months counted from the other end; all times must fit."""
    time = rows.time
    kind = "whole numbers" if time.dtype.kind == "i" else "dates"
    if (freq.unit == "int") != (kind == "whole numbers"):
        raise ValueError(f"freq {freq.alias!r} does not fit {name}, which holds {kind}")
    for candidate in (freq, freq.turned()):
        if fits(candidate, time, first):
            return candidate
    row = int(np.argmax(freq.advance(first, freq.count(first, time)) != time))
    raise ValueError(
        f"{name}: {rows.told(row)} of series {ids[rows.codes[row]]!r} is not a whole number of "
        f"steps of freq {freq.alias!r} after its start, {rows.told(rows.start[rows.codes[row]])}"
    )


def _offsets(place: np.ndarray, rows: Rows, time_col: str) -> np.ndarray:
    """(S+1,) where each series begins, with its gaps."""
    last = np.append(rows.start[1:], len(place)) - 1
    total = float(np.sum(place[last] + 1.0))
    if total > max(_MOST_FILLED * len(place), _FEW):
        raise ValueError(
            f"{time_col}: filling the gaps would make {total:,.0f} steps out of {len(place):,} "
            "rows; is a date wrong, or freq too short?"
        )
    return np.concatenate([[0], np.cumsum(place[last] + 1)])


def narrow(y: np.ndarray) -> np.ndarray:
    """Values as float32 if that holds every one of them as it is, else as float64.

    >>> narrow(np.array([0.5, np.nan])).dtype, narrow(np.array([1e9 + 1])).dtype
    (dtype('float32'), dtype('float64'))
    """
    y = np.asarray(y, np.float64)
    half = y.astype(np.float32)
    return half if np.array_equal(half, y, equal_nan=True) else y


def _refuse_empty(panel: Panel) -> None:
    known = np.add.reduceat(~np.isnan(panel.y), panel.offsets[:-1], dtype=np.int64)
    empty = [repr(panel.ids[s]) for s in np.flatnonzero(known == 0)]
    if empty:
        raise ValueError(f"{panel.target_col}: no value at all in series {some(empty)}")
