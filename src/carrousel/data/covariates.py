"""Columns beside the values: read from the same table, put in the places of a panel.

A panel's ``exog`` holds what is known ahead (columns of the table, then the calendar, then
holidays), then what is known of the past only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from .calendar import HOLIDAYS, calendar_columns, calendar_names, holiday_columns
from .numbers import MISSING, is_text, looks_numeric, share_of_numbers
from .panel import Panel, some
from .places import as_counted, near, refuse_between
from .read import Table, open_table
from .read import require_columns as require
from .reading import ReadOptions
from .wording import counted, written

MOST_CATEGORIES = 10_000
_MOSTLY = 0.8  # of the cells are numbers: then the others are mistakes, not names


@dataclass(frozen=True)
class Spec:
    """Which columns are covariates, and what their categories are.

    ``futr`` are known ahead, ``hist`` of the past only, ``static`` the same at all times of a
    series. A column of text is a category; ``categories`` lists the values that were learned.
    ``calendar`` and ``holidays`` are made from the times, see ``carrousel.data.calendar``.
    ``groups`` are series that share a hidden state: all (True; ``members`` are their names), or
    those of one value in a static column.
    """

    futr: tuple[str, ...] = ()
    hist: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    holidays: str | None = None
    groups: bool | str = False
    members: tuple[str, ...] = ()
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(
                    f"covariates: column {name!r} is listed more than once among "
                    "futr_exog, hist_exog and static_exog"
                )

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.futr, *self.hist, *self.static)

    @property
    def ahead(self) -> tuple[str, ...]:
        """Everything that is known ahead, in the order of ``Panel.exog``."""
        free = HOLIDAYS if self.holidays else ()
        return (*self.futr, *calendar_names(self.calendar), *free)

    def __bool__(self) -> bool:
        return bool(self.names or self.ahead or self.groups)

    def sizes(self, names: Sequence[str]) -> tuple[int, ...]:
        """For each column its number of categories, 0 for numbers."""
        return tuple(len(self.categories.get(name, ())) for name in names)

    @classmethod
    def restored(cls, data: dict[str, Any]) -> "Spec":
        """From what ``dataclasses.asdict`` made, by way of JSON."""
        parts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        parts["categories"] = {k: tuple(v) for k, v in data["categories"].items()}
        return cls(**parts)


def attach(
    panel: Panel, source: Any, spec: Spec, id_col: str, *, learn: bool = True
) -> tuple[Panel, list[str]]:
    """The panel of ``source`` with its covariates, and notes.

    With ``learn``, categories that are found and that ``spec`` does not list come after those that
    it does, and so do members of a group; else unknown ones are missing values, and so is what
    stands in no row. Missing values in between are those of the step before. ``source`` (a table,
    also an open one) may be None where the times say everything.
    """
    notes: list[str] = []
    moving = (*spec.futr, *spec.hist)
    exog = np.full((len(panel.y), len(moving)), np.nan, np.float32)
    static = np.full((panel.n_series, len(spec.static)), np.nan, np.float32)
    if spec.names:
        table = _table(source, panel, spec, id_col)
        before = list(table.notes)
        codes, place = places(table, panel, id_col)
        inside = place < panel.lengths[codes]  # rows of the future were left out
        table, codes, place = table.only(inside), codes[inside], place[inside]
        if learn:
            texts = {name: _extended(table.text(name), spec) for name in spec.names}
            spec = replace(spec, categories={k: v for k, v in texts.items() if v is not None})
        for k, name in enumerate(moving):
            values = column_values(table, name, spec)
            _refuse_contradictions(codes, place, values, panel, name)
            exog[panel.offsets[codes] + place, k] = values
        for k, name in enumerate(spec.static):
            static[:, k] = _constant(column_values(table, name, spec), codes, panel, name)
        notes = [note for note in table.notes if note not in before] + strangers(table, spec)
    filled = filled_forward(exog, panel.offsets)
    count = int((np.isnan(exog) & ~np.isnan(filled)).sum())
    notes = [f"{counted(count, 'covariate')} filled with the value before"] * bool(count) + notes
    times = [panel.times(s) for s in range(panel.n_series)]
    made = from_times(np.concatenate(times) if times else panel.start[:0], panel, spec)
    known = len(spec.futr)
    if learn and spec.groups is True:
        new = [str(name) for name in panel.ids if str(name) not in spec.members]
        spec = replace(spec, members=(*spec.members, *new))
    exog = np.concatenate([filled[:, :known], made, filled[:, known:]], 1)
    panel = replace(panel, exog=exog, static=static, covariates=spec)
    _refuse_ragged(panel)
    return panel, notes


def learning_on(known: Spec, asked: Spec) -> Spec:
    """``asked`` with the order of columns, the categories and the members of ``known``, which a
    model learned before.

    Raises:
        ValueError: A column is missing or too much, by name.
    """
    parts = {
        "futr_exog": (known.futr, asked.futr),
        "hist_exog": (known.hist, asked.hist),
        "static_exog": (known.static, asked.static),
        "calendar": (known.calendar, asked.calendar),
    }
    for option, (theirs, ours) in parts.items():
        missing = [repr(name) for name in theirs if name not in ours]
        extra = [repr(name) for name in ours if name not in theirs]
        if missing:
            raise ValueError(f"{option}: {some(missing)} missing; init was trained with it")
        if extra:
            raise ValueError(f"{option}: {some(extra)} too much; init was trained without it")
    if bool(known.holidays) != bool(asked.holidays):
        used = "with" if known.holidays else "without"
        raise ValueError(f"holidays: init was trained {used} them, got {asked.holidays!r}")
    if known.groups != asked.groups:
        raise ValueError(f"groups: init has {known.groups!r}, got {asked.groups!r}")
    if asked.categories and not _begins_with(asked.categories, known.categories):
        raise ValueError(
            "data: the categories of this Panel have other codes than those of init; give the table"
        )
    return replace(known, holidays=asked.holidays)


def refuse_other_kinds(known: Spec, found: Spec) -> None:
    """Columns that were numbers must not become categories."""
    for name in found.categories:
        if name not in known.categories:
            raise ValueError(f"{name}: init was trained with numbers in it, now it holds text")


def _begins_with(ours: dict[str, tuple[str, ...]], theirs: dict[str, tuple[str, ...]]) -> bool:
    return ours.keys() == theirs.keys() and all(
        ours[name][: len(known)] == known for name, known in theirs.items()
    )


def group_codes(panel: Panel) -> tuple[np.ndarray, np.ndarray] | None:
    """(S,) the group of each series and its place in it; None for a panel without groups."""
    spec: Spec | None = panel.covariates
    if spec is None or not spec.groups:
        return None
    if spec.groups is True:
        places = {name: k for k, name in enumerate(spec.members)}
        strange = [repr(name) for name in panel.ids if str(name) not in places]
        if strange:
            raise ValueError(
                f"groups: series {some(strange)} are not of the group that was learned"
            )
        slots = np.array([places[str(name)] for name in panel.ids], np.int64)
        return np.zeros(panel.n_series, np.int64), slots
    assert panel.static is not None
    code = panel.static[:, spec.static.index(str(spec.groups))]
    unknown = [repr(panel.ids[s]) for s in np.flatnonzero(np.isnan(code))]
    if unknown:
        raise ValueError(f"groups: {spec.groups!r} of series {some(unknown)} is missing or new")
    return np.unique(code, return_inverse=True)[1], np.zeros(panel.n_series, np.int64)


def _refuse_ragged(panel: Panel) -> None:
    codes = group_codes(panel)
    if codes is not None:
        refuse_apart(codes[0], panel.ends, panel.ids, panel)


def refuse_apart(codes: np.ndarray, end: np.ndarray, ids: Sequence[Any], known: Panel) -> None:
    """Series of a group (S,) must end (S,), in times of ``known``, together."""
    last = np.full(int(codes.max(initial=-1)) + 1, end.min() if len(end) else 0, end.dtype)
    np.maximum.at(last, codes, end)
    early = np.flatnonzero(end != last[codes])
    if len(early):
        s = early[0]
        raise ValueError(
            f"groups: series of a group must end at the same time, but {ids[s]!r} ends at "
            f"{written(known.local(end[s]))} and its group at "
            f"{written(known.local(last[codes[s]]))}; give its rows too, "
            "with an empty value where it is missing"
        )


def from_times(times: np.ndarray, panel: Panel, spec: Spec) -> np.ndarray:
    """(N, C) the calendar and holidays of some of the panel's times."""
    if not spec.calendar and not spec.holidays:
        return np.zeros((len(times), 0), np.float32)
    if times.dtype.kind != "M":
        raise ValueError("calendar, holidays: the times are whole numbers, they have no calendar")
    local = panel.local(times)
    parts = [calendar_columns(local, spec.calendar)]
    if spec.holidays:
        parts.append(holiday_columns(local, spec.holidays))
    return np.concatenate(parts, 1)


