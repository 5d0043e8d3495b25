"""Times that are written as whole numbers: 20240131, 202401, or counted from 1970."""

import numpy as np
import polars as pl

from ..reading import ReadOptions
from .column import row_of, rows_of
from .epochs import EPOCHS, epoch
from .fields import clock_of, time_of
from .forms import DIGITS, groups
from .given import by_format
from .plausible import implausible


def parse_whole(
    numbers: pl.Series, options: ReadOptions, *, plain: bool
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Dates written as whole numbers (20240131, 202401, seconds since 1970), and notes; None for
    numbers that are no dates. ``plain``: they are known to be numbers.

    Raises:
        ValueError: Numbers that look like dates, but are not all dates.
    """
    unit = options.date_format if options.date_format in EPOCHS else None
    if options.date_format and unit is None:
        text = numbers.cast(pl.String).str.zfill(_width(options.date_format))
        return by_format(text, options.date_format).time, ()
    if plain and unit is None:
        return None, ()
    text = numbers.cast(pl.String)
    cells = text.unique(maintain_order=True)
    for form in DIGITS if unit is None else ():
        pattern = f"^{form.pattern}{form.tail}$"
        if not cells.str.contains(pattern).all():
            continue
        fields = groups(cells, pattern, form.parts + ("HMS" if form.tail else ""))
        time = time_of(fields, clock_of(fields)[0])
        good = ~(time.is_null() | implausible(time))
        if good.all():
            values = time.to_numpy().astype("M8[us]")
            return values[rows_of(text, cells)], (f"{numbers.name!r} read as {form.words}",)
        if float(good.mean()) > 0.5:  # type: ignore[arg-type]
            cell = cells.filter(~good)[0]
            raise ValueError(
                f"{numbers.name}: {cell} in row {row_of(text, cell)} is no date, and the other "
                f"numbers look like {form.words}; mend it, or give freq=1 for plain numbers"
            )
    found = epoch(numbers, unit)
    return (None, ()) if found is None else found


def _width(date_format: str) -> int:
    """Digits of a number in a form without separators, for the zeros that numbers begin without;
    0 for others."""
    digits = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2}
    letters = date_format.replace("%", "")
    if date_format != "".join(f"%{one}" for one in letters) or not set(letters) <= set(digits):
        return 0
    return sum(digits[one] for one in letters)
