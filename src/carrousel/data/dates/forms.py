"""The ways in which people write dates: patterns, and which of them a column is written in."""

from dataclasses import dataclass

import polars as pl

_CLOCK = (
    r"(?:[T ]+(?:at )?(\d{1,2})(?:[:h](\d{2}))?(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r" ?([AaPp]\.?[Mm]\.?)?)?"
)
ZONE = r" ?(?:(Z|UTC|GMT)?([+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
COMPACT = r"(?:[T ]?(\d{2})(\d{2})?(\d{2})?)?"
_DAYS = (
    "mo mon monday lun lundi montag", "di tue tues tuesday mar mardi dienstag",
    "mi wed wednesday mer mercredi mittwoch", "do thu thur thurs thursday jeu jeudi donnerstag",
    "fr fri friday ven vendredi freitag", "sa sat saturday sam samedi samstag",
    "so sun sunday dim dimanche sonntag",
)  # fmt: skip
_MONTHS = (
    "jan january januar janv janvier enero ene", "feb february februar fév févr février fev fevr"
    " fevrier febrero", "mar march märz mär mrz mars marzo", "apr april avr avril abril abr",
    "may mai mayo", "jun june juni juin junio", "jul july juli juil juillet julio",
    "aug august août aout agosto ago", "sep sept september septembre septiembre",
    "oct october okt oktober octobre octubre", "nov november novembre noviembre",
    "dec december dez dezember déc décembre decembre diciembre dic",
)  # fmt: skip
_WEEKDAYS = [name for names in _DAYS for name in names.split()]
MONTH = {name: k + 1 for k, names in enumerate(_MONTHS) for name in names.split()}
_NAME = "(" + "|".join(sorted(MONTH, key=len, reverse=True)) + r")\.?"
GIVE = "write times as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, or give date_format (--date-format)"


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
FORMS = (
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
DIGITS = (
    Form(r"(\d{4})(\d{2})(\d{2})", "ymd", "YYYYMMDD", COMPACT),
    Form(r"(\d{4})(\d{2})", "ym", "YYYYMM", ""),
)


def looks_like_date(cells: pl.Series) -> bool:
    """Whether all cells have the form of a date that is not a mere number."""
    cells = cells.str.strip_chars()
    form = form_of(cells)[0] if len(cells) else None
    return form is not None and form not in DIGITS


def form_of(cells: pl.Series) -> tuple[Form | None, pl.DataFrame]:
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
    for form in (*FORMS, *DIGITS):
        named = "n" in form.parts
        pattern = rf"^{form.pattern}{form.tail}{ZONE}$"
        if named:
            pattern = f"(?i){pattern}"
        source = lower if named else plain
        if source.str.contains(pattern).all():
            parts = form.parts + {COMPACT: "HMS", "": ""}.get(form.tail, "HMSfp") + "Zz"
            return form, groups(source, pattern, parts)
    return None


def groups(cells: pl.Series, pattern: str, parts: str) -> pl.DataFrame:
    found = cells.str.extract_groups(pattern).struct.unnest()
    return found.rename(dict(zip(found.columns, parts, strict=True)))


def stranger(text: pl.Series) -> str:
    """The first cell that is not of the form that most cells have."""
    cells = text.unique(maintain_order=True)
    best, most = cells.is_null(), -1
    for form in (*FORMS, *DIGITS):
        pattern = f"(?i)^{form.pattern}{form.tail}{ZONE}$"
        fits = cells.str.to_lowercase().str.contains(pattern)
        if int(fits.sum()) > most:
            best, most = fits, int(fits.sum())
    return str(cells.filter(~best)[0] if (~best).any() else cells[0])
