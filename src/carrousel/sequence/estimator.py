"""What all estimators of sequences share: scikit-learn's manners around an ensemble."""

import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..audio import Recordings
from ..limits import whole
from ..training import Progress, Run
from ..wording import no_option, some
from .companion.companion import Companion
from .companion.joining import joined
from .explanation.explain import explain
from .explanation.explanation import Explanation
from .inputs.readers import reader_for
from .network import Network
from .plan import Plan, check_options, for_learning_on, for_one_pass, judged_by, plan_for
from .ragged import Ragged
from .storage import load_estimator, save_estimator
from .streaming import Stream
from .task import Outputs, Task, averaged
from .training import Augment, Examples, Member, ask, train_ensemble

S = TypeVar("S", bound="SequenceEstimator")
HeldOut = tuple[Tensor, Outputs]  # numbers of sequences, and what was said of them unseen
Report = Callable[[str, Progress], None]


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceEstimator:
    """``fit`` and ``predict`` for sequences of any lengths. What is None is chosen from the data
    (see ``plan_``).

    Args:
        cell: "lstm", "gru" or "rnn"; None: "gru" for fewer than 500 sequences of numbers, else
            "lstm".
        hidden_size: Units of each recurrent layer, in each direction.
        num_layers: Recurrent layers.
        bidirectional: Whether sequences are read backwards, too; False can be streamed.
        convolution: Whether convolutions stand beside the recurrent layers (LSTM-FCN, Karim et
            al. 2018); None: where there is no companion.
        dropout: Share of the units hidden in training, the same at all steps of a sequence.
        ensemble: Networks from different random starts, whose answers are averaged.
        epochs: How often all sequences are learned from.
        batch_size: Sequences in an update.
        learning_rate: At its highest.
        validation_fraction: Share of the sequences that each network does not learn from, to stop
            early and to calibrate; 0: none.
        missing: Whether numbers may be missing (NaN); None: if some are in what is learned from.
        level: Tokens of texts: "word", "char" or "bpe" (byte pairs).
        vocabulary: Tokens at most; None: all characters, 8,000 words, or 4,000 byte pairs.
        embedding_size: Numbers that stand for a token.
        vectors: File of pretrained vectors of words, in the text format of word2vec or GloVe.
        layout: Of arrays: "ntc" (time before channels) or "nct".
        random_state: Seed of everything that is drawn; None: another one at each ``fit``.
    """

    task_class: ClassVar[type[Task]]
    kind: ClassVar[str]  # of estimator, in files and messages
    sklearn_kind: ClassVar[str]  # "classifier" or "regressor"

    cell: str | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    bidirectional: bool | None = None
    convolution: bool | None = None
    dropout: float | None = None
    ensemble: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    validation_fraction: float | None = None
    missing: bool | None = None
    level: str = "word"
    vocabulary: int | None = None
    embedding_size: int | None = None
    vectors: Any = None
    layout: str | None = None
    random_state: Any = 0

    def __repr__(self) -> str:
        default = {field.name: field.default for field in fields(self)}
        changed = {k: v for k, v in self.get_params().items() if v is not default[k]}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options by name: ``type(e)(**e.get_params())`` is a copy, not fitted."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self: S, **options: Any) -> S:
        """Change options before the next ``fit``."""
        if wrong := no_option(type(self).__name__, options, self.get_params()):
            raise ValueError(wrong)
        for name, value in options.items():
            setattr(self, name, value)
        return self

    def fit(
        self: S,
        X: Any,
        y: Any = None,
        *,
        validation: tuple[Any, Any] | None = None,
        init: "S | str | Path | None" = None,
        progress: Report | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> S:
        """Learn to answer.

        Args:
            X: Sequences: see ``carrousel.sequence.inputs.arrays.read_arrays``.
            y: What is to be answered to each.
            validation: (X, y) to stop early and calibrate on, instead of a part of these.
            init: A fitted estimator of this kind, or the path of a saved one, whose networks learn
                on, with smaller steps and fewer of them; its labels and channels stay.
            progress: Called after every update with the name of the network that is trained and
                a ``carrousel.training.Progress``.
            checkpoint: Folder to which the state of training is written now and then.
            resume: Go on from there; the result is that of a run that never stopped.
        """
        check_options(self)
        if y is None:
            raise ValueError(
                f"y must be given: {type(self).__name__} requires y to be passed, but the target y "
                "is None"
            )
        before = None if init is None else self._before(init)
        self._learn(X, y, before, validation, progress, checkpoint, resume)
        return self

    def partial_fit(self: S, X: Any, y: Any, classes: Any = None) -> S:
        """Learn on from some more sequences: one pass over them (``epochs`` passes, if given).

        Args:
            classes: All labels that there will ever be; needed at the first call, if the first
                sequences do not show all of them.
        """
        check_options(self)
        if self.__sklearn_is_fitted__():
            self._learn(X, y, self, once=True)
        else:
            self._learn(X, y, None, classes=classes, once=True)
        return self

    def _before(self: S, init: "S | str | Path") -> S:
        """The fitted estimator to learn on from."""
        found = type(self).load(init) if isinstance(init, (str, Path)) else init
        if type(found) is not type(self):
            raise TypeError(
                f"init must be a {type(self).__name__} or the path of one, got {init!r:.60}"
            )
        found._require_fitted()
        return found

    def _learn(
        self,
        X: Any,
        y: Any,
        before: "SequenceEstimator | None",
        validation: tuple[Any, Any] | None = None,
        progress: Report | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        classes: Any = None,
        once: bool = False,
    ) -> None:
        seed = _seed(self.random_state)
        if before is None:
            reader, inputs = reader_for(X).learn(X, self)
            task = self.task_class()
            task.learn(y, inputs, self, *(() if classes is None else (classes,)))
        else:
            reader, task = before.reader_, deepcopy(before.task_)
            inputs = reader.read(X)
        examples = Examples(inputs, task.encode(y, inputs))
        held = None
        if validation is not None:
            given = reader.read(validation[0])
            held = Examples(given, task.encode(validation[1], given))
        plan = plan_for(self, inputs, reader.sizes(), task, seed, validated=held is not None)
        if held is not None:
            plan = judged_by(plan, len(held), task)
        if once:
            plan = for_one_pass(plan, self.epochs)
        if before is not None:
            plan = for_learning_on(plan, before.networks_)
        members, plan = self._members(
            reader, task, examples, plan, held,
            init=None if before is None else before.networks_, progress=progress,
            checkpoint=None if checkpoint is None else Path(checkpoint), resume=resume,
        )  # fmt: skip
        _warn(members)
        unseen = unseen_parts(members, examples, held, plan)
        report = task.calibrate(unseen) if unseen else {}
        said: Sequence[Outputs] = [averaged(task, outputs) for outputs, _ in unseen]
        parts = [] if held is not None else _held_out(members, plan)
        companion = None if before is None else before.companion_
        if before is None and plan.companion:
            companion, report, said = joined(
                reader, task, examples, held, parts, unseen, report, plan.train.seed
            )
        self._take(
            reader, task, plan, [m.network for m in members], [m.run for m in members], companion
        )
        self.report_ = report
        numbers = [torch.arange(len(held))] if held is not None else parts
        self.held_out_: list[HeldOut] = list(zip(numbers, said, strict=True))

    def _members(
        self, reader: Any, task: Task, examples: Examples, plan: Plan, held: Examples | None,
        **how: Any,
    ) -> tuple[list[Member], Plan]:  # fmt: skip
        """The trained networks, and the plan with what was found out on the way."""
        augment = self._augment(reader)
        return train_ensemble(
            task, examples, plan, held=held, prepare=reader.prepare, augment=augment, **how
        ), plan  # fmt: skip

    def _augment(self, reader: Any) -> Augment | None:
        """What makes of the sequences of an update others that might have been."""
        return getattr(reader, "augment", None)

    def _take(
        self, reader: Any, task: Task, plan: Plan | None, networks: Sequence[Network],
        runs: Sequence[Run] = (), companion: Companion | None = None,
    ) -> None:  # fmt: skip
        """Become what was fitted, or read from a file."""
        self.reader_, self.task_, self.plan_ = reader, task, plan
        self.networks_, self.runs_ = list(networks), list(runs)
        self.companion_ = companion
        self.held_out_ = []

    def _unlearned(
        self, y: Any, names: Sequence[Any]
    ) -> tuple[list[int], list[Outputs], Sequence[Any]] | None:
        """Of what ``fit`` held out of ``y``: numbers of its sequences, and what was said of it part
        by part; names of all of ``y``. None: there is nothing, or the model was loaded."""
        self._require_fitted()
        if not self.held_out_:
            return None
        numbers, said = zip(*self.held_out_, strict=True)
        return torch.cat(numbers).tolist(), list(said), list(names) or range(len(y))

    def predict(self, X: Any) -> Any:
        """The answers to sequences."""
        said = self._averaged(X)
        return self.task_.decode(said)

    def score(self, X: Any, y: Any) -> float:
        """How good the answers to sequences are; higher is better."""
        return self.task_.score(y, self.predict(X))

    def _averaged(self, X: Any) -> Outputs:
        """What the networks say, activated and averaged."""
        self._require_fitted()
        return self._answered(self.reader_.read(X))

    def _answered(self, batch: Ragged) -> Outputs:
        """The same of sequences that are read already."""
        said = averaged(self.task_, ask(self.networks_, batch))
        return said if self.companion_ is None else self.companion_.beside(batch, said)

    def stream(self) -> Any:
        """A :class:`carrousel.sequence.streaming.Stream` for steps that come one by one."""
        self._require_fitted()
        if self.companion_ is not None:
            raise ValueError(
                "companion must be False for a stream: what it reads is known at the end; fit with "
                "companion=False, bidirectional=False"
            )
        return Stream(self.networks_, self.task_, self.reader_)

    def explain(self, sequence: Any, answer: Any = None, *, step: int | None = None) -> Explanation:
        """What the answer to one sequence relied on, and when it was decided.

        Args:
            sequence: As an entry of X; Recordings of one.
            answer: The label that is explained (of a regressor: the number of the output); by
                default the one that is given.
            step: Of estimators that answer at each step: which; by default the last.

        >>> import numpy as np
        >>> from carrousel import SequenceClassifier
        >>> noise = np.random.default_rng(0)
        >>> X = [noise.normal(k % 2, 0.3, (4 + k % 3, 1)) for k in range(20)]
        >>> model = SequenceClassifier(hidden_size=4, ensemble=1, epochs=2)
        >>> found = model.fit(X, [k % 2 for k in range(20)]).explain(X[1])
        >>> len(found.scores["removed"]), len(found.after)
        (5, 5)
        """
        self._require_fitted()
        one = isinstance(sequence, (Ragged, Recordings))
        batch = self.reader_.read(sequence if one else [sequence])
        if len(batch) != 1:
            raise ValueError(f"sequence must be one, got {len(batch)}")
        said = self._answered(batch)
        where = len(batch.rows) - 1 if step is None else step
        if not isinstance(where, int) or not -len(batch.rows) <= where < len(batch.rows):
            raise ValueError(f"step must be one of {len(batch.rows)}, got {step!r}")
        row = said.rows[where] if isinstance(said, Ragged) else said[0]
        classes = self._answers()
        if answer is None:
            number = 0 if self.task_.scaled else int(row.argmax())
        else:
            number = _number(answer, classes)
        where %= len(batch.rows)
        return explain(
            self.networks_, self.companion_, self.task_, self.reader_, batch, number, classes, where
        )

    def _answers(self) -> list[Any]:
        """What the outputs are called."""
        return list(range(self.task_.outputs))

    def save(self, path: str | Path) -> None:
        """Write what was learned to a folder: numbers as safetensors, the rest as JSON."""
        self._require_fitted()
        save_estimator(Path(path), self)

    @classmethod
    def load(cls: type[S], path: str | Path) -> S:
        """Read what ``save`` wrote; nothing in the files is executed."""
        return load_estimator(Path(path), cls)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's own tools ask: a classifier or a regressor of sequences."""
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        classifies = self.sklearn_kind == "classifier"
        return Tags(
            estimator_type=self.sklearn_kind,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if classifies else None,
            regressor_tags=None if classifies else RegressorTags(),
            input_tags=InputTags(three_d_array=True, string=True, allow_nan=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "networks_")

    def _require_fitted(self) -> None:
        if self.__sklearn_is_fitted__():
            return
        try:
            from sklearn.exceptions import NotFittedError
        except ImportError:
            NotFittedError = RuntimeError
        raise NotFittedError(
            f"this {type(self).__name__} has learned nothing yet: call fit(X, y) or load(path)"
        )


def _number(answer: Any, classes: list[Any]) -> int:
    for number, label in enumerate(classes):
        if type(label) is type(answer) and label == answer:
            return number
    raise ValueError(
        f"answer must be one of {some([repr(one) for one in classes], 5)}, got {answer!r}"
    )


def _seed(random_state: Any) -> int:
    """A seed from what scikit-learn takes for one."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, np.integer):
        random_state = int(random_state)
    whole("random_state", random_state, 0)
    return random_state


def unseen_parts(
    members: Sequence[Member], examples: Examples, held: Examples | None, plan: Plan
) -> list[tuple[list[Outputs], Any]]:
    """Parts that networks did not learn from: what these say of them, and the targets."""
    if held is not None:
        return [(ask([m.network for m in members], held.inputs), held.targets)]
    out = _apart(members)
    if not out:
        return []
    if plan.rotate:
        parts = [(network, examples[part]) for network, part in out]
        return [(ask([network], part.inputs), part.targets) for network, part in parts]
    shared = examples[out[0][1]]
    return [(ask([network for network, _ in out], shared.inputs), shared.targets)]


def _held_out(members: Sequence[Member], plan: Plan) -> list[Tensor]:
    """The numbers of the examples in each of these parts."""
    parts = [part for _, part in _apart(members)]
    return parts if plan.rotate else parts[:1]


def _apart(members: Sequence[Member]) -> list[tuple[Network, Tensor]]:
    """The networks that did not learn from some examples, and the numbers of these."""
    found = [(m.network, m.held_out) for m in members]
    return [(network, part) for network, part in found if part is not None and len(part)]


def _warn(members: Sequence[Member]) -> None:
    for number, member in enumerate(members, 1):
        if member.run.stopped in ("diverged", "interrupted"):
            why = member.run.reason or "the best so far is kept"
            warnings.warn(
                f"training of network {number} was {member.run.stopped} after "
                f"{member.run.steps:,} updates: {why}",
                RuntimeWarning,
                stacklevel=3,
            )
