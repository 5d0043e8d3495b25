"""An explanation as plain data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...explain import Fidelity
from ...plottable import Plottable


@dataclass(frozen=True)
class Explanation(Plottable, picture="carrousel.sequence.explanation.picture:plot_explanation"):
    """What one answer relied on. Of several networks, means.

    Attributes:
        answer: The label (or the number of the output) that is explained.
        believed: How much: log odds of a label against all others, or the output itself.
        steps: What people read at each of the T steps.
        values: (T, channels); None of texts.
        scores: (T,) by "removed", a measurement: how much less is believed without the step; and
            by "memory", an account of what the last layer's memory kept of each step (not of cells
            that keep none).
        beside: What of ``believed`` is outside that account: convolutions, biases.
        window: How many steps were taken away together.
        stops: (S,) steps after which the answer was looked at.
        after: (S, K) probabilities (or outputs), had the sequence ended there.
        classes: What the columns of ``after`` are.
        decided: The step from which on the answer was what it is at the end.
        fidelity: Whether the scores name the steps that matter, beside random and recent steps;
            None for long sequences.
    """

    answer: Any
    believed: float
    steps: list[str]
    values: NDArray[np.float64] | None
    scores: dict[str, NDArray[np.float64]]
    beside: float | None
    window: int
    stops: NDArray[np.int64]
    after: NDArray[np.float64]
    classes: list[Any]
    decided: int
    fidelity: Fidelity | None

    def table(self) -> list[dict[str, Any]]:
        """A row for each step."""
        return [
            {"step": k, "name": name, **{how: float(s[k]) for how, s in self.scores.items()}}
            for k, name in enumerate(self.steps)
        ]

    def summary(self) -> dict[str, Any]:
        """All of it as plain data."""
        fidelity = None
        if self.fidelity is not None:
            fidelity = {name: score.comprehensiveness for name, score in
                        self.fidelity.scores.items()}  # fmt: skip
        return {
            "answer": self.answer, "believed": self.believed, "decided": self.decided,
            "beside": self.beside, "window": self.window, "steps": self.table(),
            "classes": self.classes, "stops": self.stops, "after": self.after,
            "comprehensiveness": fidelity,
        }  # fmt: skip
