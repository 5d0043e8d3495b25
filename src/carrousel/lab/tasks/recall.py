"""Recall: the first symbol, asked for after many others; and what such tasks have in common."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .base import Batch, Criterion, class_error_below, class_loss, integers, one_hot, require

CLASSES = 4
DISTRACTORS = 4


@dataclass(frozen=True)
class AmongDistractors:
    """One of four symbols is asked for, after T distractors out of four others.

    Right: every class probability within 0.3 of its target; solved: the newest 500 sequences all
    are (ours).
    """

    distractors: int
    inputs: int = CLASSES + DISTRACTORS
    outputs: int = CLASSES
    every_step: bool = False
    memoryless: float = math.log(CLASSES)
    criterion: Criterion = Criterion(recent=500, source="ours")  # noqa: RUF009  (frozen)

    @property
    def name(self) -> str:
        return f"{type(self).__name__.lower()} T={self.distractors}"

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return class_loss(output, batch)

    def right(self, output: Tensor, batch: Batch) -> Tensor:
        return class_error_below(output, batch, 0.3)


@dataclass(frozen=True)
class Recall(AmongDistractors):
    """One of four symbols, then T distractors out of four others; which one was the first?

    The shortest question about memory: nothing has to be computed, one symbol has to be kept, and
    each distractor is a chance to lose it. Right: every class probability within 0.3 of its target;
    solved: the newest 500 sequences all are (ours).

    >>> Recall(10).batch(3, torch.Generator().manual_seed(0)).inputs.shape
    torch.Size([11, 3, 8])
    """

    def __post_init__(self) -> None:
        require("distractors", self.distractors, 0)

    @property
    def span(self) -> int:
        return self.distractors + 1

    def batch(self, size: int, rng: torch.Generator) -> Batch:
        first = integers(0, CLASSES - 1, (1, size), rng)
        rest = integers(CLASSES, CLASSES + DISTRACTORS - 1, (self.distractors, size), rng)
        return Batch(one_hot(torch.cat([first, rest]), self.inputs), first[0])
