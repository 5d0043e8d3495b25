"""Times of a column of text: the form and the order are found in the whole column."""

from collections.abc import Callable

import numpy as np
import polars as pl

from ..reading import ReadOptions
from .column import Times, row_of, rows_of
from .fields import clock_of
from .forms import GIVE, form_of, stranger
from .given import by_format
from .order import readings_of, settle
from .plausible import far_off, implausible


def parse_dates(
    text: pl.Series,
    options: ReadOptions,
    hint: ReadOptions | None = None,
    expected: Callable[[np.ndarray], bool] | None = None,
) -> Times:
    """Times of a column of text without nulls.

    Args:
        text: The cells, without blanks around them.
        options: What the user says.
        hint: How an earlier table of the same model was written; it settles an open order.
        expected: Whether times are where the model expects them; settles it as well.

    Raises:
        ValueError: A cell that is no time, or an order that nothing settles.
    """
    if options.date_format is not None:
        return by_format(text, options.date_format)
    fast = _iso(text)
    if fast is not None:
        return Times(fast, None, None)
    cells = text.unique(maintain_order=True)
    form, fields = form_of(cells)
    if form is None:
        _refuse_text(text)
    assert form is not None
    clock, offset = clock_of(fields)
    readings = readings_of(form, fields, clock)
    order, notes = settle(cells, readings, form, options, hint, expected)
    time, notes = readings[order], list(notes)
    bad = time.is_null()
    if bad.any():
        _refuse_text(text, cells.filter(bad)[0])
    found = implausible(time)
    if found.any():
        raise ValueError(far_off(text, cells.filter(found)[0], time.filter(found)[0]))
    values = time.to_numpy().astype("M8[us]")
    if form.words:
        notes.append(f"{text.name!r} read as {form.words}")
    back = rows_of(text, cells)
    if offset is None:
        return Times(values[back], None, _day_or_month(order), tuple(notes))
    return Times((values - offset)[back], offset[back], _day_or_month(order), tuple(notes))


def _iso(text: pl.Series) -> np.ndarray | None:
    """The fast way for columns that are all YYYY-MM-DD, with or without a clock."""
    if not len(text) or not pl.Series([text[0]]).str.contains(r"^\d{4}-\d\d-\d\d").all():
        return None
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"):
        time = text.str.to_datetime(form, strict=False, time_unit="us")
        if not time.null_count() and not implausible(time).any():
            return time.to_numpy().astype("M8[us]", copy=False)
    return None


def _refuse_text(text: pl.Series, cell: str | None = None) -> None:
    if cell is None:
        cell = stranger(text)
    hint = GIVE
    if pl.Series([cell]).str.contains(r"^\d{1,2}[-/. ]?[A-Za-z]{3,}$").all():
        hint = "the year is missing"
    raise ValueError(f"{text.name}: {cell!r} in row {row_of(text, cell)} is no time; {hint}")


def _day_or_month(order: str) -> str | None:
    return order if order in ("dmy", "mdy") else None
