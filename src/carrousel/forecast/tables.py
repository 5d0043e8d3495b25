"""Tables in, tables out: what a forecaster learns from or forecasts, as panels with covariates."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..data import Frequency, Panel, to_frame, to_panel
from ..data.calendar import fitting_parts, longest_days
from ..data.covariates import Spec, attach, learning_on, refuse_other_kinds
from .options import Options


def to_learn_from(
    data: Any, options: Options, before: Panel | None = None
) -> tuple[Panel, Any, list[str]]:
    """The panel of whatever came in, with the covariates that the options ask for; something of
    the same kind that holds no rows (None for paths and panels); and what was done, in sentences.
    ``before`` is what networks that go on learning have learned from.
    """
    if isinstance(data, Panel):
        panel, notes = _with_covariates(data, None, options, before)
        return panel, None, notes
    panel, notes = _read(data, options, options.freq)
    panel, more = _with_covariates(panel, data, options, before)
    return panel, _empty(data), notes + more


def to_forecast(data: Any, learned: Panel, options: Options) -> tuple[Panel, list[str]]:
    """The panel of other observations, read as ``learned`` was, and what was done."""
    panel, notes = (data, []) if isinstance(data, Panel) else _read(data, options, learned.freq)
    if learned.covariates and not panel.covariates:
        table = None if isinstance(data, Panel) else data
        panel, more = attach(panel, table, learned.covariates, options.id_col, learn=False)
        notes = [*notes, *more]
    if panel.freq != learned.freq:
        raise ValueError(f"the model is for {learned.freq} series, the data is {panel.freq}")
    return panel, notes


def written(columns: dict[str, NDArray], panel: Panel, like: Any) -> Any:
    """A frame of the kind of ``like`` (a panel, None: the usual one)."""
    return to_frame(columns, like=None if isinstance(like, Panel) else like, panel=panel)


def _read(
    data: Any, options: Options, freq: Frequency | str | int | None
) -> tuple[Panel, list[str]]:
    names = {name: getattr(options, name) for name in ("id_col", "time_col", "target_col")}
    return to_panel(data, freq=freq, **names)


def _with_covariates(
    panel: Panel, data: Any, options: Options, before: Panel | None
) -> tuple[Panel, list[str]]:
    o, calendar = options, options.calendar or ()
    known = None if before is None else before.covariates or Spec()
    if calendar is True and known:
        calendar = known.calendar
    elif calendar is True:
        calendar = fitting_parts(panel.freq, longest_days(panel))
    static = o.static_exog
    if isinstance(o.groups, str) and o.groups not in static:
        static = (*static, o.groups)
    spec = Spec(o.futr_exog, o.hist_exog, static, calendar, o.holidays, o.groups)
    if known is not None:
        spec = learning_on(known, panel.covariates or spec)
    if not spec or panel.covariates:
        return panel, []
    panel, notes = attach(panel, data, spec, o.id_col)
    if known is not None:
        refuse_other_kinds(known, panel.covariates)
    return panel, notes


def _empty(data: Any) -> Any:
    """Something of the same kind as ``data`` that holds no rows: only the kind is remembered."""
    if isinstance(data, (str, Path)):
        return None
    import narwhals as nw

    return nw.from_native(data, eager_only=True).head(0).to_native()
