"""Clocks on the wall: what they show in a time zone, and when they are changed."""

from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

DAY = np.timedelta64(86_400_000_000, "us")


def later(time: Any, steps: Any) -> Any:
    """``time`` (datetime64) so many of its own units later: days, months, years, ...

    >>> str(later(np.datetime64("2024-01"), 2))
    '2024-03'
    """
    unit, _ = np.datetime_data(time.dtype)
    return time + np.asarray(steps, f"m8[{unit}]")


def local_time(time: NDArray, zone: str) -> NDArray:
    """UTC as clocks in ``zone`` show it; both datetime64[us] without a zone.

    >>> local_time(np.array(["2024-07-01T12:00"], "M8[us]"), "Europe/Berlin").astype(str).tolist()
    ['2024-07-01T14:00:00.000000']
    """
    return time + utc_offset(time, zone)


def utc_time(local: NDArray, zone: str) -> NDArray:
    """UTC of what clocks in ``zone`` show: of a time that comes twice the first, of one that is
    left out the first moment after it.

    >>> utc_time(np.array(["2024-04-26"], "M8[us]"), "Africa/Cairo").astype(str).tolist()
    ['2024-04-25T22:00:00.000000']
    """
    local = np.asarray(local, "M8[us]")
    when, offset = _changes(local - DAY, local + DAY, zone)
    if not len(when):
        return local - offset[0]
    before, after = when + offset[:-1], when + offset[1:]  # what clocks show at each change
    # As long as a change has not shown its time twice, the offset before it holds.
    passed = np.searchsorted(np.maximum(before, after), local, side="right")
    earlier = local - offset[passed]
    change = np.minimum(passed, len(when) - 1)
    left_out = (passed < len(when)) & (local >= before[change]) & (local < after[change])
    return np.where(left_out, when[change], earlier)


def utc_offset(time: NDArray, zone: str) -> NDArray:
    """What clocks in ``zone`` are ahead of UTC at UTC times, timedelta64[us]."""
    time = np.asarray(time, "M8[us]")
    when, offset = _changes(time, time, zone)
    return offset[np.searchsorted(when, time, side="right")]


def nominal_time(time: NDArray, zone: str, usual: NDArray) -> NDArray:
    """``local_time`` of days, weeks or months that begin at the clock ``usual`` (N,) timedelta64:
    where that is left out on a day, its first moment stands for it.

    >>> midnight = np.zeros(1, "m8[us]")
    >>> cairo = np.array(["2024-04-25T22:00"], "M8[us]")  # clocks go from 0:00 to 1:00
    >>> nominal_time(cairo, "Africa/Cairo", midnight).astype("M8[h]")
    array(['2024-04-26T00'], dtype='datetime64[h]')
    """
    local = local_time(time, zone)
    day = local.astype("M8[D]").astype("M8[us]")
    wanted = day + usual
    odd = np.flatnonzero(wanted != local)
    local[odd] = np.where(utc_time(wanted[odd], zone) == time[odd], wanted[odd], local[odd])
    return local


def wall_time(time: NDArray, zone: str) -> NDArray:
    """``local_time``, but of a moment at which clocks are put forward what they would show."""
    time = np.asarray(time, "M8[us]")
    return local_time(time, zone) - np.maximum(
        utc_offset(time, zone) - utc_offset(time - np.timedelta64(1, "us"), zone),
        np.timedelta64(0, "us"),
    )


def usual_clock(local: NDArray, codes: NDArray) -> NDArray:
    """(N,) the commonest time of day of each row's series, where many have one; timedelta64."""
    clock = local - local.astype("M8[D]").astype("M8[us]")
    if not len(clock) or (clock == clock[0]).all():
        return clock
    rows = np.stack([codes, clock.astype(np.int64)])
    pairs, count = np.unique(rows, axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -count, pairs[0]))  # the commonest of each series first
    series, first = np.unique(pairs[0][order], return_index=True)
    usual = pairs[1][order][first]
    return usual[np.searchsorted(series, codes)].astype("m8[us]")


def _changes(first: NDArray, last: NDArray, zone: str) -> tuple[NDArray, NDArray]:
    """The changes of the clock around these times."""
    if not len(first.reshape(-1)):
        return clock_changes(zone, 1970, 1970)
    years = (first.min().astype("M8[Y]"), last.max().astype("M8[Y]"))
    low, high = (int(year.astype(np.int64)) + 1970 for year in years)
    return clock_changes(zone, low, high)


@lru_cache(maxsize=64)
def clock_changes(zone: str, first: int, last: int) -> tuple[NDArray, NDArray]:
    """(C,) UTC moments at which clocks in ``zone`` are changed in these years, and (C + 1,) what
    they are ahead of UTC before, between and after."""
    days = np.arange(np.datetime64(f"{first:04d}-01-01"), np.datetime64(f"{last + 1:04d}-01-02"))
    days = days.astype("M8[us]")
    offset = _asked(days, zone)
    changed = np.flatnonzero(offset[1:] != offset[:-1])
    low, high = days[changed], days[changed + 1]
    while len(low) and (high - low > np.timedelta64(1, "us")).any():
        middle = low + (high - low) // 2
        same = _asked(middle, zone) == offset[changed]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return high, np.concatenate([offset[:1], offset[changed + 1]])


def _asked(time: NDArray, zone: str) -> NDArray:
    """The offset of each time, from the data base of time zones."""
    utc = pl.Series(time).dt.replace_time_zone("UTC")
    local = utc.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return local.to_numpy().astype("M8[us]") - time
