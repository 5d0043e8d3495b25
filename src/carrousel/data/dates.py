"""Times written as text: the form and the order are found in the whole column.

polars knows the calendar and reads ISO text; what is here says where the year, month and day
stand. All cells of a column are of one form and one order. Where two orders read every cell, the
one that gives regular times is meant; if both do, or none, the column is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from .reading import ReadOptions

FIRST_YEAR, LAST_YEAR = 1700, 2200  # of what is plausible
_ORDERS = {"dmy": "day/month/year", "mdy": "month/day/year", "ymd": "year/month/day"}
_EPOCHS = {"s": (10, 1_000_000), "ms": (13, 1000), "us": (16, 1), "ns": (19, 0.001)}
_CLOCK = (
    r"(?:[T ]+(?:at )?(\d{1,2})(?:[:h](\d{2}))?(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r" ?([AaPp]\.?[Mm]\.?)?)?"
)
_ZONE = r" ?(?:(Z|UTC|GMT)?([+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
_COMPACT = r"(?:[T ]?(\d{2})(\d{2})?(\d{2})?)?"
_WEEKDAYS = [
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "lun",
    "mar",
    "mer",
    "jeu",
    "ven",
    "sam",
    "dim",
    "mo",
    "di",
    "mi",
    "do",
    "fr",
    "sa",
    "so",
    "tues",
    "thur",
    "thurs",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
]
_MONTHS = (
    "jan january januar janv janvier enero ene", "feb february februar fév févr février fev fevr"
    " fevrier febrero", "mar march märz mär mrz mars marzo", "apr april avr avril abril abr",
    "may mai mayo", "jun june juni juin junio", "jul july juli juil juillet julio",
    "aug august août aout agosto ago", "sep sept september septembre septiembre",
    "oct october okt oktober octobre octubre", "nov november novembre noviembre",
    "dec december dez dezember déc décembre decembre diciembre dic",
)  # fmt: skip
_NUMBER = {name: k + 1 for k, names in enumerate(_MONTHS) for name in names.split()}
_NAME = "(" + "|".join(sorted(_NUMBER, key=len, reverse=True)) + r")\.?"
_GIVE = "write times as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, or give date_format (--date-format)"


@dataclass(frozen=True)
class Form:
    """One way to write a date: a pattern whose groups are named by ``parts``, in order.

    The letters: y year, m month, d day, n name of the month, q quarter, w ISO week, u weekday;
    j day of the year; 1, 2, 3: numbers whose order is open.
    """

    pattern: str
    parts: str
    words: str = ""
    tail: str = _CLOCK  # how a clock follows


_SEP = r"[-/. ]"
_FORMS = (
    Form(rf"(\d{{4}}){_SEP}(\d{{1,2}}){_SEP}(\d{{1,2}})", "ymd"),
    Form(rf"(\d{{1,2}}){_SEP}(\d{{1,2}}){_SEP}(\d{{4}}|\d{{2}})", "123"),
    Form(r"(\d{4})[-/](\d{1,2})", "ym"),
    Form(r"(\d{1,2})[-/.](\d{4})", "my", "month/year"),
    Form(r"(\d{4})M(\d{1,2})", "ym"),
    Form(rf"(\d{{1,2}})(?:st|nd|rd|th|er|\.)?[-/. ]?{_NAME},?[-/. ]?(\d{{4}}|\d{{2}})", "1n3"),
    Form(rf"{_NAME}[-/. ]?(\d{{1,2}})(?:st|nd|rd|th)?,? ?[-/. ](\d{{4}}|\d{{2}})", "ndy"),
    Form(rf"{_NAME},?[-/. ]?(\d{{4}}|\d{{2}})", "ny"),
    Form(rf"(\d{{4}})[-/. ]?{_NAME}[-/. ]?(\d{{1,2}})", "ynd"),
    Form(rf"(\d{{4}})[-/. ]?{_NAME}", "yn"),
    Form(r"(\d{4})[-/ ]?[QqTt]([1-4])", "yq", "quarters"),
    Form(r"[QqTt]([1-4])[-/ ]?(\d{4})", "qy", "quarters"),
    Form(r"([1-4])[QqTt][-/ ]?(\d{4})", "qy", "quarters"),
    Form(r"(\d{4})(\d{2})(\d{2})", "ymd", "YYYYMMDD", _CLOCK[:-1]),  # not without a clock
    Form(r"(\d{4})-?[Ww](\d{1,2})(?:-?([1-7]))?", "ywu", "ISO weeks"),
)
_DIGITS = (
    Form(r"(\d{4})(\d{2})(\d{2})", "ymd", "YYYYMMDD", _COMPACT),
    Form(r"(\d{4})(\d{2})", "ym", "YYYYMM", ""),
)


@dataclass(frozen=True)
class Times:
    """What a column of text says."""

    time: np.ndarray  # (N,) datetime64[us]: in UTC where there are offsets
    offset: np.ndarray | None  # (N,) timedelta64[us] east of UTC, where they are written
    order: str | None  # dmy or mdy, where the column told
    notes: tuple[str, ...] = ()


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
        return _by_format(text, options.date_format)
    fast = _iso(text)
    if fast is not None:
        return Times(fast, None, None)
    cells = text.unique(maintain_order=True)
    form, fields = _form(cells)
    if form is None:
        _refuse_text(text)
    assert form is not None
    clock, offset = _clock(fields)
    readings = _readings(form, fields, clock)
    order, notes = _settle(cells, readings, form, options, hint, expected)
    time, notes = readings[order], list(notes)
    bad = time.is_null()
    if bad.any():
        _refuse_text(text, cells.filter(bad)[0])
    found = _implausible(time)
    if found.any():
        raise ValueError(_far_off(text, cells.filter(found)[0], time.filter(found)[0]))
    values = time.to_numpy().astype("M8[us]")
    if form.words:
        notes.append(f"{text.name!r} read as {form.words}")
    back = _back(text, cells)
    if offset is None:
        return Times(values[back], None, _day_or_month(order), tuple(notes))
    return Times((values - offset)[back], offset[back], _day_or_month(order), tuple(notes))


def looks_like_date(cells: pl.Series) -> bool:
    """Whether all cells have the form of a date that is not a mere number."""
    cells = cells.str.strip_chars()
    form = _form(cells)[0] if len(cells) else None
    return form is not None and form not in _DIGITS


def parse_whole(
    numbers: pl.Series, options: ReadOptions, *, plain: bool
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Dates written as whole numbers (20240131, 202401, seconds since 1970), and notes; None for
    numbers that are no dates. ``plain``: they are known to be numbers.

    Raises:
        ValueError: Numbers that look like dates, but are not all dates.
    """
    unit = options.date_format if options.date_format in _EPOCHS else None
    if options.date_format and unit is None:
        text = numbers.cast(pl.String).str.zfill(_width(options.date_format))
        return parse_dates(text, options).time, ()
    if plain and unit is None:
        return None, ()
    text = numbers.cast(pl.String)
    cells = text.unique(maintain_order=True)
    for form in _DIGITS if unit is None else ():
        pattern = f"^{form.pattern}{form.tail}$"
        if not cells.str.contains(pattern).all():
            continue
        fields = _groups(cells, pattern, form.parts + ("HMS" if form.tail else ""))
        time = _time(fields, _clock(fields)[0])
        good = ~(time.is_null() | _implausible(time))
        if good.all():
            values = time.to_numpy().astype("M8[us]")
            return values[_back(text, cells)], (f"{numbers.name!r} read as {form.words}",)
        if float(good.mean()) > 0.5:  # type: ignore[arg-type]
            cell = cells.filter(~good)[0]
            raise ValueError(
                f"{numbers.name}: {cell} in row {_row(text, cell)} is no date, and the other "
                f"numbers look like {form.words}; mend it, or give freq=1 for plain numbers"
            )
    found = _epoch(numbers, unit)
    return (None, ()) if found is None else found


