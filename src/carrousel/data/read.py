"""Whatever holds a table (pandas, polars, pyarrow, CSV, Parquet) as three clean columns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

DEFAULT_ID = "unique_id"
_MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
# Year first: no two of these can read one text differently, so that they may be mixed.
_CLEAR = (
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
    "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
)  # fmt: skip
# Day or month first: one of the two orders must read all rows, and the other must not.
_ORDERS = tuple(
    tuple(day + clock for clock in ("", " %H:%M", " %H:%M:%S")) for day in ("%d/%m/%Y", "%m/%d/%Y")
)


@dataclass(frozen=True)
class Columns:
    """One row per observation, in the order of the input."""

    ids: pl.Series | None
    time: np.ndarray  # (N,) datetime64[us] (UTC where `time_zone`) or int64
    y: np.ndarray  # (N,) float64, NaN = missing
    time_zone: str | None


def read_columns(source: Any, id_col: str, time_col: str, target_col: str) -> Columns:
    """Check and convert the three columns; ``id_col`` may be missing (one series)."""
    frame = as_polars(source, [id_col, time_col, target_col])
    needed = {"time_col": time_col, "target_col": target_col}
    if id_col != DEFAULT_ID:  # a name that somebody wrote down is meant
        needed = {"id_col": id_col, **needed}
    _require_columns(frame, needed)
    if frame.is_empty():
        raise ValueError(f"{_name(source)} has no rows")
    ids = frame[id_col] if id_col in frame.columns else None
    if ids is not None and ids.dtype == pl.String and isinstance(source, (str, Path)):
        ids = ids.str.strip_chars()
    if ids is not None and ids.null_count():
        raise ValueError(f"{id_col}: row {_first(ids.is_null())} has no name")
    time, zone = _times(frame[time_col])
    return Columns(ids, time, _numbers(frame[target_col]), zone)


def _require_columns(frame: pl.DataFrame, needed: dict[str, str]) -> None:
    """Say which columns are absent, what there is, and which may be meant."""
    absent = {a: name for a, name in needed.items() if name not in frame.columns}
    if not absent:
        return
    told = "; ".join(f"{a}: there is no column {name!r}" for a, name in absent.items())
    have = ", ".join(repr(c) for c in frame.columns)
    rest = [c for c in frame.columns if c not in needed.values()]
    times = [c for c in rest if frame[c].dtype.is_temporal() or _reads(_parsed, frame[c])]
    numbers = [c for c in rest if c not in times and _reads(_numbers, frame[c])]
    guesses = {"time_col": times, "target_col": numbers}
    hints = [f"{a}={guesses[a][0]!r}" for a in absent if len(guesses.get(a, ())) == 1]
    perhaps = f"; perhaps {', '.join(hints)} is meant" if hints else ""
    raise ValueError(f"{told}; the columns are {have}{perhaps}")


def _reads(reader: Callable[[pl.Series], Any], column: pl.Series) -> bool:
    """Whether the first cells can be read so."""
    try:
        reader(column.drop_nulls().head(50))
    except (ValueError, AttributeError, pl.exceptions.PolarsError):
        return False
    return True


def as_polars(source: Any, wanted: list[str]) -> pl.DataFrame:
    """The ``wanted`` columns (all, if one is absent) as a polars frame; CSV cells stay text."""
    frame = nw.from_native(_read_file(Path(source)) if isinstance(source, (str, Path)) else source,
                           pass_through=True)  # fmt: skip
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, nw.DataFrame):
        raise TypeError(
            "df must be a pandas, polars or pyarrow data frame, or the path of a CSV or Parquet "
            f"file, got {type(source).__name__}"
        )
    names = frame.columns
    kept = wanted if all(c in names for c in wanted) else names
    native = frame.to_native()
    if isinstance(native, pl.DataFrame):
        return pl.DataFrame([native[c] for c in kept])
    return pl.DataFrame({c: _column(frame[c]) for c in kept})


def _column(column: nw.Series) -> pl.Series:
    native = column.to_native()
    if isinstance(native, pl.Series):
        return native
    if type(getattr(native, "dtype", None)).__name__ == "PeriodDtype":
        column = nw.from_native(native.dt.to_timestamp(), series_only=True)
    try:
        return column.to_polars()
    except (ImportError, TypeError, ValueError):  # pandas without pyarrow; cells of mixed types
        return _mixed(column.name, column.to_list())


def _mixed(name: str, cells: list[Any]) -> pl.Series:
    cells = [None if cell != cell else cell for cell in cells]  # NaN differs from itself
    try:
        return pl.Series(name, cells)
    except TypeError:
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells])


def _read_file(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pl.read_parquet(path)
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline()
        separator = max(",;\t|", key=header.count)
        table = pl.read_csv(path, separator=separator, infer_schema=False, encoding="utf8")
        names = [name.strip() for name in table.columns]
        if len(set(names)) < len(names):
            return table
        return table.rename(dict(zip(table.columns, names, strict=True)))
    except pl.exceptions.NoDataError:
        raise ValueError(f"{path}: the file is empty") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        kind = "Parquet" if path.suffix.lower() in (".parquet", ".pq") else "CSV"
        reason = str(error).splitlines()[0]
        if "utf-8" in reason:
            reason = "it is not UTF-8 text; save it as UTF-8"
        raise ValueError(f"{path}: cannot be read as {kind}: {reason}") from None


def _times(column: pl.Series) -> tuple[np.ndarray, str | None]:
    """(int64 or datetime64[us], time zone); text is parsed."""
    if column.dtype.is_float() or column.dtype == pl.Object:
        column = _whole(column)
    if column.null_count():
        raise ValueError(f"{column.name}: row {_first(column.is_null())} has no time")
    if column.dtype == pl.String or isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        column = _parsed(column.cast(pl.String).str.strip_chars())
    if column.dtype.is_integer():
        return column.cast(pl.Int64).to_numpy(), None
    if not isinstance(column.dtype, pl.Datetime) and column.dtype != pl.Date:
        raise ValueError(f"{column.name} must hold times or integers, got {column.dtype}")
    zone = getattr(column.dtype, "time_zone", None)
    if zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us")).to_numpy().astype("M8[us]", copy=False), zone


def _whole(column: pl.Series) -> pl.Series:
    """Integers that came as floats (pandas does that beside a missing value)."""
    whole = column.cast(pl.Float64, strict=False).fill_nan(None)
    if (whole.drop_nulls() % 1 != 0).any():
        raise ValueError(f"{column.name} must hold times or integers, got fractions")
    return whole.cast(pl.Int64)


def _parsed(text: pl.Series) -> pl.Series:
    """Times or integers written as text."""
    if (text.str.len_chars() == 0).any():
        raise ValueError(f"{text.name}: row {_first(text.str.len_chars() == 0)} has no time")
    numbers = text.cast(pl.Int64, strict=False)
    if not numbers.null_count():
        return numbers
    time = _try(text, _CLEAR)
    if time.null_count():
        months = text.str.replace(r"^(\d{4})[-/](\d{1,2})$", "${1}-${2}-01")
        time = time.fill_null(_try(months, ("%Y-%m-%d",)))
    if time.null_count():
        zoned = text.str.to_datetime("%+", strict=False, time_zone="UTC", time_unit="us")
        if not zoned.null_count():
            return zoned
    left = time.is_null()
    if left.any():
        orders = [_try(text.filter(left), formats) for formats in _ORDERS]
        good = [o for o in orders if not o.null_count()]
        if len(good) == 2 and not (good[0] == good[1]).all():
            raise ValueError(
                f"{text.name}: {text.filter(left)[0]!r} may be day/month or month/day; "
                "write dates as YYYY-MM-DD"
            )
        if not good:
            bad = left & time.is_null()
            raise ValueError(
                f"{text.name}: {text.filter(bad)[0]!r} in row {_first(bad)} is no time; "
                "write times as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"
            )
        time = time.scatter(left.arg_true(), good[0])
    return time


def _try(text: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    """Each text by the first format that reads it; null where none does."""
    time = pl.Series(text.name, [None], pl.Datetime("us")).extend_constant(None, len(text) - 1)
    for form in formats:
        left = time.is_null()
        if not left.any():
            break
        rest = text if left.all() else text.filter(left)
        new = rest.str.to_datetime(form, strict=False, time_unit="us")
        time = new if left.all() else time.scatter(left.arg_true(), new)
    return time


def _numbers(column: pl.Series) -> np.ndarray:
    """float64 with NaN for missing; refuses text and infinities."""
    if column.dtype == pl.Object:
        column = column.cast(pl.String)
    numbers = column
    if column.dtype == pl.String or isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        text = column.cast(pl.String).str.strip_chars()
        text = _with_points(text.set(text.str.to_lowercase().is_in(_MISSING), None))
        numbers = text.cast(pl.Float64, strict=False)
        bad = numbers.is_null() & text.is_not_null()
        if bad.any():
            raise ValueError(f"{text.name}: {text.filter(bad)[0]!r} in row {_first(bad)} "
                             "is not a number")  # fmt: skip
    elif not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        raise ValueError(f"{column.name} must hold numbers, got {column.dtype}")
    y = numbers.cast(pl.Float64).to_numpy()  # a null becomes NaN
    if np.isinf(y).any():
        raise ValueError(f"{column.name}: the value in row {int(np.isinf(y).argmax()) + 1} is "
                         "infinite; leave it empty if it is unknown")  # fmt: skip
    if (np.abs(y) > np.finfo(np.float32).max).any():
        raise ValueError(f"{column.name}: values beyond 3.4e38 (float32) are not supported")
    return y


def _with_points(text: pl.Series) -> pl.Series:
    """Decimal commas as points, where they cannot be anything else: no point anywhere, and not
    always three digits after the comma."""
    with_comma = text.filter(text.str.contains(",", literal=True).fill_null(False))
    decimal = with_comma.str.contains(r"^[-+]?\d+,\d+$").all()
    thousands = with_comma.str.contains(r",\d{3}$").all()
    if not decimal or thousands or text.str.contains(".", literal=True).any():
        return text
    return text.str.replace(",", ".", literal=True)


def _first(mask: pl.Series) -> int:
    """Number of the first true row, counted from 1."""
    return int(mask.arg_max() or 0) + 1


def _name(source: Any) -> str:
    return str(source) if isinstance(source, (str, Path)) else "df"
