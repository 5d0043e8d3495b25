"""Covariates that the times themselves give: the calendar, and public holidays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..wording import one_of
from .clock import later
from .frequency import DAY, WEEK, Frequency
from .panel import Panel

PARTS = ("hour", "weekday", "monthday", "month")
PERIODS = {"hour": 1.0, "weekday": 7.0, "monthday": 30.5, "month": 365.25}  # days
SEEN = 3  # periods that a series must have lived through to learn from them
HOLIDAYS = ("holiday", "day before a holiday", "day after a holiday")


def fitting_parts(freq: Frequency, days: float = np.inf) -> tuple[str, ...]:
    """The parts of the calendar that change from step to step, and that series of so many ``days``
    have seen at least three times: what came once says nothing about its return.

    >>> fitting_parts(Frequency.parse("1d"))
    ('weekday', 'monthday', 'month')
    >>> fitting_parts(Frequency.parse("1d"), days=200)
    ('weekday', 'monthday')
    """
    return tuple(part for part in _changing(freq) if SEEN * PERIODS[part] <= days)


def _changing(freq: Frequency) -> tuple[str, ...]:
    if freq.unit == "int":
        raise ValueError("calendar: the times are whole numbers, they have no calendar")
    if freq.unit == "month":
        return ("month",) if freq.step < 12 else ()
    if freq.unit == "us" and freq.step < DAY:
        return PARTS
    weekly = freq.unit == "us" and freq.step >= WEEK
    return ("month",) if weekly else PARTS[1:]


def longest_days(panel: Panel) -> float:
    """How long the longest series is."""
    if panel.start.dtype.kind != "M" or not panel.n_series:
        return 0.0
    end = panel.freq.advance(panel.start, panel.lengths)
    return float(((end - panel.start) / np.timedelta64(1, "D")).max())


def calendar_columns(times: NDArray, parts: Sequence[str]) -> NDArray[np.float32]:
    """(N, 2 for each part) sine and cosine of the place in the day, week, month or year.

    ``times`` are local, datetime64[us].
    """
    for part in parts:
        one_of("calendar", part, PARTS)
    columns = []
    for part in parts:
        turn = 2 * np.pi * _place(times, part)
        columns += [np.sin(turn), np.cos(turn)]
    return np.stack(columns, -1).astype(np.float32) if columns else np.zeros((len(times), 0), "f4")


def calendar_names(parts: Sequence[str]) -> list[str]:
    return [f"{part} ({wave})" for part in parts for wave in ("sine", "cosine")]


def _place(times: NDArray, part: str) -> NDArray[np.float64]:
    """(N,) share of the day, week, month or year that has passed."""
    day = times.astype("M8[D]")
    if part == "hour":
        return (times - day) / np.timedelta64(1, "D")
    if part == "weekday":
        return ((day.astype(np.int64) + 3) % 7) / 7  # Monday is 0
    start = times.astype("M8[M]" if part == "monthday" else "M8[Y]")
    length = later(start, 1).astype("M8[D]") - start.astype("M8[D]")
    return (day - start.astype("M8[D]")) / length


def holiday_columns(times: NDArray, country: str) -> NDArray[np.float32]:
    """(N, 3) 1 on public holidays, on the day before and on the day after; see ``HOLIDAYS``.

    ``country`` is an ISO code, with a region if wanted: "DE", "DE-BY", "AU-VIC", "US".
    """
    try:
        import holidays
    except ImportError as error:
        raise ImportError("holidays= needs holidays: pip install 'carrousel[holidays]'") from error
    days = times.astype("M8[D]")
    name, _, region = country.partition("-")
    years = range(_year(days.min()) - 1, _year(days.max()) + 2) if len(days) else range(0)
    try:
        found = holidays.country_holidays(name, subdiv=region or None, years=years)
    except NotImplementedError as error:
        raise ValueError(f"holidays: {country!r} is not known: {error}") from None
    free = np.array(sorted(found), "M8[D]")
    return np.stack([np.isin(days + shift, free) for shift in (0, 1, -1)], -1).astype(np.float32)


def _year(day: np.datetime64) -> int:
    return int(str(day.astype("M8[Y]")))
