"""Which of several orders a column is written in: day or month first, year first or last.

The one that gives regular times is meant; if two do, or none, the column is refused.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from ..reading import ReadOptions
from .fields import time_of
from .forms import GIVE, Form
from .plausible import implausible
from .regularity import regularity

_ORDERS = {"dmy": "day/month/year", "mdy": "month/day/year", "ymd": "year/month/day"}


def readings_of(form: Form, fields: pl.DataFrame, clock: pl.Series) -> dict[str, pl.Series]:
    """The times by each order that the form allows."""
    if "1" not in form.parts:
        return {"": time_of(fields, clock)}
    orders = ["dmy", "mdy"] if form.parts == "123" else ["dmy"]
    if (fields["3"].str.len_chars() == 2).all() and (fields["1"].str.len_chars() == 2).all():
        orders.append("ymd")
    readings = {}
    for order in orders:
        names = {a: b for a, b in zip("123", order, strict=True) if a in form.parts}
        readings[order] = time_of(fields.rename(names), clock)
    return readings


def settle(
    cells: pl.Series,
    readings: dict[str, pl.Series],
    form: Form,
    options: ReadOptions,
    hint: ReadOptions | None,
    expected: Callable[[np.ndarray], bool] | None,
) -> tuple[str, list[str]]:
    """The order that is meant, and how it was read."""
    if form.parts == "ny" and cells.str.contains(r"\D\d\d$").all():
        _require_months(cells, readings[""], expected)
    if len(readings) == 1:
        return next(iter(readings)), []
    # Between dots, and before the name of a month, the day stands first everywhere.
    usual = form.parts == "1n3" or bool(cells.str.contains(r"^\d+\.\d+\.").all())
    if form.parts == "123" and options.day_first is not None:
        order = "dmy" if options.day_first else "mdy"
        bad = readings[order].is_null()
        if bad.any():
            raise ValueError(
                f"{cells.name}: {cells.filter(bad)[0]!r} is no {_ORDERS[order]}, as day_first="
                f"{options.day_first} (--day-first) has it"
            )
        return order, [_told(cells, order)]
    good = {o: t for o, t in readings.items() if not t.null_count() and not implausible(t).any()}
    if not good:
        closest = min(readings, key=lambda o: readings[o].null_count())
        bad = cells.filter(readings[closest].is_null())
        cell = bad[0] if len(bad) else cells[0]
        raise ValueError(
            f"{cells.name}: {cell!r} does not fit the rest, read as {_ORDERS[closest]}; {GIVE}"
        )
    likeliest = _likeliest(good, usual, hint, expected)
    if likeliest is None:
        raise ValueError(_open(cells, good))
    return likeliest, [_told(cells, likeliest)]


def _likeliest(
    good: dict[str, pl.Series],
    usual: bool,
    hint: ReadOptions | None,
    expected: Callable[[np.ndarray], bool] | None,
) -> str | None:
    """Which of several orders; None if nothing tells."""
    orders = list(good)
    if all(good[o].equals(good[orders[0]]) for o in orders):
        return orders[0]
    if hint is not None and hint.day_first is not None:
        known = "dmy" if hint.day_first else "mdy"
        if known in good:
            return known
    if expected is not None:
        near = [o for o in orders if expected(good[o].to_numpy().astype("M8[us]"))]
        if len(near) == 1:
            return near[0]
    score = {o: regularity(good[o]) for o in orders}
    if usual and "dmy" in good and score.get("ymd", 0) < 0.5 and _not_worse(score):
        return "dmy"
    best = max(orders, key=lambda o: score[o])
    rest = max(score[o] for o in orders if o != best)
    return best if score[best] >= 0.5 and rest < 0.5 * score[best] else None


def _not_worse(score: dict[str, float]) -> bool:
    return score["dmy"] >= 0.5 * max(score.values())


def _require_months(
    cells: pl.Series, time: pl.Series, expected: Callable[[np.ndarray], bool] | None
) -> None:
    """Jan-24 is a month where several months make regular times; else it may be a day."""
    there = time.drop_nulls()
    if expected is not None and expected(there.to_numpy().astype("M8[us]")):
        return
    if regularity(there) < 0.5 or there.dt.month().n_unique() < 2:
        raise ValueError(
            f"{cells.name}: {cells[0]!r} may be a month or a day without its year; give "
            "date_format (--date-format), for example '%b-%y'"
        )


def _open(cells: pl.Series, good: dict[str, pl.Series]) -> str:
    """What to say of an order that nothing settles."""
    differing = next(
        k for k in range(len(cells)) if len({str(times[k]) for times in good.values()}) > 1
    )
    names = " or ".join(_ORDERS[order].removesuffix("/year") for order in good)
    dates = " or ".join(str(times[differing])[:10] for times in good.values())
    if "ymd" in good:
        how = "give date_format (--date-format), for example '%d/%m/%y' or '%y-%m-%d'"
    else:
        how = "give day_first (--day-first, --month-first)"
    return (
        f"{cells.name}: {cells[differing]!r} may be {names} ({dates}); {how}, or write dates as "
        "YYYY-MM-DD"
    )


def _told(cells: pl.Series, order: str) -> str:
    years = ""
    if cells.str.contains(r"^\d\d?\D\d\d?\D\d\d(?:\D|$)").any():
        years = ", years of two digits from 1969 to 2068"
    return f"{cells.name!r} read as {_ORDERS[order]}{years}"
