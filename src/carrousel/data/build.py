"""From a table to a panel: validate, sort, find the frequency, fill gaps."""

from typing import Any

import numpy as np
import polars as pl

from .clock import local_time, nominal_time, usual_clock, wall_time
from .frequency import DAY, Frequency
from .infer import fits, infer_frequency
from .panel import Panel, some
from .read import read_columns

_MOST_FILLED = 20  # a gap this many times the data is an error in a date, not a gap


def to_panel(
    frame: Any,
    *,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str = "y",
    freq: str | int | Frequency | None = None,
) -> tuple[Panel, list[str]]:
    """A panel from a data frame (pandas, polars, pyarrow) or a CSV or Parquet path, and notes.

    Rows may come in any order, twice, with gaps (filled as missing) and with missing values; the
    notes say what was done. A table without ``id_col`` is one series. Raises ValueError, naming the
    column or argument, for what cannot be repaired: no such column, text or infinite values in
    the target, two values for one time, a series without values, no recognisable frequency.

    >>> panel, notes = to_panel(pl.DataFrame({"ds": [1, 2, 4], "y": [1.0, 2.0, 4.0]}))
    >>> panel.y, notes
    (array([ 1.,  2., nan,  4.], dtype=float32), ['1 gap filled as missing'])
    """
    wanted = None if freq is None else Frequency.parse(freq)
    columns = read_columns(frame, id_col, time_col, target_col)
    time, y, zone, notes = columns.time, columns.y, columns.time_zone, []
    codes, ids = _codes(columns.ids, len(y), target_col)
    if not _is_sorted(codes, time):
        order = np.lexsort((time, codes))
        codes, time, y = codes[order], time[order], y[order]
        notes.append(f"rows sorted by {time_col}")
    named = None if columns.ids is None else id_col
    again = _repeated(codes, time, y)
    if named and again.any():  # without names, rows of one time are of several series
        codes, time, y = codes[~again], time[~again], y[~again]
        notes.append(counted(int(again.sum()), "row") + " that came twice counted once")
    _refuse_duplicates(codes, time, ids, time_col, named)
    start = np.flatnonzero(np.diff(codes, prepend=-1))
    wall = False
    if zone and _in_days(wanted, time, codes):
        time = nominal_time(time, zone, usual_clock(local_time(time, zone), codes))
    elif zone and (shown := _by_the_wall(wanted, time, codes, zone)) is not None:
        time, wall = shown, True
        notes.append(f"times follow the clocks of {zone}, also when these are changed")
    first = time[start][codes]
    freq = (
        _checked(wanted, time, first, codes, ids, time_col)
        if wanted
        else infer_frequency(time, first, codes, ids)
    )
    values, offsets = _placed(freq.count(first, time), codes, y, len(ids), time_col)
    panel = Panel(values, offsets, ids, time[start], freq, named, time_col, target_col, zone, wall)
    if len(values) > len(y):
        notes.append(counted(len(values) - len(y), "gap") + " filled as missing")
    _refuse_empty(panel)
    return panel, notes


def _codes(ids: pl.Series | None, rows: int, target_col: str) -> tuple[np.ndarray, list[Any]]:
    """(N,) number of each row's series, by first appearance, and the names."""
    if ids is None:
        return np.zeros(rows, np.int64), [target_col]
    names = ids.unique(maintain_order=True)
    table = pl.DataFrame([names.alias("name"), pl.Series("code", np.arange(len(names)))])
    rows_named = pl.DataFrame([ids.alias("name")])
    joined = rows_named.join(table, on="name", how="left", maintain_order="left")
    return joined["code"].to_numpy(), names.to_list()


def _is_sorted(codes: np.ndarray, time: np.ndarray) -> bool:
    step = np.diff(codes)
    return bool(np.all((step > 0) | ((step == 0) & (time[1:] >= time[:-1]))))


