"""From a row of chances for each step to labels that are fewer than the steps, and how wrong they
are.

Connectionist temporal classification (Graves et al. 2006): at each step the network says a label or
nothing (the blank, number 0). What it says at all steps, repetitions taken as one and blanks left
out, is a string of labels, and a string's chance is the sum over all ways to say it.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ..limits import whole

BLANK = 0


def collapse(path: Sequence[int]) -> list[int]:
    """What is said by one label or blank for each step.

    >>> collapse([0, 3, 3, 0, 3, 5, 5, 0])
    [3, 3, 5]
    """
    return [label for label, _ in groupby(path) if label != BLANK]


def greedy(chances: Any) -> list[int]:
    """The labels of the likeliest path; other strings may be likelier, having more paths.

    Args:
        chances: (T, 1 + labels), of the blank and each label.

    >>> greedy([[0.1, 0.9], [0.8, 0.2], [0.1, 0.9]])
    [1, 1]
    """
    return collapse(_rows(chances).argmax(1).tolist())


def beam_search(chances: Any, width: int = 8) -> list[tuple[list[int], float]]:
    """The likeliest strings, each with the logarithm of its chance, the likeliest first.

    After each step the ``width`` likeliest beginnings are kept (prefix search, Graves 2006; Hannun
    et al. 2014). What is said of a string's chance is exact if nothing was dropped on the way, else
    a part of it.

    Args:
        chances: (T, 1 + labels), of the blank and each label; each row sums to 1.
        width: Beginnings that are kept.

    >>> best, second = beam_search([[0.6, 0.4], [0.6, 0.4]])
    >>> best[0], round(float(np.exp(best[1])), 2)  # said at the first step, the second, or both
    ([1], 0.64)
    """
    whole("width", width)
    beams: Beams = {_Text(None, BLANK): (1.0, 0.0)}
    scale = 0.0  # logarithm of what all chances were divided by, so that none becomes zero
    for row in _rows(chances).tolist():
        found = _likeliest(_extended(beams, row), width)
        largest = max(a + b for _, (a, b) in found)
        scale += math.log(largest)
        beams = {_made(step): (a / largest, b / largest) for step, (a, b) in found}
    ranked = sorted(beams.items(), key=lambda item: -sum(item[1]))
    return [(text.labels(), scale + math.log(a + b)) for text, (a, b) in ranked]


class _Text:
    """A beginning as the one before it and a label: longer ones share what they have in common.

    One string is one object, also where it was dropped and is found again.
    """

    __slots__ = ("__weakref__", "before", "label", "longer")

    def __init__(self, before: "_Text | None", label: int) -> None:
        self.before, self.label = before, label
        self.longer: WeakValueDictionary[int, _Text] | None = None

    def followed_by(self, label: int) -> "_Text":
        if self.longer is None:
            self.longer = WeakValueDictionary()
        known = self.longer.get(label)
        if known is None:
            self.longer[label] = known = _Text(self, label)
        return known

    def labels(self) -> list[int]:
        found, text = [], self
        while text.before is not None:
            found.append(text.label)
            text = text.before
        return found[::-1]


Beams = dict[_Text, tuple[float, float]]  # chances that a blank was last, and a label
Step = tuple["_Text | None", int, "_Text | None"]  # what a text is followed by; or the empty text


def _extended(beams: Beams, row: list[float]) -> dict[Step, list[float]]:
    """All beginnings one step later, each as the one before it and its last label: those that are
    dropped at once are never made."""
    after: defaultdict[Step, list[float]] = defaultdict(lambda: [0.0, 0.0])
    said = [(label, chance) for label, chance in enumerate(row) if label != BLANK and chance > 0]
    for text, (blank, label_last) in beams.items():
        both, last = blank + label_last, text.label
        stays = after[(text.before, last, None if text.before else text)]
        stays[0] += both * row[BLANK]
        if last != BLANK:
            stays[1] += label_last * row[last]
        for label, chance in said:
            # The same label again is a second one only after a blank.
            after[(text, label, None)][1] += (blank if label == last else both) * chance
    return after


def _likeliest(after: dict[Step, list[float]], width: int) -> list[tuple[Step, list[float]]]:
    there = [item for item in after.items() if item[1][0] + item[1][1] > 0]
    return sorted(there, key=lambda item: -(item[1][0] + item[1][1]))[:width]


def _made(step: Step) -> _Text:
    before, label, empty = step
    if before is not None:
        return before.followed_by(label)
    assert empty is not None
    return empty


def _rows(chances: Any) -> np.ndarray:
    rows = np.asarray(chances, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError(f"chances must have the shape (T, 1 + labels), got {rows.shape}")
    if not np.isfinite(rows).all() or (rows < 0).any() or (rows.sum(1) <= 0).any():
        raise ValueError("chances must be probabilities, got a row of others")
    return rows


def steps_needed(labels: Sequence[int]) -> int:
    """How many steps it takes to say labels: one each, and a blank between two that are alike.

    >>> steps_needed([1, 1, 2])
    4
    """
    again = sum(a == b for a, b in pairwise(labels))
    return len(labels) + again


class GreedyStream:
    """The labels of the likeliest path as the steps come.

    >>> stream = GreedyStream()
    >>> stream.push([[0.1, 0.9], [0.2, 0.8]]), stream.push([[0.1, 0.9], [0.9, 0.1], [0.3, 0.7]])
    ([1], [1])
    """

    def __init__(self) -> None:
        self._last = BLANK

    def push(self, chances: Any) -> list[int]:
        """Labels that were begun in these steps."""
        path = [self._last, *_rows(chances).argmax(1).tolist()]
        self._last = path[-1]
        return [now for before, now in pairwise(path) if now not in (BLANK, before)]


@dataclass(frozen=True)
class Edits:
    """What makes one string of another, the fewest changes that do."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def total(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    def __add__(self, other: "Edits") -> "Edits":
        return Edits(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


def edits(reference: Sequence[Hashable], answer: Sequence[Hashable]) -> Edits:
    """The fewest changes (Levenshtein 1966) that make ``answer`` of ``reference``.

    >>> edits("kitten", "sitting")
    Edits(substitutions=2, deletions=0, insertions=1)
    """
    # Of each beginning of the answer: (changes, substitutions, deletions, insertions).
    row = [(k, 0, 0, k) for k in range(len(answer) + 1)]
    for i, wanted in enumerate(reference, 1):
        above, row = row, [(i, 0, i, 0)]
        for k, got in enumerate(answer, 1):
            n, s, d, a = above[k - 1]
            different = int(wanted != got)
            best = (n + different, s + different, d, a)
            n, s, d, a = above[k]
            best = min(best, (n + 1, s, d + 1, a), key=lambda one: one[0])
            n, s, d, a = row[k - 1]
            row.append(min(best, (n + 1, s, d, a + 1), key=lambda one: one[0]))
    return Edits(*row[-1][1:])


def error_rate(
    references: Sequence[Sequence[Hashable]], answers: Sequence[Sequence[Hashable]]
) -> float:
    """Changes that make the answers of the references, for each label in these; may exceed 1.

    >>> error_rate([["one", "two"], ["six"]], [["one"], ["six"]])
    0.3333333333333333

    Raises:
        ValueError: They are not as many, or the references hold no labels.
    """
    if len(references) != len(answers):
        raise ValueError(
            f"answers must be as many as references, got {len(answers)} and {len(references)}"
        )
    labels = sum(map(len, references))
    if not labels:
        raise ValueError("references must hold at least one label")
    changes = sum((edits(a, b) for a, b in zip(references, answers, strict=True)), Edits())
    return changes.total / labels


def word_error_rate(references: Sequence[str], answers: Sequence[str]) -> float:
    """Of texts, whose words have blanks between.

    >>> word_error_rate(["one nine four"], ["one five four four"])
    0.6666666666666666
    """
    return error_rate([text.split() for text in references], [text.split() for text in answers])


def character_error_rate(references: Sequence[str], answers: Sequence[str]) -> float:
    """Of texts, blanks between words included.

    >>> character_error_rate(["four"], ["for"])
    0.25
    """
    return error_rate(references, answers)
