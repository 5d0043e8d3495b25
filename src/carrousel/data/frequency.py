"""The step between two observations of a regular series.

A frequency does two things, each vectorized: it advances a time by n steps, and it counts the
steps between two times. Everything else (gaps, duplicates, future dates) follows from these.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .clock import later

SECOND = 1_000_000  # microseconds, the unit of every date in this package
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
WORKING = "1111100"  # which days of the week count, from Monday on
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# spelling -> (steps, unit, whether months are counted from their last day[, business day]).
# Upper and lower case differ where pandas and polars do: "M" is a month end, "m" a minute.
_SPELLINGS: dict[str, tuple] = {
    **dict.fromkeys(("us", "microsecond", "microseconds"), (1, "us", False)),
    **dict.fromkeys(("ms", "L", "millisecond", "milliseconds"), (SECOND // 1000, "us", False)),
    **dict.fromkeys(("s", "S", "second", "seconds"), (SECOND, "us", False)),
    **dict.fromkeys(("m", "min", "T", "minute", "minutes"), (MINUTE, "us", False)),
    **dict.fromkeys(("h", "H", "hour", "hours", "hourly"), (HOUR, "us", False)),
    **dict.fromkeys(("d", "D", "day", "days", "daily"), (DAY, "us", False)),
    **dict.fromkeys(("w", "W", "week", "weeks", "weekly"), (WEEK, "us", False)),
    **dict.fromkeys(("b", "B", "bd", "business day", "business days"), (1, "business", False)),
    **dict.fromkeys(("mo", "MS", "month", "months", "monthly"), (1, "month", False)),
    **dict.fromkeys(("M", "ME", "month end"), (1, "month", True)),
    **dict.fromkeys(("q", "QS", "quarter", "quarters", "quarterly"), (3, "month", False)),
    **dict.fromkeys(("Q", "QE", "quarter end"), (3, "month", True)),
    **dict.fromkeys(("y", "YS", "AS", "year", "years", "yearly"), (12, "month", False)),
    **dict.fromkeys(("Y", "YE", "A", "year end"), (12, "month", True)),
    "i": (1, "int", False), "C": (1, "business", False),
    "BMS": (1, "month", False, True), "BME": (1, "month", True, True),
    "BM": (1, "month", True, True), "BQS": (3, "month", False, True),
    "BQE": (3, "month", True, True), "BQ": (3, "month", True, True),
    "BYS": (12, "month", False, True), "BYE": (12, "month", True, True),
    "BAS": (12, "month", False, True), "BY": (12, "month", True, True),
}  # fmt: skip
_ACCEPTED = (
    "an integer, '1h', '30m', '1d', 'B', 'Mon-Sat', '1w', '1mo', 'ME', '1q', '1y' or a pandas alias"
)


@dataclass(frozen=True)
class Frequency:
    """``step`` units between observations.

    ``unit`` is "us" (microseconds: anything of fixed length, up to weeks), "business" (Monday to
    Friday, or the days of the ``week`` that are 1), "month" (also quarters and years; counted from
    the last day where ``end``, from the first or last day that is no weekend where ``business``) or
    "int" (times are plain integers).

    >>> Frequency.parse("1h").season_length
    24
    >>> Frequency.parse("ME").advance(np.datetime64("2024-01-31", "us"), 1).astype("M8[D]")
    np.datetime64('2024-02-29')
    """

    step: int
    unit: str
    end: bool = False
    business: bool = False
    week: str = WORKING

    def __post_init__(self) -> None:
        if self.step < 1:
            raise ValueError(f"freq must be at least one step long, got {self.step}")
        if re.fullmatch("[01]{7}", self.week) is None or len(set(self.week)) < 2:
            raise ValueError(f"freq must have days of the week that count, got {self.week!r}")

    @classmethod
    def parse(cls, text: "str | int | Frequency") -> "Frequency":
        """Read polars' and pandas' spellings ("1h", "30min", "MS", "W-SUN", ...) or an integer."""
        if isinstance(text, cls):
            return text
        if isinstance(text, (int, np.integer)) and not isinstance(text, bool):
            return cls(int(text), "int")
        if week := _weekdays(str(text)):
            return cls(1, "business", week=week) if "0" in week else cls(DAY, "us")
        if compound := _compound(str(text)):
            return cls(compound, "us")
        match = re.fullmatch(r"(\d*)\s*([A-Za-z ]*?)(-[A-Za-z]{3})?", str(text).strip())
        if match is None or not str(text).strip():
            raise ValueError(f"freq must be {_ACCEPTED}, got {text!r}")
        count, name = int(match[1] or 1), match[2]
        if not name:
            return cls(count, "int")
        if name not in _SPELLINGS:
            raise ValueError(f"freq must be {_ACCEPTED}, got {text!r}")
        step, unit, *day = _SPELLINGS[name]
        return cls(count * step, unit, *day)

    @property
    def alias(self) -> str:
        """polars' spelling where there is one ("1h", "30m", "1mo"), else pandas' ("B", "ME")."""
        if self.unit == "int":
            return str(self.step)
        if self.unit == "business":
            days = "B" if self.week == WORKING else _day_names(self.week)
            return days if self.step == 1 else f"{self.step}{days}"
        count, suffix = self._largest()
        if self.end or self.business:
            suffix = {"mo": "M", "q": "Q", "y": "Y"}[suffix] + "SE"[self.end]
            suffix = f"B{suffix}" if self.business else suffix
            return suffix if count == 1 else f"{count}{suffix}"
        return f"{count}{suffix}"

    @property
    def season_length(self) -> int:
        """Observations in the natural season: a day of hours, a week of days, a year of months."""
        if self.unit == "int":
            return 1
        if self.unit == "business":
            return max(self.week.count("1") // self.step, 1)
        if self.unit == "month":
            return max(12 // self.step, 1)
        for season, from_step in ((52 * WEEK, WEEK), (WEEK, DAY), (DAY, MINUTE), (HOUR, SECOND)):
            if self.step >= from_step:
                return max(season // self.step, 1)
        return 1

    def advance(self, start: Any, n: Any, day: Any = None) -> Any:
        """The times ``n`` steps after ``start``; both may be arrays and broadcast.

        ``day``: the day of the month that months are counted from, where it is not that of
        ``start`` because its month is too short (a series of every 30th, from February on).
        """
        n = np.asarray(n, np.int64) * self.step
        if self.unit == "int":
            return np.asarray(start, np.int64) + n
        start = np.asarray(start, "M8[us]")
        if self.unit == "us":
            return start + n
        if self.unit == "business":
            day = start.astype("M8[D]")
            later = np.busday_offset(day, n, roll="forward", weekmask=self.week)
            return later.astype("M8[us]") + (start - day)
        return self._advance_months(start, n, self.day(start) if day is None else day)

    def day(self, start: Any) -> Any:
        """The day of the month (1 to 31) of each time; of dates only."""
        start = np.asarray(start, "M8[us]").astype("M8[D]")
        return (start - start.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1

    def count(self, start: Any, time: Any) -> Any:
        """Whole steps from ``start`` to ``time`` (rounded down); arrays broadcast."""
        if self.unit == "int":
            return (np.asarray(time, np.int64) - np.asarray(start, np.int64)) // self.step
        start, time = np.asarray(start, "M8[us]"), np.asarray(time, "M8[us]")
        if self.unit == "us":
            return (time - start).astype(np.int64) // self.step
        if self.unit == "business":
            start, time = start.astype("M8[D]"), time.astype("M8[D]")
            return np.busday_count(start, time, weekmask=self.week) // self.step
        months = time.astype("M8[M]").astype(np.int64) - start.astype("M8[M]").astype(np.int64)
        return months // self.step

    def turned(self) -> "Frequency":
        """The same months counted from the other end (first day instead of last, or back)."""
        return replace(self, end=not self.end) if self.unit == "month" else self

    def __str__(self) -> str:
        if self.unit == "int":
            return f"every {self.step} steps" if self.step > 1 else "integer steps"
        if self.unit == "business":
            days = "business days" if self.week == WORKING else f"days ({_day_names(self.week)})"
            return days if self.step == 1 else f"every {self.step} {days}"
        count, suffix = self._largest()
        adverb, noun = _WORDS[suffix]
        words = f"every {count} {noun}s" if count > 1 else adverb or f"every {noun}"
        day = "business day" if self.business else "day"
        if self.end:
            return f"{words} (last {day})"
        return f"{words} (first {day})" if self.business else words

    def _largest(self) -> tuple[int, str]:
        """(count, suffix) in the largest unit that divides the step."""
        sizes = _MONTH_SIZES if self.unit == "month" else _FIXED_SIZES
        return next((self.step // size, name) for size, name in sizes if self.step % size == 0)

    def _advance_months(self, start: np.ndarray, n: np.ndarray, day: np.ndarray) -> np.ndarray:
        target = later(start.astype("M8[M]"), n)
        days = (later(target, 1).astype("M8[D]") - target.astype("M8[D]")).astype(np.int64)
        day = days - 1 if self.end else np.minimum(day, days) - 1
        clock = start - start.astype("M8[D]")
        if self.business:
            edge = later(target.astype("M8[D]"), days - 1 if self.end else 0)
            if self.end:
                return np.busday_offset(edge, 0, roll="backward").astype("M8[us]") + clock
            return np.busday_offset(edge, 0, roll="forward").astype("M8[us]") + clock
        return later(target.astype("M8[us]"), day * DAY) + clock


def _weekdays(text: str) -> str | None:
    """ "Mon-Sat" or "Mon,Wed,Fri" as numpy's week mask; None for anything else."""
    week = ["0"] * 7
    for part in text.split(","):
        ends = [_DAYS.index(day) if day in _DAYS else -1 for day in part.strip().split("-")]
        if len(ends) > 2 or min(ends) < 0:
            return None
        for k in range((ends[-1] - ends[0]) % 7 + 1):
            week[(ends[0] + k) % 7] = "1"
    return "".join(week)


