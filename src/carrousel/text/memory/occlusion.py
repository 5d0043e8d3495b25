"""How much the prediction changes when one word is another: the memory put to the test."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from .sentences import Line, Readable, probabilities

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
        if word not in line.owner:
            continue
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
    """The line with the tokens of ``text`` in the place of the word's; all others stay.

    The first word of a line is written with a capital, every other with a space before it.
    """
    first = min(line.owner[1:]) == word
    spelled = model.pieces(text[:1].upper() + text[1:] if first else " " + text)[1:]
    at = line.owner.index(word)
    after = at + line.owner.count(word)
    return replace(
        line,
        tokens=(*line.tokens[:at], *(token for token, _ in spelled), *line.tokens[after:]),
        owner=(*line.owner[:at], *[word] * len(spelled), *line.owner[after:]),
    )


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
