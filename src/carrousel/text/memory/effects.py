"""Two kinds of words at the same distance: a difference, and how sure of it one can be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Effect:
    """How much higher ``first`` is than ``second`` at matched positions; see :func:`contrast`.

    ``low`` and ``high`` bound the difference with the stated confidence.
    """

    difference: float
    low: float
    high: float
    first: float  # the two means, at the same mix of positions
    second: float
    confidence: float
    sentences: int
    groups: int

    @property
    def verdict(self) -> str:
        """ "more", "less", or "no difference" where the interval holds 0."""
        if self.low > 0:
            return "more"
        return "less" if self.high < 0 else "no difference"

    def __str__(self) -> str:
        interval = f"[{self.low:+.3f}, {self.high:+.3f}]"
        return f"{self.difference:+.3f} {interval} ({self.first:.3f} against {self.second:.3f})"


def contrast(
    values: np.ndarray,
    is_first: np.ndarray,
    position: np.ndarray,
    sentence: np.ndarray,
    group_of: Sequence[int],
    *,
    resamples: int = RESAMPLES,
    baseline: np.ndarray | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Effect:
    """The difference between two kinds of observations, positions kept apart.

    Within each position p (the distance to the moment of looking, say) the means of the two kinds
    are compared, and the differences averaged with the weights n1 n2 / (n1 + n2) of
    post-stratification (Mantel & Haenszel 1959): a position at which only one kind occurs counts
    nothing. The interval is a percentile bootstrap (Efron 1979) that draws groups (templates) and,
    within each, sentences: sentences of one template resemble each other.

    Args:
        values, is_first, position, sentence: (N,). An observation each: its number, whether of the
            first kind, its position (an int from 0) and its sentence (an int from 0).
        group_of: (S,) the group of each sentence
        baseline: (N,) what each observation would be anyway: taken off before comparing, left in
            the two means

    Raises ``ValueError`` if at no position both kinds occur.

    >>> rng = np.random.default_rng(0)
    >>> kind, position = rng.integers(0, 2, 400) == 1, rng.integers(0, 5, 400)
    >>> values = 0.5 * kind - 0.1 * position
    >>> effect = contrast(values, kind, position, np.arange(400) // 4, [i // 5 for i in range(100)])
    >>> round(effect.difference, 6), effect.verdict
    (0.5, 'more')
    """
    excess = values if baseline is None else values - baseline
    sums, counts = _by_sentence(excess, is_first, position, sentence, len(group_of))
    plain, _ = _by_sentence(values, is_first, position, sentence, len(group_of))
    once = np.ones((1, len(group_of)))
    if not (counts.sum(0) > 0).all(0).any():
        raise ValueError("at no position are there observations of both kinds")
    drawn = _weights(np.asarray(group_of), resamples, np.random.default_rng(seed))
    spread = _difference(drawn, sums, counts)
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(spread[:, 0], [tail, 1 - tail])
    difference = _difference(once, sums, counts)[0, 0]
    _, first, second = _difference(once, plain, counts)[0]
    return Effect(
        difference=float(difference),
        low=float(low),
        high=float(high),
        first=float(first),
        second=float(second),
        confidence=confidence,
        sentences=len(group_of),
        groups=len(set(group_of)),
    )


def _by_sentence(
    values: np.ndarray,
    is_first: np.ndarray,
    position: np.ndarray,
    sentence: np.ndarray,
    sentences: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts of each sentence, kind (second, first) and position, (S, 2, P)."""
    shape = (sentences, 2, int(position.max(initial=0)) + 1)
    sums, counts = np.zeros(shape), np.zeros(shape)
    at = (sentence, is_first.astype(int), position)
    np.add.at(sums, at, values)
    np.add.at(counts, at, 1)
    return sums, counts


def _weights(group_of: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """(R, S): how often each sentence was drawn, groups first and then their sentences."""
    groups = [np.flatnonzero(group_of == group) for group in np.unique(group_of)]
    times = rng.multinomial(len(groups), [1 / len(groups)] * len(groups), resamples)  # (R, G)
    weights = np.zeros((resamples, len(group_of)))
    for members, drawn in zip(groups, times.T, strict=True):
        size = len(members)
        weights[:, members] = rng.multinomial(drawn * size, [1 / size] * size)
    return weights


def _difference(weights: np.ndarray, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(R, 3): difference and the two means, for each row of sentence weights."""
    shape = (len(weights), *sums.shape[1:])
    total = (weights @ sums.reshape(len(sums), -1)).reshape(shape)  # (R, 2, P)
    number = (weights @ counts.reshape(len(counts), -1)).reshape(shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nan_to_num(number[:, 0] * number[:, 1] / number.sum(1))  # (R, P)
        means = np.nan_to_num(total / number)
        second, first = ((share[:, None] * means).sum(2) / share.sum(1)[:, None]).T
    return np.stack([first - second, first, second], 1)
