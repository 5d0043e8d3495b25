"""One picture of a forecast: what was, what was foretold about it, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..colors import COLORS
from ..data import Panel

HISTORY, FUTURE, TRIAL = COLORS["series"], COLORS["forget"], COLORS["cell"]
_FADE = (0.18, 0.30, 0.42)  # opacity of the intervals, from the widest to the narrowest
_MOST_SERIES = 6


@dataclass(frozen=True)
class Band:
    """The forecasts of ``k`` consecutive steps of each of S series."""

    times: np.ndarray  # (S, k)
    mean: np.ndarray  # (S, k)
    lower: dict[float, np.ndarray]  # level in percent -> (S, k)
    upper: dict[float, np.ndarray]


def plot_forecast(
    panel: Panel,
    future: Band,
    *,
    trial: Band | None = None,
    captions: Sequence[str] = (),
    series: Sequence[int] | None = None,
    history: int | None = None,
    title: str = "",
) -> Figure:
    """A figure with one row a series: the end of its history, then forecast and intervals.

    ``trial`` is a forecast of the last steps of the history made without them; ``captions`` (S)
    stand at the right above each row. ``series`` chooses rows (default: the first six) and
    ``history`` the number of steps shown (default: six horizons or three seasons, whichever is
    longer). The figure belongs to no window: save it with ``figure.savefig(path)``.
    """
    chosen = list(range(min(panel.n_series, _MOST_SERIES)) if series is None else series)
    h = future.mean.shape[1]
    history = history or max(6 * h, 3 * panel.freq.season_length)
    columns = 1 if len(chosen) <= 3 else 2
    rows = -(-len(chosen) // columns)
    size = (9.0 if columns == 1 else 12.0, 1.1 + (2.7 if rows <= 2 else 2.1) * rows)
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, s in zip(grid.flat, chosen, strict=False):
        _draw(axes, panel, s, future, trial, history)
        axes.set_title(str(panel.ids[s]), loc="left", fontsize=10, fontweight="bold")
        if len(captions) > s:
            axes.set_title(captions[s], loc="right", fontsize=8.5, color=HISTORY)
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    _legend(figure, grid.flat[0])
    if len(chosen) < panel.n_series:
        title = f"{title} ({len(chosen)} of {panel.n_series:,} series)".strip()
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def _draw(axes: Axes, panel: Panel, s: int, future: Band, trial: Band | None, history: int) -> None:
    length = int(panel.lengths[s])
    first = max(length - history, 0)
    y = panel.series(s)[first:]
    axes.plot(
        panel.local(panel.times(s, first)), y, color=HISTORY, lw=1.1, label="observed", zorder=3
    )
    if trial is not None and not np.isnan(trial.mean[s]).all():  # else it was too short
        _draw_band(axes, trial, s, TRIAL, "forecast made without these values", intervals=False)
        axes.axvspan(trial.times[s, 0], trial.times[s, -1], color=TRIAL, alpha=0.06, lw=0)
    _draw_band(axes, future, s, FUTURE, "forecast", intervals=True)
    axes.axvline(future.times[s, 0], color=HISTORY, lw=0.7, ls=":", zorder=1)
    _tidy(axes, dates=future.times.dtype.kind == "M")


def _draw_band(axes: Axes, band: Band, s: int, color: str, label: str, intervals: bool) -> None:
    times = band.times[s]
    if intervals:
        for level, fade in zip(sorted(band.lower, reverse=True), _FADE, strict=False):
            low, high = band.lower[level][s], band.upper[level][s]
            style: dict[str, Any] = {"color": color, "alpha": fade, "lw": 0}
            if len(times) == 1:  # an area of one step has no width
                axes.vlines(times, low, high, color=color, alpha=fade, lw=8, label=f"{level} %")
            else:
                axes.fill_between(times, low, high, label=f"{level} % interval", **style)
    marker = "o" if len(times) == 1 else None
    axes.plot(times, band.mean[s], color=color, lw=1.6, label=label, marker=marker, ms=4, zorder=4)


def _tidy(axes: Axes, dates: bool) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E6E6E6", lw=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.tick_params(labelsize=8.5, color="#999999")
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
