"""Sentences as the memory's tools see them: words, their tokens, what the model says after each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ...explain.asking import evaluated
from ...record.record import Record
from ...tokenizers.pieces import pieces
from ...tracing import trace

Span = tuple[int, int]

_BATCH = 64


class Readable(Protocol):
    """What looking into a model's memory needs of it."""

    @property
    def module(self) -> nn.Module:
        """What holds the recurrent layers."""

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """(token, where it ends in ``text``), after a token that begins a line and ends at 0."""

    def text(self, tokens: Sequence[int]) -> str:
        """What the tokens spell."""

    def logits(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, T, V): scores of the token after each."""


def words(text: str) -> list[Span]:
    """Where the words of ``text`` stand: an elided one, a word, a digit or a mark, without spaces.

    >>> [text[a:b] for text in ["Hier j'ai mangé."] for a, b in words(text)]
    ['Hier', "j'", 'ai', 'mangé', '.']
    """
    spans, end = [], 0
    for piece in pieces(text):
        end += len(piece)
        if piece.strip():
            spans.append((end - len(piece.lstrip()), end))
    return spans


@dataclass(frozen=True)
class Line:
    """A text, its words and its tokens: ``owner[t]`` is the word of token t, -1 before the first.

    A token belongs to the first word that ends no earlier, so that a space goes with what follows.
    """

    text: str
    spans: tuple[Span, ...]
    tokens: tuple[int, ...]
    owner: tuple[int, ...]

    @classmethod
    def of(cls, model: Readable, text: str, spans: Sequence[Span]) -> "Line":
        tokens, owner, word = [], [], -1
        for token, end in model.pieces(text):
            while end > 0 and (word < 0 or end > spans[word][1]) and word + 1 < len(spans):
                word += 1
            if word >= 0 and end > spans[word][1]:
                break  # what follows the last word
            tokens.append(token)
            owner.append(word)
        return cls(text, tuple(spans), tuple(tokens), tuple(owner))

    @property
    def words(self) -> list[str]:
        return [self.text[start:stop] for start, stop in self.spans]

    def ends(self) -> list[int]:
        """The token after which each word has been read."""
        ends, last = [], 0
        for word in range(len(self.spans)):
            own = [t for t, owner in enumerate(self.owner) if owner == word]
            last = own[-1] if own else last
            ends.append(last)
        return ends


def probabilities(model: Readable, lines: Sequence[Line]) -> Iterator[Tensor]:
    """Of each line, (W, V): what the model expects after each word."""
    for batch, tokens in _batches(lines):
        with torch.no_grad(), evaluated(model.module):
            logits = model.logits(tokens)
        for row, line in zip(logits, batch, strict=True):
            yield row[line.ends()].float().softmax(-1)


def records(model: Readable, lines: Sequence[Line]) -> Iterator[tuple[list[Line], list[Record]]]:
    """Lines in batches, each with the records of the model's recurrent layers."""
    for batch, tokens in _batches(lines):
        with torch.no_grad(), evaluated(model.module), trace(model.module) as seen:
            model.logits(tokens)
        yield batch, list(seen)


def _batches(lines: Sequence[Line]) -> Iterator[tuple[list[Line], Tensor]]:
    for start in range(0, len(lines), _BATCH):
        batch = list(lines[start : start + _BATCH])
        longest = max(len(line.tokens) for line in batch)
        # What stands behind a line's end cannot change what came before it.
        padded = [[*line.tokens, *[0] * (longest - len(line.tokens))] for line in batch]
        yield batch, torch.tensor(padded)


__all__: list[Any] = ["Line", "Readable", "Span", "probabilities", "records", "words"]
