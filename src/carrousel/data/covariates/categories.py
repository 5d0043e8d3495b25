"""Columns as numbers: those of text are codes of categories."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from ...wording import some
from ..numbers import MISSING, is_text, looks_numeric, share_of_numbers
from ..read import Table
from .spec import Spec

MOST_CATEGORIES = 10_000

_MOSTLY = 0.8  # of the cells are numbers: then the others are mistakes, not names


def strangers(table: Table, spec: Spec, names: Sequence[str] | None = None) -> list[str]:
    """Sentences on categories that were never learned."""
    notes = []
    for name, known in spec.categories.items():
        if name in table.frame.columns and (names is None or name in names):
            new = sorted(set(_texts(table.text(name)).drop_nulls().unique().to_list()) - set(known))
            if new:
                few = some([repr(one) for one in new])
                notes.append(f"{name!r}: {few} not seen in training, taken as missing")
    return notes


def extended(column: pl.Series, spec: Spec) -> tuple[str, ...] | None:
    """The categories that a column has in ``spec``, then those that are new; None for numbers."""
    known = spec.categories.get(column.name)
    if known is None:
        return _categories(column)
    new = sorted(set(_texts(column).drop_nulls().unique().to_list()) - set(known))
    return (*known, *new)


def _categories(column: pl.Series) -> tuple[str, ...] | None:
    """The sorted values of a column of text; None for numbers, also if they are written as text.

    Raises:
        ValueError: Nearly all cells are numbers, but not all.
    """
    if not is_text(column) or looks_numeric(column):
        return None
    text = _texts(column).drop_nulls()
    if not len(text):
        return None
    share = share_of_numbers(column)
    if isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        share = 0.0  # the user says that it is one
    if share >= _MOSTLY:
        return None  # reading the numbers says which cell is none
    found = tuple(sorted(text.unique().to_list()))
    if len(found) > MOST_CATEGORIES:
        raise ValueError(
            f"{column.name}: {len(found):,} different texts are too many for a category"
        )
    return found


def _texts(column: pl.Series) -> pl.Series:
    """Names of categories; null where there is nothing."""
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(MISSING).fill_null(False), None)


def column_values(table: Table, name: str, spec: Spec) -> np.ndarray:
    """(N,) numbers, or codes of categories; NaN where missing or unknown."""
    known = spec.categories.get(name)
    if known is None:
        beside = [one for one in (*spec.futr, *spec.hist) if one in table.frame.columns]
        return table.numbers(name, beside)
    codes = {one: float(k) for k, one in enumerate(known)}
    return np.array([codes.get(one, np.nan) for one in _texts(table.text(name)).to_list()])