def _day_names(week: str) -> str:
    """The shortest way to say a week mask: a run of days, or a list.

    >>> _day_names("1111110"), _day_names("1111001"), _day_names("1010100")
    ('Mon-Sat', 'Sun-Thu', 'Mon,Wed,Fri')
    """
    first = next(k for k in range(7) if week[k] == "1" and week[k - 1] == "0")
    turned = week[first:] + week[:first]
    if "01" not in turned:
        return f"{_DAYS[first]}-{_DAYS[(first + turned.count('1') - 1) % 7]}"
    return ",".join(day for day, there in zip(_DAYS, week, strict=True) if there == "1")


def _compound(text: str) -> int | None:
    """Microseconds of "1h30min" or "1d12h"; None for anything with fewer than two parts."""
    parts = re.findall(r"(\d+)\s*([A-Za-z]+)\s*", text)
    known = [_SPELLINGS.get(unit, (0, "")) for _, unit in parts]
    whole = "".join(n + unit for n, unit in parts) == re.sub(r"\s", "", text)
    if len(parts) < 2 or not whole or any(unit != "us" for _, unit, *_ in known):
        return None
    return sum(int(n) * size for (n, _), (size, *_) in zip(parts, known, strict=True))


_MONTH_SIZES = ((12, "y"), (3, "q"), (1, "mo"))
_FIXED_SIZES = (
    (WEEK, "w"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1000, "ms"), (1, "us"),
)  # fmt: skip
_WORDS = {
    "y": ("yearly", "year"), "q": ("quarterly", "quarter"), "mo": ("monthly", "month"),
    "w": ("weekly", "week"), "d": ("daily", "day"), "h": ("hourly", "hour"),
    "m": ("", "minute"), "s": ("", "second"), "ms": ("", "millisecond"), "us": ("", "microsecond"),
}  # fmt: skip
