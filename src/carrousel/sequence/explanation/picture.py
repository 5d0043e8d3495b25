"""One picture of an explanation: the sequence, what was relied on, and how the answer came."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...colors import COLORS, GRID, INK, SILVER
from .explanation import Explanation

MOST_WRITTEN = 40  # steps whose names are written
MOST_CHANNELS, MOST_CLASSES = 12, 6
_HUES = [COLORS[name] for name in ("forget", "cell", "input", "output", "candidate", "hidden")]


def plot_explanation(found: Explanation, *, title: str = "") -> Figure:
    """From top to bottom: the channels; what the answer relied on, step by step; and the
    probabilities, had the sequence ended after each step. A line marks when it was decided."""
    rows = 2 if found.values is None else 3
    width = min(max(6.0, 0.28 * len(found.steps) + 2), 12)
    figure = Figure(figsize=(width, 2.1 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    if found.values is not None:
        _values(axes[0], found)
    _scores(axes[-2], found)
    _after(axes[-1], found)
    for one in axes:
        one.axvline(found.decided, color=SILVER, lw=0.8, ls=":")
        one.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title or f"{found.answer}: {found.believed:.3g}")
    return figure


def _values(axes: Axes, found: Explanation) -> None:
    assert found.values is not None
    values = found.values[:, :MOST_CHANNELS]
    scale = np.nanstd(values, 0) if len(values) > 1 else np.ones(values.shape[1])
    shown = (values - np.nanmean(values, 0)) / np.where(scale > 0, scale, 1)
    axes.plot(shown, color=COLORS["series"], lw=0.9, alpha=0.8)
    axes.set_ylabel("channels,\nscaled")


def _scores(axes: Axes, found: Explanation) -> None:
    x = np.arange(len(found.steps))
    axes.axhline(0, color=GRID, lw=1)
    if "memory" in found.scores:
        axes.bar(x, found.scores["memory"], color=COLORS["cell"], label="kept by the memory")
    axes.plot(
        x, found.scores["removed"], color=INK, lw=0.9, marker=".", ms=4,
        label="lost without the step" if found.window == 1 else "lost without these steps",
    )  # fmt: skip
    axes.legend(frameon=False, fontsize=8)
    axes.set_ylabel("relied on")


def _after(axes: Axes, found: Explanation) -> None:
    order = np.argsort(-found.after.max(0))[:MOST_CLASSES]
    for k, column in enumerate(order):
        axes.plot(
            found.stops, found.after[:, column], color=_HUES[k % len(_HUES)], lw=1.4,
            marker="." if len(found.stops) < 40 else None, label=str(found.classes[column])[:20],
        )  # fmt: skip
    axes.legend(frameon=False, fontsize=8)
    axes.set_ylabel("had it\nended here")
    if len(found.steps) <= MOST_WRITTEN:
        turned = 90 if max(map(len, found.steps)) > 2 else 0
        axes.set_xticks(range(len(found.steps)), [s.strip() for s in found.steps], rotation=turned)
    else:
        axes.set_xlabel("step")
