"""A panel with its covariates."""

from dataclasses import replace
from typing import Any

import numpy as np

from ...wording import counted, some
from ..panel import Panel
from .categories import column_values, extended, strangers
from .columns import from_times, places, refuse_contradictions, table_of
from .groups import refuse_ragged
from .spec import Spec


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
        table = table_of(source, panel, spec, id_col)
        before = list(table.notes)
        codes, place = places(table, panel, id_col)
        inside = place < panel.lengths[codes]  # rows of the future were left out
        table, codes, place = table.only(inside), codes[inside], place[inside]
        if learn:
            texts = {name: extended(table.text(name), spec) for name in spec.names}
            spec = replace(spec, categories={k: v for k, v in texts.items() if v is not None})
        for k, name in enumerate(moving):
            values = column_values(table, name, spec)
            refuse_contradictions(codes, place, values, panel, name)
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
    refuse_ragged(panel)
    return panel, notes


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
