"""One training loop for every model in the package: gradient descent, and nothing lost on the way.

>>> import torch
>>> model = torch.nn.Linear(1, 1)
>>> def batches(step, generator):
...     x = torch.rand(8, 1, generator=generator)
...     return x, 3 * x
>>> def loss(model, batch):
...     x, y = batch
...     return (model(x) - y).square().mean()
>>> run = fit(model, batches, loss, TrainOptions(steps=200, learning_rate=0.1, average=0.9))
>>> run.steps, abs(model.weight.item() - 3) < 0.3
(200, True)
"""

import copy
import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from ..limits import real, whole
from ..storage.checkpoint import load_checkpoint, prefixed, save_checkpoint, section
from ..storage.plain import restored, typed
from ..wording import one_of
from .adamw import AdamW
from .peers import PEERS, training_among

LOG = logging.getLogger(__name__)

Batches = Callable[[int, torch.Generator], Any]  # (step, generator) -> one batch
Loss = Callable[[nn.Module, Any], Tensor]  # (model, batch) -> scalar
Score = Callable[[nn.Module], float]  # lower is better
Diagnose = Callable[[nn.Module, Any], str]  # (model, batch) -> what in it has no finite loss


@dataclass(frozen=True)
class TrainOptions:
    """How to descend.

    Args:
        steps: Parameter updates at most.
        learning_rate: Peak of the schedule: a linear warm-up, then half a cosine down to zero.
        warmup: Share of the steps spent warming up.
        schedule: "cosine" or "constant" (after the warm-up).
        length: Steps that the schedule is made for, where a training ends in the midst of it; 0:
            all of ``steps``.
        weight_decay: Decoupled (AdamW, Loshchilov & Hutter 2019), on matrices only.
        clip: Largest norm of the gradient of all parameters together; 0 leaves it as it is.
        average: Decay of the moving average of the parameters that is evaluated and returned
            (Polyak & Juditsky 1992); 0 returns the parameters themselves.
        evaluate_every: Steps between two validations (where there is a validation).
        patience: Validations without improvement before stopping; 0 never stops early.
        checkpoint_every: Steps between two checkpoints (where there is a path for them).
        seed: Of the generator that draws the batches. No global state is touched.
    """

    steps: int = 1000
    learning_rate: float = 1e-3
    warmup: float = 0.05
    schedule: str = "cosine"
    length: int = 0
    weight_decay: float = 1e-4
    clip: float = 1.0
    average: float = 0.0
    evaluate_every: int = 50
    patience: int = 0
    checkpoint_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "evaluate_every", "checkpoint_every"):
            whole(name, getattr(self, name))
        for name in ("patience", "seed", "length"):
            whole(name, getattr(self, name), 0)
        real("learning_rate", self.learning_rate, 0, 100, above=True)
        real("warmup", self.warmup, 0, 1)
        real("weight_decay", self.weight_decay, 0)
        real("clip", self.clip, 0)
        real("average", self.average, 0, 1, below=True)
        one_of("schedule", self.schedule, ("cosine", "constant"))

    def rate(self, step: int) -> float:
        """Learning rate of the update number ``step`` (from 0)."""
        length = self.length or self.steps
        warm = max(round(length * self.warmup), 1)
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        if self.schedule == "constant":
            return self.learning_rate
        done = (step - warm) / max(length - warm, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Progress:
    """What the progress callback is told after every step."""

    step: int  # updates done
    steps: int  # updates planned
    loss: float  # of the last batch
    score: float | None  # of the last validation
    rate: float  # updates a second, over this run


@dataclass
class Run:
    """What came out: the model itself was changed in place."""

    steps: int = 0  # updates done
    best_step: int = 0  # the update whose parameters were returned
    best_score: float | None = None
    stopped: str = "finished"  # "finished" | "early" | "interrupted" | "diverged"
    reason: str = ""  # of a divergence, in words
    losses: list[float] = field(default_factory=list)  # one a step
    scores: list[tuple[int, float]] = field(default_factory=list)  # (updates done, validation)


def fit(
    model: nn.Module,
    batches: Batches,
    loss: Loss,
    options: TrainOptions | None = None,
    *,
    validate: Score | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    identity: str = "",
    diagnose: Diagnose | None = None,
) -> Run:
    """Train ``model`` in place and leave the best parameters in it.

    ``batches(step, generator)`` draws all its randomness from the generator, so that a run that
    is stopped and resumed is the run that was never stopped, bit for bit on the same machine with
    as many threads. With ``validate``, the parameters with the lowest score win; without, the
    last ones. Ctrl-C keeps the best so far,
    and so does a loss that is no longer finite (``Run.stopped`` and ``Run.reason`` say which;
    ``diagnose`` finds the words for what in the batch was to blame).

    A checkpoint is replaced in one step, so that a run killed at any moment can resume. One that
    cannot be written (a full disk) is a warning: the training goes on, the last one stays.
    ``identity`` names what is learned (a digest of the data, say): a checkpoint with another one
    is refused.
    """
    state = _State(model, options or TrainOptions(), identity)
    path = Path(checkpoint) if checkpoint is not None else None
    if resume and path is not None:
        state.restore(path)
    try:
        _descend(state, batches, loss, validate, progress, path, diagnose)
    except KeyboardInterrupt:
        state.run.stopped = "interrupted"
    state.finish()
    return state.run


def _descend(
    state: "_State",
    batches: Batches,
    loss: Loss,
    validate: Score | None,
    progress: Callable[[Progress], None] | None,
    path: Path | None,
    diagnose: Diagnose | None,
) -> None:
    options, run = state.options, state.run
    began, first = perf_counter(), run.steps
    if validate is not None and run.steps == 0:
        state.judge(validate)
    while run.steps < options.steps and run.stopped == "finished":
        batch = batches(run.steps, state.generator)
        value = state.update(loss, batch)
        if not math.isfinite(value):
            state.diverged(batch, diagnose)
            break
        last = run.steps == options.steps
        if validate is not None and (last or run.steps % options.evaluate_every == 0):
            state.judge(validate)
        ends = last or run.stopped != "finished"
        if path is not None and (ends or run.steps % options.checkpoint_every == 0):
            state.save(path)
        if progress is not None:
            score = run.scores[-1][1] if run.scores else None
            speed = (run.steps - first) / (perf_counter() - began)
            progress(Progress(run.steps, options.steps, value, score, speed))


class _State:
    """Everything that the next step depends on: what a checkpoint holds."""

    def __init__(self, model: nn.Module, options: TrainOptions, identity: str) -> None:
        self.model, self.options, self.run = model, options, Run()
        self.identity = identity
        self.optimizer = AdamW(model.parameters(), options.weight_decay)
        self.generator = torch.Generator().manual_seed(options.seed)
        self.averaged = copy.deepcopy(model) if options.average else model
        # Found once: a walk through the modules at every step takes longer than the average.
        self.means: list[Tensor] = list(self.averaged.parameters())
        self.parameters: list[Tensor] = list(model.parameters())
        self.buffers = list(zip(self.averaged.buffers(), model.buffers(), strict=True))
        self.best = _copy(self.averaged)
        self.peers = PEERS.get()
        self.shared: nn.Module | None = None
        model.train()

    def update(self, loss: Loss, batch: Any) -> float:
        """One step of descent; a loss that is not finite changes nothing."""
        options, run = self.options, self.run
        self.optimizer.zero_grad()
        value = self._value(loss, batch)
        number, count = value.item(), 1
        if self.peers is not None:
            (number,), count = self.peers.total(number), self.peers.count
        if not math.isfinite(number):
            return number
        (value if count == 1 else value * count).backward()  # what follows is the mean of all
        norm = self.optimizer.norm()
        if not math.isfinite(norm):
            return norm
        longest = options.clip or math.inf  # as torch.nn.utils.clip_grad_norm_
        self.optimizer.step(options.rate(run.steps), max((norm + 1e-6) / longest, 1.0))
        run.steps += 1
        run.losses.append(number)
        self._average()
        return number

    def _value(self, loss: Loss, batch: Any) -> Tensor:
        """The loss of a batch; of several processes, that of this one's rows."""
        if self.peers is None:
            return loss(self.model, batch)
        if self.shared is None:
            self.shared = self.peers.shared(self.model, loss)
        value: Tensor = self.shared(batch)
        return value

    def judge(self, validate: Score) -> None:
        """Validate the averaged parameters, keep them if they are the best, stop if none were."""
        run, patience = self.run, self.options.patience
        self.averaged.eval()
        with torch.no_grad():
            score = validate(self.averaged)
        self.averaged.train()
        if self.peers is not None:
            score = self.peers.agreed(score)  # other processors round differently
        run.scores.append((run.steps, score))
        LOG.debug("update %d: validation %.5g", run.steps, score)
        best = math.inf if run.best_score is None else run.best_score
        if score < best:  # never true of NaN
            self.best = _copy(self.averaged)
            run.best_score, run.best_step = score, run.steps
        since = sum(step > run.best_step for step, _ in run.scores)
        if patience and since >= patience:
            run.stopped = "early"

    def diverged(self, batch: Any, diagnose: Diagnose | None) -> None:
        """Stop with the parameters as they are, and find out why."""
        self.run.stopped = "diverged"
        self.run.reason = "the loss or its gradient is no longer finite"
        if diagnose is not None:
            with torch.no_grad(), training_among(None):
                self.run.reason = diagnose(self.model, batch) or self.run.reason

    def finish(self) -> None:
        """Leave the best parameters (without a validation: the last) in the model."""
        if self.run.best_score is None:
            self.best, self.run.best_step = _copy(self.averaged), self.run.steps
        self.shared = None  # and with it what waits for gradients of the model
        self.model.load_state_dict(self.best)
        self.model.eval()
        run = self.run
        LOG.info("%s after %d updates, kept update %d", run.stopped, run.steps, run.best_step)

    def _average(self) -> None:
        if self.averaged is self.model:
            return
        # Early on the average follows closely, so that it does not remember the initial values.
        step = self.run.steps
        weight = 1 - min(self.options.average, step / (step + 9))
        with torch.no_grad():
            torch._foreach_lerp_(self.means, self.parameters, weight)
            for mean, value in self.buffers:
                mean.copy_(value)

    def save(self, path: Path) -> None:
        if self.peers is not None and self.peers.rank:
            return
        tensors = {
            **prefixed("model", self.model.state_dict()),
            **prefixed("averaged", self.averaged.state_dict()),
            **prefixed("best", self.best),
            "generator": self.generator.get_state(),
        }
        for i, state in enumerate(self.optimizer.state):
            tensors.update(prefixed(f"optimizer.{i}", state))
        scores = [
            (step, score if math.isfinite(score) else None) for step, score in self.run.scores
        ]
        run = {**vars(self.run), "scores": scores}  # JSON has no NaN
        data = {"run": run, "options": vars(self.options), "identity": self.identity}
        try:
            save_checkpoint(path, tensors, data)
        except OSError as error:
            warnings.warn(
                f"checkpoint {path} cannot be written ({error.strerror}); the training goes on, "
                "an earlier checkpoint is as it was",
                RuntimeWarning,
                stacklevel=4,
            )

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one; of several processes the first one reads it."""
        first = self.peers is None or self.peers.rank == 0
        found = load_checkpoint(path) if first and path.exists() else None
        if self.peers is not None:
            found = self.peers.agreed(found)
        if found is None:
            return
        tensors, data = found
        if data.get("identity", "") != self.identity:
            raise ValueError(f"checkpoint {path} belongs to a training on other data")
        if data.get("options") != vars(self.options):
            raise ValueError(
                f"checkpoint {path} was written with other options: {data.get('options')}; "
                f"now they are {vars(self.options)}"
            )
        try:
            self._restore(tensors, _run(data.get("run")))
        except ValueError as error:
            raise ValueError(f"checkpoint {path} does not fit this training: {error}") from error

    def _restore(self, tensors: dict[str, Tensor], run: Run) -> None:
        """Take over everything, once it is known to be all there."""
        states = [section(f"optimizer.{i}", tensors) for i in range(len(self.optimizer.state))]
        parts = {name: section(name, tensors) for name in ("model", "averaged", "best")}
        for name, part in parts.items():
            _require_like(part, self.model.state_dict(), name)
        for i, (saved, state) in enumerate(zip(states, self.optimizer.state, strict=True)):
            _require_like(saved, state, f"optimizer.{i}")
        generator = {"generator": tensors["generator"]} if "generator" in tensors else {}
        _require_like(generator, {"generator": self.generator.get_state()}, "random")
        if not 0 <= run.best_step <= run.steps <= self.options.steps:
            raise ValueError(f"run is at step {run.steps} of {self.options.steps}")
        try:
            self.generator.set_state(tensors["generator"])
        except RuntimeError as error:
            raise ValueError(f"generator: {error}") from error
        self.model.load_state_dict(parts["model"])
        self.averaged.load_state_dict(parts["averaged"])
        self.best, self.run = parts["best"], run
        for state, saved in zip(self.optimizer.state, states, strict=True):
            state.update(saved)


def _run(data: Any) -> Run:
    """What a checkpoint says of the run; a score that was not finite is null there."""
    if not isinstance(data, dict):
        raise ValueError("run is missing")
    pairs = typed(data.get("scores", []), list[tuple[int, float | None]], "run.scores")
    run = restored(Run, {**data, "scores": []}, "run")
    run.scores = [(step, math.nan if score is None else score) for step, score in pairs]
    return run


def _require_like(found: dict[str, Tensor], wanted: dict[str, Tensor], what: str) -> None:
    """Raise ``ValueError`` unless names, shapes and types are the same."""
    have, want = (
        {name: (tuple(t.shape), t.dtype) for name, t in one.items()} for one in (found, wanted)
    )
    if have != want:
        name = min(name for name in have.keys() | want.keys() if have.get(name) != want.get(name))
        raise ValueError(f"{what}.{name} is {have.get(name)}, expected {want.get(name)}")


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