def _repeated(codes: np.ndarray, time: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N,) rows that say what the row before said."""
    same = (y[1:] == y[:-1]) | (np.isnan(y[1:]) & np.isnan(y[:-1]))
    return np.append(False, (codes[1:] == codes[:-1]) & (time[1:] == time[:-1]) & same)


def _refuse_duplicates(
    codes: np.ndarray, time: np.ndarray, ids: list, time_col: str, id_col: str | None
) -> None:
    twice = np.flatnonzero((codes[1:] == codes[:-1]) & (time[1:] == time[:-1]))
    if len(twice):
        where = f"{written(time[twice[0]])} of series {ids[codes[twice[0]]]!r}"
        more = f" (and for {counted(len(twice) - 1, 'more time')})" if len(twice) > 1 else ""
        advice = (
            "keep or combine them" if id_col else "is there a column (id_col) that names series?"
        )
        raise ValueError(f"{time_col}: two rows for {where}{more}; {advice}")


def _in_days(freq: Frequency | None, time: np.ndarray, codes: np.ndarray) -> bool:
    """Whether steps are days or longer: such times are wall time, whatever the summer time."""
    if freq is not None:
        return freq.unit != "us" or freq.step >= DAY
    steps = np.diff(time).astype(np.int64)[codes[1:] == codes[:-1]]
    return len(steps) > 0 and bool(steps.min() >= DAY - DAY // 24)


def _by_the_wall(
    freq: Frequency | None, time: np.ndarray, codes: np.ndarray, zone: str
) -> np.ndarray | None:
    """Times as clocks show them, where it is these that move in equal steps (every six hours), and
    not time itself: then some step between two observations is longer or shorter than usual."""
    same = codes[1:] == codes[:-1]
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


def _checked(
    freq: Frequency, time: np.ndarray, first: np.ndarray, codes: np.ndarray, ids: list, name: str
) -> Frequency:
    """``freq`` as given, or the same months counted from the other end; all times must fit."""
    kind = "whole numbers" if time.dtype.kind == "i" else "dates"
    if (freq.unit == "int") != (kind == "whole numbers"):
        raise ValueError(f"freq {freq.alias!r} does not fit {name}, which holds {kind}")
    for candidate in (freq, freq.turned()):
        if fits(candidate, time, first):
            return candidate
    row = int(np.argmax(freq.advance(first, freq.count(first, time)) != time))
    raise ValueError(
        f"{name}: {written(time[row])} of series {ids[codes[row]]!r} is not a whole number of "
        f"steps of freq {freq.alias!r} after its start, {written(first[row])}"
    )


def _placed(
    position: np.ndarray, codes: np.ndarray, y: np.ndarray, n_series: int, time_col: str
) -> tuple[np.ndarray, np.ndarray]:
    """Values at their positions, NaN between, and the offsets of the series."""
    last = np.flatnonzero(np.diff(codes, append=n_series))
    offsets = np.concatenate([[0], np.cumsum(position[last] + 1)])
    if offsets[-1] > max(_MOST_FILLED * len(y), 10_000):
        raise ValueError(
            f"{time_col}: filling the gaps would make {offsets[-1]:,} steps out of {len(y):,} "
            "rows; is a date wrong, or freq too short?"
        )
    if offsets[-1] == len(y):
        return y.astype(np.float32), offsets
    values = np.full(offsets[-1], np.nan, np.float32)
    values[offsets[codes] + position] = y
    return values, offsets


def _refuse_empty(panel: Panel) -> None:
    known = np.add.reduceat(~np.isnan(panel.y), panel.offsets[:-1], dtype=np.int64)
    empty = [repr(panel.ids[s]) for s in np.flatnonzero(known == 0)]
    if empty:
        raise ValueError(f"{panel.target_col}: no value at all in series {some(empty)}")


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """
    >>> counted(2, "gap"), counted(1, "series", "series")
    ('2 gaps', '1 series')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def written(time: Any) -> str:
    """A time as people write it: no fractions, and no clock at midnight."""
    return str(time).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")
