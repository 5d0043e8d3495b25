"""Tables of forecasts as they are written."""

import numpy as np
import polars as pl

from ..data import Panel
from ..storage.files import frame_bytes


def table_bytes(table: pl.DataFrame, panel: Panel, suffix: str) -> bytes:
    """The content of a ``.csv`` or ``.parquet`` file; CSV with the digits that say something."""
    return frame_bytes(as_text(table, panel) if suffix == ".csv" else table, suffix)


def as_text(table: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """Times as text, and of numbers the digits that say something."""
    return _rounded(table, panel.target_col).with_columns(
        pl.selectors.datetime().dt.to_string(_time_format(table, panel))
    )


def _rounded(table: pl.DataFrame, target: str) -> pl.DataFrame:
    """The target as it came; of forecasts seven digits, counted from the width of their interval
    where they lie far from zero.

    >>> row = {"carrousel": 1e9 + 0.123456789, "carrousel-lo-95": 1e9, "carrousel-hi-95": 1e9 + 1}
    >>> _rounded(pl.DataFrame([row]), "y")["carrousel"].item()
    1000000000.123457
    """
    names = [name for name in table.select(pl.selectors.float()).columns if name != target]
    values = table.select(names).to_numpy().astype(np.float64)  # (rows, columns)
    if not values.size:
        return table
    width = np.ptp(values, axis=1, keepdims=True)
    unit = np.where(width > 0, np.minimum(width, np.abs(values)), np.abs(values))
    with np.errstate(divide="ignore"):
        digits = 6 - np.floor(np.log10(unit))
    digits = np.where(np.isfinite(digits), digits, 0).clip(-300, 300)
    shifted = values * 10.0**digits
    whole = np.where(np.abs(shifted) < 2**53, np.round(shifted) / 10.0**digits, values)
    return table.with_columns(pl.Series(name, whole[:, k]) for k, name in enumerate(names))


def _time_format(table: pl.DataFrame, panel: Panel) -> str:
    """Dates alone where every time is a midnight of no zone; fractions where there are some."""
    time = table[panel.time_col]
    if not isinstance(time.dtype, pl.Datetime):
        return ""
    zone = "%:z" if time.dtype.time_zone else ""
    if not zone and (time.dt.truncate("1d") == time).all():
        return "%Y-%m-%d"
    fraction = "%.6f" if (time.dt.microsecond() != 0).any() else ""
    return f"%Y-%m-%d %H:%M:%S{fraction}{zone}"
