"""One picture of a forecast: what was, what was foretold about it, and what comes next."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...colors import COLORS, GRID, SILVER
from ...data import Panel
from ..intervals.calibration import Band
from . import Evaluation

HISTORY, FUTURE, TRIAL = COLORS["series"], COLORS["forget"], COLORS["cell"]
_FADE = (0.18, 0.30, 0.42)  # opacity of the intervals, from the widest to the narrowest
_MOST_SERIES = 6


def plot_forecast(
    panel: Panel,
    future: Band,
    *,
    evaluation: Evaluation | None = None,
    series: Sequence[int] | None = None,
    history: int | None = None,
    title: str = "",
) -> Figure:
    """A figure with one row a series: the end of its history, then forecast and intervals.

    Of an ``evaluation`` the last window is shown, a forecast of the last steps of the history made
    without them, and the errors stand at the right above each row. ``series`` chooses rows
    (default: the first six) and ``history`` the number of steps shown (default: six horizons or
    three seasons, whichever is longer). The figure belongs to no window: save it with
    ``figure.savefig(path)``.
    """
    trial = None if evaluation is None else evaluation.band(panel.ids)
    h = future.median.shape[1]
    history = history or max(6 * h, 3 * panel.freq.season_length)

    def draw(axes: Axes, s: int) -> None:
        _draw_history(axes, panel, s, history)
        if trial is not None:
            _draw_held_out(axes, trial, s)
        _draw_band(axes, future, s, FUTURE, "forecast", intervals=True)
        axes.axvline(future.times[s, 0], color=HISTORY, lw=0.7, ls=":", zorder=1)

    return _rows(panel, draw, {} if evaluation is None else evaluation.captions, series, title)


def plot_evaluation(
    evaluation: Evaluation,
    *,
    series: Sequence[int] | None = None,
    history: int | None = None,
    title: str = "",
) -> Figure:
    """A figure with one row a series: the end of its history, and the forecasts of all windows with
    their intervals, made without the values beside them; the errors stand at the right.

    Arguments as for ``plot_forecast``; ``history`` begins before the first window.
    """
    panel, (count, _, h) = evaluation.panel, evaluation.targets.shape
    bands = [evaluation.band(panel.ids, window) for window in range(count)]
    shown = (history or max(2 * h, 2 * panel.freq.season_length)) + evaluation.hidden[0]

    def draw(axes: Axes, s: int) -> None:
        _draw_history(axes, panel, s, shown)
        for k, band in enumerate(bands):
            label = "forecast made without these values" if k == 0 else ""
            _draw_band(axes, band, s, TRIAL, label, intervals=True)
            axes.axvline(band.times[s, 0], color=HISTORY, lw=0.7, ls=":", zorder=1)

    return _rows(panel, draw, evaluation.captions, series, title)


def _rows(
    panel: Panel,
    draw: Callable[[Axes, int], None],
    captions: Mapping[Any, str],
    series: Sequence[int] | None,
    title: str,
) -> Figure:
    """A figure in which some series are drawn, each below its name."""
    chosen = list(range(min(panel.n_series, _MOST_SERIES)) if series is None else series)
    columns = 1 if len(chosen) <= 3 else 2
    rows = -(-len(chosen) // columns)
    size = (9.0 if columns == 1 else 12.0, 1.1 + (2.7 if rows <= 2 else 2.1) * rows)
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, s in zip(grid.flat, chosen, strict=False):
        draw(axes, s)
        _tidy(axes, dates=panel.start.dtype.kind == "M")
        axes.set_title(str(panel.ids[s]), loc="left", fontsize=10, fontweight="bold")
        caption = captions.get(panel.ids[s], "")
        axes.set_title(caption, loc="right", fontsize=8.5, color=HISTORY)
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    _legend(figure, grid.flat[0])
    if len(chosen) < panel.n_series:
        title = f"{title} ({len(chosen)} of {panel.n_series:,} series)".strip()
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def _draw_history(axes: Axes, panel: Panel, s: int, steps: int) -> None:
    first = max(int(panel.lengths[s]) - steps, 0)
    times = panel.local(panel.times(s, first))
    axes.plot(times, panel.series(s)[first:], color=HISTORY, lw=1.1, label="observed", zorder=3)


def _draw_held_out(axes: Axes, trial: Band, s: int) -> None:
    if not np.isnan(trial.median[s]).all():  # else the series was too short
        _draw_band(axes, trial, s, TRIAL, "forecast made without these values", intervals=False)
        axes.axvspan(trial.times[s, 0], trial.times[s, -1], color=TRIAL, alpha=0.06, lw=0)


def _draw_band(axes: Axes, band: Band, s: int, color: str, label: str, intervals: bool) -> None:
    times = band.times[s]
    if intervals:
        for level, fade in zip(sorted(band.lower, reverse=True), _FADE, strict=False):
            low, high = band.lower[level][s], band.upper[level][s]
            style: dict[str, Any] = {"color": color, "alpha": fade, "lw": 0}
            name = f"{level} % interval" if label else ""
            if len(times) == 1:  # an area of one step has no width
                axes.vlines(times, low, high, color=color, alpha=fade, lw=8, label=name)
            else:
                axes.fill_between(times, low, high, label=name, **style)
    marker = "o" if len(times) == 1 else None
    axes.plot(
        times, band.median[s], color=color, lw=1.6, label=label, marker=marker, ms=4, zorder=4
    )


def _tidy(axes: Axes, dates: bool) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.tick_params(labelsize=8.5, color=SILVER)
    if dates:
        locator = mdates.AutoDateLocator(minticks=4, maxticks=9)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda k: (labels[k].endswith("interval"), k))
    figure.legend(
        [handles[k] for k in order], [labels[k] for k in order], loc="outside lower left",
        ncols=5, frameon=False, fontsize=8.5,
    )  # fmt: skip
