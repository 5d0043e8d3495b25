"""The copy problem: repeat ten symbols after a long silence."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .base import Batch, Criterion, class_loss, integers, one_hot, require

SYMBOLS = 8
BLANK, GO = 8, 9


@dataclass(frozen=True)
class Copy:
    """The copy memory problem (Arjovsky, Shah & Bengio 2016), sequences of T + 2 L steps.

    L symbols out of eight (ten in the paper); T - 1 blanks; the sign to start; L more blanks,
    during which the symbols are to be repeated (blank is the right answer before). Without memory
    the best answer is blank, then any symbol: a loss of ``L ln 8 / (T + 2 L)``, in the paper
    ``10 ln 8 / (T + 20)``.

    A sequence is right if its L symbols are; the task is solved when 99 % of the newest 2,000 are
    (that criterion is ours: the later papers show curves only).

    >>> Copy(20).batch(3, torch.Generator().manual_seed(0)).inputs.shape
    torch.Size([40, 3, 10])
    """

    delay: int
    length: int = 10
    inputs: int = 10
    outputs: int = 9
    every_step: bool = True
    criterion: Criterion = Criterion(share=0.99, source="ours")  # noqa: RUF009  (frozen)

    def __post_init__(self) -> None:
        require("delay", self.delay, 1)
        require("length", self.length, 1)

    @property
    def name(self) -> str:
        return f"copy T={self.delay}, {self.length} symbols"

    @property
    def span(self) -> int:
        return self.delay + 2 * self.length

    @property
    def memoryless(self) -> float:
        return self.length * math.log(SYMBOLS) / self.span

    def batch(self, size: int, rng: torch.Generator) -> Batch:
        word = integers(0, SYMBOLS - 1, (self.length, size), rng)
        symbols = torch.full((self.span, size), BLANK)
        target = symbols.clone()
        symbols[: self.length] = word
        symbols[self.length + self.delay - 1] = GO
        target[-self.length :] = word
        return Batch(one_hot(symbols, self.inputs), target)

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return class_loss(output, batch)

    def right(self, output: Tensor, batch: Batch) -> Tensor:
        said = output[-self.length :].argmax(-1)
        return (said == batch.target[-self.length :]).all(0)
