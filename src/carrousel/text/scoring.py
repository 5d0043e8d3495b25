"""Scores of all tokens and their loss in one pass that keeps no scores.

A linear layer onto V tokens followed by a cross-entropy writes and reads (N, V) numbers several
times, where V is large most of a training step's memory and much of its time. Here the rows are
taken some at a time, so that their scores stay in the cache, and turned into gradients at once:

    p = softmax(x W' + b)
    loss = mean(-log p[target])
    dloss/dscores = (p - onehot(target)) / N
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

SCORES_AT_ONCE = 1 << 22


def linear_cross_entropy(x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Mean of -log softmax(x @ weight.T + bias)[target]; x (N, H), weight (V, H), targets (N,).

    >>> x, weight, bias = torch.randn(5, 3), torch.randn(7, 3), torch.randn(7)
    >>> targets = torch.tensor([0, 6, 2, 2, 1])
    >>> expected = torch.nn.functional.cross_entropy(x @ weight.T + bias, targets)
    >>> torch.allclose(linear_cross_entropy(x, weight, bias, targets), expected)
    True
    """
    return _LinearCrossEntropy.apply(x, weight, bias, targets)


def summed_loss(x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> float:
    """The sum of the same, for reading alone."""
    rows = max(1, SCORES_AT_ONCE // len(weight))
    return sum(
        F.cross_entropy(F.linear(some, weight, bias), target, reduction="sum").item()
        for some, target in zip(x.split(rows), targets.split(rows), strict=True)
    )


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        dx, dweight, dbias = torch.empty_like(x), torch.zeros_like(weight), torch.zeros_like(bias)
        losses = torch.empty_like(x[:, 0])
        rows = max(1, SCORES_AT_ONCE // len(weight))
        scores = x.new_empty(min(rows, len(x)), len(weight))
        parts = (t.split(rows) for t in (x, targets, dx, losses))
        for some, target, grad, loss in zip(*parts, strict=True):
            score = scores[: len(some)]
            torch.addmm(bias, some, weight.T, out=score)
            torch.log_softmax(score, 1, out=score)
            torch.gather(score, 1, target[:, None], out=loss[:, None])
            score.exp_().scatter_add_(1, target[:, None], score.new_full((len(some), 1), -1.0))
            torch.mm(score, weight, out=grad)
            dweight.addmm_(score.T, some)
            dbias += score.sum(0)
        ctx.save_for_backward(dx, dweight, dbias)
        return -losses.mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of the sum, scaled; nothing is computed again."""
        dx, dweight, dbias = ctx.saved_tensors
        share = grad / len(dx)
        return dx.mul_(share), dweight.mul_(share), dbias.mul_(share), None