def future(
    panel: Panel, source: Any, id_col: str, h: int, reading: ReadOptions | None = None
) -> np.ndarray | None:
    """(S, h, F) what is known ahead of the steps after each series; None if there is nothing.

    Raises:
        ValueError: ``source`` is None, or lacks a column, a step or a value; its times are not
            on the steps of the panel, or not in its time zone; two of its rows contradict.
    """
    spec = panel.covariates
    if spec is None or not spec.ahead:
        return None
    given = _given(panel, source, id_col, h, reading)
    steps = panel.lengths[:, None] + np.arange(h)
    times = panel.at(np.arange(panel.n_series)[:, None], steps).reshape(-1)
    made = from_times(times, panel, spec).reshape(panel.n_series, h, -1)
    return np.concatenate([given, made], -1)


def open_ahead(panel: Panel, source: Any, id_col: str, reading: ReadOptions | None = None) -> Any:
    """``source`` of ``future`` as an open table, whose notes say how it was read, once it was; as
    it came where the panel has nothing that such a table would hold."""
    spec: Spec | None = panel.covariates
    if source is None or isinstance(source, Table) or spec is None or not spec.futr:
        return source
    return open_table(
        source, (id_col, panel.time_col, *spec.futr[:1]), spec.futr, reading, panel.reading
    )


