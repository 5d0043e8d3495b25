"""What is known of the steps after each series."""

from dataclasses import replace
from typing import Any

import numpy as np

from ...wording import some, written
from ..panel import Panel
from ..read import Table, open_table
from ..reading import ReadOptions
from .categories import column_values
from .columns import from_times, places, refuse_contradictions, table_of
from .spec import Spec


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
    table = table_of(source, panel, spec, id_col, "X_df", reading)
    codes, place = places(table, panel, id_col, "X_df")
    step = place - panel.lengths[codes]  # 0 is the first step after the end
    within = (step >= 0) & (step < h)
    codes, step = codes[within], step[within]
    for k, name in enumerate(spec.futr):
        values = column_values(table, name, spec)[within]
        refuse_contradictions(codes, step + panel.lengths[codes], values, panel, f"X_df: {name!r}")
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
