"""Tables in, tables out: what a forecaster learns from or forecasts, as panels with covariates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..data import Frequency, Panel, to_frame
from ..data.build import build_panel
from ..data.calendar import fitting_parts, longest_days
from ..data.covariates import Spec, attach, learning_on, refuse_other_kinds
from ..data.frames import without_rows
from ..data.read import Table, open_table
from ..data.reading import ReadOptions
from ..data.static import with_static
from .options import Options


def to_learn_from(
    data: Any, options: Options, before: Panel | None = None, static_df: Any = None
) -> tuple[Panel, Any, list[str]]:
    """The panel of whatever came in, with the covariates that the options ask for; something of
    the same kind that holds no rows (None for paths and panels); and what was done, in sentences.
    ``before`` is what networks that go on learning have learned from; ``static_df`` holds static
    covariates that are not in ``data``.
    """
    if isinstance(data, Panel):
        _refuse_beside_panel(static_df)
        panel, notes = _with_covariates(data, None, options, before)
        return panel, None, notes
    hint = None if before is None else _hint(before)
    table = _open(data, options, _columns(options), hint)
    if static_df is not None:
        table = with_static(table, static_df, options.id_col, _static(options))
    panel, notes = _read(table, options, options.freq)
    panel, more = _with_covariates(panel, table, options, before)
    like = None if isinstance(data, (str, Path)) else without_rows(data)
    return panel, like, notes + more


def to_forecast(
    data: Any, learned: Panel, options: Options, static_df: Any = None
) -> tuple[Panel, list[str]]:
    """The panel of other observations, read as ``learned`` was, and what was done."""
    table, spec = None, learned.covariates
    notes: list[str] = []
    if isinstance(data, Panel):
        _refuse_beside_panel(static_df)
        panel = data
    else:
        table = _open(data, options, () if spec is None else spec.names, _hint(learned))
        if static_df is not None:
            table = with_static(table, static_df, options.id_col, spec.static if spec else ())
        panel, notes = _read(table, options, learned.freq)
    if spec and not panel.covariates:
        panel, more = attach(panel, table, spec, options.id_col, learn=False)
        notes = [*notes, *more]
    if panel.freq != learned.freq:
        raise ValueError(f"the model is for {learned.freq} series, the data is {panel.freq}")
    return panel, notes


def written(columns: dict[str, NDArray], panel: Panel, like: Any) -> Any:
    """A frame of the kind of ``like`` (a panel, None: the usual one), without the steps that no
    clock shows: a day that a zone left out has no row, as in the data."""
    there = ~panel.never_was(columns[panel.time_col])
    if not there.all():
        columns = {name: values[there] for name, values in columns.items()}
    return to_frame(columns, like=None if isinstance(like, Panel) else like, panel=panel)


def _open(data: Any, options: Options, more: tuple[str, ...], hint: ReadOptions | None) -> Table:
    names = (options.id_col, options.time_col, options.target_col)
    return open_table(data, names, more, options.reading, hint)


def _hint(learned: Panel) -> ReadOptions:
    """How further tables of a model are written, where they do not say so: as its own was."""
    return replace(learned.reading or ReadOptions(), time_zone=learned.time_zone)


def _refuse_beside_panel(static_df: Any) -> None:
    if static_df is not None:
        raise ValueError("static_df: a Panel holds its covariates; give the table of the series")


def _columns(options: Options) -> tuple[str, ...]:
    """The covariates that the table holds."""
    return (*options.futr_exog, *options.hist_exog, *_static(options))


def _static(options: Options) -> tuple[str, ...]:
    """Those that are the same at all times, with the name of the group."""
    named = isinstance(options.groups, str) and options.groups not in options.static_exog
    return (*options.static_exog, str(options.groups)) if named else options.static_exog


def _read(
    table: Table, options: Options, freq: Frequency | str | int | None
) -> tuple[Panel, list[str]]:
    o = options
    moving = tuple(n for n in (*o.futr_exog, *o.hist_exog) if n in table.frame.columns)
    return build_panel(table, o.id_col, o.time_col, o.target_col, freq, moving)


def _with_covariates(
    panel: Panel, data: Any, options: Options, before: Panel | None
) -> tuple[Panel, list[str]]:
    o, calendar = options, options.calendar or ()
    known = None if before is None else before.covariates or Spec()
    if calendar is True and known:
        calendar = known.calendar
    elif calendar is True:
        calendar = fitting_parts(panel.freq, longest_days(panel))
    spec = Spec(o.futr_exog, o.hist_exog, _static(o), calendar, o.holidays, o.groups)
    if known is not None:
        spec = learning_on(known, panel.covariates or spec)
    if not spec or panel.covariates:
        return panel, []
    panel, notes = attach(panel, data, spec, o.id_col)
    if known is not None:
        refuse_other_kinds(known, panel.covariates)
    return panel, notes
