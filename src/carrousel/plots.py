"""Pictures of records and explanations, as matplotlib figures without global state.

Every function returns a :class:`matplotlib.figure.Figure`: ``figure.savefig("run.png")`` writes it,
a notebook shows it. Colors are :data:`carrousel.colors.COLORS`, the same for a gate everywhere.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from torch import Tensor

from .colors import (
    BLACK,
    BLUE,
    COLORS,
    GREEN,
    NEGATIVE,
    ORANGE,
    PINK,
    POSITIVE,
    SILVER,
    SKY,
    WHITE,
    YELLOW,
)
from .explain import (
    Ablation,
    Attribution,
    Fidelity,
    GradientFlow,
    HalfLife,
    Influence,
    Patching,
    Steering,
    WriteDictionary,
)
from .ops.written import of_kind, short
from .record import Record

_GRAY = COLORS["series"]
_GATES = ("forget", "input", "output", "reset", "update")  # from 0 to 1
_DIVERGING = LinearSegmentedColormap.from_list("carrousel", [NEGATIVE, WHITE, POSITIVE])
_MAX_LINES = 8  # features drawn as lines; more are an image
_MAX_LABELS = 60  # tokens written on the axis


def plot_record(
    record: Record,
    *,
    sequence: int = 0,
    level: int = -1,
    direction: int = 0,
    tokens: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    units: Sequence[int] | None = None,
    sort: bool = True,
    title: str | None = None,
) -> Figure:
    """Gates, cell and hidden state of one sequence as units x time images, the input above.

    Gates run from 0 (white) to 1; candidate and states from negative (blue) to positive (red), each
    scaled to its largest value. With ``sort`` units stand in the order of their mean forget (GRU:
    update) gate, the longest memory at the top. ``tokens`` are written under the last image;
    ``features`` name the lines of the input.
    """
    index = _index(record, sequence, level, direction)
    steps = int(record.lengths[sequence])
    images = _images(record, index, sequence, steps)
    chosen = _chosen_units(record, images, units, sort)
    heights = [1.0, *[1.3] * len(images)]
    figure = Figure(figsize=(_width(steps), 0.95 * sum(heights) + 0.6), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    at = np.arange(record.steps.start, record.steps.start + steps)
    _input(axes[0], record.inputs[:steps, sequence].cpu().float().numpy(), at, features)
    for axis, (name, image) in zip(axes[1:], images.items(), strict=True):
        _image(axis, image[chosen], name, at)
        _number_units(axis, chosen)
    _time_axis(axes[-1], at, tokens)
    gate = of_kind(record.kind).keeps
    order = f"; units sorted by mean {gate} gate" if sort and gate else ""
    figure.suptitle(title or _title(record, index) + order, fontsize=10)
    return figure


def plot_flow(flow: GradientFlow, *, sequence: int = 0, index: int = -1) -> Figure:
    """Norms of the Jacobians by step on a logarithmic scale, the bound dashed."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axis = figure.subplots()
    state = "h" if flow.bound is not None else "output"
    labels = {
        "hidden": (r"$\|\partial h_T/\partial h_t\|$", COLORS["hidden"], "-"),
        "cell": (r"$\|\partial c_T/\partial c_t\|$", COLORS["cell"], "-"),
        "direct": ("memory's own path", COLORS["forget"], "-"),
        "bound": ("bound (Pascanu et al. 2013)", _GRAY, "--"),
    }
    if state == "output":
        labels["hidden"] = (r"$\|\partial y/\partial h_t\|$", COLORS["hidden"], "-")
        labels["cell"] = (r"$\|\partial y/\partial c_t\|$", COLORS["cell"], "-")
    for name, (label, color, style) in labels.items():
        norms = getattr(flow, name)
        if norms is not None:
            values = norms[index, :, sequence].clamp_min(1e-300).numpy()
            axis.semilogy(flow.steps, values, style, color=color, label=label, linewidth=1.6)
    _keep_readable(axis, flow, index, sequence)
    axis.set_xlabel("step t")
    axis.set_ylabel("norm")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    sigma = ", ".join(f"{gate} {value:.2f}" for gate, value in flow.sigma_max[index].items())
    axis.set_title(f"{_named(flow.name, flow.kind)}    σ_max of W_hh: {sigma}", fontsize=9)
    _legend(axis)
    return _cleaned(figure)


