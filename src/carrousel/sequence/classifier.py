"""``SequenceClassifier``: one label for a sequence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from .calibration import Part, best_temperature, expected_calibration_error
from .estimator import SequenceEstimator, unseen_parts
from .evaluation.evaluation import Evaluation
from .inputs.augmentation import varied
from .labels import Labels, as_array, check_labels
from .plan import Plan
from .ragged import Ragged
from .task import Outputs, Task, averaged
from .training import Augment, Examples, Member, train_ensemble

SMALLEST = 1e-9  # weight of a class, beside which probabilities are looked at


class Classification(Task):
    """One of several classes: cross entropy on the softmax of a row of scores."""

    labels: Labels
    weights: Tensor | None = None  # (K,) of classes in the loss

    def learn(self, y: Any, inputs: Ragged, options: Any, classes: Any = None) -> None:
        values = column(y, len(inputs))
        self.labels = Labels(values if classes is None else as_array([*values.tolist(), *classes]))
        self.outputs = len(self.labels)
        if self.outputs < 2:
            raise ValueError(
                f"y must hold at least two classes, got only one class: "
                f"{self.labels.classes.tolist()[0]!r}"
            )
        self.weights = class_weights(options.class_weight, self.labels, values)

    def encode(self, y: Any, inputs: Ragged) -> Tensor:
        return torch.from_numpy(self.labels.codes(column(y, len(inputs))))

    def loss(self, outputs: Any, targets: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(outputs, targets, self.weights)

    def activate(self, rows: Tensor) -> Tensor:
        return (rows / self.temperature).softmax(-1)

    def decode(self, averaged: Outputs) -> np.ndarray:
        assert isinstance(averaged, Tensor)
        return self.labels.classes[averaged.argmax(1).numpy()]

    def score(self, y: Any, predicted: Any) -> float:
        """Accuracy: the share of right answers. A label that was never learned is a mistake."""
        values = column(y, len(predicted))
        known = self.labels.known(values)
        right = self.labels.codes(values[known]) == self.labels.codes(predicted[known])
        return float(right.sum() / len(values))

    def strata(self, targets: Tensor) -> np.ndarray:
        return targets.numpy()

    def linear_targets(self, targets: Tensor) -> Tensor:
        return 2.0 * torch.nn.functional.one_hot(targets, self.outputs).double() - 1

    def beside(self, scores: Tensor, temperature: float) -> Tensor:
        return (scores / temperature).softmax(-1)

    def tilt(self) -> Tensor:
        if self.weights is None:
            return super().tilt()
        return self.weights.clamp_min(SMALLEST).log()

    def cost(self, answers: Tensor, targets: Tensor) -> float:
        chances = answers[torch.arange(len(targets)), targets].clamp_min(1e-9)
        weights = torch.ones(len(targets)) if self.weights is None else self.weights[targets]
        return -float((chances.log() * weights).sum())

    def figures(self, parts: list[tuple[Tensor, Any]]) -> dict[str, Any]:
        answers, targets = torch.cat([said for said, _ in parts]), torch.cat([t for _, t in parts])
        best = answers.max(1)
        right = (best.indices == targets).numpy()
        error = expected_calibration_error(best.values.numpy(), right)
        return {"accuracy": float(right.mean()), "expected_calibration_error": error}

    def reported(self, before: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
        errors = before.get("expected_calibration_error", {})
        after = {"after": figures["expected_calibration_error"]}
        return {**figures, "expected_calibration_error": {**errors, **after}}

    def calibrate(self, held_out: list[tuple[list[Outputs], Any]]) -> dict[str, Any]:
        parts: list[Part] = [(torch.stack(cast(Any, o)), t) for o, t in held_out]
        if not parts:
            return {}
        before = self._errors(held_out)
        self.temperature = best_temperature(parts)
        return {
            "held_out": sum(len(targets) for _, targets in parts),
            "accuracy": before["accuracy"],
            "temperature": self.temperature,
            "expected_calibration_error": {
                "before": before["expected_calibration_error"],
                "after": self._errors(held_out)["expected_calibration_error"],
            },
        }  # fmt: skip

    def _errors(self, held_out: list[tuple[list[Outputs], Any]]) -> dict[str, float]:
        return self.figures(
            [(cast(Any, averaged(self, one)), targets) for one, targets in held_out]
        )

    def asked(self, outputs: Tensor, answer: int, step: int) -> Tensor:
        return log_odds(outputs, answer)

    def to_dict(self) -> dict[str, Any]:
        return {"labels": self.labels.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Classification":
        if data.keys() != {"labels"} or not isinstance(data["labels"], dict):
            raise ValueError("task must hold labels and nothing else")
        task = cls()
        task.labels = Labels.from_dict(data["labels"])
        task.outputs = len(task.labels)
        return task


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceClassifier(SequenceEstimator):
    """One label for each sequence, of any hashable kind.

    Args:
        pooling: How steps become one answer: "last", "mean", "max", "attention" or "concat" (last,
            mean and max together); None: "max" of texts, else "concat".
        companion: Whether a regression on fixed features (random convolutions of numbers, n-grams
            of texts) has a share in the answer, as large as what is held out says; None: yes,
            unless ``bidirectional`` is False (a stream has none) or nothing is held out.
        augment: Whether numbers are varied anew each time that they are learned from: a part of
            each sequence, at an uneven pace, with noise. None: networks are trained with and
            without, which takes twice as long, and those stay that know better what is held out.
            Recordings always are varied (SpecAugment).
        class_weight: What a mistake costs: a dict from label to weight, or "balanced" for the
            inverse of how frequent a class is; None: the same for all.

    >>> import numpy as np
    >>> from carrousel.sequence import SequenceClassifier
    >>> noise = np.random.default_rng(0)
    >>> X = [noise.normal(k % 2, 0.3, (5 + k % 7, 2)) for k in range(40)]  # of unequal length
    >>> y = ["up" if k % 2 else "down" for k in range(40)]
    >>> model = SequenceClassifier(hidden_size=8, ensemble=1, epochs=20).fit(X, y)
    >>> model.predict(X[:2]).tolist(), model.predict_proba(X[:2]).shape
    (['down', 'up'], (2, 2))

    Attributes after ``fit`` or ``load``:
        classes_: The labels.
        networks_: The ``torch.nn.Module`` of each member of the ensemble.
        plan_: What was chosen, and why.
        report_: What was found on the sequences that were held out: accuracy, temperature and
            expected calibration error.
    """

    task_class: ClassVar[type[Task]] = Classification
    kind: ClassVar[str] = "sequence classifier"
    sklearn_kind: ClassVar[str] = "classifier"

    pooling: str | None = None
    companion: bool | None = None
    augment: bool | None = False
    class_weight: Any = None

    @property
    def classes_(self) -> np.ndarray:
        self._require_fitted()
        return self.task_.labels.classes  # type: ignore[attr-defined]

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes) calibrated probabilities, in the order of ``classes_``."""
        return self._averaged(X).numpy()  # type: ignore[union-attr]

    def evaluate(self, X: Any, y: Any, names: Sequence[Any] = ()) -> Evaluation:
        """Accuracy, F1, confusion and worst mistakes for sequences that were not learned from.

        ``names``: what each is called in the list of mistakes; by default its number from 0.
        """
        chances = self.predict_proba(X)
        truth = column(y, len(chances))
        task = self.task_
        assert isinstance(task, Classification)
        return Evaluation.of(task.labels, truth, chances, list(names) or range(len(chances)))

    def evaluate_held_out(self, y: Any, names: Sequence[Any] = ()) -> Evaluation | None:
        """The same for what ``fit`` held out, by answers that were not learned from it; None if it
        held out nothing, or the model was loaded.

        Args:
            y: As ``fit`` was given it (of ``validation``, if there was one).
            names: Of all these sequences; by default their numbers from 0.
        """
        found = self._unlearned(y, names)
        if found is None:
            return None
        chosen, said, called = found
        task = self.task_
        assert isinstance(task, Classification)
        truth, chances = column(y, len(called))[chosen], torch.cat(cast(list[Tensor], said)).numpy()
        return Evaluation.of(task.labels, truth, chances, [called[k] for k in chosen])

    def _answers(self) -> list[Any]:
        return self.classes_.tolist()

    def _members(
        self, reader: Any, task: Task, examples: Examples, plan: Plan, held: Examples | None,
        **how: Any,
    ) -> tuple[list[Member], Plan]:  # fmt: skip
        plain, plan = super()._members(reader, task, examples, plan, held, **how)
        able = reader.kind == "numbers" and (held is not None or plan.parts > 0)
        if self.augment is not None or not able or _interrupted(plain):
            return plain, plan
        other = train_ensemble(
            task, examples, plan, held=held, prepare=reader.prepare, augment=varied,
            suffix=", varied", **how,
        )  # fmt: skip
        if _interrupted(other):
            return plain, plan
        parts = [unseen_parts(members, examples, held, plan) for members in (plain, other)]
        if not all(parts):  # of classes with one example each nothing is held out
            return plain, plan
        without, within = (_surprise(task, unseen) for unseen in parts)
        chosen = "learned from variations of series" if within < without else "not varied"
        reason = (
            f"{chosen}: {within:.3f} nats an unseen label with variations, {without:.3f} without"
        )
        plan = replace(plan, reasons=(*plan.reasons, reason))
        return other if within < without else plain, plan

    def _augment(self, reader: Any) -> Augment | None:
        if not self.augment or reader.kind == "sound":
            return super()._augment(reader)
        if reader.kind != "numbers":
            raise ValueError("augment must be False for texts: it warps and blurs numbers")
        return varied


