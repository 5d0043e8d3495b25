"""The confusion of classes as a picture."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ...colors import BLUE, INK, WHITE
from .evaluation import Evaluation

MOST_WRITTEN = 25  # labels whose cells hold numbers
_SHADES = LinearSegmentedColormap.from_list("share", [WHITE, BLUE])


def plot_confusion(evaluation: Evaluation, *, title: str = "") -> Figure:
    """Rows are true labels, columns answers; the color is the share of the row."""
    counts = evaluation.confusion
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [str(label)[:24] for label in evaluation.labels]
    size = min(max(3.2, 0.5 * len(names) + 1.8), 14)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap=_SHADES, vmin=0, vmax=1)
    every = max(1, len(names) // 60)
    axes.set_xticks(range(0, len(names), every), names[::every], rotation=90)
    axes.set_yticks(range(0, len(names), every), names[::every])
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    if len(names) <= MOST_WRITTEN:
        for row, column in np.argwhere(counts > 0):
            ink = WHITE if shares[row, column] > 0.55 else INK
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=ink)
    axes.set_title(title or f"{evaluation.accuracy:.1%} right of {len(evaluation.truth):,}")
    return figure