def _given(
    panel: Panel, source: Any, id_col: str, h: int, reading: ReadOptions | None
) -> np.ndarray:
    """(S, h, F) the columns of ``source``, all of them known."""
    spec: Spec = panel.covariates
    ahead = np.full((panel.n_series, h, len(spec.futr)), np.nan, np.float32)
    if not spec.futr:
        return ahead
    names = some([repr(name) for name in spec.futr])
    if source is None:
        raise ValueError(
            f"X_df: the model uses columns that are known ahead ({names}); give their values for "
            f"the {h} steps after each series"
        )
    spec = replace(spec, hist=(), static=())
    table = _table(source, panel, spec, id_col, "X_df", reading)
    codes, place = places(table, panel, id_col, "X_df")
    step = place - panel.lengths[codes]  # 0 is the first step after the end
    within = (step >= 0) & (step < h)
    codes, step = codes[within], step[within]
    for k, name in enumerate(spec.futr):
        values = column_values(table, name, spec)[within]
        _refuse_contradictions(codes, step + panel.lengths[codes], values, panel, f"X_df: {name!r}")
        ahead[codes, step, k] = values
    _fill_what_never_was(ahead, panel)
    missing = np.argwhere(np.isnan(ahead))
    if len(missing):
        s, t, k = missing[0]
        time = written(panel.local(panel.at(s, panel.lengths[s] + t)))
        more = f" (and {len(missing) - 1:,} more values)" if len(missing) > 1 else ""
        raise ValueError(
            f"X_df: {spec.futr[k]!r} has no known value for series {panel.ids[s]!r} at "
            f"{time}{more}; the {h} steps after each series are needed"
        )
    return ahead


def _fill_what_never_was(ahead: np.ndarray, panel: Panel) -> None:
    """The value before, at steps of (S, h, F) for which no row can be given."""
    h, known = ahead.shape[1:]
    steps = panel.lengths[:, None] + np.arange(h)
    gone = panel.never_was(panel.at(np.arange(panel.n_series)[:, None], steps))
    for s, t in np.argwhere(gone):
        before = panel.exog[panel.offsets[s + 1] - 1, :known] if panel.exog is not None else np.nan
        ahead[s, t] = ahead[s, t - 1] if t else before


def _table(
    source: Any,
    panel: Panel,
    spec: Spec,
    id_col: str,
    argument: str | None = None,
    reading: ReadOptions | None = None,
) -> Table:
    """The open table of ``source``, with all columns of ``spec``."""
    if source is None:
        raise ValueError(
            f"data: a Panel has no columns {some([repr(name) for name in spec.names])}; give the "
            "table"
        )
    table = source
    if not isinstance(source, Table):
        columns = (id_col, panel.time_col, *spec.names[:1])
        table = open_table(source, columns, spec.names, reading, panel.reading)
    require_columns(table, spec, argument)
    require(table, {argument or "time_col": panel.time_col})
    return table


def require_columns(table: Table, spec: Spec, argument: str | None = None) -> None:
    """Refuse a table without one of the columns, by name."""
    wanted = {"futr_exog": spec.futr, "hist_exog": spec.hist, "static_exog": spec.static}
    for option, names in wanted.items():
        for name in names:
            if name not in table.frame.columns:
                have = ", ".join(repr(c) for c in table.frame.columns)
                raise ValueError(
                    f"{argument or option}: there is no column {name!r}; the columns are {have}"
                )


