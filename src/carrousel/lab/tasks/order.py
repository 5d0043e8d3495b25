"""Temporal order: two or three signals among noise; the answer is the order in which they came."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import Batch, Criterion, class_error_below, class_loss, integers, one_hot

NOISE, X, START, END = 0, 4, 6, 7  # symbols: a b c d, X Y, E (start), B (end)


@dataclass(frozen=True)
class TemporalOrder:
    """Experiments 6a (two signals, 4 classes) and 6b (three, 8 classes) of H & S (1997).

    A sequence of 100 to 110 symbols (one length a batch) starts with E, ends with B and is noise
    from {a, b, c, d} between, but for signals X or Y: the first at a step from 10 to 20, the second
    from 50 to 60 (6b: from 33 to 43 and from 66 to 76). The class is the sequence of signals read
    as a binary number, X = 0 and Y = 1. Right: every class probability within 0.3 of its target.

    ``shrink`` divides every one of these steps, for quick runs.

    >>> TemporalOrder().batch(3, torch.Generator().manual_seed(0)).target.shape
    torch.Size([3])
    """

    signals: int = 2
    shrink: int = 1
    inputs: int = 8
    every_step: bool = False
    criterion: Criterion = Criterion()  # noqa: RUF009  (frozen)

    WINDOWS: ClassVar[dict[int, list[tuple[int, int]]]] = {
        2: [(10, 20), (50, 60)],
        3: [(10, 20), (33, 43), (66, 76)],
    }

    def __post_init__(self) -> None:
        if self.signals not in self.WINDOWS:
            raise ValueError(f"signals must be 2 (6a) or 3 (6b), got {self.signals!r}")
        if self.shrink not in (1, 2, 5):
            raise ValueError(f"shrink must be 1, 2 or 5, got {self.shrink!r}")

    @property
    def name(self) -> str:
        order = {2: "temporal order 6a", 3: "temporal order 6b"}[self.signals]
        return order if self.shrink == 1 else f"{order}, {self.shrink} times shorter"

    @property
    def outputs(self) -> int:
        return 2**self.signals

    @property
    def span(self) -> int:
        return 105 // self.shrink

    @property
    def memoryless(self) -> float:
        return math.log(self.outputs)

    def batch(self, size: int, rng: torch.Generator) -> Batch:
        steps = int(integers(100 // self.shrink, 110 // self.shrink, (1,), rng))
        symbols = integers(NOISE, NOISE + 3, (steps, size), rng)
        symbols[0], symbols[-1] = START, END
        target = torch.zeros(size, dtype=torch.int64)
        for low, high in self.WINDOWS[self.signals]:
            signal = integers(0, 1, (size,), rng)
            at = integers(low // self.shrink, high // self.shrink, (size,), rng)
            symbols[at, torch.arange(size)] = X + signal
            target = 2 * target + signal
        return Batch(one_hot(symbols, self.inputs), target)

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return class_loss(output, batch)

    def right(self, output: Tensor, batch: Batch) -> Tensor:
        return class_error_below(output, batch, 0.3)
