"""Answers beside the truth: accuracy, F1, the confusion of classes, calibration, worst mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...plottable import Plottable
from ..calibration import BINS, expected_calibration_error
from ..labels import Labels, as_array


@dataclass(frozen=True)
class Evaluation(Plottable, picture="carrousel.sequence.evaluation.picture:plot_confusion"):
    """Of sequences, or of the steps of tagged ones.

    Attributes:
        labels: All that were learned or are true: K that were learned, then others.
        truth: (n,) numbers of the true labels.
        said: (n,) numbers of the answers.
        chances: (n, K) probabilities.
        names: What each is called.
    """

    labels: list[Any]
    truth: NDArray[np.int64]
    said: NDArray[np.int64]
    chances: NDArray[np.float64]
    names: Sequence[Any]

    @classmethod
    def of(
        cls,
        learned: Labels,
        truth: Sequence[Any] | NDArray[Any],
        chances: NDArray[np.float64],
        names: Sequence[Any],
    ) -> "Evaluation":
        """From true labels, of which some may never have been learned."""
        values = as_array(list(truth))
        known = learned.known(values)
        numbers = np.zeros(len(values), np.int64)
        numbers[known] = learned.codes(values[known])
        new = Labels(values[~known]) if not known.all() else None
        if new is not None:
            numbers[~known] = len(learned) + new.codes(values[~known])
        more = [] if new is None else new.classes.tolist()
        labels = [*learned.classes.tolist(), *more]
        return cls(labels, numbers, chances.argmax(1), chances, names)

    @property
    def unseen(self) -> list[Any]:
        """True labels that were never learned."""
        return self.labels[self.chances.shape[1] :]

    @property
    def accuracy(self) -> float:
        return float((self.truth == self.said).mean())

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """(L, L) how often the label of a row was answered by that of a column."""
        count = len(self.labels)
        cells = np.bincount(self.truth * count + self.said, minlength=count * count)
        return cells.reshape(count, count)

    @cached_property
    def by_class(self) -> list[dict[str, Any]]:
        """Of each label how many there are, precision, recall and F1 (0 where nothing is there)."""
        right = self.confusion.diagonal()
        there, answered = self.confusion.sum(1), self.confusion.sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(answered > 0, right / answered, 0.0)
            recall = np.where(there > 0, right / there, 0.0)
            f1 = np.where(there + answered > 0, 2 * right / (there + answered), 0.0)
        rows = zip(self.labels, there, precision, recall, f1, strict=True)
        return [
            {"label": label, "examples": int(n), "precision": float(p), "recall": float(r),
             "F1": float(f)}
            for label, n, p, r, f in rows
        ]  # fmt: skip

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the labels that are true or answered somewhere."""
        there = self.confusion.sum(1) + self.confusion.sum(0) > 0
        return float(np.mean([row["F1"] for row, known in zip(self.by_class, there, strict=True)
                              if known]))  # fmt: skip

    @property
    def log_loss(self) -> float:
        """Mean nats; of what was never learned infinite."""
        learned = self.truth < self.chances.shape[1]
        if not learned.all():
            return float("inf")
        given = self.chances[np.arange(len(self.truth)), self.truth]
        return float(-np.log(np.maximum(given, 1e-300)).mean())

    @property
    def calibration_error(self) -> float:
        """Expected: see ``carrousel.sequence.calibration``."""
        best = self.chances.max(1)
        return expected_calibration_error(best, self.truth == self.said)

    @property
    def reliability(self) -> list[dict[str, Any]]:
        """By the probability of the answers: how many there are and how many of them are right."""
        best, right = self.chances.max(1), self.truth == self.said
        bins = np.minimum((best * BINS).astype(int), BINS - 1)
        return [
            {"from": b / BINS, "to": (b + 1) / BINS, "answers": int((bins == b).sum()),
             "probability": float(best[bins == b].mean()), "right": float(right[bins == b].mean())}
            for b in range(BINS) if (bins == b).any()
        ]  # fmt: skip

    def mistakes(self, most: int = 10) -> list[dict[str, Any]]:
        """The answers that were surest and wrong."""
        wrong = np.flatnonzero(self.truth != self.said)
        worst = wrong[np.argsort(-self.chances[wrong].max(1), kind="stable")][:most]
        found = []
        for k in worst.tolist():
            number = self.truth[k]
            learned = number < self.chances.shape[1]
            found.append({
                "name": self.names[k],
                "answer": self.labels[self.said[k]],
                "probability": float(self.chances[k].max()),
                "truth": self.labels[number],
                "its probability": float(self.chances[k, number]) if learned else None,
            })  # fmt: skip
        return found

    def summary(self) -> dict[str, Any]:
        """All figures as plain data."""
        return {
            "examples": len(self.truth),
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "log_loss": self.log_loss,
            "expected_calibration_error": self.calibration_error,
            "labels": self.labels,
            "never_learned": self.unseen,
            "classes": self.by_class,
            "confusion": self.confusion,
            "mistakes": self.mistakes(),
        }
