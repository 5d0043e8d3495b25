"""What one kind of answer adds to the network: targets, loss, decoding and a score.

A new task is one file: a :class:`Task`, and an estimator that names it (``classifier.py`` is one).
"""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from .ragged import Ragged

Outputs = Tensor | Ragged  # (B, K), or a row (N, K) for each step


class Task:
    """Of one fitted estimator; ``learn`` is called first, with all that there is to learn from.

    Attributes:
        per_step: Whether the network gives a row for each step, or one for each sequence.
        scaled: Whether answers are numbers on a scale of their own, that ``prepare`` sets.
        parts: Whether a part of a long sequence can be learned from with its target.
        several: Whether any number of answers may be right at once.
        slowness: How many times more updates than a classifier it takes to learn.
        most_at_once: Sequences in an update at most, where nothing is said.
        outputs: How many numbers it gives in a row.
        temperature: What outputs are divided by before they become probabilities.
    """

    per_step: ClassVar[bool] = False
    scaled: ClassVar[bool] = False
    parts: ClassVar[bool] = True
    several: bool = False
    slowness: ClassVar[int] = 1
    most_at_once: ClassVar[int] = 64
    outputs: int
    temperature: float = 1.0

    def learn(self, y: Any, inputs: Ragged, options: Any, classes: Any = None) -> None:
        """Find out what there is to answer (which classes, on which scale), from all targets.
        ``options``: the estimator's; ``classes``: labels that will come later."""
        raise NotImplementedError

    def encode(self, y: Any, inputs: Ragged) -> Any:
        """Targets that can be indexed by the numbers of sequences (a Tensor or Ragged): one for
        each of ``inputs``.

        Raises:
            ValueError: They do not fit the inputs, or cannot be learned.
        """
        raise NotImplementedError

    def prepare(self, network: nn.Module, targets: Any) -> None:
        """Set what a new network has to know of the targets that it learns from (their scale)."""

    def loss(self, outputs: Any, targets: Any) -> Tensor:
        """What training makes small: a mean over sequences or steps."""
        raise NotImplementedError

    def activate(self, rows: Tensor) -> Tensor:
        """Rows (…, K) of one network to what is averaged over an ensemble: probabilities, say."""
        return rows

    def decode(self, averaged: Outputs) -> Any:
        """What ``predict`` gives for activated outputs."""
        raise NotImplementedError

    def score(self, y: Any, predicted: Any) -> float:
        """How good predictions are; higher is better."""
        raise NotImplementedError

    def strata(self, targets: Any) -> np.ndarray | None:
        """(n,) groups of which each shall be in every part of a split; None: there are none."""
        return None

    def calibrate(self, held_out: "list[tuple[list[Outputs], Any]]") -> dict[str, Any]:
        """Fit what is left (a temperature) to parts that nothing was learned from: for each part
        the outputs of the networks that did not see it, and its targets. Gives figures for the
        report."""
        return {}

    def linear_targets(self, targets: Any) -> Tensor:
        """(n, K) numbers for which a companion's regression is made."""
        raise NotImplementedError

    def beside(self, scores: Tensor, temperature: float) -> Tensor:
        """(n, K) what such a regression gives, activated as the networks' answers are."""
        raise NotImplementedError

    def tilt(self) -> Tensor:
        """(K,) what mistakes cost, as a difference of logarithms of probabilities."""
        return torch.zeros(self.outputs)

    def cost(self, answers: Tensor, targets: Any) -> float:
        """How bad activated answers (n, K) are, summed over examples."""
        raise NotImplementedError

    def figures(self, parts: "list[tuple[Tensor, Any]]") -> dict[str, Any]:
        """For the report: how good activated answers (n, K) are, of parts with their targets."""
        raise NotImplementedError

    def reported(self, before: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
        """What of a report becomes something else with the figures of other answers."""
        return figures

    def asked(self, outputs: Tensor, answer: int, step: int) -> Tensor:
        """(B,) what an explanation asks about: of one network's outputs (B, K) or (B, T, K) how
        much the answer number ``answer`` (at a step) is believed."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Plain data from which ``from_dict`` makes the same task."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Task":
        """Raises ``ValueError`` for what ``to_dict`` cannot have made."""
        raise NotImplementedError


def averaged(task: Task, outputs: list[Outputs]) -> Outputs:
    """The mean of what several networks say of the same sequences, activated, in float64."""
    rows = [one.rows if isinstance(one, Ragged) else one for one in outputs]
    mean = torch.stack([task.activate(one.double()) for one in rows]).mean(0)
    first = outputs[0]
    return first.like(mean) if isinstance(first, Ragged) else mean
