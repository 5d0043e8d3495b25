"""Groups of series by a column of their rows, or a Hive partition: for the scores of each."""

from typing import Any

import polars as pl

from ...data.store import Source, Store
from ...data.store.partition import ids_of
from ...wording import quoted

OF, SEVERAL, NONE = "group of the series", "(several)", "(none)"  # no column is called so
_LEAST, _MOST = "least of the series", "most of the series"


def require_column(data: Any, by: str | None) -> None:
    """Refuse a column that no file has, before any work.

    Raises:
        ValueError: There is none.
    """
    if by is None:
        return
    source = Source.of(data)
    columns: dict[str, pl.DataType] = {}
    for name in source.names:
        try:
            columns = source.schema(name)
        except ValueError:  # a file that is broken is named where its rows are read
            continue
        if by not in columns:
            continue
        if columns[by].is_nested():
            raise ValueError(f"by must be a column of single values, got {by!r}: {columns[by]}")
        return
    raise ValueError(f"by must be a column of the data, got {by!r}; there are {quoted(columns)}")


def group_of_each(data: Any, store: Store, by: str) -> pl.DataFrame:
    """A row for each series of a source: its name, and what stands in the column ``by`` of its
    rows; "(several)" where that is not the same in all of them, "(none)" where nothing does."""
    source, id_col = Source.of(data), store.description.id_col
    broken, found = {one.name for one in store.broken if one.kind == "file"}, []
    for name in source.names:
        if name in broken or by not in source.schema(name):
            continue
        for rows in source.scan(name, list(dict.fromkeys([id_col, by]))):
            named = ids_of(rows[id_col], store.description.text, name).alias(id_col)
            told = rows[by].cast(pl.String)
            found.append(_ends(pl.DataFrame([named, told.alias(_LEAST), told.alias(_MOST)])))
    ends = _ends(pl.concat(found))
    none, one = pl.col(_LEAST).is_null(), pl.col(_LEAST) == pl.col(_MOST)
    group = pl.when(none).then(pl.lit(NONE)).when(one).then(_LEAST).otherwise(pl.lit(SEVERAL))
    return ends.select(id_col, group.alias(OF))


def _ends(rows: pl.DataFrame) -> pl.DataFrame:
    """The least and the greatest value of each series."""
    return rows.group_by(rows.columns[0]).agg(pl.col(_LEAST).min(), pl.col(_MOST).max())
