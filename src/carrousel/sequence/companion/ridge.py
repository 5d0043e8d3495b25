"""Ridge regression: of few features by an eigenvalue decomposition, of many sparse ones by
conjugate gradients."""

from dataclasses import dataclass

import torch
from torch import Tensor

PENALTIES = torch.logspace(-1, 6, 15, dtype=torch.float64)
# Of a second view, where 1 gives it as much variance as the first has.
SECOND_WEIGHTS = 0.0, 0.5, 1.0, 2.0
CHOOSING = 1000  # examples that say which of them, where there are more
ITERATIONS = 60


@dataclass(frozen=True)
class Fitted:
    """``features @ weight + offset``, and what it says of each example when it is left out."""

    weight: Tensor  # (p, K)
    offset: Tensor  # (K,)
    left_out: Tensor  # (n, K)


def ridge(features: Tensor, targets: Tensor, second: int = 0) -> Fitted:
    """Fit features (n, p), each brought to one scale, to targets (n, K) with the penalty that is
    best where each example is left out once (in closed form: Golub, Heath & Wahba 1979).

    The last ``second`` features are another view of the examples. How much it counts beside the
    others, from nothing to twice as much as all of them, is found the same way, on a random part
    of the examples where there are more than 1,000: each choice costs a decomposition.

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
    factors = _factors(z.shape[1], second)
    if len(factors) > 1 and len(z) > CHOOSING:
        factors = [_chosen(z, targets, factors)]
    _, weight, missed = min(
        (_least(z, factor, targets - middle) for factor in factors), key=lambda found: found[0]
    )
    weight = weight / scale[:, None]
    return Fitted(weight, middle - mean @ weight, targets - missed)


def _chosen(z: Tensor, targets: Tensor, factors: list[Tensor]) -> Tensor:
    """The factor that is best for some of the examples."""
    generator = torch.Generator().manual_seed(0)
    some = torch.randperm(len(z), generator=generator)[:CHOOSING]
    part, away = z[some] - z[some].mean(0), targets[some] - targets[some].mean(0)
    return min(factors, key=lambda factor: _least(part, factor, away)[0])


def _factors(width: int, second: int) -> list[Tensor]:
    """(p,) what features are multiplied by: one choice for each weight of the second view."""
    usual = torch.ones(width, dtype=torch.float64)
    if not second or second == width:
        return [usual]
    alike = ((width - second) / second) ** 0.5
    return [
        torch.cat([usual[:-second], usual[-second:] * alike * weight]) for weight in SECOND_WEIGHTS
    ]


def _least(z: Tensor, factor: Tensor, away: Tensor) -> tuple[float, Tensor, Tensor]:
    """Of one choice, with the best penalty: the mean square of what is missed where each example is
    left out; weights (p, K) of z; what is missed (n, K)."""
    scaled = z * factor
    if len(z) <= z.shape[1]:
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
    return best, factor[:, None] * (scaled.T @ dual), missed


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
