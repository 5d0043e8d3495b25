"""Latest: of several symbols among distractors, the last one is asked for."""

from dataclasses import dataclass

import torch

from .base import Batch, integers, one_hot, require
from .recall import CLASSES, DISTRACTORS, AmongDistractors

CUES = 4


@dataclass(frozen=True)
class Latest(AmongDistractors):
    """Four symbols among T distractors, in the first half; which of them came last?

    What a memory that cannot be emptied costs: each symbol has to take the place of the one before
    it. The second half holds distractors only, so that without memory nothing is known. Right and
    solved as for :class:`carrousel.lab.tasks.Recall`.

    >>> Latest(10).batch(3, torch.Generator().manual_seed(0)).inputs.shape
    torch.Size([14, 3, 8])
    """

    def __post_init__(self) -> None:
        require("distractors", self.distractors, CUES)

    @property
    def span(self) -> int:
        return self.distractors + CUES

    def batch(self, size: int, rng: torch.Generator) -> Batch:
        steps, half = self.span, self.span // 2
        symbols = integers(CLASSES, CLASSES + DISTRACTORS - 1, (steps, size), rng)
        later = torch.rand(half - 1, size, generator=rng).argsort(0)[: CUES - 1] + 1
        places = torch.cat([torch.zeros(1, size, dtype=torch.int64), later])  # one is the first
        cues = integers(0, CLASSES - 1, (CUES, size), rng)
        symbols = symbols.scatter(0, places, cues)
        last = cues.gather(0, places.argmax(0, keepdim=True))[0]
        return Batch(one_hot(symbols, self.inputs), last)