def days_of(form: Form, cells: pl.Series) -> pl.Series | None:
    """The days of cells that all have a form, null for those that do not exist or are not
    plausible; None where the form does not fit."""
    pattern = f"^{form.pattern}$"
    if not cells.str.contains(pattern).all():
        return None
    time = _time(_groups(cells, pattern, form.parts), None)
    return time.set(_implausible(time), None)


def _width(date_format: str) -> int:
    """Digits of a number in a form without separators, for the zeros that numbers begin without;
    0 for others."""
    digits = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2}
    letters = date_format.replace("%", "")
    if date_format != "".join(f"%{one}" for one in letters) or not set(letters) <= set(digits):
        return 0
    return sum(digits[one] for one in letters)


def _epoch(numbers: pl.Series, unit: str | None) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Counted from 1970, if the user says so, or if all numbers are such times in one unit and
    lie whole minutes apart."""
    values = numbers.cast(pl.Int64).to_numpy()
    for name, (digits, factor) in _EPOCHS.items():
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
        if _implausible(pl.Series(time)).any():
            raise ValueError(
                f"{numbers.name}: {values[0]} in {name} since 1970 is not in the years 1700 to 2200"
            )
        return time, (f"{numbers.name!r} read as {name} since 1970, in UTC",)
    return None


def _iso(text: pl.Series) -> np.ndarray | None:
    """The fast way for columns that are all YYYY-MM-DD, with or without a clock."""
    if not len(text) or not pl.Series([text[0]]).str.contains(r"^\d{4}-\d\d-\d\d").all():
        return None
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"):
        time = text.str.to_datetime(form, strict=False, time_unit="us")
        if not time.null_count() and not _implausible(time).any():
            return time.to_numpy().astype("M8[us]", copy=False)
    return None


def _by_format(text: pl.Series, form: str) -> Times:
    """As the user says."""
    if form in _EPOCHS:
        whole = text.cast(pl.Int64, strict=False)
        if whole.null_count():
            bad = text.filter(whole.is_null())[0]
            raise ValueError(f"{text.name}: {bad!r} does not count {form} from 1970 (date_format)")
        found = _epoch(whole, form)
        assert found is not None
        return Times(found[0], None, None, found[1])
    more, cells = "", text.unique(maintain_order=True)
    if not any(f"%{letter}" in form for letter in "dejDFxcVuUW+s"):
        more = " 1" if any(f"%{letter}" in form for letter in "mbBh") else " 1 1"
    full = form + {"": "", " 1": " %d", " 1 1": " %m %d"}[more]
    read = cells.str.strip_chars() + more
    zoned = "%z" in form or "%+" in form or "%:z" in form
    try:
        time = read.str.to_datetime(
            full, strict=False, time_unit="us", time_zone="UTC" if zoned else None
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"date_format: {form!r} cannot be used: {reason}") from None
    if "%y" in form:  # chrono reads 69 as 2069, POSIX as 1969
        time = time.set(time.dt.year() == 2069, None).fill_null(time.dt.offset_by("-100y"))
    bad = time.is_null() | (time.dt.year() < 1000).fill_null(True)
    if bad.any():
        cell = cells.filter(bad)[0]
        short = "; a year of two digits is %y" if "%Y" in form else ""
        raise ValueError(
            f"{text.name}: {cell!r} in row {_row(text, cell)} is not written as date_format="
            f"{form!r}{short}"
        )
    values = time.dt.replace_time_zone(None).to_numpy().astype("M8[us]")
    back = _back(text, cells)
    offset = _east(cells.str.extract(r"([+-]\d{2}:?\d{2})\s*$"))[back] if zoned else None
    return Times(values[back], offset, None)


def _form(cells: pl.Series) -> tuple[Form | None, pl.DataFrame]:
    """The first form that all cells have, and what its groups hold."""
    plain = cells.str.replace_all(r"\s+", " ")
    found = _fitting(plain)
    if found is not None:
        return found
    weekday = rf"^(?i:{'|'.join(sorted(_WEEKDAYS, key=len, reverse=True))})[.,]? "
    if plain.str.contains(weekday).all():  # only now: "Mar" may be March
        found = _fitting(plain.str.replace(weekday, ""))
    return found or (None, pl.DataFrame())


def _fitting(plain: pl.Series) -> tuple[Form, pl.DataFrame] | None:
    lower = plain.str.to_lowercase()
    for form in (*_FORMS, *_DIGITS):
        named = "n" in form.parts
        pattern = rf"^{form.pattern}{form.tail}{_ZONE}$"
        if named:
            pattern = f"(?i){pattern}"
        source = lower if named else plain
        if source.str.contains(pattern).all():
            parts = form.parts + {_COMPACT: "HMS", "": ""}.get(form.tail, "HMSfp") + "Zz"
            return form, _groups(source, pattern, parts)
    return None


def _groups(cells: pl.Series, pattern: str, parts: str) -> pl.DataFrame:
    found = cells.str.extract_groups(pattern).struct.unnest()
    return found.rename(dict(zip(found.columns, parts, strict=True)))


def _clock(fields: pl.DataFrame) -> tuple[pl.Series, np.ndarray | None]:
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
    return clock, _east(fields["z"])


def _east(offsets: pl.Series) -> np.ndarray:
    """Offsets as they are written (null: UTC) as timedelta64[us]."""
    digits = offsets.str.replace(":", "").fill_null("+0000").str.pad_end(5, "0")
    size = digits.str.slice(1, 2).cast(pl.Int64) * 60 + digits.str.slice(3, 2).cast(pl.Int64)
    east = np.where(digits.str.starts_with("-"), -1, 1) * size.to_numpy()
    return (east * 60_000_000).astype("m8[us]")


def _readings(form: Form, fields: pl.DataFrame, clock: pl.Series) -> dict[str, pl.Series]:
    """The times by each order that the form allows."""
    if "1" not in form.parts:
        return {"": _time(fields, clock)}
    orders = ["dmy", "mdy"] if form.parts == "123" else ["dmy"]
    if (fields["3"].str.len_chars() == 2).all() and (fields["1"].str.len_chars() == 2).all():
        orders.append("ymd")
    readings = {}
    for order in orders:
        names = {a: b for a, b in zip("123", order, strict=True) if a in form.parts}
        readings[order] = _time(fields.rename(names), clock)
    return readings


def _time(fields: pl.DataFrame, clock: pl.Series | None) -> pl.Series:
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
            month = pl.col("n").replace_strict(_NUMBER, return_dtype=pl.Int64).cast(pl.String)
        if "q" in have:
            month = (pl.col("q").cast(pl.Int64) * 3 - 2).cast(pl.String)
        day = pl.col("d") if "d" in have else pl.lit("1")
        text, form = pl.format("{}-{}-{}", year, month, day), "%Y-%m-%d"
    date = fields.select(text.alias("date"))["date"].str.to_date(form, strict=False)
    time = date.cast(pl.Datetime("us"))
    if clock is None:
        return time
    return time + clock.cast(pl.Duration("us"))


def _settle(
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
    good = {o: t for o, t in readings.items() if not t.null_count() and not _implausible(t).any()}
    if not good:
        closest = min(readings, key=lambda o: readings[o].null_count())
        bad = cells.filter(readings[closest].is_null())
        cell = bad[0] if len(bad) else cells[0]
        raise ValueError(
            f"{cells.name}: {cell!r} does not fit the rest, read as {_ORDERS[closest]}; {_GIVE}"
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
    score = {o: _regularity(good[o]) for o in orders}
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
    if _regularity(there) < 0.5 or there.dt.month().n_unique() < 2:
        raise ValueError(
            f"{cells.name}: {cells[0]!r} may be a month or a day without its year; give "
            "date_format (--date-format), for example '%b-%y'"
        )


def _regularity(times: pl.Series) -> float:
    """The share of a grid of the commonest step that holds times: 1 for regular times, little for
    times in the wrong order. Fewer than four times tell nothing."""
    time = times.unique().sort().to_numpy().astype("M8[us]")
    if len(time) < 4:
        return 0.0
    return max(_filled(time.astype(np.int64)), _filled_months(time), _filled_weekdays(time))


def _filled(time: np.ndarray) -> float:
    steps = np.diff(time)
    sizes, counts = np.unique(steps, return_counts=True)
    mode = sizes[np.argmax(counts)]
    return float(len(steps) * mode / steps.sum()) if (steps % mode == 0).all() else 0.0


def _filled_months(time: np.ndarray) -> float:
    day = time.astype("M8[D]")
    month = day.astype("M8[M]")
    same = len(np.unique((day - month.astype("M8[D]")).astype(np.int64))) == 1
    last = bool(np.all((day + 1).astype("M8[M]") > month))
    once = len(np.unique(month)) == len(time)
    return _filled(month.astype(np.int64)) if once and (same or last) else 0.0


def _filled_weekdays(time: np.ndarray) -> float:
    day = time.astype("M8[D]")
    if not np.is_busday(day).all() or len(np.unique(time - day)) > 1:
        return 0.0
    return float((len(day) - 1) / np.busday_count(day[0], day[-1]))


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


def _day_or_month(order: str) -> str | None:
    return order if order in ("dmy", "mdy") else None


def _implausible(time: pl.Series) -> pl.Series:
    year = time.dt.year()
    return ((year < FIRST_YEAR) | (year > LAST_YEAR)).fill_null(False)


def refuse_far_off(column: pl.Series) -> None:
    """The same for times that are no text."""
    found = _implausible(column)
    if found.any():
        row = int(found.arg_max() or 0)
        raise ValueError(
            f"{column.name}: {str(column[row])[:19]} in row {row + 1} is not in the years "
            f"{FIRST_YEAR} to {LAST_YEAR}; give whole numbers for such times"
        )


def _far_off(text: pl.Series, cell: str, time: object) -> str:
    return (
        f"{text.name}: {cell!r} in row {_row(text, cell)} is read as {str(time)[:10]}, not in "
        f"the years {FIRST_YEAR} to {LAST_YEAR}: is a date wrong? Else give date_format "
        "(--date-format)"
    )


def _refuse_text(text: pl.Series, cell: str | None = None) -> None:
    if cell is None:
        cell = _stranger(text)
    hint = _GIVE
    if pl.Series([cell]).str.contains(r"^\d{1,2}[-/. ]?[A-Za-z]{3,}$").all():
        hint = "the year is missing"
    raise ValueError(f"{text.name}: {cell!r} in row {_row(text, cell)} is no time; {hint}")


def _stranger(text: pl.Series) -> str:
    """The first cell that is not of the form that most cells have."""
    cells = text.unique(maintain_order=True)
    best, most = cells.is_null(), -1
    for form in (*_FORMS, *_DIGITS):
        pattern = f"(?i)^{form.pattern}{form.tail}{_ZONE}$"
        fits = cells.str.to_lowercase().str.contains(pattern)
        if int(fits.sum()) > most:
            best, most = fits, int(fits.sum())
    return str(cells.filter(~best)[0] if (~best).any() else cells[0])


def _row(text: pl.Series, cell: str) -> int:
    return int((text == cell).arg_max() or 0) + 1


def _back(text: pl.Series, cells: pl.Series) -> np.ndarray:
    """The place of each text among the distinct ``cells``."""
    if len(cells) == len(text):
        return np.arange(len(text))
    places = pl.DataFrame({"cell": cells, "place": np.arange(len(cells))})
    joined = pl.DataFrame({"cell": text}).join(places, on="cell", how="left", maintain_order="left")
    return joined["place"].to_numpy()