def plot_influence(
    found: Influence,
    *,
    sequence: int = 0,
    index: int = -1,
    tokens: Sequence[str] | None = None,
) -> Figure:
    """The table of one sequence: a row for each state, a column for each step that wrote into it;
    beside it the full derivatives, relative to the largest, where they were asked for."""
    tables = {"share of the memory": found.carried[index, ..., sequence]}
    if found.jacobian is not None:
        slopes = found.jacobian[index, ..., sequence]
        tables["full derivative, relative"] = slopes / slopes.max().clamp_min(1e-300)
    figure = Figure(figsize=(4.6 * len(tables), 4.2), layout="constrained")
    edges = (found.steps[0] - 0.5, found.steps[-1] + 0.5)
    for axis, (title, table) in zip(
        figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True
    ):
        shown = axis.imshow(
            table.numpy(), cmap=_towards(COLORS["cell"]), vmin=0, vmax=1,
            extent=(*edges, *reversed(edges)),
        )  # fmt: skip
        figure.colorbar(shown, ax=axis, shrink=0.8)
        axis.set_title(title, fontsize=9)
        axis.set_ylabel("the state after step")
        _time_axis(axis, np.array(found.steps), tokens)
        axis.set_xlabel("what step wrote")
    return figure


def plot_patching(
    found: Patching, *, sequence: int = 0, tokens: Sequence[str] | None = None
) -> Figure:
    """Effects of one sequence, a row a unit, a column a step; above, the step's largest."""
    effects = found.effects[sequence].numpy().T  # (U, S)
    at = np.array(found.steps)
    figure = Figure(figsize=(_width(len(at)), 4.4), layout="constrained")
    top, axis = figure.subplots(2, 1, height_ratios=(1, 3), sharex=True)
    _signed(axis, effects, extent=(at[0] - 0.5, at[-1] + 0.5, len(effects) - 0.5, -0.5))
    _number_units(axis, np.array(found.units))
    axis.set_ylabel("unit")
    strongest = effects[np.abs(effects).argmax(0), np.arange(len(at))]
    top.bar(at, strongest, color=np.where(strongest < 0, NEGATIVE, POSITIVE))
    top.axhline(0, color=_GRAY, linewidth=0.8)
    way = float(found.other[sequence] - found.answer[sequence])
    top.set_title(
        f"{found.place.state} of one unit and step from the other run; the whole way: {way:+.3g}",
        fontsize=9,
    )
    top.set_ylabel("strongest")
    _time_axis(axis, at, tokens)
    return _cleaned(figure)


