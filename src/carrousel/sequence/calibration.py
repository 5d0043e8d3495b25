"""Probabilities that mean what they say: one temperature, found on examples held out.

Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks".
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

BINS = 15
_LOW, _HIGH = 0.05, 20.0  # of temperatures
_SMALLEST = 1e-30  # probability, so that its logarithm is finite
_PRIOR = 1.0  # examples' worth of doubt that the temperature is far from 1

# Of a part that was held out: scores of the networks that did not see it (M, n, K), targets (n,)
Part = tuple[Tensor, Tensor]


def best_temperature(parts: Sequence[Part]) -> float:
    """The number by which scores are divided so that the mean of the networks' probabilities
    gives the held-out targets the highest likelihood.

    Where little was held out it stays near 1.

    >>> import torch
    >>> right, wrong = torch.tensor([[[9.0, 0.0]] * 4]), torch.tensor([0, 0, 0, 1])
    >>> best_temperature([(right, wrong)]) > 2  # sure of all, right in three of four
    True
    """

    def cost(temperature: float) -> float:
        said = [(scores.double() / temperature, targets) for scores, targets in parts]
        return -sum(_log_likelihood(scores, targets) for scores, targets in said)

    return least_costly(cost)


def least_costly(cost: Callable[[float], float]) -> float:
    """The temperature with the lowest cost (in nats, summed over examples), with a little doubt
    that it is far from 1."""

    def doubted(log_temperature: float) -> float:
        return cost(float(np.exp(log_temperature))) + _PRIOR * log_temperature**2

    low, high = np.log(_LOW), np.log(_HIGH)
    ratio = (np.sqrt(5) - 1) / 2  # golden section
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if doubted(left) <= doubted(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def at_temperature(chances: Tensor, temperature: float) -> Tensor:
    """Probabilities (n, K) whose logarithms are divided by a temperature.

    >>> import torch
    >>> at_temperature(torch.tensor([[0.8, 0.2]]).double(), 0.5).round(decimals=2).tolist()
    [[0.94, 0.06]]
    """
    return (chances.clamp_min(_SMALLEST).log() / temperature).softmax(-1)


def _log_likelihood(scores: Tensor, targets: Tensor) -> float:
    chances = scores.log_softmax(-1)[:, torch.arange(len(targets)), targets]  # (M, n)
    return float((chances.logsumexp(0) - np.log(len(chances))).sum())


def expected_calibration_error(chances: np.ndarray, right: np.ndarray) -> float:
    """How far, on average, the probability of an answer is from how often such answers are right.

    Args:
        chances: (n,) probabilities of the answers given.
        right: (n,) whether they were right.

    >>> import numpy as np
    >>> round(expected_calibration_error(np.full(4, 0.9), np.array([1, 1, 0, 0])), 3)
    0.4
    """
    if not len(chances):
        return float("nan")
    bins = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = [abs(float((chances[bins == b] - right[bins == b]).sum())) for b in range(BINS)]
    return sum(gaps) / len(chances)
