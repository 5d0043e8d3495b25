"""The answer to "what did this forecast rely on?": tables, a figure and sentences."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...data import Panel, to_frame
from ...explain import Fidelity
from ...plottable import Plottable
from ...wording import one_of, written

Columns = dict[str, np.ndarray]
PARTS = ("steps", "units", "simple", "fidelity")


@dataclass(frozen=True)
class Explanation(Plottable, picture="carrousel.forecast.explanation.picture:plot_explanation"):
    """What one forecast relied on; see ``Forecaster.explain``.

    Attributes:
        unique_id, times: Which series, and which steps of its future (one, or the horizon).
        forecast: The forecast; the mean over ``times``.
        without_memory: What it would be had the recurrent state been empty at the last step.
        mean: Of the values in the window: what ``copied`` is relative to.
        correction: What the network added to the simple forecasts.
        error: What the account of the simple forecasts leaves over, in units of y.
        share, pretrained: How much of the forecast comes from the network that ships, and by what
            that moves it from ``mean``.
        columns: What columns that are known ahead add with ``effort="instant"``, beside the
            network. ``forecast`` is ``mean`` + the sum of ``copied`` + ``correction`` + ``error``
            + ``pretrained`` + ``columns``.
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
    share: float = 0.0
    pretrained: float = 0.0
    columns: float = 0.0

    def beside(self, columns: float) -> "Explanation":
        """The same with what columns add to the forecast of what is left without them."""
        return replace(
            self,
            forecast=self.forecast + columns,
            without_memory=self.without_memory + columns,
            columns=columns,
        )

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
        one_of("part", part, PARTS)
        if part == "fidelity":
            return to_frame(_fidelity_columns(self.fidelity), self.like)
        return to_frame(getattr(self, part), self.like, self.panel)

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
        span = written(times[0])
        if len(times) > 1:
            span = f"{span} to {written(times[-1])} (mean)"
        heaviest = np.argsort(-self.simple["weight"])[:3]
        simple = ", ".join(
            f"{self.simple['weight'][k]:.0%} {self.simple['name'][k]!r} "
            f"({_number(self.simple['forecast'][k])})"
            for k in heaviest
        )
        order = np.argsort(-np.abs(self.steps["removed"]))[:3]
        relied = ", ".join(
            f"{written(since[k])} ({_number(self.steps['removed'][k], '+')})" for k in order
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
        beside = (
            f" A pretrained network has a share of {self.share:.0%}, which moves it from the mean "
            f"by {_number(self.pretrained, '+')}."
            if self.share
            else ""
        )
        if self.columns:
            beside += f" Columns that are known ahead move it by {_number(self.columns, '+')}."
        return [
            f"{self.unique_id}, {span}: {_number(self.forecast)}; with an empty memory it would "
            f"be {_number(self.without_memory)}.{beside}",
            f"Simple forecasts weighed most: {simple}; the network's own correction "
            f"{_number(self.correction, '+')}.",
            f"Steps whose removal changes the forecast most: {relied}.",
            f"Change of the forecast when the steps named first are taken away: {changes}. "
            f"{verdict}",
        ]

    def _sentences(self) -> list[str]:
        return self.sentences()

    def __str__(self) -> str:
        return "\n".join(self.sentences())


def _fidelity_columns(fidelity: Fidelity) -> Columns:
    frame = fidelity.to_dataframe()
    return {
        name: frame[name].to_numpy() if frame[name].dtype.is_numeric()
        else np.array(frame[name].to_list(), dtype=object)
        for name in frame.columns
    }  # fmt: skip


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign},.4g}" if abs(value) < 1e4 else f"{value:{sign},.0f}"
