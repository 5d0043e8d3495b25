"""Whole numbers that count seconds, or parts of them, from 1970."""

import numpy as np
import polars as pl

from .plausible import implausible

EPOCHS = {"s": (10, 1_000_000), "ms": (13, 1000), "us": (16, 1), "ns": (19, 0.001)}


def epoch(numbers: pl.Series, unit: str | None) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Counted from 1970, if the user says so, or if all numbers are such times in one unit and
    lie whole minutes apart."""
    values = numbers.cast(pl.Int64).to_numpy()
    for name, (digits, factor) in EPOCHS.items():
        if name != (unit or name):
            continue
        inside = (values >= 10 ** (digits - 1)) & (values < 2 * 10 ** (digits - 1))
        if unit is None and not inside.all():
            continue
        per_minute = 60 * 1_000_000 / factor
        steps = np.gcd.reduce(np.diff(np.unique(values))) if len(values) > 1 else 0
        if unit is None and (steps == 0 or steps % int(per_minute)):
            raise ValueError(
                f"{numbers.name}: {values[0]} may be a time in {name} since 1970 or a plain "
                f"number; give date_format={name!r} (--date-format) or freq={max(int(steps), 1)}"
            )
        micro = values // 1000 if name == "ns" else values * int(factor)
        time = micro.astype("M8[us]")
        if implausible(pl.Series(time)).any():
            raise ValueError(
                f"{numbers.name}: {values[0]} in {name} since 1970 is not in the years 1700 to 2200"
            )
        return time, (f"{numbers.name!r} read as {name} since 1970, in UTC",)
    return None
