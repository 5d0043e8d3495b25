"""Static covariates in a table of their own: one row for each series."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ..wording import columns_are, counted, meant, some
from .read import Table, open_table
from .reading import ReadOptions


def with_static(
    table: Table, source: Any, id_col: str, names: Sequence[str], known: Collection[Any] = ()
) -> Table:
    """A table with the columns ``names`` of another, of the same series, beside its rows.

    Args:
        table: The series.
        source: A frame or path with ``id_col`` and one row for each series; rows of other series
            are passed over, and noted.
        id_col: Names the series in both.
        names: The columns that are wanted.
        known: Series that need no row.

    Raises:
        ValueError: A column is absent or in both tables, a series has no row, or several that
            differ.

    >>> sales = pl.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [3.0, 4.0]})
    >>> shops = pl.DataFrame({"unique_id": ["a"], "size": [7]})
    >>> table = open_table(sales, ("unique_id", "ds", "y"))
    >>> with_static(table, shops, "unique_id", ["size"]).frame["size"].to_list()
    [7, 7]
    """
    if not names:
        raise ValueError("static_df: name its columns with static_exog")
    ids = table.ids(id_col)
    if ids is None:
        raise ValueError(f"static_df: the series have no column {id_col!r} that says whose it is")
    beside = _of_each(source, id_col, names)
    both = [repr(name) for name in names if name in beside and name in table.frame.columns]
    if both:
        raise ValueError(f"static_df: {some(both)} stands in the table of the series, too")
    theirs = beside[id_col].to_list()
    place = {one: k for k, one in enumerate(theirs)}
    rows = [place.get(one) for one in ids.to_list()]
    own = ids.unique(maintain_order=True).to_list()
    absent = [repr(one) for one in own if one not in place and one not in known]
    if absent:
        have = some([repr(one) for one in theirs])
        raise ValueError(f"static_df: no row for series {some(absent)}; there are {have}")
    others = len(set(theirs) - set(own))
    if others:
        table.notes.append(f"static_df: {counted(others, 'row')} of other series passed over")
    index = pl.Series(rows, dtype=pl.UInt32)
    wanted = [beside[name].gather(index) for name in names if name in beside]
    return replace(table, frame=table.frame.with_columns(wanted))


def _of_each(source: Any, id_col: str, names: Sequence[str]) -> pl.DataFrame:
    """The columns that there are, one row for each series."""
    static = open_table(source, (id_col, id_col, *names[:1]), names, ReadOptions(header=True))
    found = [name for name in names if name in static.frame.columns]
    ids = static.ids(id_col)
    if ids is None or not found:
        missing = id_col if ids is None else names[0]
        raise ValueError(
            f"static_df: there is no column {missing!r}; {columns_are(static.frame.columns)}"
            f"{meant(missing, static.frame.columns)}"
        )
    frame = static.frame.select(found).insert_column(0, ids.alias(id_col)).unique(
        maintain_order=True
    )  # fmt: skip
    twice = np.flatnonzero(frame[id_col].is_duplicated().to_numpy())
    if len(twice):
        name = frame[id_col][int(twice[0])]
        raise ValueError(f"static_df: series {name!r} has several rows that differ; keep one")
    return frame
