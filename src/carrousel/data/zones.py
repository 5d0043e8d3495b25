"""The time zone of a column that holds only offsets from UTC.

Offsets that change say that clocks are changed, and when; that is enough to know the clock on the
wall, in the past and ahead. Of places whose clocks are changed together one stands for all.
"""

from zoneinfo import available_timezones

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .clock import utc_offset

HOUR = np.timedelta64(3_600_000_000, "us")
# One of each clock, those of most people first.
_COMMON = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Europe/Athens", "Australia/Sydney", "Australia/Adelaide",
    "Pacific/Auckland", "America/Halifax", "America/St_Johns", "America/Anchorage",
    "America/Santiago", "America/Sao_Paulo", "America/Havana", "Africa/Cairo", "Asia/Jerusalem",
    "Asia/Beirut", "Atlantic/Azores", "Australia/Lord_Howe",
)  # fmt: skip
# Those that are no whole hours from UTC and whose clocks are not changed.
_FIXED = (
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Yangon", "Asia/Kabul", "Asia/Tehran",
    "Australia/Darwin", "Australia/Eucla", "Pacific/Marquesas",
)  # fmt: skip
_GIVE = "give time_zone (--time-zone)"


def zone_of(time: NDArray, offset: NDArray, name: str) -> tuple[str, list[str]]:
    """The zone whose clocks are ``offset`` (N,) ahead of UTC at UTC times (N,), and what is to be
    said of it; UTC where there is none.

    >>> time = np.array(["2024-03-31T00:00", "2024-03-31T01:00"], "M8[us]")
    >>> zone_of(time, np.array([1, 2]) * HOUR, "ds")[0]
    'Europe/Berlin'
    """
    if (offset == offset[:1]).all():
        zone = _fixed(time, offset)
        if zone == "UTC" and not offset.any():
            return zone, []
        if zone is not None:
            kept = "is kept" if zone != "UTC" else "is left out"
            return zone, [
                f"{name!r}: the offset {_shown(offset[0])} from UTC, that of all times, {kept}; "
                f"if clocks are changed there, {_GIVE}"
            ]
    order = np.argsort(time, kind="stable")
    time, offset = time[order], offset[order]
    turns = np.flatnonzero(offset[1:] != offset[:-1])
    ends = np.unique(np.concatenate([[0], turns, turns + 1, [len(time) - 1]]))
    every = (zone for zone in sorted(available_timezones()) if "/" in zone)
    for zone in (*_COMMON, *every):
        if _fits(zone, time[ends], offset[ends]) and _fits(zone, time, offset):
            note = f"{name!r}: the offsets from UTC are those of {zone}; for another place, {_GIVE}"
            return zone, [note]
    return "UTC", [f"{name!r}: the offsets are those of no time zone, times are kept in UTC"]


def require_zone(zone: str) -> None:
    """Refuse the name of a zone that is not known."""
    try:
        utc_offset(np.zeros(1, "M8[us]"), zone)
    except pl.exceptions.PolarsError:
        raise ValueError(
            f"time_zone must be a name such as 'Europe/Berlin' or 'UTC', got {zone!r}"
        ) from None


def _fixed(time: NDArray, offset: NDArray) -> str | None:
    """A zone whose clocks are never changed and always have the offset that all times have."""
    if not offset.any():
        return "UTC"
    hours = offset[0] / HOUR
    if hours == int(hours) and -12 <= hours <= 14:
        return f"Etc/GMT{-int(hours):+d}"  # the signs are POSIX': ahead of UTC is minus
    return next((zone for zone in _FIXED if _fits(zone, time, offset)), None)


def _fits(zone: str, time: NDArray, offset: NDArray) -> bool:
    try:
        return bool((utc_offset(time, zone) == offset).all())
    except pl.exceptions.PolarsError:  # a name that is not known here
        return False


def _shown(offset: np.timedelta64) -> str:
    minutes = int(offset / np.timedelta64(60_000_000, "us"))
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
