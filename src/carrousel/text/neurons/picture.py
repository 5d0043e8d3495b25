"""The text colored by a unit's state: an image of a few units, a page of all."""

from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...colors import COLORS, INK, NEGATIVE, POSITIVE, WHITE, rgb
from .analysis import Neuron, Neurons

Color = tuple[int, int, int]

_HIGH, _LOW = rgb(POSITIVE), rgb(NEGATIVE)
_COLUMNS, _LINES = 88, 7
_PAGE_TEXT = 2500  # characters of the held-out text on the page


def plot_neurons(found: Neurons, count: int = 4) -> Figure:
    """A stretch of the held-out text for each of the first ``count`` features.

    The stretch is one in which the feature comes and goes; it holds where the text is underlined.
    Orange: the state agrees with the feature, blue: with its absence.
    """
    chosen = found.found[:count]
    figure = Figure(figsize=(11, 0.25 + 1.75 * len(chosen)), layout="constrained")
    for axis, neuron in zip(
        figure.subplots(len(chosen), 1, squeeze=False)[:, 0], chosen, strict=True
    ):
        axis.set_title(_title(neuron), fontsize=9, loc="left", color=COLORS["series"])
        _grid(axis, *_excerpt(found, neuron, _COLUMNS * _LINES))
    return figure


def _grid(axis: Axes, text: str, colors: list[Color], holds: list[bool]) -> None:
    column = line = 0
    for character, color, marked in zip(text, colors, holds, strict=True):
        if line == _LINES:
            break
        shown = "¶" if character == "\n" else character
        face = tuple(value / 255 for value in color)
        axis.add_patch(Rectangle((column, line), 1, 1, facecolor=face, linewidth=0))
        if marked:
            axis.plot([column, column + 1], [line + 0.95] * 2, color=INK, linewidth=1.2)
        axis.text(column + 0.5, line + 0.75, shown, ha="center", fontsize=7, family="monospace")
        column += 1
        if character == "\n" or column == _COLUMNS:
            column, line = 0, line + 1
    longest = max(len(part) for part in text.split("\n")[:_LINES]) + 1
    axis.set_xlim(0, min(max(longest, _COLUMNS // 2), _COLUMNS))
    axis.set_ylim(_LINES, 0)
    axis.axis("off")


def neurons_page(found: Neurons) -> str:
    """HTML that needs nothing else: every feature with its scores, its strings and the text."""
    sections = "".join(_section(found, neuron) for neuron in found.found)
    return f"""<!doctype html>
<html><head><meta charset="utf-8"><title>Units that follow the text</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: {INK}; background: {WHITE} }}
h2 {{ font-size: 1.1em; margin-top: 2em }}
pre {{ font: 13px/1.7 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }}
li {{ font: 13px/1.6 ui-monospace, monospace; white-space: pre-wrap }}
</style></head><body>
<h1>Units that follow the text</h1>
<p>Each unit was chosen on the first part of the text; scores and the text shown are of the rest.
Orange: the state agrees with the feature; blue: with its absence; underlined: where the feature
holds.</p>
{sections}</body></html>
"""


def _section(found: Neurons, neuron: Neuron) -> str:
    strings = "".join(f"<li>{escape(_visible(text))}</li>" for text in neuron.excites)
    text, colors, holds = _excerpt(found, neuron, _PAGE_TEXT)
    looks = list(zip(colors, holds, strict=True))
    spans, start = [], 0
    for at in range(1, len(text) + 1):
        if at == len(text) or looks[at] != looks[start]:
            (red, green, blue), marked = looks[start]
            line = ";text-decoration:underline" if marked else ""
            style = f"background:rgb({red},{green},{blue}){line}"
            spans.append(f'<span style="{style}">{escape(text[start:at])}</span>')
            start = at
    return (
        f"<h2>{escape(_title(neuron))}</h2>\n<p>The strings that excite it most end like this:</p>"
        f"<ul>{strings}</ul>\n<pre>{''.join(spans)}</pre>\n"
    )


def _title(neuron: Neuron) -> str:
    name = "AUC" if neuron.kind == "auc" else "rank correlation"
    sign = " (reversed)" if neuron.sign < 0 else ""
    return (
        f"{neuron.feature}: layer {neuron.layer + 1}, unit {neuron.unit}{sign}, {name} "
        f"{neuron.score:.2f} (untrained network: {neuron.untrained:.2f})"
    )


def _excerpt(found: Neurons, neuron: Neuron, length: int) -> tuple[str, list[Color], list[bool]]:
    """Held-out text, the color of each character (its token's state), and where the feature holds.

    A count does not hold or not: nothing is marked.
    """
    first = _liveliest(found, neuron, length)
    states, ends = neuron.states[found.split :], found.ends[first:]
    start = int(found.ends[first - 1]) if first else 0
    middle = np.median(states)
    scale = max(np.quantile(np.abs(states - middle), 0.98), 1e-12)
    levels = np.clip((neuron.states[first:] - middle) / scale, -1, 1)
    labels = neuron.labels[first:] * (neuron.kind == "auc")
    text, colors, holds = "", [], []
    for end, level, label in zip(ends, levels, labels, strict=True):
        piece = found.text[start:end]
        text, start = text + piece, int(end)
        colors += [_color(float(level))] * len(piece)
        holds += [bool(label)] * len(piece)
        if len(text) >= length:
            break
    return text, colors, holds


def _liveliest(found: Neurons, neuron: Neuron, length: int) -> int:
    """The token that begins the held-out stretch in which the feature changes most often.

    Stretches begin with a line where there is one, else anywhere.
    """
    ends, labels = found.ends, neuron.labels
    starts = [
        token
        for token in range(found.split, len(ends))
        if token == found.split or found.text[ends[token - 1] - 1] == "\n"
    ]
    changes = np.concatenate([[0], np.cumsum(labels[1:] != labels[:-1])])

    def lively(token: int) -> int:
        begin = ends[token - 1] if token else 0
        last = min(int(np.searchsorted(ends, begin + length)), len(ends) - 1)
        return changes[last] - changes[token]

    return max(starts, key=lively)


def _color(level: float) -> Color:
    """From blue (-1) through white to orange (1), in steps so that equal neighbors can merge."""
    strength = round(abs(level) * 12) / 12 * 0.85
    target = _HIGH if level > 0 else _LOW
    red, green, blue = (round(255 + strength * (value - 255)) for value in target)
    return red, green, blue


def _visible(text: str) -> str:
    return text.replace("\n", "¶")
