"""Rows of a table as they came, made one row for each series and time, or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ..wording import counted, written
from .clock import later, local_time
from .frequency import WEEK, Frequency

_MONDAY = np.datetime64("1970-01-05", "us")
LATE = 2  # times after all values: these come late, more of them are the future
_TOLD = ("sum", "mean", "last")  # aggregates that an error shows


@dataclass(frozen=True)
class Rows:
    """Observations: (N,) each. Times are UTC where there is a zone or an offset, which people
    are told them by."""

    codes: np.ndarray  # number of the series
    time: np.ndarray
    y: np.ndarray  # NaN = missing
    zone: str | None = None
    offset: np.ndarray | None = None  # as it is written beside each time

    def __getitem__(self, which: np.ndarray) -> "Rows":
        offset = None if self.offset is None else self.offset[which]
        return Rows(self.codes[which], self.time[which], self.y[which], self.zone, offset)

    def told(self, row: int | np.integer) -> str:
        """The time of a row as its table shows it."""
        time = self.time[row]
        if self.offset is not None:
            time = time + self.offset[row]
        elif self.zone:
            time = local_time(time[None], self.zone)[0]
        return written(time)

    @property
    def start(self) -> np.ndarray:
        """The first row of each series, once they are sorted."""
        return np.flatnonzero(np.diff(self.codes, prepend=-1))

    @property
    def sorted(self) -> bool:
        step = np.diff(self.codes)
        return bool(np.all((step > 0) | ((step == 0) & (self.time[1:] >= self.time[:-1]))))

    def in_order(self) -> "Rows":
        """By series, then time; rows of one time stay as they came."""
        return self[np.lexsort((self.time, self.codes))]

    @property
    def again(self) -> np.ndarray:
        """Whether each sorted row has the time of the row before."""
        same = (self.codes[1:] == self.codes[:-1]) & (self.time[1:] == self.time[:-1])
        return np.append(False, same)


def in_the_future(rows: Rows, name: str) -> tuple[np.ndarray, list[str]]:
    """(N,) which rows come after the last value of all series, where they hold more than two
    times: such rows are the future that shall be forecast. One or two are values that come late.
    And a note."""
    known, none = ~np.isnan(rows.y), np.zeros(len(rows.y), bool)
    if not known.any() or rows.time[known].max() == rows.time.max():
        return none, []
    last = np.flatnonzero(known)[np.argmax(rows.time[known])]
    after = rows.time > rows.time[last]
    some_left = len(np.unique(rows.codes[~after])) == len(np.unique(rows.codes))
    if len(np.unique(rows.time[after])) <= LATE or not some_left:
        return none, []
    many = counted(int(after.sum()), "row")
    return after, [f"{many} without {name!r} after {rows.told(last)} left out: the future"]


def refuse_repeats(rows: Rows, ids: Sequence[Any], time_col: str, id_col: str | None) -> None:
    """Rows of one time, equal or not, may be one value written twice, or several events."""
    again = rows.again
    if not again.any():
        return
    first = int(np.argmax(again)) - 1
    code, time = rows.codes[first], rows.time[first]
    one = rows[(rows.codes == code) & (rows.time == time)]
    places = np.stack([rows.codes[again], rows.time[again].astype(np.int64)])
    times = np.unique(places, axis=1).shape[1]
    more = f" (and for {counted(times - 1, 'more time')})" if times > 1 else ""
    where = f"{rows.told(first)} of series {ids[code]!r}{more}"
    advice = "" if id_col else "is there a column (id_col) that names series? Else "
    many = "two rows" if len(one.y) == 2 else counted(len(one.y), "row")
    shown = ", ".join(f"{how!r} gives {aggregated(one, how).y[0]:g}" for how in _TOLD)
    raise ValueError(
        f"{time_col}: {many} for {where}; {advice}keep or combine them: aggregate (--aggregate) "
        f"{shown}"
    )


def aggregated(rows: Rows, how: str) -> Rows:
    """One row for each series and time, of sorted rows; missing values count for nothing."""
    table = pl.DataFrame({"y": rows.y}).with_columns(
        pl.col("y").fill_nan(None), pl.Series("place", np.cumsum(~rows.again))
    )
    value = pl.col("y")
    if how in ("first", "last"):
        value = value.drop_nulls()
    combined = getattr(value, how)()
    if how != "count":  # polars' sum of nothing is 0
        combined = pl.when(pl.col("y").count() > 0).then(combined)
    y = table.group_by("place", maintain_order=True).agg(combined.alias("y"))["y"]
    kept = rows[~rows.again]
    return replace(kept, y=y.cast(pl.Float64).to_numpy())


def binned(time: np.ndarray, freq: Frequency) -> np.ndarray:
    """The step of ``freq`` that each time lies in: days begin at midnight, weeks on Monday, months
    and their multiples on the first, or are named by their last day, where ``freq`` says so."""
    if freq.unit == "int":
        return time // freq.step * freq.step
    if freq.unit == "month":
        month = time.astype("M8[M]").astype(np.int64) // freq.step * freq.step
        named = month + (freq.step - 1 if freq.end else 0)
        return replace(freq, step=1).advance(named.astype("M8[M]").astype("M8[us]"), 0)
    if freq.unit == "business":
        return time.astype("M8[D]").astype("M8[us]")
    anchor = _MONDAY if freq.step % WEEK == 0 else np.datetime64(0, "us")
    step = np.timedelta64(freq.step, "us")
    return anchor + (time - anchor) // step * step


def combined(rows: Rows, how: str, freq: Frequency | None) -> tuple[Rows, list[str]]:
    """Sorted rows with those of one time (with ``freq``, of one step) made one."""
    last = rows.time.max()
    if freq is not None:
        rows = replace(rows, time=binned(rows.time, freq))
    before, fewer = len(rows.y), aggregated(rows, how)
    if len(fewer.y) == before and freq is None:
        return rows, []
    notes = [f"{counted(before, 'row')} made {counted(len(fewer.y), 'row')} by their {how}"]
    end = fewer.time.max()
    if freq is not None and freq.unit == "month" and last.astype("M8[D]") < _last_day(end, freq):
        notes.append(
            f"the last step, {written(end)}, holds rows up to {written(last.astype('M8[D]'))} "
            "only: leave it out if it is unfinished"
        )
    return fewer, notes


def _last_day(time: np.datetime64, freq: Frequency) -> np.datetime64:
    month = later(time.astype("M8[M]"), 1 if freq.end else freq.step)
    return later(month.astype("M8[D]"), -1)


def refuse_lonely_dates(place: np.ndarray, rows: Rows, ids: Sequence[Any], time_col: str) -> None:
    """A row after (or before) a gap that is longer than twice all the rest: a wrong year."""
    start = rows.start
    start, stop = start, np.append(start[1:], len(place))
    start, stop = start[stop - start >= 5], stop[stop - start >= 5]
    first, second = place[start], place[start + 1]
    before, last = place[stop - 2], place[stop - 1]
    for odd, gap, rest in (
        (stop - 1, last - before, before - first),
        (start, second - first, last - second),
    ):
        lonely = np.flatnonzero((gap > 2 * np.maximum(rest, stop - start)) & (gap > 30))
        if len(lonely):
            row = odd[lonely[0]]
            raise ValueError(
                f"{time_col}: {rows.told(row)} of series {ids[rows.codes[row]]!r} (y = "
                f"{rows.y[row]:g}) stands alone, {gap[lonely[0]]:,} steps from the other "
                f"{len(place)} rows: is its date wrong?"
            )