def plot_ablation(found: Ablation) -> Figure:
    """The change of the answer against how many were taken away; baselines dashed."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axis = figure.subplots()
    baselines = {"random": SILVER, "recency": BLACK, "size": BLACK}
    others = iter([BLUE, ORANGE, GREEN, YELLOW, SKY, PINK] * 9)
    for name, curve in found.curves.items():
        plain = name in found.baselines
        color = baselines[name] if plain else next(others)
        axis.plot(found.counts, curve.numpy(), "--" if plain else "-", marker="o", markersize=3,
                  color=color, label=name, linewidth=1.6)  # fmt: skip
        low, high = curve - found.spread[name], curve + found.spread[name]
        axis.fill_between(found.counts, low.numpy(), high.numpy(), color=color, alpha=0.15, lw=0)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_xlabel(f"{found.over} taken away, the most important first")
    axis.set_ylabel("change of the answer")
    axis.set_title("baselines dashed; band: spread over seeds", fontsize=10)
    _legend(axis)
    return _cleaned(figure)


def plot_steering(found: Steering) -> Figure:
    """The answer against the dose; gray, directions drawn at random."""
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axis = figure.subplots()
    for number, curve in enumerate(found.random):
        label = "random directions" if number == 0 else None
        axis.plot(found.doses, curve.numpy(), color=SILVER, linewidth=1, label=label)
    axis.plot(found.doses, found.effect.numpy(), "o-", color=COLORS["cell"], markersize=4,
              label="the direction", linewidth=1.8)  # fmt: skip
    axis.axvline(0, color=_GRAY, linewidth=0.8)
    axis.set_xlabel(f"dose, added to the {found.place.state} state")
    axis.set_ylabel("answer, mean")
    _legend(axis)
    return _cleaned(figure)


def plot_dictionary(found: WriteDictionary) -> Figure:
    """The entries, a row each, over the units; beside them how many writes use each."""
    entries = found.entries.numpy()
    height = max(2.6, 0.22 * len(entries) + 1)
    figure = Figure(figsize=(8, height), layout="constrained")
    axis, beside = figure.subplots(1, 2, width_ratios=(4, 1), sharey=True)
    _signed(axis, entries)
    axis.set_xlabel("unit")
    axis.set_ylabel("entry")
    axis.set_title(
        f"{found.active} of {len(entries)} entries explain {found.explained:.0%} of held-out "
        f"writes (random ones {found.random:.0%})",
        fontsize=9,
    )
    share = (found.codes != 0).double().mean(0).numpy()
    beside.barh(np.arange(len(entries)), share, color=COLORS["input"])
    beside.set_xlabel("share of writes")
    return _cleaned(figure)


def plot_half_life(found: HalfLife, *, index: int = -1) -> Figure:
    """The three half-lives of each unit, units sorted by the ablation's."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axis = figure.subplots()
    order = found.ablation[index].argsort().numpy()
    longest = max(found.lags[-1], 1)
    marks = {
        "gates": ("s", COLORS["forget"], "gates as they were"),
        "jacobian": ("o", COLORS["candidate"], "full Jacobian (a nudge)"),
        "ablation": ("D", COLORS["cell"], "ablation (taken away)"),
    }
    for name, (mark, color, label) in marks.items():
        values = getattr(found, name)
        if values is not None:
            lives = values[index].numpy()[order]
            beyond = lives > longest
            shown = np.where(beyond, longest * 1.3, lives)
            axis.semilogy(shown, mark, color=color, label=label, markersize=5, alpha=0.85)
    axis.axhline(longest, color=_GRAY, linewidth=0.8, linestyle="--")
    axis.text(
        0, longest, " above: longer than the record shows", va="bottom", fontsize=8, color=_GRAY
    )
    axis.set_xlabel("unit, shortest memory first")
    axis.set_ylabel("half-life (steps)")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_ylim(top=longest * 2.2)
    for which in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
        which(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.tick_params(which="minor", labelsize=7)
    _legend(axis)
    return _cleaned(figure)


def plot_attribution(
    found: Attribution, *, sequence: int = 0, tokens: Sequence[str] | None = None
) -> Figure:
    """Scores by step as bars; what the method's conservation law leaves over in the title."""
    scores = found.scores[sequence].double().cpu().numpy()
    figure = Figure(figsize=(_width(len(scores)), 2.8), layout="constrained")
    axis = figure.subplots()
    colors = np.where(scores < 0, NEGATIVE, POSITIVE)
    axis.bar(np.arange(len(scores)), scores, color=colors, width=0.85)
    axis.axhline(0, color=_GRAY, linewidth=0.8)
    axis.set_ylabel("score")
    _time_axis(axis, np.arange(len(scores)), tokens)
    title = f"{found.method.replace('_', ' ')}, output {found.prediction[sequence]:.4g}"
    if found.delta is not None:
        title += f", conservation error {found.delta[sequence].abs():.1e}"
    axis.set_title(title, fontsize=10)
    return _cleaned(figure)


def plot_fidelity(found: Fidelity) -> Figure:
    """Deletion curves, the most relevant steps first; dotted, the least relevant first."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axis = figure.subplots()
    baselines = {"random": SILVER, "recency": BLACK, "leave-one-out": PINK}
    others = iter([BLUE, ORANGE, GREEN, YELLOW, SKY] * 9)
    grid = found.grid.numpy()
    for name, score in found.scores.items():
        color = baselines.get(name) or next(others)
        style = "--" if name in baselines else "-"
        most, least = score.most_first.numpy(), score.least_first.numpy()
        axis.plot(grid, most, style, color=color, label=name.replace("_", " "), linewidth=1.6)
        if name not in baselines:
            axis.plot(grid, least, ":", color=color, linewidth=1.6)
    axis.set_xlabel("fraction of steps taken away")
    axis.set_ylabel("change of the output")
    axis.set_title(
        "most relevant first (baselines dashed); dotted: least relevant first", fontsize=10
    )
    _legend(axis)
    return _cleaned(figure)


# Parts of the record's picture ----------------------------------------------------------------


def _index(record: Record, sequence: int, level: int, direction: int) -> int:
    levels, directions = record.info.num_layers, record.info.num_directions
    limits = {"sequence": len(record.lengths), "level": levels, "direction": directions}
    given = {"sequence": sequence, "level": level, "direction": direction}
    for name, limit in limits.items():
        if not -limit <= given[name] < limit:
            raise ValueError(f"{name} must be one of the record's {limit}, got {given[name]}")
    return (level % levels) * directions + direction % directions


def _images(record: Record, index: int, sequence: int, steps: int) -> dict[str, np.ndarray]:
    """Each gate and state as (units, steps)."""

    def image(array: Tensor) -> np.ndarray:
        return array[index, :steps, sequence].float().cpu().numpy().T

    images = {name: image(gate) for name, gate in record.gates.items()}
    if record.cell is not None:
        images["cell"] = image(record.cell)
    images["hidden"] = image(record.hidden)
    return images


def _chosen_units(
    record: Record, images: dict[str, np.ndarray], units: Sequence[int] | None, sort: bool
) -> np.ndarray:
    gate = images.get(str(of_kind(record.kind).keeps))
    count = len(images["hidden"])
    chosen = np.arange(count) if units is None else np.asarray(units)
    if len(chosen) and not (chosen.min() >= 0 and chosen.max() < count):
        raise ValueError(f"units must be among the layer's {count}, got {list(units or ())}")
    if not sort or gate is None or len(gate) != count:  # projected: cells and hidden units differ
        return chosen
    return chosen[np.argsort(-gate[chosen].mean(1), kind="stable")]


def _image(axis: Axes, image: np.ndarray, name: str, at: np.ndarray) -> None:
    largest = float(np.nanmax(np.abs(image), initial=1e-12))
    beyond = bool(np.nanmin(image, initial=0) < 0) or largest > 1  # of gates of written cells, too
    signed = name not in _GATES and (name in COLORS or beyond)
    largest, color = largest if signed else 1.0, COLORS.get(name, _GRAY)
    drawn = axis.imshow(
        image,
        aspect="auto",
        interpolation="nearest",
        cmap=_DIVERGING if signed else _towards(color),
        vmin=-largest if signed else 0.0,
        vmax=largest,
        extent=(at[0] - 0.5, at[-1] + 0.5, len(image) - 0.5, -0.5),
    )
    axis.set_ylabel(name, color=color, fontsize=10, fontweight="bold")
    axis.tick_params(labelsize=7)
    axis.spines[:].set_visible(False)
    ticks = [-largest, 0, largest] if signed else [0, 0.5, 1]
    bar = axis.figure.colorbar(drawn, ax=axis, pad=0.01, aspect=8, ticks=ticks, format="%.2g")
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)


def _number_units(axis: Axes, chosen: np.ndarray) -> None:
    """The unit's own number at each tick, wherever sorting has put it."""
    every = -(-len(chosen) // 8)
    at = np.arange(0, len(chosen), every)
    axis.set_yticks(at, [str(unit) for unit in chosen[at]], fontsize=6)


def _input(axis: Axes, values: np.ndarray, at: np.ndarray, features: Sequence[str] | None) -> None:
    if values.shape[1] <= _MAX_LINES:
        shades = np.linspace(0, 0.6, values.shape[1])
        mark = "." if len(at) < 2 else ""
        for number, (feature, shade) in enumerate(zip(values.T, shades, strict=True)):
            label = f"x[{number}]" if features is None else features[number]
            axis.plot(at, feature, color=str(shade), linewidth=1.2, marker=mark, label=label)
        if values.shape[1] > 1:
            place: Any = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "handlelength": 1}
            legend = axis.legend(fontsize=7, frameon=False, borderaxespad=0.2, **place)
            legend.set_in_layout(False)  # it stands above the color bars
        axis.set_ylabel("input", color=_GRAY, fontsize=10, fontweight="bold")
    else:
        largest = float(np.abs(values).max(initial=1e-12))
        extent = (at[0] - 0.5, at[-1] + 0.5, values.shape[1] - 0.5, -0.5)
        axis.imshow(
            values.T, aspect="auto", interpolation="nearest", cmap=_DIVERGING,
            vmin=-largest, vmax=largest, extent=extent,
        )  # fmt: skip
        axis.set_ylabel("input\nfeatures", color=_GRAY, fontsize=9, fontweight="bold")
    axis.tick_params(labelsize=7)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=3))
    axis.spines[["top", "right"]].set_visible(False)


