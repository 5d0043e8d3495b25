"""Times from the fields that a form found: years, months, days, clocks and offsets."""

import numpy as np
import polars as pl

from .forms import MONTH, Form, groups
from .plausible import implausible


def clock_of(fields: pl.DataFrame) -> tuple[pl.Series, np.ndarray | None]:
    """Microseconds since midnight (null for a clock that does not exist), and the offsets."""
    zero = pl.lit(0, pl.Int64)
    whole = [pl.col(c).cast(pl.Int64).fill_null(0) if c in fields.columns else zero for c in "HMS"]
    hour, minute, second = whole
    fraction, half = zero, pl.lit(None, pl.String)
    if "f" in fields.columns:
        fraction = pl.col("f").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).fill_null(0)
        half = pl.col("p").str.slice(0, 1).str.to_lowercase()
    wrong = (minute > 59) | (second > 59) | (hour > 24)
    wrong = wrong | ((hour == 24) & ((minute > 0) | (second > 0) | (fraction > 0)))
    wrong = wrong | (half.is_not_null() & ((hour > 12) | (hour == 0))).fill_null(False)
    if "p" in fields.columns:  # "2024-01-01 5" is no clock; "5 PM" is
        bare = pl.col("H").is_not_null() & pl.col("M").is_null() & half.is_null()
        wrong = wrong | bare
    hour = pl.when(half.is_not_null()).then(hour % 12).otherwise(hour)
    hour = hour + pl.when(half == "p").then(12).otherwise(0)
    micro = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    clock = fields.select(pl.when(~wrong).then(micro).alias("clock"))["clock"]
    if "Z" not in fields.columns:
        return clock, None
    zoned = fields["Z"].is_not_null() | fields["z"].is_not_null()
    if not zoned.any():
        return clock, None
    if not zoned.all():
        clock = clock.set(~zoned, None)  # the cells without an offset are named as wrong
    return clock, east(fields["z"])


def east(offsets: pl.Series) -> np.ndarray:
    """Offsets as they are written (null: UTC) as timedelta64[us]."""
    digits = offsets.str.replace(":", "").fill_null("+0000").str.pad_end(5, "0")
    size = digits.str.slice(1, 2).cast(pl.Int64) * 60 + digits.str.slice(3, 2).cast(pl.Int64)
    east = np.where(digits.str.starts_with("-"), -1, 1) * size.to_numpy()
    return (east * 60_000_000).astype("m8[us]")


def time_of(fields: pl.DataFrame, clock: pl.Series | None) -> pl.Series:
    """datetime[us] of fields y, m, d (n, q, w, u); null where there is no such day."""
    years = pl.col("y").cast(pl.Int64)
    century = pl.when(years < 69).then(2000).otherwise(1900)  # as POSIX has it
    year = pl.when(pl.col("y").str.len_chars() == 2).then(years + century).otherwise(years)
    year = year.cast(pl.String).str.zfill(4)
    have = fields.columns
    if "w" in have:
        week, weekday = pl.col("w").str.zfill(2), pl.col("u").fill_null("1")
        text, form = pl.format("{}-{}-{}", year, week, weekday), "%G-%V-%u"
    elif "j" in have:
        text, form = pl.format("{}-{}", year, pl.col("j")), "%Y-%j"
    else:
        month = pl.col("m") if "m" in have else pl.lit("1")
        if "n" in have:
            month = pl.col("n").replace_strict(MONTH, return_dtype=pl.Int64).cast(pl.String)
        if "q" in have:
            month = (pl.col("q").cast(pl.Int64) * 3 - 2).cast(pl.String)
        day = pl.col("d") if "d" in have else pl.lit("1")
        text, form = pl.format("{}-{}-{}", year, month, day), "%Y-%m-%d"
    date = fields.select(text.alias("date"))["date"].str.to_date(form, strict=False)
    time = date.cast(pl.Datetime("us"))
    if clock is None:
        return time
    return time + clock.cast(pl.Duration("us"))


def days_of(form: Form, cells: pl.Series) -> pl.Series | None:
    """The days of cells that all have a form, null for those that do not exist or are not
    plausible; None where the form does not fit."""
    pattern = f"^{form.pattern}$"
    if not cells.str.contains(pattern).all():
        return None
    time = time_of(groups(cells, pattern, form.parts), None)
    return without(time, implausible(time))


def without(times: pl.Series, where: pl.Series) -> pl.Series:
    """The times, null where ``where`` holds: not every polars' ``Series.set`` takes times."""
    kept = pl.when(~where.fill_null(False)).then(times)
    return pl.select(kept.alias(times.name)).to_series()
