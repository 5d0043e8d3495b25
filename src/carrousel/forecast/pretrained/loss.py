"""What the network that ships is taught with, from made-up series and from a panel."""

import torch
from torch import Tensor

from ..network.distribution import QUANTILES, SIDE
from .history import History
from .query import Question

LARGEST = 30.0  # errors beyond this many units teach nothing more
MEDIAN = 0.5  # weight of the median's absolute error beside the mean over all quantiles
FARTHER = 0.25  # errors count less by this power of the steps ahead: they are larger by nature


def pinball(truth: Tensor, quantiles: Tensor) -> Tensor:
    """Mean pinball loss of all quantiles (..., Q), and more of the median, of truth (...)."""
    error = truth[..., None] - quantiles
    probability = error.new_tensor(QUANTILES)
    loss = torch.maximum(probability * error, (probability - 1) * error).mean(-1)
    return loss + MEDIAN * error[..., SIDE].abs()


def units_moved(past: History, question: Question) -> Tensor:
    """(B, O, 1) a unit in units of how much a window moves, so that no window weighs more than
    another."""
    moves = past.value.diff(dim=1).abs().mean(1)[:, None, None]
    return question.unit / (0.5 * question.unit + 0.5 * moves + 1e-12)
