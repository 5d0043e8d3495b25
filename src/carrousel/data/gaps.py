"""What a table leaves out, in sentences: gaps, closed days, a last step that has only begun."""

import numpy as np

from ..wording import counted, written
from .frequency import DAY, WEEK, WORKING
from .panel import Panel
from .rows import Rows

_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_MANY = 0.3  # share of steps without a row from which they may mean something
_FEW = 20  # rows that tell nothing
_BEGUN = 0.5  # of the least total before: a step that may not be over


def notes_on_gaps(panel: Panel, rows: Rows, *, given: bool, zero: bool) -> list[str]:
    """How many steps have no row, and what they may mean.

    Args:
        panel: With the gaps filled.
        rows: What the table held, sorted.
        given: Whether the frequency was given.
        zero: Whether gaps were filled with zero.
    """
    gaps = len(panel.y) - len(rows.y)
    closed = _closed(panel, rows)
    if panel.freq.unit == "business" and panel.freq.week != WORKING and not given:
        days = " and ".join(_WEEKDAYS[k] for k in range(7) if panel.freq.week[k] == "0")
        note = (
            f"no row on {days}: the steps are the other days (freq {panel.freq.alias!r}); "
            "fill='zero' (--fill zero) would count closed days as zero"
        )
        return [note, *counted_gaps(gaps, zero=zero)]
    if not gaps:
        return []
    notes = counted_gaps(gaps, zero=zero)
    if zero:
        return notes
    if closed:
        notes.append(
            f"no row on {closed}: missing values, which forecasts fill as if they were open; give "
            "fill='zero' (--fill zero) for zero, or freq for the open days only, as 'Mon-Sat'"
        )
    elif len(rows.y) > _FEW and gaps > _MANY * len(panel.y) and not (rows.y <= 0).any():
        notes.append(
            f"{gaps / len(panel.y):.0%} of the steps have no row, and no value is zero: if no row "
            "means that nothing happened, give fill='zero' (--fill zero)"
        )
    return notes


def counted_gaps(gaps: int, *, zero: bool) -> list[str]:
    return (
        [f"{counted(gaps, 'gap')} filled {'with zero' if zero else 'as missing'}"] if gaps else []
    )


def _closed(panel: Panel, rows: Rows) -> str:
    """The days of the week without any row, in a series of days that is long enough to tell."""
    if panel.freq.unit != "us" or panel.freq.step != DAY or panel.lengths.max() < 21:
        return ""
    there = np.unique((rows.time.astype("M8[D]").astype(np.int64) + 3) % 7)  # Monday is 0
    if not 2 <= len(there) <= 6:
        return ""
    return " and ".join(_WEEKDAYS[k] for k in range(7) if k not in there)


def unfinished_step(panel: Panel) -> list[str]:
    """A last week, month, quarter or year that holds far less than any of two seasons before: it
    may have only begun."""
    freq = panel.freq
    long = freq.unit == "month" or (freq.unit == "us" and freq.step >= WEEK)
    if not long or not panel.n_series:
        return []
    end = panel.ends.max()
    here = np.flatnonzero((panel.ends == end) & (panel.lengths >= 13))
    if not len(here):
        return []
    width = min(25, int(panel.lengths[here].min()))
    window = panel.y[(panel.offsets[here + 1] - width)[:, None] + np.arange(width)]
    totals = np.nansum(window, 0)
    before = totals[:-1]
    if np.isnan(window).any() or before.min() <= 0 or not 0 <= totals[-1] < _BEGUN * before.min():
        return []
    return [
        f"the last step, {written(panel.local(end))}, holds {totals[-1]:,.4g}, less than half of "
        f"the least of the {len(before)} before: if it has only begun, leave it out"
    ]
