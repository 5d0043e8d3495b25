"""``Transcriber``: a shorter string of labels for a longer sequence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ..audio import Recordings
from ..limits import whole
from ..storage.plain import typed
from ..wording import one_of
from . import ctc
from .classifier import log_odds
from .estimator import SequenceEstimator
from .evaluation.transcripts import TranscriptEvaluation
from .explanation.explanation import Explanation
from .labels import Labels, as_objects, check_labels
from .ragged import Ragged
from .task import Outputs, Task
from .transcript_stream import TranscriptStream

UNITS = {"characters": "", "words": " ", "labels": None}  # what is put between them


class Transcription(Task):
    """Labels in their order, at no known times: connectionist temporal classification."""

    per_step: ClassVar[bool] = True
    parts: ClassVar[bool] = False
    # At first nothing but blanks is said: hundreds of updates pass before a label is.
    slowness: ClassVar[int] = 5
    most_at_once: ClassVar[int] = 16
    labels: Labels
    units: str
    silent: int = 0  # first steps at which nothing is to be said, while it learns

    def learn(self, y: Any, inputs: Ragged, options: Any, classes: Any = None) -> None:
        one_of("units", options.units, (*UNITS, None))
        strings = _strings(y, len(inputs))
        self.units = options.units or _units(strings)
        said = [label for text in strings for label in self._split(text)]
        said += () if classes is None else classes
        if not said:
            raise ValueError("y must hold at least one label, got empty strings only")
        check_labels(as_objects(said))
        if self.units != "labels" and not all(isinstance(label, str) for label in said):
            raise TypeError(f"classes must be texts (units={self.units!r}), got {classes!r}")
        self.labels = Labels(said)
        self.outputs = 1 + len(self.labels)  # the blank comes first
        if options.bidirectional is False:
            self.silent = _unheard([self._split(text) for text in strings], inputs.lengths)

    def encode(self, y: Any, inputs: Ragged) -> Ragged:
        strings = [self._split(text) for text in _strings(y, len(inputs))]
        codes = [self.labels.codes(text) + 1 for text in strings]
        for k, (text, steps) in enumerate(zip(codes, inputs.lengths.tolist(), strict=True)):
            needed = ctc.steps_needed(text.tolist())
            if needed > steps:
                raise ValueError(
                    f"y[{k}] must fit into the {steps:,} steps of X[{k}], got {len(text):,} "
                    f"labels, which take {needed:,}: one each, and one between two that are alike"
                )
        return Ragged.of([torch.from_numpy(text) for text in codes])

    def loss(self, outputs: Any, targets: Ragged) -> Tensor:
        chances = outputs.padded().log_softmax(-1)  # (T, B, K)
        loss = torch.nn.functional.ctc_loss(
            chances, targets.rows, outputs.lengths, targets.lengths, blank=ctc.BLANK
        )
        if not self.silent:
            return loss
        # Forwards the beginning is the one place that is known before anything is heard: a guess at
        # the first label settles there, and every path that says it later is worse from then on.
        early = -chances[: self.silent, :, ctc.BLANK].sum(0) / targets.lengths.clamp_min(1)
        return loss + early.mean()

    def activate(self, rows: Tensor) -> Tensor:
        return (rows / self.temperature).softmax(-1)

    def decode(self, averaged: Outputs, width: int = 1) -> np.ndarray:
        """(n,) the likeliest strings; ``width``: of the beam, 1 takes the likeliest path."""
        assert isinstance(averaged, Ragged)
        if width == 1:
            found = [ctc.greedy(part) for part in averaged.parts()]
        else:
            found = [ctc.beam_search(part, width)[0][0] for part in averaged.parts()]
        return as_objects([self.said(codes) for codes in found])

    def said(self, codes: Sequence[int]) -> Any:
        """Codes as they were given: text, or a list of labels."""
        labels = [self.labels.classes[code - 1] for code in codes]
        between = UNITS[self.units]
        return labels if between is None else between.join(labels)

    def score(self, y: Any, predicted: Any) -> float:
        """1 less the changes that make the answers right, for each label."""
        wanted = [self._split(text) for text in _strings(y, len(predicted))]
        return 1 - ctc.error_rate(wanted, [self._split(text) for text in predicted])

    def calibrate(self, held_out: list[tuple[list[Outputs], Any]]) -> dict[str, Any]:
        wanted: list[list[int]] = []
        got: list[list[int]] = []
        for outputs, targets in held_out:
            rows = torch.stack([one.rows for one in outputs]).mean(0)  # type: ignore[union-attr]
            said = outputs[0].like(rows.softmax(-1))  # type: ignore[union-attr]
            got += [ctc.greedy(part) for part in said.parts()]
            wanted += [part.tolist() for part in targets.parts()]
        if not sum(map(len, wanted)):
            return {}
        wrong = sum(a != b for a, b in zip(wanted, got, strict=True))
        return {
            "held_out": len(wanted),
            "label_error_rate": ctc.error_rate(wanted, got),
            "string_error_rate": wrong / len(wanted),
        }

    def asked(self, outputs: Any, answer: int, step: int) -> Tensor:
        return log_odds(outputs[:, step], answer)

    def to_dict(self) -> dict[str, Any]:
        return {"units": self.units, "labels": self.labels.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Transcription":
        if data.keys() != {"units", "labels"} or not isinstance(data["labels"], dict):
            raise ValueError("task must hold units, labels and nothing else")
        task = cls()
        task.units = typed(data["units"], str, "units")
        one_of("units", task.units, UNITS)
        task.labels = Labels.from_dict(data["labels"])
        if task.units != "labels" and not all(isinstance(one, str) for one in task.labels.classes):
            raise ValueError(f"task.units is {task.units!r}, but labels are no text")
        task.outputs = 1 + len(task.labels)
        return task

    def _split(self, text: Any) -> list[Any]:
        if isinstance(text, str):
            return text.split() if self.units == "words" else list(text)
        if self.units != "labels":
            raise TypeError(f"y must be texts (units={self.units!r}), got {text!r}")
        return list(text)


@dataclass(eq=False, repr=False, kw_only=True)
class Transcriber(SequenceEstimator):
    """A string of labels for each sequence, shorter than it and at no known times: words or
    characters for a recording, by connectionist temporal classification.

    Args:
        units: Of texts: "characters" or "words" (with blanks between); "labels" for lists of
            labels of any kind. None: characters of texts, labels of lists.
        beam_width: Beginnings that are kept while the likeliest string is looked for; 1 takes the
            likeliest path.
        convolution: As of other estimators, but False if not given.
        ensemble: As of other estimators, but 1 if not given: each network says a label at a moment
            of its own, and a mean of several says it less clearly at all of them.

    >>> import numpy as np
    >>> from carrousel.sequence import Transcriber
    >>> noise = np.random.default_rng(0)
    >>> texts = ["".join(noise.choice(list("ab"), 1 + k % 4)) for k in range(60)]
    >>> def said(text):  # each letter is a few steps of its own kind, pauses between
    ...     steps = [row for letter in text for row in [letter] * 3 + [" "] * 2]
    ...     return np.array([[row == "a", row == "b"] for row in steps]) + noise.normal(0, 0.1)
    >>> model = Transcriber(hidden_size=16, epochs=30, dropout=0, learning_rate=0.01)
    >>> model.fit([said(text) for text in texts], texts).predict([said("abba")]).tolist()
    ['abba']

    Attributes after ``fit`` or ``load``:
        labels_: What is said.
        report_: What was found on the sequences that were held out: error rates of labels and of
            whole strings, by the likeliest path.
    """

    task_class: ClassVar[type[Task]] = Transcription
    kind: ClassVar[str] = "transcriber"
    sklearn_kind: ClassVar[str] = "classifier"

    convolution: bool | None = False
    ensemble: int | None = 1
    units: str | None = None
    beam_width: int = 8

    @property
    def labels_(self) -> np.ndarray:
        self._require_fitted()
        return self.task_.labels.classes  # type: ignore[attr-defined]

    def predict(self, X: Any) -> np.ndarray:
        """(n,) the likeliest string of each sequence, text or lists as what was learned from."""
        whole("beam_width", self.beam_width)
        return self.task_.decode(self._averaged(X), self.beam_width)  # type: ignore[call-arg]

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Of each sequence (T, 1 + labels): chances that nothing is said at a step, and each of
        ``labels_``."""
        return [part.numpy() for part in self._averaged(X).parts()]  # type: ignore[union-attr]

    def alternatives(self, X: Any, k: int = 5) -> list[list[tuple[Any, float]]]:
        """Of each sequence the ``k`` likeliest strings and their chances, the likeliest first."""
        whole("k", k)
        width = max(self.beam_width, k)
        found = [ctc.beam_search(rows, width)[:k] for rows in self.predict_proba(X)]
        return [[(self.task_.said(s), float(np.exp(c))) for s, c in one] for one in found]  # type: ignore[attr-defined]

    def evaluate(self, X: Any, y: Sequence[str], names: Sequence[Any] = ()) -> TranscriptEvaluation:
        """Error rates, and what was heard wrongly, for texts that were not learned from.

        ``names``: what each is called in the list of mistakes; by default its number from 0.
        """
        said = _strings(y, len(X))
        if not all(isinstance(text, str) for text in said):
            raise TypeError(
                "y must be texts: lists of labels are compared by carrousel.sequence.ctc"
            )
        best = [found[0] for found in self.alternatives(X, 1)]
        heard = [text if isinstance(text, str) else " ".join(map(str, text)) for text, _ in best]
        called = [str(name) for name in names or range(len(said))]
        return TranscriptEvaluation(
            called, [" ".join(text.split()) for text in said], heard, [chance for _, chance in best]
        )

    def explain(self, sequence: Any, answer: Any = None, *, step: int | None = None) -> Explanation:
        """What a label relied on: by default the surest one, or ``answer`` where it is surest.

        Args:
            sequence: As an entry of X; Recordings of one.
            answer: The label that is explained.
            step: At which step; None is where it is surest.
        """
        if step is None and (answer is None or answer in self.labels_.tolist()):
            one = isinstance(sequence, (Ragged, Recordings))
            chances = self.predict_proba(sequence if one else [sequence])[0]
            label = slice(1, None) if answer is None else self._answers().index(answer)
            said = chances[:, label].reshape(len(chances), -1)
            step = int(said.max(1).argmax())
            if answer is None:
                answer = self.labels_.tolist()[int(said[step].argmax())]
        return super().explain(sequence, answer, step=step)

    def _answers(self) -> list[Any]:
        return [None, *self.labels_.tolist()]  # None: nothing is said

    def stream(self) -> TranscriptStream:
        """What is said while the sequence goes on; needs ``bidirectional=False``.

        Raises:
            ValueError: The networks read backwards, too.
        """
        self._require_fitted()
        return TranscriptStream(self.networks_, self.task_, self.reader_)


