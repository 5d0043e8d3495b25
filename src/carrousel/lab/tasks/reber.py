"""Predicting the strings of the embedded Reber grammar, symbol by symbol."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import log

import torch
from torch import Tensor

from . import grammar
from .base import Batch, Criterion, class_loss, one_hot
from .grammar import SYMBOLS

STATES = list(grammar.EMBEDDED)
ALLOWED = torch.tensor([[s in edges for s in SYMBOLS] for edges in grammar.EMBEDDED.values()])


@dataclass(frozen=True)
class ReberBatch(Batch):
    allowed: Tensor  # (T, B, 7) bool, all False after the end of a string


@dataclass(frozen=True)
class Reber:
    """Experiment 1 of Hochreiter & Schmidhuber (1997): predict the next symbol of each string.

    A string is right if after each of its symbols the ones that may follow (one or two) are the
    most active outputs. The article trains on 256 strings and asks for 256 others too; here every
    string is fresh and the newest 512 must be right. Short strings are padded at their end.

    >>> Reber().batch(3, torch.Generator().manual_seed(0)).inputs.shape[1:]
    torch.Size([3, 7])
    """

    inputs: int = len(SYMBOLS)
    outputs: int = len(SYMBOLS)
    every_step: bool = True
    criterion: Criterion = Criterion(recent=512)  # noqa: RUF009  (frozen)
    name: str = "embedded Reber"
    span: int = 20  # strings have 11.5 symbols on average; the longest of a batch about 20

    @property
    def memoryless(self) -> float:
        return bigram_entropy()

    def batch(self, size: int, rng: torch.Generator) -> ReberBatch:
        seed = int(torch.randint(2**31, (1,), generator=rng))
        draw = random.Random(seed)
        return encode([grammar.string(draw) for _ in range(size)])

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return class_loss(output, batch)

    def right(self, output: Tensor, batch: Batch) -> Tensor:
        assert isinstance(batch, ReberBatch)
        weakest = output.masked_fill(~batch.allowed, float("inf")).amin(-1)  # of the allowed ones
        strongest = output.masked_fill(batch.allowed, -float("inf")).amax(-1)  # of the others
        return ((weakest > strongest) | ~batch.allowed.any(-1)).all(0)


def encode(strings: list[str]) -> ReberBatch:
    """Strings to one-hot inputs (T, B, 7), next symbols (T, B; -1 after the end), allowed ones."""
    steps = max(map(len, strings))
    codes = [[SYMBOLS.index(symbol) for symbol in text] for text in strings]
    states = [[STATES.index(state) for state in grammar.walk(text)] for text in strings]
    symbols = _columns(codes, steps, -1)
    allowed = ALLOWED[_columns(states, steps, STATES.index("done"))[:-1]]
    return ReberBatch(one_hot(symbols[:-1].clamp(min=0), len(SYMBOLS)), symbols[1:], allowed)


def _columns(rows: list[list[int]], steps: int, filler: int) -> Tensor:
    """Lists of unequal length as the columns of (steps, len(rows))."""
    return torch.tensor([row + [filler] * (steps - len(row)) for row in rows]).T


@cache
def bigram_entropy(strings: int = 20_000) -> float:
    """Entropy in nats of the next symbol given the current one: the loss floor without memory."""
    rng = random.Random(0)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _ in range(strings):
        text = grammar.string(rng)
        for symbol, following in pairwise(text):
            counts[symbol][following] += 1
    total = sum(after.total() for after in counts.values())
    return -sum(
        number / total * log(number / after.total())
        for after in counts.values()
        for number in after.values()
    )


@cache
def grammar_entropy(strings: int = 20_000) -> float:
    """The loss floor with a perfect memory: ln 2 at each branch, 0 elsewhere."""
    rng = random.Random(0)
    branches = symbols = 0
    for _ in range(strings):
        allowed = grammar.successors(grammar.string(rng))
        branches += sum(len(options) > 1 for options in allowed)
        symbols += len(allowed)
    return log(2) * branches / symbols
