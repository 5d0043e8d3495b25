"""The covariates of rows that arrive, put beside their values."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.covariates import (
    Spec,
    column_values,
    filled_forward,
    from_times,
    places,
    require_columns,
    strangers,
)
from ...data.panel import Panel
from ...data.read import Table
from ...wording import some, written
from ..options import Options
from .streaming import Stream


def read_beside(
    table: Table, options: Options, stream: Stream
) -> tuple[NDArray, NDArray, NDArray[np.float32], list[str]] | None:
    """(N,) series, (N,) step counted from its first, (N, C) the moving columns of these, known
    ahead first, and what is to be said of them; each series and step once. None where the model
    has no such columns.

    Raises:
        ValueError: A column is absent, holds what it cannot, or says two things of one time; a
            static one differs from what the model holds.
    """
    spec: Spec | None = stream.meta.covariates
    if not spec or not spec.names:
        return None
    require_columns(table, replace(spec, static=()))
    table = _of_known_series(table, options.id_col, stream)
    held = replace(stream.meta, ids=stream.ids, start=stream.start)
    codes, place = places(table, held, options.id_col)
    moving = (*spec.futr, *spec.hist)
    values = np.full((len(codes), len(moving)), np.nan, np.float32)
    for k, name in enumerate(moving):
        values[:, k] = column_values(table, name, spec)
    _refuse_other_statics(table, codes, spec, stream)
    notes = strangers(table, spec, moving)
    order = np.lexsort((place, codes))
    codes, place, values = codes[order], place[order], values[order]
    twice = (codes[1:] == codes[:-1]) & (place[1:] == place[:-1])
    _refuse_contradictions(twice, codes, place, values, moving, stream, options.time_col)
    first = np.append(True, ~twice)[: len(codes)]
    return codes[first], place[first], values[first], notes


def found_for(
    beside: tuple[NDArray, NDArray, NDArray, list[str]] | None, codes: NDArray, place: NDArray
) -> NDArray[np.float32]:
    """(N, C) the moving columns of some series and steps; NaN where no row says anything."""
    if beside is None:
        return np.zeros((len(codes), 0), np.float32)
    theirs, steps, values, _ = beside
    known = {pair: k for k, pair in enumerate(zip(theirs.tolist(), steps.tolist(), strict=True))}
    pairs = zip(codes.tolist(), place.tolist(), strict=True)
    row = np.fromiter((known.get(pair, -1) for pair in pairs), np.int64, len(codes))
    return np.where((row >= 0)[:, None], values[row], np.float32(np.nan))


def steps_beside(
    stream: Stream, ahead: NDArray[np.int64], moving: NDArray[np.float32]
) -> tuple[NDArray[np.float32] | None, int]:
    """(S, K, C) everything that stands beside the next ``ahead`` (S,) values, as ``Panel.exog``,
    from the columns of the table (S, K, M); and how many values were missing. They are those of
    the step before, as in a table that is learned from."""
    spec: Spec | None = stream.meta.covariates
    if stream.beside is None or not spec:
        return None, 0
    series, steps, _ = moving.shape
    before, known = stream.beside.view[:, -1:, _of_the_table(spec)], len(spec.futr)
    rows = np.concatenate([before, moving], 1)
    flat = rows.reshape(series * (steps + 1), rows.shape[-1])
    full = filled_forward(flat, np.arange(series + 1) * (steps + 1))
    full = full.reshape(rows.shape)[:, 1:]
    inside = np.arange(steps) < ahead[:, None]
    missing = int((np.isnan(moving) & ~np.isnan(full))[inside].sum())
    place = stream.total[:, None] + np.arange(steps)
    times = stream.at(np.arange(series)[:, None], place).reshape(-1)
    calendar = from_times(times, stream.meta, spec).reshape(series, steps, len(spec.ahead) - known)
    out = np.concatenate([full[..., :known], calendar, full[..., known:]], -1)
    return out.astype(np.float32, copy=False), missing


def corrected(
    stream: Stream, codes: NDArray, back: NDArray, moving: NDArray
) -> NDArray[np.float32] | None:
    """(N, C) what stands beside values ``back`` steps before the newest once the columns (N, M)
    that are not missing take their places."""
    spec: Spec | None = stream.meta.covariates
    if stream.beside is None or not spec:
        return None
    out = stream.beside.view[codes, stream.kept - 1 - back]
    columns = _of_the_table(spec)
    if columns:
        out[:, columns] = np.where(np.isnan(moving), out[:, columns], moving)
    return out


def _of_the_table(spec: Spec) -> list[int]:
    """Which columns of ``Panel.exog`` came from the table; the others are made from the times."""
    first = len(spec.ahead)
    return [*range(len(spec.futr)), *range(first, first + len(spec.hist))]


def named(panel: Panel) -> dict[str, Any]:
    """The columns of a table that a panel's covariates came from, (N,) each."""
    spec: Spec | None = panel.covariates
    if not spec or panel.exog is None or panel.static is None:
        return {}
    columns = _of_the_table(spec)
    moving = zip((*spec.futr, *spec.hist), panel.exog.T[columns], strict=True)
    static = np.repeat(panel.static, panel.lengths, 0).T
    found = {**dict(moving), **dict(zip(spec.static, static, strict=True))}
    return {name: _as_came(values, spec.categories.get(name)) for name, values in found.items()}


def _as_came(values: NDArray, categories: tuple[str, ...] | None) -> Any:
    if categories is None:
        return values
    return [None if np.isnan(code) else categories[int(code)] for code in values]


def _of_known_series(table: Table, id_col: str, stream: Stream) -> Table:
    ids = table.ids(id_col)
    if ids is None or stream.meta.id_col is None:
        return table
    return table.only(np.array([name in stream.places for name in ids.to_list()], bool))


def _refuse_contradictions(
    twice: NDArray[np.bool_],
    codes: NDArray,
    place: NDArray,
    values: NDArray,
    names: tuple[str, ...],
    stream: Stream,
    time_col: str,
) -> None:
    one, other = values[:-1], values[1:]
    differ = np.argwhere(twice[:, None] & (one != other) & ~(np.isnan(one) & np.isnan(other)))
    if len(differ):
        row, k = differ[0]
        time = written(stream.meta.local(stream.at(codes[row], place[row])))
        raise ValueError(
            f"{time_col}: two values of {names[k]!r} for {time} of series "
            f"{stream.ids[codes[row]]!r}; keep one"
        )


def _refuse_other_statics(table: Table, codes: NDArray, spec: Spec, stream: Stream) -> None:
    """A static column may be left out; where it is given it says what it said before."""
    for k, name in enumerate(spec.static):
        if name not in table.frame.columns or stream.static is None:
            continue
        values = column_values(table, name, spec).astype(np.float32)
        known = stream.static[codes, k]
        strange = table.text(name).is_not_null().to_numpy() & (values != known) & ~np.isnan(known)
        if strange.any():
            row = int(strange.argmax())
            raise ValueError(
                f"static_exog: {name!r} of series {some([repr(stream.ids[codes[row]])])} is "
                f"{table.text(name)[row]!r} in these rows, and something else in the model: it "
                "cannot change within a series"
            )
