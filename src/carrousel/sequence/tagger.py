"""``SequenceTagger``: a label for each step, or several at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from ..storage.plain import typed
from .calibration import Part, best_temperature
from .classifier import class_weights, log_odds
from .estimator import SequenceEstimator
from .evaluation.evaluation import Evaluation
from .labels import Labels, as_array, check_labels
from .ragged import Ragged
from .task import Outputs, Task


class Tagging(Task):
    """One of several labels for each step (cross entropy), or each of several on or off (binary
    cross entropy, summed over them)."""

    per_step: ClassVar[bool] = True
    slowness: ClassVar[int] = 3  # a step must find out what of all that came before it counts
    labels: Labels | None = None  # None: several at once
    weights: Tensor | None = None

    @property
    def several(self) -> bool:  # type: ignore[override]
        return self.labels is None

    def learn(self, y: Any, inputs: Ragged, options: Any, classes: Any = None) -> None:
        tags = _tags(y, inputs)
        if tags[0].ndim == 2:
            self.outputs = tags[0].shape[1]
            return
        together = as_array([tag for one in tags for tag in one.tolist()])
        more = () if classes is None else classes
        self.labels = Labels(as_array([*together.tolist(), *more]))
        self.outputs = len(self.labels)
        if self.outputs < 2:
            raise ValueError(
                f"y must hold at least two labels, got only one class: {self.labels.classes[0]!r}"
            )
        self.weights = class_weights(options.class_weight, self.labels, together)

    def encode(self, y: Any, inputs: Ragged) -> Ragged:
        tags = _tags(y, inputs)
        if self.labels is not None:
            if tags[0].ndim != 1:
                raise ValueError("y must have one label for each step, got several")
            together = as_array([tag for one in tags for tag in one.tolist()])
            return inputs.like(torch.from_numpy(self.labels.codes(together)))
        if tags[0].ndim != 2 or tags[0].shape[1] != self.outputs:
            raise ValueError(
                f"y must have {self.outputs} numbers for each step, got {tags[0].shape[1:]}"
            )
        return inputs.like(torch.from_numpy(np.concatenate(tags)).float())

    def loss(self, outputs: Any, targets: Any) -> Tensor:
        if self.labels is not None:
            return torch.nn.functional.cross_entropy(outputs.rows, targets.rows, self.weights)
        each = torch.nn.functional.binary_cross_entropy_with_logits(
            outputs.rows, targets.rows, reduction="none"
        )
        return each.sum(1).mean()

    def activate(self, rows: Tensor) -> Tensor:
        if self.labels is None:
            return rows.sigmoid()
        return (rows / self.temperature).softmax(-1)

    def decode(self, averaged: Outputs) -> list[np.ndarray]:
        assert isinstance(averaged, Ragged)
        if self.labels is None:
            return [(part > 0.5).long().numpy() for part in averaged.parts()]
        classes = self.labels.classes
        return [classes[part.argmax(1).numpy()] for part in averaged.parts()]

    def score(self, y: Any, predicted: list[np.ndarray]) -> float:
        """The share of steps with the right label; with several at once, of all that were said or
        true at a step those that were both (Bay, Ehmann & Downie 2009)."""
        inputs = Ragged(torch.empty(0), torch.tensor([len(one) for one in predicted]))
        tags = _tags(y, inputs)
        truth, said = np.concatenate(tags), np.concatenate(predicted)
        if self.labels is None:
            both, either = (truth * said).sum(), np.maximum(truth, said).sum()
            return float(both / either) if either else 1.0
        known = self.labels.known(truth)
        right = self.labels.codes(truth[known]) == self.labels.codes(said[known])
        return float(right.sum() / len(truth))

    def calibrate(self, held_out: list[tuple[list[Outputs], Any]]) -> dict[str, Any]:
        if not held_out:
            return {}
        parts: list[Part] = [
            (torch.stack([one.rows for one in said]), targets.rows)  # type: ignore[union-attr]
            for said, targets in held_out
        ]
        steps = sum(len(targets) for _, targets in parts)
        if self.labels is None:
            return {"held_out_steps": steps}
        self.temperature = best_temperature(parts)
        right = sum(
            int((self.activate(said).mean(0).argmax(1) == targets).sum()) for said, targets in parts
        )
        return {
            "held_out_steps": steps, "accuracy": right / steps, "temperature": self.temperature,
        }  # fmt: skip

    def asked(self, outputs: Any, answer: int, step: int) -> Tensor:
        row = outputs[:, step]
        return row[:, answer] if self.labels is None else log_odds(row, answer)

    def to_dict(self) -> dict[str, Any]:
        labels = None if self.labels is None else self.labels.to_dict()
        return {"labels": labels, "outputs": self.outputs}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Tagging":
        if data.keys() != {"labels", "outputs"}:
            raise ValueError("task must hold labels and outputs")
        task = cls()
        task.outputs = typed(data["outputs"], int, "task.outputs")
        labels = typed(data["labels"], dict[str, Any] | None, "task.labels")
        task.labels = None if labels is None else Labels.from_dict(labels)
        if task.labels is not None and len(task.labels) != task.outputs:
            raise ValueError(f"task.outputs is {task.outputs}, there are {len(task.labels)} labels")
        return task


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceTagger(SequenceEstimator):
    """A label for each step of each sequence, of any hashable kind; or, with rows of 0 and 1 for y,
    any number of things at once.

    What is to be foretold must not be read: where the label of a step is found in later steps
    (the next word, the next notes), give ``bidirectional=False``.

    Args:
        class_weight: See :class:`carrousel.SequenceClassifier`.

    >>> import numpy as np
    >>> from carrousel.sequence import SequenceTagger
    >>> noise = np.random.default_rng(0)
    >>> X = [noise.normal(size=(5 + k % 3, 1)) for k in range(20)]
    >>> y = [["high" if v > 0 else "low" for v in x[:, 0]] for x in X]
    >>> model = SequenceTagger(hidden_size=8, ensemble=1, epochs=2).fit(X, y)
    >>> [len(tags) for tags in model.predict(X[:3])]
    [5, 6, 7]
    """

    task_class: ClassVar[type[Task]] = Tagging
    kind: ClassVar[str] = "sequence tagger"
    sklearn_kind: ClassVar[str] = "classifier"

    class_weight: Any = None

    @property
    def classes_(self) -> np.ndarray:
        self._require_fitted()
        task = self.task_
        assert isinstance(task, Tagging)
        return np.arange(task.outputs) if task.labels is None else task.labels.classes

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """For each sequence (T, classes) probabilities, in the order of ``classes_``."""
        said = self._averaged(X)
        assert isinstance(said, Ragged)
        return [part.numpy() for part in said.parts()]

    def evaluate(self, X: Any, y: Any, names: Sequence[Any] = ()) -> Evaluation:
        """Accuracy, F1, confusion and worst mistakes of the steps of other sequences.

        ``names``: what each is called in the list of mistakes; by default its number from 0.
        """
        said = self._averaged(X)
        assert isinstance(said, Ragged)
        return self._judged(said, y, list(names) or range(len(said)))

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
        parts = [part for one in cast(list[Ragged], said) for part in one.parts()]
        return self._judged(Ragged.of(parts), [y[k] for k in chosen], [called[k] for k in chosen])

    def _judged(self, said: Ragged, y: Any, names: Sequence[Any]) -> Evaluation:
        task = self.task_
        assert isinstance(task, Tagging)
        if task.labels is None:
            raise ValueError("y must have one label for each step to be evaluated, got several")
        truth = [tag for tags in _tags(y, said) for tag in tags.tolist()]
        each = [
            f"{name}, step {step}"
            for name, steps in zip(names, said.lengths.tolist(), strict=True)
            for step in range(steps)
        ]
        return Evaluation.of(task.labels, truth, said.rows.numpy(), each)

    def _answers(self) -> list[Any]:
        return self.classes_.tolist()


def _tags(y: Any, inputs: Ragged) -> list[np.ndarray]:
    """Of each sequence labels (T,), or rows of 0 and 1 (T, K)."""
    if isinstance(y, str) or not hasattr(y, "__len__"):
        raise TypeError(f"y must be a list of a list of labels for each sequence, got {y!r:.60}")
    if len(y) != len(inputs):
        raise ValueError(f"y must have labels for each of {len(inputs)} sequences, got {len(y)}")
    tags = [_one(tags, k) for k, tags in enumerate(y)]
    for k, (one, steps) in enumerate(zip(tags, inputs.lengths.tolist(), strict=True)):
        if len(one) != steps:
            raise ValueError(f"y[{k}] must have a label for each of {steps} steps, got {len(one)}")
        if one.shape[1:] != tags[0].shape[1:]:
            raise ValueError(f"y[{k}] must be as y[0], got the shape {one.shape}")
    return tags


def _one(tags: Any, k: int) -> np.ndarray:
    if isinstance(tags, torch.Tensor):
        tags = tags.detach().cpu().numpy()
    if isinstance(tags, str) or not hasattr(tags, "__len__"):
        raise TypeError(f"y[{k}] must be a list of labels, one for each step, got {tags!r:.60}")
    if isinstance(tags, np.ndarray) and tags.ndim == 2:
        if not np.isin(tags, (0, 1)).all():
            raise ValueError(f"y[{k}] must hold 0 and 1 only: what is off and on at each step")
        return tags.astype(np.int64)
    values = tags if isinstance(tags, np.ndarray) else as_array(list(tags))
    if values.ndim != 1:
        raise ValueError(
            f"y[{k}] must be (steps,) or (steps, things), got the shape {values.shape}"
        )
    check_labels(values, f"y[{k}]")
    return values
