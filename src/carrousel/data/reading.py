"""How a table is written, where it does not say so itself."""

from dataclasses import dataclass, fields
from typing import Any, TypedDict

from ..wording import one_of
from .zones import require_zone

AGGREGATES = ("sum", "mean", "median", "min", "max", "first", "last", "count")
FILLS = ("missing", "zero")
DECIMALS = (".", ",")


class Written(TypedDict, total=False):
    """The fields of ``ReadOptions`` as keyword arguments, for type checkers and editors."""

    date_format: str | None
    day_first: bool | None
    decimal: str | None
    thousands: str | None
    encoding: str | None
    sheet: str | int | None
    fill: str
    aggregate: str | None
    header: bool | None
    time_zone: str | None


@dataclass(frozen=True)
class ReadOptions:
    """What is known of the way a table is written; None is found in the table, and announced.

    What a table leaves open (is 03/04/2024 in March or in April? is 1.034 a little more than one
    or than a thousand?) is refused with the name of the option that settles it. See
    docs/reading-tables.md.

    Args:
        date_format: How times are written, in the letters of ``strptime``: "%d/%m/%y %H:%M"; also
            "s", "ms", "us" or "ns" for whole numbers that count from 1970.
        day_first: True for day/month/year, False for month/day/year.
        decimal: What stands before decimals, "." or ",".
        thousands: What stands between thousands: ".", ",", " ", "'" or "" for nothing.
        encoding: Of a text file: "utf-8", "utf-16", "cp1252", ...
        sheet: Of a workbook (.xlsx, .xls, .ods): its name, or its number, counted from 1.
        fill: What a step without a row is: "missing", or "zero" (nothing was sold).
        aggregate: What to do with several rows of one time: "sum", "mean", "median", "min",
            "max", "first", "last" or "count"; None refuses them.
        time_zone: Whose clocks count, such as "Europe/Berlin", for times with offsets or a zone;
            None finds it in the offsets.
        header: Whether a text file has a line with the names of its columns.

    >>> ReadOptions(day_first=True).day_first
    True
    """

    date_format: str | None = None
    day_first: bool | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    sheet: str | int | None = None
    fill: str = "missing"
    aggregate: str | None = None
    header: bool | None = None
    time_zone: str | None = None

    def __post_init__(self) -> None:
        for name in ("date_format", "decimal", "thousands", "encoding", "aggregate", "time_zone"):
            _kind(name, getattr(self, name), str, "text or None")
        for name in ("day_first", "header"):
            _kind(name, getattr(self, name), bool, "True, False or None")
        _kind("sheet", self.sheet, (str, int), "a name, a number from 1, or None")
        one_of("decimal", self.decimal, (*DECIMALS, None))
        one_of("thousands", self.thousands, (".", ",", " ", "'", "", None))
        one_of("fill", self.fill, FILLS)
        one_of("aggregate", self.aggregate, (*AGGREGATES, None))
        if self.time_zone is not None:
            require_zone(self.time_zone)
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"thousands must differ from decimal, got {self.decimal!r} for both")


READ_OPTIONS = tuple(field.name for field in fields(ReadOptions))


def _kind(name: str, value: Any, kinds: Any, accepted: str) -> None:
    wrong = isinstance(value, bool) and kinds is not bool
    if value is not None and (wrong or not isinstance(value, kinds)):
        raise TypeError(f"{name} must be {accepted}, got {value!r}")
