"""The memory of a sentence, words on the axis; and the study's answer, by distance."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ...colors import BLUE, COLORS, ORANGE, PINK, SILVER, WHITE
from .analysis import Measure, Memory
from .study import Observations, Study
from .templates import CONTENT

_GRAY = COLORS["series"]
_CHANGE = PINK
_KINDS = {"content words": (CONTENT, ORANGE), "determiners": (("determiner",), BLUE),
          "other words": (("other",), SILVER)}  # fmt: skip


def plot_memory(found: Memory, *, layer: int = 0) -> Figure:
    """Bars at the end of the sentence, the position-only baseline as a line in each; below them
    the survival of each word after every later one, reading downward.

    The gray boxes hold the middle 80 % of the words at the same places in the model's sentences.
    """
    rows: list[tuple[str, str, Measure]] = [
        ("change of the\nprediction without it", _CHANGE, found.change)
    ]
    if found.survival is not None and found.share is not None:
        rows.append(("survival of what\nit wrote", COLORS["cell"], found.survival.of_layer(layer)))
        rows.append(("share of\nthe memory", COLORS["hidden"], found.share.of_layer(layer)))
    count, over_time = len(found.words), len(rows) > 1
    heights = [1.5] * len(rows) + [max(0.22 * count, 1.2)] * over_time
    figure = Figure(
        figsize=(max(0.62 * count + 2.2, 6.0), sum(heights) + 1.2), layout="constrained"
    )
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for axis, (label, color, measure) in zip(axes, rows, strict=False):
        _bars(axis, measure, color)
        axis.set_ylabel(label, fontsize=8, color=_GRAY)
    if over_time:
        _triangle(axes[-1], rows[1][2].values, found.words)
    axes[-1].set_xticks(range(count), found.words, rotation=45 if count > 6 else 0, ha="right")
    axes[-1].tick_params(axis="x", labelsize=10)
    expected = ",  ".join(f"{token.strip()} {p:.2f}" for token, p in found.next[:5])
    figure.suptitle(f"{found.sentence} …\nexpects  {expected}", fontsize=10)
    return figure


def plot_study(found: Study) -> Figure:
    """Each measure by the words read since, one line a kind of word, bands of two standard errors.

    The errors are over sentences; the intervals in the titles, of
    :func:`carrousel.text.memory.effects.contrast`, are over templates as well.
    """
    measures = list(found.observations)
    figure = Figure(figsize=(3.6 * len(measures), 3.6), layout="constrained")
    axes = figure.subplots(1, len(measures), squeeze=False)[0]
    for axis, measure in zip(axes, measures, strict=True):
        for label, (kinds, color) in _KINDS.items():
            _line(axis, found.observations[measure], kinds, (label, color))
        effect = found.effects.get((measure, "content words, determiners"))
        interval = "" if effect is None else (
            f"\ncontent − determiners: {effect.difference:+.3f} "
            f"[{effect.low:+.3f}, {effect.high:+.3f}]"
        )  # fmt: skip
        axis.set_title(measure + interval, fontsize=9)
        axis.set_xlabel("words read since")
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    axes[0].legend(fontsize=8, frameon=False)
    return figure


def _bars(axis: Axes, measure: Measure, color: str) -> None:
    values, others = measure.values[:, -1], measure.others[:, :, -1]
    at = np.arange(len(values))
    axis.bar(at, np.nan_to_num(values), color=color, width=0.7)
    low, high = (np.nan_to_num(np.quantile(others, q, axis=0)) for q in (0.1, 0.9))
    axis.bar(at, high - low, bottom=low, width=0.8, facecolor="none", edgecolor=_GRAY,
             linewidth=0.7)  # fmt: skip
    usual = measure.expected[:, -1]
    axis.hlines(usual, at - 0.4, at + 0.4, color=_GRAY, linewidth=1.6)
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)


def _triangle(axis: Axes, values: np.ndarray, words: list[str]) -> None:
    """Row k: what is left of each word after word k."""
    colors = LinearSegmentedColormap.from_list("cell", [WHITE, COLORS["cell"]])
    axis.imshow(values.T, aspect="auto", cmap=colors, vmin=0, vmax=1, interpolation="nearest")
    axis.set_yticks(range(len(words)), words, fontsize=7)
    axis.set_ylabel("survival after reading", fontsize=8, color=_GRAY)
    axis.spines[:].set_visible(False)


def _line(axis: Axes, seen: Observations, kinds: tuple[str, ...], style: tuple[str, str]) -> None:
    chosen = np.isin(seen.kind, kinds)
    distances = np.unique(seen.distance[chosen])
    means, errors = [], []
    for distance in distances:
        own = chosen & (seen.distance == distance)
        sums = np.bincount(seen.sentence[own], seen.values[own])
        counts = np.bincount(seen.sentence[own])
        by_sentence = sums[counts > 0] / counts[counts > 0]
        means.append(seen.values[own].mean())
        errors.append(by_sentence.std() / np.sqrt(len(by_sentence)))
    middle, error = np.array(means), np.array(errors)
    label, color = style
    axis.plot(distances, middle, color=color, label=label, linewidth=1.6, marker=".")
    axis.fill_between(
        distances, middle - 2 * error, middle + 2 * error, color=color, alpha=0.2, linewidth=0
    )
