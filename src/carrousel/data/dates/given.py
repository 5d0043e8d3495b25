"""Times in the form that the user gives."""

import polars as pl

from .column import Times, row_of, rows_of
from .epochs import EPOCHS, epoch
from .fields import east, without


def by_format(text: pl.Series, form: str) -> Times:
    """As the user says."""
    if form in EPOCHS:
        whole = text.cast(pl.Int64, strict=False)
        if whole.null_count():
            bad = text.filter(whole.is_null())[0]
            raise ValueError(f"{text.name}: {bad!r} does not count {form} from 1970 (date_format)")
        found = epoch(whole, form)
        assert found is not None
        return Times(found[0], None, None, found[1])
    more, cells = "", text.unique(maintain_order=True)
    if not any(f"%{letter}" in form for letter in "dejDFxcVuUW+s"):
        more = " 1" if any(f"%{letter}" in form for letter in "mbBh") else " 1 1"
    full = form + {"": "", " 1": " %d", " 1 1": " %m %d"}[more]
    read = cells.str.strip_chars() + more
    zoned = "%z" in form or "%+" in form or "%:z" in form
    try:
        time = read.str.to_datetime(
            full, strict=False, time_unit="us", time_zone="UTC" if zoned else None
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"date_format: {form!r} cannot be used: {reason}") from None
    if "%y" in form:  # chrono reads 69 as 2069, POSIX as 1969
        late = time.dt.year() == 2069
        time = without(time, late).fill_null(time.dt.offset_by("-100y"))
    bad = time.is_null() | (time.dt.year() < 1000).fill_null(True)
    if bad.any():
        cell = cells.filter(bad)[0]
        short = "; a year of two digits is %y" if "%Y" in form else ""
        raise ValueError(
            f"{text.name}: {cell!r} in row {row_of(text, cell)} is not written as date_format="
            f"{form!r}{short}"
        )
    values = time.dt.replace_time_zone(None).to_numpy().astype("M8[us]")
    back = rows_of(text, cells)
    offset = east(cells.str.extract(r"([+-]\d{2}:?\d{2})\s*$"))[back] if zoned else None
    return Times(values[back], offset, None)
