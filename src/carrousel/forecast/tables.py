"""Tables in, tables out: what a forecaster learns from or forecasts, as panels with covariates."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..data import Panel, to_frame
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
    static = _static(options)
    names = (*options.futr_exog, *options.hist_exog, *static)
    hint = None if before is None else _hint(before)
    panel, table, notes = _read(data, options, options.freq, names, static, static_df, hint)
    like = None if isinstance(data, (str, Path, Panel)) else without_rows(data)
    known = None if before is None else before.covariates or Spec()
    spec = _asked(panel, options, known)
    if spec and not panel.covariates:
        panel, more = attach(panel, table, spec, options.id_col)
        notes = [*notes, *more]
        if known is not None:
            refuse_other_kinds(known, panel.covariates)
    return panel, like, notes


def to_forecast(
    data: Any, learned: Panel, options: Options, static_df: Any = None
) -> tuple[Panel, list[str]]:
    """The panel of other observations, read as ``learned`` was, and what was done."""
    spec = learned.covariates
    names, static = (spec.names, spec.static) if spec else ((), ())
    hint = _hint(learned)
    panel, table, notes = _read(data, options, learned.freq, names, static, static_df, hint)
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


def _hint(learned: Panel) -> ReadOptions:
    """How further tables of a model are written, where they do not say so: as its own was."""
    return replace(learned.reading or ReadOptions(), time_zone=learned.time_zone)


def _read(
    data: Any,
    options: Options,
    freq: Any,
    names: Sequence[str],
    static: Sequence[str],
    static_df: Any,
    hint: ReadOptions | None,
) -> tuple[Panel, Table | None, list[str]]:
    """The panel, the table that it was read from (None: it came as a panel) and what was done;
    ``names`` are covariates, the ``static`` ones of which may stand in ``static_df``."""
    if isinstance(data, Panel):
        if static_df is not None:
            raise ValueError(
                "static_df: a Panel holds its covariates; give the table of the series"
            )
        return data, None, []
    table = open_table(data, _names(options), names, options.reading, hint)
    if static_df is not None:
        table = with_static(table, static_df, options.id_col, static)
    panel, notes = build_panel(table, *_names(options), freq, _moving(table, options))
    return panel, table, notes


def _names(options: Options) -> tuple[str, str, str]:
    """The columns of the series, the times and the values."""
    return options.id_col, options.time_col, options.target_col


def _static(options: Options) -> tuple[str, ...]:
    """The covariates that are the same at all times, with the name of the group."""
    named = isinstance(options.groups, str) and options.groups not in options.static_exog
    return (*options.static_exog, str(options.groups)) if named else options.static_exog


def _moving(table: Table, options: Options) -> tuple[str, ...]:
    """The covariates that the table has for each time, which are written as the values are."""
    names = (*options.futr_exog, *options.hist_exog)
    return tuple(name for name in names if name in table.frame.columns)


def _asked(panel: Panel, options: Options, known: Spec | None) -> Spec:
    """The covariates that the options ask for beside a panel; where ``known`` ones were learned
    from before, these."""
    o, calendar = options, options.calendar or ()
    if calendar is True and known:
        calendar = known.calendar
    elif calendar is True:
        calendar = fitting_parts(panel.freq, longest_days(panel))
    spec = Spec(o.futr_exog, o.hist_exog, _static(o), calendar, o.holidays, o.groups)
    return spec if known is None else learning_on(known, panel.covariates or spec)
