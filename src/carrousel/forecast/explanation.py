"""The answer to "what did this forecast rely on?": tables, a figure and sentences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data import Panel, to_frame
from ..explain import Fidelity

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from .explain import Asked

Columns = dict[str, np.ndarray]
PARTS = ("steps", "units", "simple", "fidelity")


@dataclass(frozen=True)
class Explanation:
    """What one forecast relied on; see ``Forecaster.explain``.

    Attributes:
        unique_id, times: Which series, and which steps of its future (one, or the horizon).
        forecast: The forecast; the mean over ``times``.
        without_memory: What it would be had the recurrent state been empty at the last step.
        mean: Of the values in the window: what ``copied`` is relative to.
        correction: What the network added to the simple forecasts.
        error: What the account of the simple forecasts leaves over, in units of y.
        steps, units, simple: Columns of the tables, see ``table``.
        fidelity: The rankings beside baselines (``carrousel.explain.Fidelity``).
    """

    unique_id: Any
    times: np.ndarray
    forecast: float
    without_memory: float
    mean: float
    correction: float
    error: float
    steps: Columns
    units: Columns
    simple: Columns
    fidelity: Fidelity
    panel: Panel
    like: Any = None

    def table(self, part: str = "steps") -> Any:
        """A frame of the kind that went into the forecaster.

        - "steps": a row for each step of the recurrence, oldest first: its first and last time,
          the mean of its values, and ``removed``, ``account`` (``copied`` + ``memory``),
          ``memory_from``, all in units of y.
        - "units": a row for each unit of each network's last recurrent layer, largest first: what
          its memory ``gave`` to the forecast and the mean ``age`` of that, in steps.
        - "simple": the simple forecasts that the network weighed, and the ``weight`` of each.
        - "fidelity": how well each ranking of the steps foretells what their removal does.
        """
        if part not in PARTS:
            raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
        if part == "fidelity":
            return to_frame(_fidelity_columns(self.fidelity), self.like)
        return to_frame(getattr(self, part), self.like, self.panel)

    def plot(self) -> "Figure":
        """A figure: the window and the forecast, what removal and the record say of each step,
        how far the memory reaches back, and the deletion curves."""
        from .explain_plot import plot_explanation

        return plot_explanation(self)

    @property
    def holds(self) -> bool:
        """Whether taking away the steps that the account names changes the forecast more than
        taking away the latest, or random ones."""
        scores = self.fidelity.scores
        ours = scores["account"].comprehensiveness
        return ours > max(scores[name].comprehensiveness for name in ("random", "recency"))

    def sentences(self) -> list[str]:
        """The same in words."""
        times, since = self.panel.local(self.times), self.panel.local(self.steps["from"])
        span = _text(times[0])
        if len(times) > 1:
            span = f"{span} to {_text(times[-1])} (mean)"
        heaviest = np.argsort(-self.simple["weight"])[:3]
        simple = ", ".join(
            f"{self.simple['weight'][k]:.0%} {self.simple['name'][k]!r} "
            f"({_number(self.simple['forecast'][k])})"
            for k in heaviest
        )
        order = np.argsort(-np.abs(self.steps["removed"]))[:3]
        relied = ", ".join(
            f"{_text(since[k])} ({_number(self.steps['removed'][k], '+')})" for k in order
        )
        scores = self.fidelity.scores
        changes = ", ".join(
            f"{name} {_number(scores[name].comprehensiveness)}"
            for name in ("account", "removed", "leave-one-out", "recency", "random")
        )
        verdict = (
            "The account names steps that matter more than the latest or random ones."
            if self.holds
            else "The account names no better steps than recency or chance do: do not rely on it."
        )
        return [
            f"{self.unique_id}, {span}: {_number(self.forecast)}; with an empty memory it would "
            f"be {_number(self.without_memory)}.",
            f"Simple forecasts weighed most: {simple}; the network's own correction "
            f"{_number(self.correction, '+')}.",
            f"Steps whose removal changes the forecast most: {relied}.",
            f"Change of the forecast when the steps named first are taken away: {changes}. "
            f"{verdict}",
        ]

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    @classmethod
    def of(
        cls, panel: Panel, series: int, asked: "Asked", x: "Tensor", *,
        forecast: float, memory_from: np.ndarray, removed: np.ndarray,
        parts: Columns, rest: float, units: list[tuple[str, np.ndarray]], fidelity: Fidelity,
    ) -> "Explanation":  # fmt: skip
        """Put together what ``explain`` found; see there for the shapes."""
        length, steps, step = int(panel.lengths[series]), x.shape[1], x.shape[2]
        first = np.arange(length - steps * step, length, step)
        columns = {
            "from": panel.at(series, np.maximum(first, 0)),
            "to": panel.at(series, first + step - 1),
            panel.target_col: (x.double() + asked.offset).nanmean(-1)[0].numpy(),
            "removed": removed.mean(0),
            "removed_missing": removed[0],
            "removed_mean": removed[1],
            "account": parts["copied"] + parts["memory"],
            **parts,
            "memory_from": memory_from,
        }
        names, values, weights, correction = _simple(asked, x)
        return cls(
            unique_id=panel.ids[series],
            times=panel.at(series, length + np.array(asked.horizon)),
            forecast=forecast,
            without_memory=float(memory_from[-1]),
            mean=float((x.double() + asked.offset).nanmean()),
            correction=correction,
            error=rest,
            steps=columns,
            units=_units(units),
            simple={"name": names, "forecast": values, "weight": weights},
            fidelity=fidelity,
            panel=panel,
        )


def _simple(asked: "Asked", x: "Tensor") -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Names, forecasts (K,), weights (K,) and correction, means over networks and horizon."""
    with torch.no_grad():
        found = list(asked.simple(x))
    mean = [
        torch.stack([part.double() for part in parts]).mean(0) for parts in zip(*found, strict=True)
    ]
    anchors, weights, correction, origin = mean
    names = np.array(asked.members[0].anchors.names, dtype=object)
    return (
        names,
        (anchors.mean(-1) + origin).numpy(),
        weights.mean(-1).numpy(),
        float(correction.mean()),
    )


