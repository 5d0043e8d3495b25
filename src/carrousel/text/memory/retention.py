"""What each word wrote into the memory, and how much of it is there after every later word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...explain.accounting import Books
from ...ops.cells import CELLS
from ...record.record import Record
from .sentences import Line


@dataclass(frozen=True)
class Kept:
    """Of one line: layer, word, and the word after which one looks.

    With a_tu the term of step t in unit u's ledger (see :func:`carrousel.explain.ledger`), summed
    over the word's tokens:

        survival = sum_u |a_tu| now / sum_u |a_tu| when it was written
        share    = sum_u |a_tu| / sum over all steps of the same

    NaN before the word, and for a word that has no token of its own or writes nothing.
    """

    survival: np.ndarray  # (L, W, W) of what the word wrote, the part that is still there
    share: np.ndarray  # (L, W, W) of all that is there, the part that the word wrote


def kept(batch: Sequence[Line], seen: Sequence[Record]) -> list[Kept] | None:
    """What is kept of each word of each line; None for a plain RNN, which keeps no sum.

    A layer above the first writes what it has made of all words so far: there the word stands for
    the moment at which it was read.
    """
    if any(CELLS[record.kind].keeps is None for record in seen):
        return None
    held, totals = [], []
    for record in seen:
        for index in range(record.hidden.shape[0]):
            here, total = _held(Books.of(record, index))
            held.append(here)
            totals.append(total)
    amounts, all_amounts = torch.stack(held), torch.stack(totals)
    return [
        _by_word(line, amounts[..., number].numpy(), all_amounts[..., number].numpy())
        for number, line in enumerate(batch)
    ]


def _held(books: Books) -> tuple[Tensor, Tensor]:
    """(T, T, B): sum over units of |term of step t| after step k; and (T, B): of all terms."""
    steps, batch, _ = books.kept.shape
    terms, initial = torch.zeros_like(books.written), books.initial
    held = torch.zeros(steps, steps, batch, dtype=torch.float64)
    totals = torch.zeros(steps, batch, dtype=torch.float64)
    for k in range(steps):
        terms[:k] *= books.kept[k]
        terms[k] = books.written[k]
        initial = initial * books.kept[k]
        held[: k + 1, k] = terms[: k + 1].abs().sum(-1)
        totals[k] = held[:, k].sum(0) + initial.abs().sum(-1)
    return held, totals


def _by_word(line: Line, held: np.ndarray, totals: np.ndarray) -> Kept:
    """Steps (L, T, T) gathered to words (L, W, W)."""
    count, owner, ends = len(line.spans), np.array(line.owner), line.ends()
    survival = np.full((len(held), count, count), np.nan)
    share = survival.copy()
    for word in range(count):
        own = np.flatnonzero(owner == word)
        if len(own) == 0:
            continue
        written = held[:, own, own].sum(1)  # (L,)
        for later in range(word, count):
            now = held[:, own, ends[later]].sum(1)
            survival[:, word, later] = _ratio(now, written)
            share[:, word, later] = _ratio(now, totals[:, ends[later]])
    return Kept(survival, share)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