def places(
    table: Table, panel: Panel, id_col: str, argument: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) series and position of each row."""
    name, plain = panel.time_col, panel.start.dtype.kind == "i"
    expected = None if argument is None else near(panel.start, panel.ends, panel)
    time = table.times(name, plain=plain, expected=expected)
    where = name if argument is None else f"{argument}: {name}"
    ids = None if panel.id_col is None else table.ids(id_col)
    if ids is None:
        if panel.id_col is not None and panel.n_series > 1:
            raise ValueError(
                f"{argument or 'id_col'}: there is no column {id_col!r}: to which of "
                f"{panel.n_series} series do the rows belong?"
            )
        codes = np.zeros(len(time.time), np.int64)
    else:
        places = {one: s for s, one in enumerate(panel.ids)}
        known = ids.to_list()
        unknown = [one for one in dict.fromkeys(known) if one not in places]
        if unknown:
            names = some([repr(one) for one in unknown])
            raise ValueError(
                f"{argument or id_col}: series {names} have no history to forecast from"
            )
        codes = np.array([places[one] for one in known], np.int64)
    counts = as_counted(time, codes, panel, where)
    place = panel.freq.count(panel.start[codes], counts)
    if table.options.aggregate is None or argument is not None:
        refuse_between(counts, panel.at(codes, place), codes, panel.ids, panel, where)
    return codes, place


def _refuse_contradictions(
    codes: np.ndarray, place: np.ndarray, values: np.ndarray, panel: Panel, name: str
) -> None:
    """Rows of one step must agree."""
    order = np.lexsort((place, codes))
    codes, place, values = codes[order], place[order], values[order]
    again = (codes[1:] == codes[:-1]) & (place[1:] == place[:-1])
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    differ = np.flatnonzero(again & ~same)
    if len(differ):
        row = differ[0]
        time = panel.local(panel.at(codes[row], place[row]))
        raise ValueError(
            f"{name} has two values, {values[row]:g} and {values[row + 1]:g}, for "
            f"{written(time)} of series {panel.ids[codes[row]]!r}; keep one"
        )


def strangers(table: Table, spec: Spec, names: Sequence[str] | None = None) -> list[str]:
    """Sentences on categories that were never learned."""
    notes = []
    for name, known in spec.categories.items():
        if name in table.frame.columns and (names is None or name in names):
            new = sorted(set(_texts(table.text(name)).drop_nulls().unique().to_list()) - set(known))
            if new:
                few = some([repr(one) for one in new])
                notes.append(f"{name!r}: {few} not seen in training, taken as missing")
    return notes


def _extended(column: pl.Series, spec: Spec) -> tuple[str, ...] | None:
    """The categories that a column has in ``spec``, then those that are new; None for numbers."""
    known = spec.categories.get(column.name)
    if known is None:
        return _categories(column)
    new = sorted(set(_texts(column).drop_nulls().unique().to_list()) - set(known))
    return (*known, *new)


def _categories(column: pl.Series) -> tuple[str, ...] | None:
    """The sorted values of a column of text; None for numbers, also if they are written as text.

    Raises:
        ValueError: Nearly all cells are numbers, but not all.
    """
    if not is_text(column) or looks_numeric(column):
        return None
    text = _texts(column).drop_nulls()
    if not len(text):
        return None
    share = share_of_numbers(column)
    if isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        share = 0.0  # the user says that it is one
    if share >= _MOSTLY:
        return None  # reading the numbers says which cell is none
    found = tuple(sorted(text.unique().to_list()))
    if len(found) > MOST_CATEGORIES:
        raise ValueError(
            f"{column.name}: {len(found):,} different texts are too many for a category"
        )
    return found


def _texts(column: pl.Series) -> pl.Series:
    """Names of categories; null where there is nothing."""
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(MISSING).fill_null(False), None)


def column_values(table: Table, name: str, spec: Spec) -> np.ndarray:
    """(N,) numbers, or codes of categories; NaN where missing or unknown."""
    known = spec.categories.get(name)
    if known is None:
        beside = [one for one in (*spec.futr, *spec.hist) if one in table.frame.columns]
        return table.numbers(name, beside)
    codes = {one: float(k) for k, one in enumerate(known)}
    return np.array([codes.get(one, np.nan) for one in _texts(table.text(name)).to_list()])


def filled_forward(exog: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The value before, within each series, where one is missing."""
    start = np.repeat(offsets[:-1], np.diff(offsets))[:, None]
    there = np.where(np.isnan(exog), -1, np.arange(len(exog))[:, None])
    last = np.maximum.accumulate(there, 0) if len(there) else there
    return np.where(last >= start, np.take_along_axis(exog, np.maximum(last, 0), 0), exog)


def _constant(values: np.ndarray, codes: np.ndarray, panel: Panel, name: str) -> np.ndarray:
    """(S,) the one value of each series."""
    known = ~np.isnan(values)
    low, high = np.full(panel.n_series, np.inf), np.full(panel.n_series, -np.inf)
    np.minimum.at(low, codes[known], values[known])
    np.maximum.at(high, codes[known], values[known])
    changing = np.flatnonzero(high > low)
    if len(changing):
        names = some([repr(panel.ids[s]) for s in changing])
        raise ValueError(f"static_exog: {name!r} changes within series {names}")
    return np.where(np.isfinite(low), low, np.nan)