def _strings(y: Any, count: int) -> list[Any]:
    """One text or list of labels for each of ``count`` sequences."""
    if isinstance(y, (str, bytes, dict)) or not hasattr(y, "__len__"):
        raise TypeError(f"y must be a list of texts or of lists of labels, got {y!r}")
    strings = y.tolist() if hasattr(y, "tolist") else list(y)
    if len(strings) != count:
        raise ValueError(f"y must have a string for each of {count} sequences, got {len(strings)}")
    for k, text in enumerate(strings):
        if not isinstance(text, (str, list, tuple, np.ndarray, Tensor)):
            raise TypeError(f"y[{k}] must be a text or a list of labels, got {text!r}")
    return [text.tolist() if hasattr(text, "tolist") else text for text in strings]


def _unheard(strings: list[list[Any]], lengths: Tensor) -> int:
    """After how many steps no label can have been heard, forwards: a quarter of those that one
    usually takes, and no more than any string can spare."""
    counts = torch.tensor([len(text) for text in strings])
    some = counts > 0
    usual = (lengths[some] / counts[some]).median()
    spare = lengths - torch.tensor([ctc.steps_needed(text) for text in strings])
    return max(min(int(usual / 4), int(spare.min())), 0)


def _units(strings: list[Any]) -> str:
    texts = sum(isinstance(text, str) for text in strings)
    if 0 < texts < len(strings):
        raise TypeError("y must hold texts or lists of labels, got both")
    return "characters" if texts else "labels"
