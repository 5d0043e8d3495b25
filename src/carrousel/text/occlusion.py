"""How much the prediction changes when one word is another: the memory put to the test."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np

from carrousel.text.reading import Line, Readable, Span, probabilities

Stands = Callable[[int], Sequence[str]]  # the word's number -> what to put in its place


def changed(model: Readable, line: Line, stand_ins: Stands) -> np.ndarray:
    """(W, W): the mean change of the prediction after each later word, without each word.

    Change is the total variation distance, half the sum of |p - q| over the vocabulary: the part
    of the probability that moves to other tokens, 0 to 1. The word is replaced by each of
    ``stand_ins(word)`` in turn and the changes are averaged: what stands in for it matters. NaN
    before the word, and where there is nothing to put in its place.
    """
    count = len(line.spans)
    variants, about = [], []
    for word in range(count):
        for text in stand_ins(word):
            variants.append(replaced(model, line, word, text))
            about.append(word)
    total, number = np.zeros((count, count)), np.zeros(count)
    original = next(probabilities(model, [line]))
    for word, there in zip(about, probabilities(model, variants), strict=True):
        total[word] += 0.5 * (there - original).abs().sum(-1).numpy()
        number[word] += 1
    with np.errstate(invalid="ignore"):
        change = total / number[:, None]
    change[np.tril_indices(count, -1)] = np.nan
    return change


def replaced(model: Readable, line: Line, word: int, text: str) -> Line:
    """The line with ``text`` in the place of the word."""
    start, stop = line.spans[word]
    longer = len(text) - (stop - start)
    spans: list[Span] = [
        (a + longer * (a >= stop), b + longer * (b >= stop)) for a, b in line.spans
    ]
    return Line.of(model, line.text[:start] + text + line.text[stop:], spans)


def drawn_from(pool: Sequence[str], line: Line, count: int, seed: int = 0) -> Stands:
    """``count`` different words of ``pool``, drawn as often as they stand in it, for every word.

    Each word has its own draw, and is never replaced by itself.
    """

    def stand_ins(word: int) -> list[str]:
        own, rng = line.words[word], Random(f"{seed} {word} {line.text}")
        found: dict[str, None] = {}
        for _ in range(20 * count):
            drawn = rng.choice(pool)
            if drawn != own:
                found.setdefault(drawn)
            if len(found) == count:
                break
        return list(found)

    return stand_ins
