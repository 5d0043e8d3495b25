"""Numbers written as text: the convention of separators is found in the whole column.

"1.034" is a little more than one in English and more than a thousand in German. A convention is a
pair (what stands before decimals, what stands between thousands). One counts if it reads every
cell; where several do and give different numbers, the table or an option must settle it.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from .reading import ReadOptions

Convention = tuple[str, str]

MISSING = (
    "", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "nat", "null", "none", "nil", "?",
    "-", "--", "–", "—", ".",
)  # fmt: skip
_BETWEEN = ("", ",", ".", " ", "'")
_CONVENTIONS = tuple((d, t) for d in ".," for t in _BETWEEN if d != t)
_INFINITE = r"^[-+]?(inf|infinity|∞)$"
_SIGNS = r"[%‰€$£¥₹]|^[-+]?\(.*\)$|\d\s*[a-zA-Z]+$"


def is_text(column: pl.Series) -> bool:
    return column.dtype in (pl.String, pl.Object) or isinstance(
        column.dtype, (pl.Categorical, pl.Enum)
    )


def cleaned(column: pl.Series) -> pl.Series:
    """Text without blanks around it and with one kind of blank, minus and apostrophe inside;
    null where it says that there is nothing."""
    text = column.cast(pl.String).str.strip_chars()
    if text.str.contains(r"[^\x00-\x7f]").any():
        text = text.str.replace_all("[\u00a0\u202f\u2009\u2007]", " ").str.replace_all("’", "'")
        text = text.str.replace(r"^−", "-").str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(MISSING).fill_null(False), None)


def looks_numeric(column: pl.Series) -> bool:
    """Whether every cell that is there is a number in one convention."""
    text = cleaned(column).drop_nulls()
    return bool(len(text)) and any(_fit(text, c) for c in _CONVENTIONS)


def share_of_numbers(column: pl.Series) -> float:
    """How many of the cells that are there are numbers, in whatever convention."""
    text = cleaned(column).drop_nulls()
    if not len(text):
        return 0.0
    return max(float(text.str.contains(_pattern(c)).mean() or 0) for c in _CONVENTIONS)  # type: ignore[arg-type]


def parse_numbers(
    column: pl.Series,
    options: ReadOptions,
    hint: ReadOptions | None = None,
    others: Sequence[pl.Series] = (),
) -> tuple[pl.Series, Convention | None]:
    """float64 with nulls for what is missing, and the convention where the text told one.

    Args:
        column: Text.
        options: What the user says.
        hint: How an earlier table of the same model was written; it settles what is open.
        others: Further columns of the table, which are written in the same way.

    Raises:
        ValueError: A cell that is no number, or numbers that two conventions read differently.
    """
    text = cleaned(column)
    infinite = text.str.to_lowercase().str.contains(_INFINITE).fill_null(False)
    distinct = text.set(infinite, None).drop_nulls().unique()
    found = convention(distinct, options, hint, others)
    if found is None:
        _refuse(column.name, text.set(infinite, None), options)
    assert found is not None
    numbers = _read(text.set(infinite, None), found)
    told = found if distinct.str.contains(r"[.,' ]").any() else None
    return numbers.set(infinite, float("inf")), told


def convention(
    distinct: pl.Series,
    options: ReadOptions,
    hint: ReadOptions | None,
    others: Sequence[pl.Series],
) -> Convention | None:
    """The one that reads all texts; None if there is none.

    Raises:
        ValueError: Several read them, differently, and neither the options, nor the other columns
            of the table, nor the size of the numbers tells which is meant.
    """
    allowed = [c for c in _CONVENTIONS if _allowed(c, options)]
    fitting = [c for c in allowed if _fit(distinct, c)]
    if len(fitting) < 2 or _alike(distinct, fitting):
        return fitting[0] if fitting else None
    for other in others:
        also = [c for c in fitting if _fit(cleaned(other).drop_nulls().unique(), c)]
        if also and (len(also) == 1 or _alike(distinct, also)):
            return also[0]
    meant = [c for c in fitting if hint is not None and _allowed(c, hint)]
    if meant and len(meant) < len(fitting) and _alike(distinct, meant):
        return meant[0]
    grouped = [c for c in fitting if _groups_follow_size(distinct, c)]
    if grouped and _alike(distinct, grouped):
        return grouped[0]
    example = distinct.filter(distinct.str.contains(r"[.,]"))[0]
    mark = next(sign for sign in ".," if sign in example)
    other_mark = ",."[".,".index(mark)]
    raise ValueError(
        f"{distinct.name}: {example!r} may be {_read(pl.Series([example]), (mark, ''))[0]:g} or "
        f"{_read(pl.Series([example]), (other_mark, mark))[0]:,.0f}; give decimal={mark!r} "
        f"(--decimal) or thousands={mark!r} (--thousands)"
    )


def _allowed(c: Convention, options: ReadOptions) -> bool:
    decimal, thousands = c
    if decimal != (options.decimal or decimal) or decimal == options.thousands:
        return False
    return options.thousands is None or thousands in ("", options.thousands)


def _pattern(c: Convention) -> str:
    decimal, thousands = (("[.]" if m == "." else m) for m in c)
    grouped = ""
    if thousands:
        grouped = rf"|[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+"
    if thousands == ",":
        grouped += r"|[1-9]\d?(?:,\d{2})+,\d{3}"  # lakh and crore
    return rf"^[-+]?(?:(?:\d+{grouped})(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][-+]?\d+)?$"


def _fit(distinct: pl.Series, c: Convention) -> bool:
    return bool(distinct.str.contains(_pattern(c)).all())


def _read(text: pl.Series, c: Convention) -> pl.Series:
    decimal, thousands = c
    if thousands:
        text = text.str.replace_all(thousands, "", literal=True)
    if decimal == ",":
        text = text.str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False)


def _alike(distinct: pl.Series, conventions: list[Convention]) -> bool:
    first = _read(distinct, conventions[0])
    return all(first.equals(_read(distinct, c)) for c in conventions[1:])


def _groups_follow_size(distinct: pl.Series, c: Convention) -> bool:
    """Whether thousands are separated exactly where there are any, and the numbers are then
    nearer to each other than if the separator stood before decimals: 987 beside 1.034."""
    thousands = c[1]
    if thousands not in (".", ","):
        return False
    parted = distinct.str.contains(thousands, literal=True)
    plain = _read(distinct.filter(~parted), c).abs()
    plain = plain.filter(plain > 0)
    if not parted.any() or not len(plain) or float(plain.max()) >= 1000:  # type: ignore[arg-type]
        return False
    grouped, decimals = (
        float(np.log1p(_read(distinct, one).abs().to_numpy()).std()) for one in (c, (thousands, ""))
    )
    large = _read(distinct.filter(parted), c).abs()
    near = float(plain.max()) * 20 >= float(large.min())  # type: ignore[arg-type]
    return near and grouped < decimals


def _refuse(name: str, text: pl.Series, options: ReadOptions) -> None:
    """Say which cell is no number."""
    allowed = [c for c in _CONVENTIONS if _allowed(c, options)]
    there = text.is_not_null()
    best = max(allowed, key=lambda c: (text.str.contains(_pattern(c)) & there).sum() or 0)
    bad = there & ~text.str.contains(_pattern(best)).fill_null(True)
    row = int(bad.arg_max() or 0)
    cell = str(text[row])
    hint = ""
    if pl.Series([cell]).str.contains(_SIGNS).any():
        hint = "; write the plain number, without currency, unit or brackets"
    elif any(pl.Series([cell]).str.contains(_pattern(c)).all() for c in _CONVENTIONS):
        how = "options" if options.decimal or options.thousands else "rest of the column"
        hint = f" as the {how} would have it; see decimal (--decimal) and thousands (--thousands)"
    raise ValueError(f"{name}: {cell!r} in row {row + 1} is not a number{hint}")
