"""What columns that are known ahead do to a series, beside what it does by itself.

The network reads values alone. What a series does beside them is a regression, learned anew from
the values before each forecast:

    y_t = n_t + beta . phi(x_t)        phi: the columns, bent at two places, and categories

The network forecasts n, and what the future columns do is added. Over a season of m steps, level
and season of n cancel, so that beta is found from y_t - y_{t-m} and phi(x_t) - phi(x_{t-m}): by
least squares with a penalty on the squares of beta (ridge; Hoerl & Kennard 1970), with less weight
for what fits badly (Huber 1964). The penalty is the one that foretells fifths of the time from the
others best; where none does so better than no columns at all, the columns have no say.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...data import Panel

READ = 1 << 14  # last values that effects are learned from
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # times the number of rows
FIFTHS = 5
LEAST_ROWS = 3 * FIFTHS
LEAST_GAIN = 0.02  # of the squared error
BENDS = (1 / 3, 2 / 3)  # quantiles of a column at which its slope may change
MANY = 10  # different values, from which on it may
BEYOND = 0.5  # times the range of a column, how far outside it its effect still grows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """How the values of one column become numbers.

    Args:
        categories: How many; 0 for numbers.
        middle, scale: Their median and deviation.
        bends: Where the slope may change, in scales from the middle.
        low, high: What lies outside counts as these.
    """

    categories: int
    middle: float = 0.0
    scale: float = 1.0
    bends: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, values: Array, categories: int) -> "Column":
        known = values[np.isfinite(values)]
        if categories or not len(known):
            return cls(categories)
        middle, scale = float(np.median(known)), float(known.std()) or 1.0
        z = (known - middle) / scale
        bends = np.quantile(z, BENDS) if len(np.unique(z)) > MANY else ()
        room = BEYOND * float(np.ptp(z))
        return cls(0, middle, scale, tuple(bends), float(z.min()) - room, float(z.max()) + room)

    def numbers(self, values: Array) -> Array:
        """(n,) values to (n, k) numbers; of missing ones those of the middle."""
        if self.categories:
            return (values[:, None] == np.arange(self.categories)).astype(np.float64)
        z = ((values - self.middle) / self.scale).clip(self.low, self.high)
        parts = [z, *(np.maximum(z - bend, 0) for bend in self.bends)]
        return np.nan_to_num(np.stack(parts, 1))


@dataclass(frozen=True)
class Effects:
    """What each column does to one series; zero on average over what it was learned from."""

    columns: tuple[Column, ...]
    beta: Array
    mean: Array

    @classmethod
    def learned(cls, y: Array, x: Array, categories: tuple[int, ...], season: int) -> "Effects":
        """From values (n,) and columns (n, F) beside them."""
        y, x = y[-READ:], x[-READ:]
        columns = tuple(Column.of(x[:, k], size) for k, size in enumerate(categories))
        numbers = _numbers(columns, x)
        mean = numbers.mean(0) if len(numbers) else np.zeros(numbers.shape[1])
        change, moved = y[season:] - y[:-season], numbers[season:] - numbers[:-season]
        known = np.isfinite(change)
        return cls(columns, _ridge(moved[known], change[known]), mean)

    def on(self, x: Array) -> Array:
        """(n,) what columns (n, F) do."""
        if not self.beta.any():
            return np.zeros(len(x))
        effect: Array = (_numbers(self.columns, x) - self.mean) @ self.beta
        return effect


def apart(
    panel: Panel, drop: int, h: int, ahead: NDArray[np.float32] | None, season: int
) -> tuple[Panel, Array]:
    """A panel without its last ``drop`` steps and without what its columns did, and (S, h) what
    they do in the steps that follow; ``ahead`` (S, h, F) are those after the end of each series."""
    head = panel.head(drop)
    assert panel.exog is not None
    assert head.exog is not None
    spec = panel.covariates
    known = len(spec.ahead)
    y, coming = head.y.astype(np.float64), np.zeros((panel.n_series, h))
    for s in range(panel.n_series):
        begin, end = head.offsets[s : s + 2]
        x = head.exog[begin:end, :known].astype(np.float64)
        effects = Effects.learned(y[begin:end], x, spec.sizes(spec.ahead), season)
        y[begin:end] -= effects.on(x)
        first = panel.offsets[s] + end - begin
        following = panel.exog[first : panel.offsets[s + 1], :known]
        if ahead is not None:
            following = np.concatenate([following, ahead[s]])
        coming[s] = effects.on(following[:h].astype(np.float64))
    return replace(head, y=y, exog=None, covariates=None), coming


def _numbers(columns: tuple[Column, ...], x: Array) -> Array:
    return np.concatenate([column.numbers(x[:, k]) for k, column in enumerate(columns)], 1)


def _ridge(x: Array, y: Array) -> Array:
    """(k,) coefficients of y (n,) on x (n, k), all zero where they foretell nothing."""
    beta, scale = np.zeros(x.shape[1]), x.std(0) if len(x) else np.zeros(x.shape[1])
    moves = scale > 1e-9
    if len(y) < LEAST_ROWS or not moves.any() or not y.any():
        return beta
    x = x[:, moves] / scale[moves]
    weight = _fitting(x, y)
    folds = np.array_split(np.arange(len(y)), FIFTHS)
    grams = np.stack([(x[fold] * weight[fold, None]).T @ x[fold] for fold in folds])
    sides = np.stack([(x[fold] * weight[fold, None]).T @ y[fold] for fold in folds])
    sizes = np.array([len(fold) for fold in folds])
    without = _mean_squares(x, y, weight, folds, np.zeros((FIFTHS, x.shape[1])))
    found = []
    for penalty in PENALTIES:
        others = [
            _solved(grams.sum(0) - gram, sides.sum(0) - side, penalty * (len(y) - size))
            for gram, side, size in zip(grams, sides, sizes, strict=True)
        ]
        found.append(_mean_squares(x, y, weight, folds, np.stack(others)))
    best = int(np.argmin([error.mean() for error in found]))
    better = found[best] < without
    if found[best].mean() > (1 - LEAST_GAIN) * without.mean() or better.sum() < FIFTHS - 1:
        return beta
    penalty = PENALTIES[best] * len(y)
    beta[moves] = _solved(grams.sum(0), sides.sum(0), penalty) / scale[moves]
    return beta


def _fitting(x: Array, y: Array) -> Array:
    """(n,) weights: 1, less for errors of more than two usual ones."""
    weight: Array = np.ones(len(y))
    for _ in range(2):
        weighted = x * weight[:, None]
        beta = _solved(weighted.T @ x, weighted.T @ y, PENALTIES[1] * len(y))
        error = np.abs(y - x @ beta)
        usual = 1.4826 * np.median(error)  # the deviation of normal errors
        if usual:
            weight = (2 * usual / np.maximum(error, 2 * usual)).astype(np.float64)
    return weight


def _solved(gram: Array, side: Array, penalty: float) -> Array:
    return np.linalg.solve(gram + penalty * np.eye(len(gram)), side).astype(np.float64)


def _mean_squares(x: Array, y: Array, weight: Array, folds: list, betas: Array) -> Array:
    """(K,) weighted mean squared errors of each fold with its own coefficients (K, k)."""
    return np.array(
        [
            (weight[fold] * (y[fold] - x[fold] @ beta) ** 2).mean()
            for fold, beta in zip(folds, betas, strict=True)
        ]
    )
