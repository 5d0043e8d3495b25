"""Results in the kind of frame that came in."""

from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from .panel import Panel


def to_frame(columns: dict[str, np.ndarray], like: Any, panel: Panel | None = None) -> Any:
    """A pandas, polars or pyarrow frame, whichever ``like`` is; polars for a path or None.

    With ``panel``, all times get back the time zone that its own came with.

    >>> to_frame({"y": np.array([1.0, 2.0])}, like=pl.DataFrame()).shape
    (2, 1)
    """
    table = pl.DataFrame({name: _series(values) for name, values in columns.items()})
    if panel is not None and panel.time_zone:
        for name, values in columns.items():
            if values.dtype.kind == "M":
                utc = pl.Series(name, panel.instants(values)).dt.replace_time_zone("UTC")
                table = table.with_columns(utc.dt.convert_time_zone(panel.time_zone))
    if like is None or isinstance(like, (str, Path)):
        return table
    kind = nw.from_native(without_rows(like)).implementation
    if kind.is_polars():
        return table
    if kind.is_pyarrow():
        return table.to_arrow()
    zoned = {c for c, kind in table.schema.items() if getattr(kind, "time_zone", None)}
    data = {c: _plain(table[c]) for c in table.columns}
    frame = nw.from_dict(data, backend=kind)
    for name in zoned:
        zone = table.schema[name].time_zone  # type: ignore[attr-defined]
        column = nw.col(name).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        frame = frame.with_columns(column)
    return frame.to_native()


def without_rows(frame: Any) -> Any:
    """A frame of the same kind (of the kind that it is collected as, if it is lazy) without rows:
    only the kind is remembered."""
    empty = nw.from_native(frame).head(0)
    if isinstance(empty, nw.LazyFrame):
        empty = empty.collect()
    return empty.to_native()


def _series(values: np.ndarray) -> pl.Series:
    return pl.Series(values.tolist() if values.dtype == object else values)


def _plain(column: pl.Series) -> Any:
    """numpy where it has the type, else a list; zoned times in UTC."""
    if getattr(column.dtype, "time_zone", None):
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.to_list() if column.dtype == pl.String else column.to_numpy()
