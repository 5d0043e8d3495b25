"""Years in which times are plausible."""

import polars as pl

from .column import row_of

FIRST_YEAR, LAST_YEAR = 1700, 2200  # of what is plausible


def implausible(time: pl.Series) -> pl.Series:
    year = time.dt.year()
    return ((year < FIRST_YEAR) | (year > LAST_YEAR)).fill_null(False)


def refuse_far_off(column: pl.Series) -> None:
    """The same for times that are no text."""
    found = implausible(column)
    if found.any():
        row = int(found.arg_max() or 0)
        raise ValueError(
            f"{column.name}: {str(column[row])[:19]} in row {row + 1} is not in the years "
            f"{FIRST_YEAR} to {LAST_YEAR}; give whole numbers for such times"
        )


def far_off(text: pl.Series, cell: str, time: object) -> str:
    return (
        f"{text.name}: {cell!r} in row {row_of(text, cell)} is read as {str(time)[:10]}, not in "
        f"the years {FIRST_YEAR} to {LAST_YEAR}: is a date wrong? Else give date_format "
        "(--date-format)"
    )
