"""What the experiments ask of a task: endless sequences, a loss, when an answer is right."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Batch:
    """B sequences of one length. Integer targets of -1 are steps at which nothing is asked."""

    inputs: Tensor  # (T, B, I) float
    target: Tensor  # one answer: (B,) int64 or (B, 1) float; an answer a step: (T, B) int64


@dataclass(frozen=True)
class Criterion:
    """A network has solved its task when, of the ``recent`` newest sequences, ``share`` are right.

    Sequences are judged when they arrive, before the network learns from them.
    """

    recent: int = 2000
    share: float = 1.0
    source: str = "Hochreiter & Schmidhuber 1997"


class Task(Protocol):
    """A source of sequences. Implementations are frozen dataclasses: equal settings, equal task."""

    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def every_step(self) -> bool:
        """Whether an answer is asked at every step, or once, after the last."""
        ...

    @property
    def span(self) -> int:
        """About how many steps a sequence has: what one update costs, and T_max for chrono."""
        ...

    @property
    def criterion(self) -> Criterion: ...
    @property
    def memoryless(self) -> float:
        """The loss of the best predictor that sees the current input only."""
        ...

    def batch(self, size: int, rng: torch.Generator) -> Batch: ...
    def loss(self, output: Tensor, batch: Batch) -> Tensor: ...
    def right(self, output: Tensor, batch: Batch) -> Tensor:
        """Which of the B sequences are answered correctly, (B,) bool."""
        ...


def integers(low: int, high: int, size: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Integers from ``low`` to ``high``, both included."""
    return torch.randint(low, high + 1, size, generator=rng)


def one_hot(symbols: Tensor, count: int) -> Tensor:
    return functional.one_hot(symbols, count).float()


def class_loss(output: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy in nats over the answers asked for."""
    return functional.cross_entropy(output.flatten(0, -2), batch.target.flatten(), ignore_index=-1)


def class_error_below(output: Tensor, batch: Batch, limit: float) -> Tensor:
    """Whether no class probability is off by ``limit`` or more."""
    wanted = one_hot(batch.target, output.shape[-1])
    return (output.softmax(-1) - wanted).abs().amax(-1) < limit


def require(name: str, value: int, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
