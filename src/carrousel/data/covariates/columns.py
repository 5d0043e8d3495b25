"""The columns of a table, and of the calendar, at the steps of a panel."""

from typing import Any

import numpy as np

from ...wording import columns_are, meant, some, written
from ..calendar import calendar_columns, holiday_columns
from ..panel import Panel
from ..places import as_counted, near, refuse_between
from ..read import Table, open_table
from ..read import require_columns as require_named
from ..reading import ReadOptions
from .spec import Spec


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


def table_of(
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
    require_named(table, {argument or "time_col": panel.time_col})
    return table


def require_columns(table: Table, spec: Spec, argument: str | None = None) -> None:
    """Refuse a table without one of the columns, by name."""
    wanted = {"futr_exog": spec.futr, "hist_exog": spec.hist, "static_exog": spec.static}
    for option, names in wanted.items():
        for name in names:
            if name not in table.frame.columns:
                have = columns_are(table.frame.columns)
                raise ValueError(
                    f"{argument or option}: there is no column {name!r}; {have}"
                    f"{meant(name, table.frame.columns)}"
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


def refuse_contradictions(
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
