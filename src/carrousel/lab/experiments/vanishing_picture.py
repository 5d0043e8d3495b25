"""The picture of ``carrousel lab vanishing``, from its data."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ...colors import GRAY
from .. import plots


def picture(data: dict[str, Any]) -> Figure:
    """The four pictures from what was measured (the JSON's ``details``)."""
    figure, axes = plots.canvas(2, 2, height=3.7, width=5.6)
    (before, after), (updates, explosion) = axes
    distances = list(range(len(data["before"]["rnn"][0])))
    for ax, norms, title in (
        (before, data["before"], "before training: how much gradient arrives k steps back"),
        (after, data["after"], "after training on recall T = 20"),
    ):
        for label, runs in norms.items():
            plots.band(ax, distances, np.maximum(runs, 1e-30), label)
        ax.set_yscale("log")
        ax.set_ylim(1e-18, 1e3)
        plots.floor(ax, "ann: 0 for every k > 0, nothing is carried on")
        plots.titles(ax, title, "k, steps before the last", "|$\\partial h_T / \\partial s_{T-k}$|")
    for base, style, name in (
        (float(np.median(data["sigma"])), ":", "rnn, bound: $\\sigma_{max}^k$"),
        (float(np.median(data["radius"])), "-.", "rnn, rate: $\\rho^k$"),
    ):
        before.plot(distances, base ** np.array(distances, float), style, lw=1,
                    color=plots.color("rnn"), label=f"{name}, {base:.2f}")  # fmt: skip
    before.set_ylim(top=1e9)
    before.legend(fontsize=7, loc="upper right", ncols=2)
    _draw_updates(updates, data)
    _draw_explosion(explosion, data)
    return figure


def _draw_updates(ax, data: dict[str, Any]) -> None:
    for label, runs in data["shares"].items():
        ax.plot(np.median(runs, axis=0), plots.dashes(label), color=plots.color(label), lw=1.6)
    layers = np.median(data["layers"], axis=0)
    ax.plot(
        layers,
        "s--",
        color=GRAY,
        markersize=3.5,
        label=f"ann of {len(layers) - 1} layers: layer",
    )
    learned = np.median(data["learned"], axis=0)
    ax.plot(learned, "D:", color=GRAY, markersize=3, label="  all its training together")
    ax.plot([], [], color="black", lw=1.6, label="recurrent: step (colors as above)")
    ax.set_yscale("log")
    ax.set_ylim(1e-18, 1e2)
    plots.titles(ax, "one update relative to the weights: what each step, each layer adds",
                 "steps, or layers, before the error", "|α grad| / |w|")  # fmt: skip
    ax.legend(fontsize=7, loc="upper right")


def _draw_explosion(ax, data: dict[str, Any]) -> None:
    free, clipped = np.median(data["exploding"], axis=0), np.median(data["clipped"], axis=0)
    ax.plot(free, color=plots.color("rnn"), lw=1.8, label="as it is")
    ax.plot(clipped, "--", color=plots.color("rnn"), lw=1.8, label="clipped to norm 1")
    ax.axhline(1, color="black", lw=0.8)
    ax.annotate("as large as the weights themselves", (0.98, 1), fontsize=8, va="bottom",
                ha="right", xycoords=("axes fraction", "data"))  # fmt: skip
    ax.set_yscale("log")
    plots.floor(ax, "ann: 0 for every k > 0")
    plots.titles(ax, "rnn with larger recurrent weights (× 4): exploding, and clipping",
                 "steps k before the error", "|α grad| / |w|")  # fmt: skip
    ax.legend(fontsize=7, loc="upper left")
