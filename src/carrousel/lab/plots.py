"""The look of the laboratory's pictures: one color a network, the baseline always gray."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ..colors import BLUE, BLUES, GRAY, GREEN, GRID, MARGIN, ORANGE, PINK

NETWORKS = {
    "ann": GRAY,
    "rnn": ORANGE,
    "elman": PINK,
    "gru": GREEN,
    "gru, chrono": GREEN,
    "lstm": BLUE,
}
FORGETFUL_FIRST = ("forget bias 0", "", "forget bias 1", "forget bias 3", "chrono")
SHADES = {  # variants of the LSTM: from light to dark with the strength of the memory
    ", ".join(filter(None, ("lstm", variant))): shade
    for variant, shade in zip(FORGETFUL_FIRST, BLUES, strict=True)
}


def color(label: str) -> str:
    return SHADES.get(label) or NETWORKS.get(label, GRAY)


def dashes(label: str) -> str:
    return "--" if label in ("ann", "gru, chrono") else "-"


def canvas(rows: int, columns: int, height: float = 3.6, width: float = 5.2, **options: Any):
    """A figure without pyplot (no global state) and its axes as a (rows, columns) array."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, color=GRID, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(labelsize=8)
    return figure, axes


def titles(ax: Axes, title: str, x: str, y: str) -> None:
    """The title says what to see; the axes say what is shown."""
    ax.set_title(title, fontsize=10, loc="left", wrap=True)
    ax.set_xlabel(x, fontsize=9)
    ax.set_ylabel(y, fontsize=9)


def logarithmic(ax: Axes, steps: Sequence[int]) -> None:
    """A logarithmic axis of steps, of which these are named."""
    ax.set_xscale("log")
    ax.set_xticks(steps, [str(step) for step in steps])
    ax.minorticks_off()


def thousands(axis: Axis) -> None:
    """Numbers as people write them, few enough to be read; also on a log axis."""
    low, high = axis.get_view_interval()
    if axis.get_scale() == "log":
        axis.set_major_locator(LogLocator(subs=(1, 3) if high > 100 * low else (1, 2, 5)))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def baseline(ax: Axes, value: float, label: str) -> None:
    """A level that needs no learning to know: the best without memory, a perfect memory."""
    ax.axhline(value, color=GRAY, linestyle=":", linewidth=1.4, zorder=1)
    _note(ax, label, (0.99, value), ("axes fraction", "data"))


def floor(ax: Axes, label: str) -> None:
    """A zero that a log axis cannot show, noted at its foot."""
    _note(ax, f"{label} ↓", (0.99, 0.0), "axes fraction")


def _note(ax: Axes, text: str, at: tuple[float, float], coordinates: Any) -> None:
    ax.annotate(
        text, at, xycoords=coordinates, xytext=(0, 3), textcoords="offset points",
        ha="right", fontsize=8, color=GRAY, zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.75},
    )  # fmt: skip


def band(ax: Axes, x: Sequence[float], runs: np.ndarray, label: str, **style: Any) -> None:
    """Median of (runs, points) as a line, all of them as thin lines behind."""
    for run in runs:
        ax.plot(x, run, color=color(label), linewidth=0.5, alpha=0.35)
    middle = np.median(runs, axis=0)
    ax.plot(x, middle, dashes(label), color=color(label), linewidth=1.8, label=label, **style)


def learning_curves(ax: Axes, results: Iterable[dict[str, Any]], networks: Sequence[str]) -> None:
    """Loss against sequences: a thin line a run, a dot where it was solved."""
    results = list(results)
    for label in networks:
        for place, run in enumerate(r for r in results if r["network"] == label):
            name = label if place == 0 else None
            style: dict[str, Any] = {"color": color(label), "linewidth": 0.9, "alpha": 0.8}
            ax.plot(run["at"], run["loss"], dashes(label), label=name, **style)
            if run["solved"]:
                ax.plot(run["at"][-1], run["loss"][-1], "o", color=color(label), markersize=4)
    ax.set_yscale("log")
    thousands(ax.xaxis)
    thousands(ax.yaxis)


def successes(
    ax: Axes,
    results: Iterable[dict[str, Any]],
    networks: Sequence[str],
    limit: int,
    published: dict[str, int],
) -> None:
    """A row a network: a dot where a run was solved, a cross in the margin where it was not.

    ``limit`` is the budget in sequences; ``published`` holds numbers from the literature by name.
    """
    results = list(results)
    margin = max(limit, *published.values(), 0) * 1.4
    for row, label in enumerate(networks):
        own = [run for run in results if run["network"] == label]
        solved = [run["sequences"] for run in own if run["solved"]]
        failed = len(own) - len(solved)
        ax.plot(solved, _spread(row, len(solved)), "o", color=color(label), markersize=5, alpha=0.8)
        ax.plot([margin] * failed, _spread(row, failed), "x", color=color(label), markersize=5)
        if solved:
            ax.plot([np.median(solved)] * 2, [row - 0.32, row + 0.32], color=color(label), lw=2)
    counts = [sum(r["solved"] for r in results if r["network"] == label) for label in networks]
    totals = [sum(r["network"] == label for r in results) for label in networks]
    names = [f"{n}  {c}/{t}" for n, c, t in zip(networks, counts, totals, strict=True)]
    ax.set_yticks(range(len(networks)), names)
    ax.invert_yaxis()
    ax.set_xscale("log")
    soonest = min((run["sequences"] for run in results if run["solved"]), default=limit)
    ax.set_xlim(min(limit / 20, soonest / 1.5), margin * 1.2)
    ax.axvspan(margin / 1.15, margin * 1.2, color=MARGIN, zorder=0)
    ax.text(1.01, 0.5, "not solved", fontsize=8, va="center", color=GRAY, rotation=90,
            transform=ax.transAxes)  # fmt: skip
    _upright(ax, limit, "budget", GRAY)
    for name, sequences in published.items():
        _upright(ax, sequences, name, "black")
    thousands(ax.xaxis)


def _upright(ax: Axes, at: float, label: str, shade: str) -> None:
    """A dashed line at a number of sequences, with its name along it."""
    ax.axvline(at, color=shade, linewidth=1, linestyle=(0, (4, 2)))
    ax.annotate(f"{label} {at:,.0f}", (at, 0.02), xycoords=("data", "axes fraction"),
                xytext=(-3, 0), textcoords="offset points", ha="right", fontsize=8,
                rotation=90, color=shade)  # fmt: skip


def _spread(row: float, count: int) -> np.ndarray:
    return row + (np.linspace(-0.25, 0.25, count) if count > 1 else np.zeros(count))
