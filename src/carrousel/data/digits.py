"""Whole numbers that are written as dates are written, in orders that numbers alone do not tell.

YYYYMMDD and YYYYMM are read (dates/whole.py). 240131 may be the last of January or the number that
follows 240130: were it taken for a number, February would begin after 69 gaps.
"""

import numpy as np
import polars as pl

from .dates import Form, days_of

_YEAR_FIRST = (
    (Form(r"(\d{2})(\d{2})(\d{2})", "ymd", "YYMMDD"), "give date_format='%y%m%d' (--date-format)"),
    (Form(r"(\d{4})(\d{3})", "yj", "YYYYDDD"), "give date_format='%Y%j' (--date-format)"),
    (Form(r"(\d{4})(\d{2})([1-7])?", "ywu", "year and week"), "write it as 2024-W05"),
    (Form(r"(\d{4})([1-4])", "yq", "year and quarter"), "write it as 2024Q1"),
)
_DAY_FIRST = (
    (Form(r"(\d{2})(\d{2})(\d{2})", "dmy", "DDMMYY"), "give date_format='%d%m%y' (--date-format)"),
    (Form(r"(\d{2})(\d{2})(\d{2})", "mdy", "MMDDYY"), "give date_format='%m%d%y' (--date-format)"),
    (
        Form(r"(\d{2})(\d{2})(\d{4})", "dmy", "DDMMYYYY"),
        "give date_format='%d%m%Y' (--date-format)",
    ),
    (
        Form(r"(\d{2})(\d{2})(\d{4})", "mdy", "MMDDYYYY"),
        "give date_format='%m%d%Y' (--date-format)",
    ),
)


def refuse_open_digits(numbers: pl.Series) -> None:
    """Refuse whole numbers (N,) that may all be dates.

    Where the day or month is first, numbers that mostly follow each other by one are no dates:
    in those the year would be last, and one day of each year given.

    Raises:
        ValueError: It names a form that fits all of them, and how to say which is meant.

    >>> refuse_open_digits(pl.Series("ds", [240130, 240131, 240201]))
    Traceback (most recent call last):
    ValueError: ds: 240130 may be a date (YYMMDD) or a plain number; give date_format='%y%m%d' \
(--date-format), or freq=1 (--freq) for plain numbers
    """
    values = np.unique(numbers.to_numpy())
    if len(values) < 2 or values[0] < 0:
        return
    cells = pl.Series(values).cast(pl.String)
    found = _fitting(cells, _YEAR_FIRST)
    steps, counts = np.unique(np.diff(values), return_counts=True)
    if found is None and steps[np.argmax(counts)] != 1:
        width = int(cells.str.len_chars().max())  # type: ignore[arg-type]
        found = _fitting(cells.str.zfill(width + width % 2), _DAY_FIRST)
    if found is not None:
        form, give = found
        raise ValueError(
            f"{numbers.name}: {numbers[0]} may be a date ({form.words}) or a plain number; {give}, "
            "or freq=1 (--freq) for plain numbers"
        )


def _fitting(cells: pl.Series, forms: tuple[tuple[Form, str], ...]) -> tuple[Form, str] | None:
    """The first form in which all cells are days."""
    for form, give in forms:
        days = days_of(form, cells)
        if days is not None and not days.null_count():
            return form, give
    return None