def _interrupted(members: Sequence[Member]) -> bool:
    return any(member.run.stopped == "interrupted" for member in members)


def _surprise(task: Task, unseen: Sequence[tuple[list[Outputs], Any]]) -> float:
    """Mean nats of labels that were not learned from, by calibrated networks."""
    task.calibrate(list(unseen))
    total = sum(task.cost(cast(Tensor, averaged(task, said)), targets) for said, targets in unseen)
    return total / sum(len(targets) for _, targets in unseen)


def log_odds(scores: Tensor, answer: int) -> Tensor:
    """(B,) how much more one class is believed than all others together, from scores (B, K)."""
    others = torch.arange(scores.shape[1]) != answer
    return scores[:, answer] - scores[:, others].logsumexp(1)


def column(y: Any, count: int) -> np.ndarray:
    """One label for each of ``count`` sequences, (n,)."""
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    if isinstance(y, torch.Tensor):
        y = y.detach().cpu()
    if hasattr(y, "__array__"):
        y = np.asarray(y)
    if isinstance(y, np.ndarray) and y.ndim != 1:
        raise ValueError(f"y must be one label for each sequence, got the shape {y.shape}")
    if isinstance(y, str) or not hasattr(y, "__len__"):
        raise TypeError(f"y must be a list or array of labels, got {y!r}")
    values = y if isinstance(y, np.ndarray) else as_array(list(y))
    if len(values) != count:
        raise ValueError(
            f"y must have a label for each of {count} sequences, got {len(values)}: inconsistent "
            "numbers of samples"
        )
    check_labels(values)
    return values


def class_weights(given: Any, labels: Labels, values: np.ndarray) -> Tensor | None:
    """(K,) what a mistake of each class costs, with mean 1 over the sequences."""
    if given is None:
        return None
    counts = np.bincount(labels.codes(values), minlength=len(labels))
    if isinstance(given, str) and given == "balanced":
        return torch.from_numpy(len(values) / (len(labels) * counts)).float()
    if not isinstance(given, dict):
        raise ValueError(f"class_weight must be 'balanced', a dict or None, got {given!r}")
    weights = torch.ones(len(labels))
    for label, weight in given.items():
        number = labels.codes([label], "class_weight")[0]
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight >= 0:
            raise ValueError(f"class_weight[{label!r}] must be a number from 0, got {weight!r}")
        weights[number] = weight
    return weights
