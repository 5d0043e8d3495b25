"""The text coloured by a unit's state: an image of a few units, a page of all."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from carrousel.colors import COLORS

if TYPE_CHECKING:
    from carrousel.text.neurons import Neuron, Neurons

_HIGH, _LOW = (213, 94, 0), (0, 114, 178)  # orange, blue (Okabe & Ito)
_COLUMNS, _LINES = 88, 7
_PAGE_TEXT = 2500  # characters of the held-out text on the page


def plot_neurons(found: "Neurons", count: int = 4) -> Figure:
    """The beginning of the held-out text, once for each of the first ``count`` features.

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


def _grid(axis: Axes, text: str, colours: list[tuple[int, int, int]]) -> None:
    column = line = 0
    for character, colour in zip(text, colours, strict=True):
        if line == _LINES:
            break
        shown = "¶" if character == "\n" else character
        face = tuple(value / 255 for value in colour)
        axis.add_patch(Rectangle((column, line), 1, 1, facecolor=face, linewidth=0))
        axis.text(column + 0.5, line + 0.75, shown, ha="center", fontsize=7, family="monospace")
        column += 1
        if character == "\n" or column == _COLUMNS:
            column, line = 0, line + 1
    axis.set_xlim(0, _COLUMNS)
    axis.set_ylim(_LINES, 0)
    axis.axis("off")


def neurons_page(found: "Neurons") -> str:
    """HTML that needs nothing else: every feature with its scores, its strings and the text."""
    sections = "".join(_section(found, neuron) for neuron in found.found)
    return f"""<!doctype html>
<html><head><meta charset="utf-8"><title>Units that follow the text</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff }}
h2 {{ font-size: 1.1em; margin-top: 2em }}
pre {{ font: 13px/1.7 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }}
li {{ font: 13px/1.6 ui-monospace, monospace; white-space: pre-wrap }}
</style></head><body>
<h1>Units that follow the text</h1>
<p>Each unit was chosen on the first part of the text; scores and the text shown are of the rest.
Orange: the state agrees with the feature; blue: with its absence.</p>
{sections}</body></html>
"""


def _section(found: "Neurons", neuron: "Neuron") -> str:
    strings = "".join(f"<li>{escape(_visible(text))}</li>" for text in neuron.excites)
    text, colours = _excerpt(found, neuron, _PAGE_TEXT)
    spans = []
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or colours[at] != colours[start]:
            red, green, blue = colours[start]
            shown = escape(text[start:at])
            spans.append(f'<span style="background:rgb({red},{green},{blue})">{shown}</span>')
            start = at
    return (
        f"<h2>{escape(_title(neuron))}</h2>\n<p>The strings that excite it most end like this:</p>"
        f"<ul>{strings}</ul>\n<pre>{''.join(spans)}</pre>\n"
    )


def _title(neuron: "Neuron") -> str:
    name = "AUC" if neuron.kind == "auc" else "rank correlation"
    sign = " (reversed)" if neuron.sign < 0 else ""
    return (
        f"{neuron.feature}: layer {neuron.layer + 1}, unit {neuron.unit}{sign}, {name} "
        f"{neuron.score:.2f} (untrained network: {neuron.untrained:.2f})"
    )


def _excerpt(
    found: "Neurons", neuron: "Neuron", length: int
) -> tuple[str, list[tuple[int, int, int]]]:
    """Held-out text and the colour of each of its characters: that of its token's state."""
    states, ends = neuron.states[found.split :], found.ends[found.split :]
    start = int(found.ends[found.split - 1]) if found.split else 0
    middle = np.median(states)
    scale = max(np.quantile(np.abs(states - middle), 0.98), 1e-12)
    levels = np.clip((states - middle) / scale, -1, 1)
    text, colours = "", []
    for end, level in zip(ends, levels, strict=True):
        piece = found.text[start:end]
        text, start = text + piece, int(end)
        colours += [_colour(float(level))] * len(piece)
        if len(text) >= length:
            break
    return text, colours


def _colour(level: float) -> tuple[int, int, int]:
    """From blue (-1) through white to orange (1), in steps so that equal neighbours can merge."""
    strength = round(abs(level) * 12) / 12 * 0.85
    target = _HIGH if level > 0 else _LOW
    red, green, blue = (round(255 + strength * (value - 255)) for value in target)
    return red, green, blue


def _visible(text: str) -> str:
    return text.replace("\n", "¶")
