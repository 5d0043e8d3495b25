"""Find the frequency of sorted times, or say why there is none."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .clock import later
from .frequency import DAY, Frequency

GIVE = "give freq, for example freq='1h'"


def infer_frequency(
    time: np.ndarray,
    first: np.ndarray,
    codes: np.ndarray,
    ids: Sequence[Any],
    *,
    weekly: bool = True,
) -> Frequency:
    """The longest step on which all times lie.

    ``time`` (N,) datetime64[us] or int64, increasing within each series; ``first`` (N,) the first
    time of the series that each row belongs to; ``codes`` (N,) the series, by its place in ``ids``.
    Candidates are tried
    from the most to the least specific: months, the days of the week that are open (if ``weekly``),
    the most common step, the greatest common divisor. A step counts only if it is common or if at
    least half of its grid is observed: otherwise the times are irregular, and some tiny step would
    fit them.
    """
    steps = np.diff(time).astype(np.int64)[codes[1:] == codes[:-1]]
    if not len(steps):
        raise ValueError(f"freq cannot be inferred from one observation per series: {GIVE}")
    sizes, counts = _counted(steps)
    for freq in candidates(time, sizes, counts, weekly):
        if fits(freq, time, first):
            agree(freq, time, first, codes, ids)
            return freq
    raise irregular(time, sizes, counts)


def irregular(time: np.ndarray, sizes: np.ndarray, counts: np.ndarray) -> ValueError:
    """What is said where no frequency fits."""
    total = counts.sum()
    usual = [f"{_words(s, time)} ({c / total:.0%})" for s, c in _commonest(sizes, counts)]
    return ValueError(f"freq is ambiguous, the times are irregular: steps of {', '.join(usual)}; "
                      f"resample them, or {GIVE}")  # fmt: skip


def fits(freq: Frequency, time: np.ndarray, first: np.ndarray) -> bool:
    """Whether every time is a whole number of steps after the first one of its series."""
    return bool(np.all(freq.advance(first, freq.count(first, time)) == time))


def candidates(
    time: np.ndarray, sizes: np.ndarray, counts: np.ndarray, weekly: bool
) -> Iterator[Frequency]:
    """Frequencies that may fit, the most specific first. Of ``time`` only the days that occur
    count; ``sizes`` are the distinct steps of all series, increasing, ``counts`` how often each
    occurs."""
    mode, divisor = int(sizes[np.argmax(counts)]), int(np.gcd.reduce(sizes))
    unit = "int" if time.dtype.kind == "i" else "us"
    if unit == "us" and sizes[0] >= 28 * DAY:
        yield from _month_candidates(time, sizes)
    # Microseconds of very many series are more than 64 bits hold.
    n, span = int(counts.sum()), int(sizes.astype(object) @ counts.astype(object))
    common = span <= 2 * mode * n or counts.max() >= max(n / 4, 2)
    if weekly and unit == "us" and len(sizes) > 1 and divisor % DAY == 0:
        yield from _weekdays(time, span, n, common and mode == DAY)
    if common:
        yield Frequency(mode, unit)
    if span <= 2 * divisor * n:
        yield Frequency(divisor, unit)


def _weekdays(time: np.ndarray, span: int, n: int, common: bool) -> Iterator[Frequency]:
    """Only some days of the week, where that is no accident: Monday to Friday, or what so many
    weeks without any other day leave."""
    there = np.unique((time.astype("M8[D]").astype(np.int64) + 3) % 7)  # Monday is 0
    week = "".join("01"[int(day in there)] for day in range(7))
    if there.max() < 5 and common:
        yield Frequency(1, "business")
    elif 2 <= len(there) <= 6:
        weeks = float(span) / (7 * DAY)
        filled = min(n / (weeks * len(there)), 1.0)
        if weeks >= 3 and filled >= 0.5 and (1 - filled) ** weeks < 1e-3:
            yield Frequency(1, "business", week=week)


def _month_candidates(time: np.ndarray, sizes: np.ndarray) -> Iterator[Frequency]:
    """Years, quarters or months, counted from the last day where all times are last days, or
    from the first or last business day where no time is on a weekend."""
    day = time.astype("M8[D]")
    end = bool(np.all(later(day, 1).astype("M8[M]") > day.astype("M8[M]")))
    months = np.round(sizes / (30.436875 * DAY)).astype(np.int64)  # the mean month
    count = max(int(np.gcd.reduce(months)), 1)
    yield Frequency(count, "month", end)
    if np.is_busday(day).all():
        yield Frequency(count, "month", False, business=True)
        yield Frequency(count, "month", True, business=True)


def agree(
    freq: Frequency, time: np.ndarray, first: np.ndarray, codes: np.ndarray, ids: Sequence[Any]
) -> None:
    """Refuse to mix series whose steps differ: an hourly one beside a daily one."""
    start = np.flatnonzero(np.diff(codes, prepend=-1))
    rows = np.diff(start, append=len(codes))
    gap = np.diff(freq.count(first, time), append=0)
    gap[np.append(start[1:], len(codes)) - 1] = np.iinfo(np.int64).max  # to the next series
    smallest = np.minimum.reduceat(gap, start)
    odd = np.flatnonzero((rows >= 4) & (smallest > 1))
    if len(odd):
        raise ValueError(
            f"freq is ambiguous: series {ids[codes[start[odd[0]]]]!r} has a value at most every"
            f" {smallest[odd[0]]} steps of {freq.alias}; forecast such series apart, or {GIVE}"
        )


def _counted(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct steps, increasing, and how often each occurs."""
    if steps.min() == steps.max():
        return steps[:1], np.array([len(steps)])
    return np.unique(steps, return_counts=True)


def _commonest(sizes: np.ndarray, counts: np.ndarray) -> list[tuple[int, int]]:
    order = np.argsort(-counts, kind="stable")[:3]
    return [(int(sizes[k]), int(counts[k])) for k in order]


def _words(step: int, time: np.ndarray) -> str:
    return str(step) if time.dtype.kind == "i" else Frequency(step, "us").alias
