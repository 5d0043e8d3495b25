"""The figure of an explanation: the window, what each step meant for the forecast, and how true
that is. Colors are those of the gates everywhere: memory is the cell's, what was copied the
hidden state's."""

from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...colors import BLACK, COLORS, SILVER
from ...wording import written
from .explanation import Explanation

GRAY, MEMORY, COPIED, FORECAST = (COLORS[k] for k in ("series", "cell", "hidden", "forget"))
MEASURED = BLACK
RANKINGS = {"account": MEMORY, "removed": MEASURED, "recency": COLORS["output"],
            "random": SILVER}  # fmt: skip


def plot_explanation(found: Explanation) -> Figure:
    """Four panels: the window and the forecast; effects by step; the memory's reach; fidelity."""
    figure = Figure(figsize=(10, 8.4), dpi=150, layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=[1.0, 1.3, 1.1])
    window = figure.add_subplot(grid[0, :])
    effects = figure.add_subplot(grid[1, :], sharex=window)
    _window(window, found)
    _effects(effects, found)
    _reach(figure.add_subplot(grid[2, 0]), found)
    _fidelity(figure.add_subplot(grid[2, 1]), found)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8.5, color=SILVER)
    when = written(found.panel.local(found.times)[0])
    figure.suptitle(f"What the forecast of {found.unique_id} for {when} relied on",
                    x=0.01, ha="left", fontsize=11)  # fmt: skip
    return figure


def _window(axes: Axes, found: Explanation) -> None:
    panel = found.panel
    series = next(k for k, name in enumerate(panel.ids) if name == found.unique_id)
    times = panel.times(series)
    shown = times >= found.steps["from"][0]
    shown_times, ahead = panel.local(times[shown]), panel.local(found.times)
    axes.plot(shown_times, panel.series(series)[shown], color=GRAY, lw=1.1, label="observed")
    mean = np.full(len(found.times), found.forecast)
    axes.plot(ahead, mean, color=FORECAST, marker="o", ms=5, label="forecast")
    without = np.full(len(found.times), found.without_memory)
    axes.plot(ahead, without, color=MEMORY, marker="x", ms=6, ls=":",
              label="with an empty memory")  # fmt: skip
    axes.legend(fontsize=8, frameon=False, loc="upper left", ncols=3)
    axes.margins(y=0.2)
    _dates(axes, times)


def _effects(axes: Axes, found: Explanation) -> None:
    """A bar from where each step begins: copied and memory on top of each other, and the measured
    effect as a mark between those of the two stand-ins."""
    left = _numbers(found.panel.local(found.steps["from"]))
    width = np.diff(left, append=2 * left[-1] - left[-2] if len(left) > 1 else left[-1] + 1)
    copied, memory = found.steps["copied"], found.steps["memory"]
    same = np.sign(copied) == np.sign(memory)
    style: dict[str, Any] = {"width": 0.8 * width, "align": "edge"}
    axes.bar(left, copied, color=COPIED, label="copied by the simple forecasts", **style)
    axes.bar(left, memory, bottom=np.where(same, copied, 0), color=MEMORY,
             label="kept by the memory (record)", **style)  # fmt: skip
    middle = left + 0.4 * width
    both = found.steps["removed_missing"], found.steps["removed_mean"]
    axes.vlines(middle, np.minimum(*both), np.maximum(*both), color=MEASURED, lw=1)
    axes.plot(middle, found.steps["removed"], "D", ms=3.5, color=MEASURED,
              label="measured: forecast less the forecast without it")  # fmt: skip
    axes.axhline(0, color=GRAY, lw=0.7)
    axes.set_ylabel(f"in units of {found.panel.target_col}", fontsize=8.5)
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)


def _reach(axes: Axes, found: Explanation) -> None:
    back = np.arange(len(found.steps["memory_from"]))[::-1]
    axes.plot(back, found.steps["memory_from"], color=MEMORY, marker=".", lw=1.4)
    axes.axhline(found.forecast, color=FORECAST, lw=1, ls="--")
    axes.invert_xaxis()
    axes.set_xlabel("steps remembered before the last", fontsize=8.5)
    axes.set_ylabel("forecast", fontsize=8.5)
    axes.set_title("how far back the memory reaches", loc="left", fontsize=9.5)


def _fidelity(axes: Axes, found: Explanation) -> None:
    grid = found.fidelity.grid.numpy()[:-1]  # without any step there is nothing to forecast from
    for name, color in RANKINGS.items():
        score = found.fidelity.scores[name]
        style = "-" if name in ("account", "removed") else "--"
        axes.plot(grid, score.most_first.numpy()[:-1], style, color=color, lw=1.5, label=name)
    axes.set_xlabel("share of steps taken away, as ranked", fontsize=8.5)
    axes.set_ylabel("change of the forecast", fontsize=8.5)
    axes.set_title("is it true? (higher is truer)", loc="left", fontsize=9.5)
    axes.legend(fontsize=8, frameon=False)


def _numbers(times: np.ndarray) -> np.ndarray:
    return mdates.date2num(times) if times.dtype.kind == "M" else times.astype(float)


def _dates(axes: Axes, times: np.ndarray) -> None:
    if times.dtype.kind == "M":
        locator = mdates.AutoDateLocator(minticks=4, maxticks=10)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