def _time_axis(axis: Axes, at: np.ndarray, tokens: Sequence[str] | None) -> None:
    if tokens is None:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.set_xlabel("step")
        return
    if len(tokens) < len(at):
        raise ValueError(f"tokens has {len(tokens)} texts for {len(at)} steps")
    every = -(-len(at) // _MAX_LABELS)
    long = max((len(token) for token in tokens), default=0) > 2
    axis.set_xticks(
        at[::every], list(tokens[: len(at)])[::every], rotation=90 if long else 0, fontsize=8
    )


def _title(record: Record, index: int) -> str:
    levels, directions = record.info.num_layers, record.info.num_directions
    parts = [_named(record.name, record.kind)]
    if levels > 1:
        parts.append(f"level {index // directions}")
    if directions > 1:
        parts.append("reverse" if record.reverse(index) else "forward")
    if record.call:
        parts.append(f"call {record.call}")
    return ", ".join(parts)


def _named(name: str, kind: str) -> str:
    kind = short(kind).upper()
    return f"{name} ({kind})" if name else kind


def _towards(color: str) -> Colormap:
    return LinearSegmentedColormap.from_list(color, [WHITE, color])


def _width(steps: int) -> float:
    return float(np.clip(steps * 0.14, 7, 16))


def _keep_readable(axis: Axes, flow: GradientFlow, index: int, sequence: int) -> None:
    """The bound may reach 1e80: the axis follows what was measured, and the bound leaves it."""
    measured = [n[index, :, sequence] for n in (flow.hidden, flow.cell) if n is not None]
    positive = np.concatenate([m[m > 0].numpy() for m in measured])
    if len(positive):
        low, high = max(positive.min(), 1e-30), positive.max()
        span = max(high / low, 10.0)
        axis.set_ylim(low / span**0.1, high * span**0.5)


def _signed(axis: Axes, values: np.ndarray, **where: Any) -> None:
    """Numbers around 0 as an image, with its bar."""
    limit = max(float(np.abs(values).max()), 1e-12)
    shown = axis.imshow(
        values, cmap=_DIVERGING, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest",
        **where,
    )  # fmt: skip
    axis.figure.colorbar(shown, ax=axis, shrink=0.9)


def _legend(axis: Axes) -> None:
    axis.legend(fontsize=8, frameon=False, loc="best")


def _cleaned(figure: Figure) -> Figure:
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure


__all__ = [
    "plot_ablation",
    "plot_attribution",
    "plot_dictionary",
    "plot_fidelity",
    "plot_flow",
    "plot_half_life",
    "plot_influence",
    "plot_patching",
    "plot_record",
    "plot_steering",
]
