"""Ridge regression: of few features by an eigenvalue decomposition, of many sparse ones by
conjugate gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PENALTIES = torch.logspace(-1, 6, 15, dtype=torch.float64)
CHOOSING = 500  # examples that say how much views count, where there are more
ITERATIONS = 60


@dataclass(frozen=True)
class Fitted:
    """``features @ weight + offset``, and what it says of each example when it is left out."""

    weight: Tensor  # (p, K)
    offset: Tensor  # (K,)
    left_out: Tensor  # (n, K)


def ridge(features: Tensor, targets: Tensor, rounds: Sequence[Sequence[Tensor]] = ()) -> Fitted:
    """Fit features (n, p), each brought to one scale, to targets (n, K) with the penalty that is
    best where each example is left out once (in closed form: Golub, Heath & Wahba 1979).

    Each of ``rounds`` is a choice of factors (p,) from 0 by which features may be multiplied, so
    that some count for more than others. The best of a round is found the same way, after those
    of the rounds before it, on a random part of the examples where there are more than 500: each
    factor costs a decomposition.

    >>> import torch
    >>> x = torch.arange(8.0)[:, None]
    >>> found = ridge(x, 2 * x.double() + 1)
    >>> bool((x @ found.weight.float() + found.offset.float() - 2 * x - 1).abs().max() < 0.1)
    True
    """
    features = features.double()
    mean, spread = features.mean(0), features.std(0, correction=0)
    scale = torch.where(spread > 1e-9 * (1 + mean.abs()), spread, torch.inf)
    z = (features - mean) / scale
    middle = targets.mean(0)
    away = targets - middle
    _, weight, missed = _least(z, _chosen(z, away, rounds), away)
    weight = weight / scale[:, None]
    return Fitted(weight, middle - mean @ weight, targets - missed)


def _chosen(z: Tensor, away: Tensor, rounds: Sequence[Sequence[Tensor]]) -> Tensor:
    """(p,) the product of the factors that are best for some of the examples."""
    factor = z.new_ones(z.shape[1])
    if not rounds:
        return factor
    if len(z) > CHOOSING:
        some = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))[:CHOOSING]
        z, away = (rows[some] - rows[some].mean(0) for rows in (z, away))
    for choices in rounds:
        products = [factor * one for one in choices]
        errors = [_least(z, one, away)[0] for one in products]
        factor = products[errors.index(min(errors))]
    return factor


def _least(z: Tensor, factor: Tensor, away: Tensor) -> tuple[float, Tensor, Tensor]:
    """With features multiplied by a factor, and with the best penalty: the mean square of what is
    missed where each example is left out; weights (p, K) of z; what is missed (n, K)."""
    counts = factor > 0
    scaled = z[:, counts] * factor[counts]
    if len(z) <= scaled.shape[1]:
        values, left = torch.linalg.eigh(scaled @ scaled.T)
        values = values.clamp_min(0)
    else:
        values, right = torch.linalg.eigh(scaled.T @ scaled)
        values = values.clamp_min(0)
        left = scaled @ right / values.sqrt().clamp_min(1e-12)
    along = left.T @ away  # (r, K)
    shrunk = values[:, None] / (values[:, None] + PENALTIES)  # (r, penalties)
    owns = (left.square() @ shrunk + 1 / len(z)).clamp_max(1 - 1e-6)  # (n, penalties)
    best = torch.inf
    for penalty, share, own in zip(PENALTIES, shrunk.T, owns.T, strict=True):
        off = (away - left @ (share[:, None] * along)) / (1 - own)[:, None]
        error = float(off.square().mean())
        if error < best:
            best, dual, missed = error, left @ (along / (values + penalty)[:, None]), off
    weight = z.new_zeros(z.shape[1], away.shape[1])
    weight[counts] = factor[counts, None] * (scaled.T @ dual)
    return best, weight, missed


@dataclass(frozen=True)
class Sparse:
    """Examples by the features that they have: ``index`` (M,) and ``value`` (M,) of all entries,
    ``owner`` (M,) the example of each, ``count`` examples and ``width`` features."""

    index: Tensor
    value: Tensor
    owner: Tensor
    count: int
    width: int

    def times(self, weight: Tensor) -> Tensor:
        """(n, K) from weights (p, K)."""
        starts = torch.searchsorted(self.owner, torch.arange(self.count))
        return torch.nn.functional.embedding_bag(
            self.index, weight, starts, mode="sum", per_sample_weights=self.value
        )

    def transposed_times(self, rows: Tensor) -> Tensor:
        """(p, K) from rows (n, K)."""
        each = rows.index_select(0, self.owner) * self.value[:, None]
        return rows.new_zeros(self.width, rows.shape[1]).index_add_(0, self.index, each)

    def __getitem__(self, kept: Tensor) -> "Sparse":
        """The examples where ``kept`` (n,) is true."""
        mine = kept[self.owner]
        number = kept.long().cumsum(0) - 1
        return Sparse(self.index[mine], self.value[mine], number[self.owner[mine]],
                      int(kept.sum()), self.width)  # fmt: skip


def sparse_ridge(features: Sparse, targets: Tensor, penalty: float = 1.0) -> tuple[Tensor, Tensor]:
    """Weight (p, K) and offset (K,) of examples whose features have about the length 1."""
    targets = targets.float()
    offset = targets.mean(0)
    rest = features.transposed_times(targets - offset)  # (p, K)
    weight, direction, size = torch.zeros_like(rest), rest.clone(), rest.square().sum(0)
    enough = 1e-6 * size
    for _ in range(ITERATIONS):
        if bool((size <= enough).all()):
            break
        applied = features.transposed_times(features.times(direction)) + penalty * direction
        step = size / (direction * applied).sum(0).clamp_min(1e-30)
        weight += step * direction
        rest -= step * applied
        before, size = size, rest.square().sum(0)
        direction = rest + size / before.clamp_min(1e-30) * direction
    return weight, offset
