"""``report.html`` from what ``carrousel forecast`` found."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .. import __version__
from ..data import Panel
from ..forecast import Forecaster
from ..forecast.explanation import Explanation
from ..forecast.report import Content, Method, render
from .report import verdict
from .scores import mean, seasonal_scales
from .study import Comparison, band, captions

MOST_EXPLAINED = 6  # series


def explain_some(
    forecaster: Forecaster, panel: Panel, future: Path | None = None
) -> list[Explanation]:
    """The mean forecast over the horizon, of the first series that have a value to rely on."""
    names = [name for s, name in enumerate(panel.ids) if np.isfinite(panel.series(s)).any()]
    names = names[:MOST_EXPLAINED]
    return [forecaster.explain(name, step=None, X_df=future) for name in names]


def page(
    forecaster: Forecaster,
    panel: Panel,
    trial: Comparison | None,
    table: pl.DataFrame,
    *,
    level: Sequence[float],
    title: str,
    notes: Sequence[str],
    explanations: Sequence[Explanation],
) -> str:
    """The report as HTML."""
    content = Content(
        title=title,
        panel=panel,
        future=band(table, panel, level),
        explanations=explanations,
        notes=notes,
        chosen=forecaster.plan_.reasons if forecaster.plan_ else (),
        settings=_set(forecaster.get_params()),
        version=__version__,
    )
    if trial is None:
        return render(content)
    return render(replace(content, **_compared(forecaster, panel, trial, level)))


def _compared(
    forecaster: Forecaster, panel: Panel, trial: Comparison, level: Sequence[float]
) -> dict[str, Any]:
    """What the held-out steps show."""
    h = forecaster.options.h
    y = _cube(trial.table, panel, h, panel.target_col)  # (W, S, h)
    windows = len(y)
    drops = [h + h * k for k in reversed(range(windows))]
    scales = seasonal_scales(panel, drops, trial.seasons[0])
    methods = []
    for score in trial.scores:
        point = _cube(trial.table, panel, h, score.name)
        share = {one: mean(values) for one, values in score.coverage.items()}
        by_step = _scaled_error(y, point, scales)
        methods.append(Method(score.name, mean(score.smape), mean(score.mase), share, by_step))
    return {
        "trial": band(trial.table.tail(panel.n_series * h), panel, level),
        "methods": methods,
        "verdict": verdict(trial.scores),
        "windows": windows,
        "tested": int(np.isfinite(y).sum()),
        "intervals": {one: _inside(trial.table, panel, h, y, one) for one in level},
        "captions": captions(trial.scores),
    }


def _cube(table: pl.DataFrame, panel: Panel, h: int, name: str) -> np.ndarray:
    """(W, S, h)."""
    return table[name].to_numpy().reshape(-1, panel.n_series, h)


def _scaled_error(y: np.ndarray, point: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """(h,) absolute error in units of each series' mean seasonal change."""
    scale = np.where(scales > 0, scales, np.nan)[..., None]
    return _mean(np.abs(y - point) / scale)


def _inside(table: pl.DataFrame, panel: Panel, h: int, y: np.ndarray, level: float) -> np.ndarray:
    """(h,) share of the values inside an interval."""
    low, high = (_cube(table, panel, h, f"carrousel-{side}-{level}") for side in ("lo", "hi"))
    inside = ((y >= low) & (y <= high)).astype(float)
    return _mean(np.where(np.isnan(y), np.nan, inside))


def _mean(values: np.ndarray) -> np.ndarray:
    """(W, S, h) to (h,), over what is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a step that nobody knows: NaN is meant
        return np.nanmean(values, (0, 1))


def _set(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was set; None is chosen from the data."""
    return {name: value for name, value in options.items() if value is not None}