def _units(found: list[tuple[str, np.ndarray]]) -> Columns:
    """A row for each unit, the largest first."""
    networks: list[int] = []
    layers: list[str] = []
    numbers: list[int] = []
    gave: list[np.ndarray] = []
    ages: list[np.ndarray] = []
    for name, scores in found:  # (T, U)
        _, network, layer = name.split(".", 2)
        back = np.arange(len(scores))[::-1, None]
        size = np.abs(scores)
        networks += [int(network)] * scores.shape[1]
        layers += [layer] * scores.shape[1]
        numbers += range(scores.shape[1])
        gave.append(scores.sum(0))
        ages.append((size * back).sum(0) / np.maximum(size.sum(0), 1e-300))
    total = np.concatenate(gave) if gave else np.zeros(0)
    order = np.argsort(-np.abs(total), kind="stable")
    return {
        "network": np.array(networks, np.int64)[order],
        "layer": np.array(layers, dtype=object)[order],
        "unit": np.array(numbers, np.int64)[order],
        "gave": total[order],
        "age": (np.concatenate(ages) if ages else total)[order],
    }


def _fidelity_columns(fidelity: Fidelity) -> Columns:
    frame = fidelity.to_dataframe()
    return {
        name: frame[name].to_numpy() if frame[name].dtype.is_numeric()
        else np.array(frame[name].to_list(), dtype=object)
        for name in frame.columns
    }  # fmt: skip


def _text(time: Any) -> str:
    """A time as people write it: no fractions, and no clock at midnight."""
    text = str(time).replace("T", " ").removesuffix(".000000")
    return text.removesuffix(" 00:00:00").removesuffix(":00")


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign},.4g}" if abs(value) < 1e4 else f"{value:{sign},.0f}"
