"""Sample paths, and parametric distributions that are closest to the forecast quantiles.

A path is drawn from normal numbers z that are as alike from one step to the next as the errors of
past forecasts were (a Gaussian copula with correlation rho^|i-j|): each step's value is the
quantile of probability Phi(z). So sums and maxima over the horizon have the right spread too.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ...data.panel import Panel
from ...wording import one_of
from ..evaluation.windows import hidden_steps, targets
from ..network.distribution import QUANTILES, SIDE

Array = NDArray[np.float64]
FAMILIES = ("quantiles", "student_t", "negative_binomial")
Z = np.array([NormalDist().inv_cdf(p) for p in QUANTILES])
DEGREES = (1, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 30, 100, 1000)
FEW = 200.0  # mean count below which a negative binomial is drawn exactly


def sample_paths(quantiles: Array, n: int, rho: float, family: str, seed: int) -> Array:
    """(S, n, h) paths from (S, h, Q) quantiles."""
    one_of("distribution", family, FAMILIES)
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, got {n!r}")
    rng = np.random.default_rng(seed)
    z = correlated_normals((len(quantiles), n, quantiles.shape[1]), rho, rng)
    if family == "student_t":
        loc, scale, df = (p[:, None] for p in student_t(quantiles).values())  # (S, 1, h)
        mixed = rng.chisquare(np.broadcast_to(df, z.shape)) / df
        return loc + scale * z / np.sqrt(mixed)
    if family == "negative_binomial":
        mean, shape = negative_binomial(quantiles).values()
        return _counts(z, mean[:, None], shape[:, None])
    return at_normal(quantiles[:, None], z)


def correlated_normals(shape: tuple[int, int, int], rho: float, rng: np.random.Generator) -> Array:
    """Standard normals whose correlation along the last axis is rho^|i-j|."""
    z = rng.standard_normal(shape)
    for k in range(1, shape[-1]):
        z[..., k] = rho * z[..., k - 1] + math.sqrt(1 - rho**2) * z[..., k]
    return z


def at_normal(quantiles: Array, z: Array) -> Array:
    """The quantile of probability Phi(z): linear between the quantiles on the normal scale, and
    beyond the last ones; ``quantiles`` (..., Q) and ``z`` (...) broadcast."""
    right = np.clip(np.searchsorted(Z, z), 1, len(Z) - 1)
    quantiles = np.broadcast_to(quantiles, (*z.shape, quantiles.shape[-1]))
    low, high = (
        np.take_along_axis(quantiles, k[..., None], -1)[..., 0] for k in (right - 1, right)
    )
    return low + (z - Z[right - 1]) / (Z[right] - Z[right - 1]) * (high - low)


def error_correlation(y: Array, quantiles: Array) -> float:
    """Correlation of the errors of neighboring steps, on the normal scale, from past forecasts:
    values (N, h) and quantiles (N, h, Q)."""
    median = quantiles[..., SIDE]
    above, below = quantiles[..., -3] - median, median - quantiles[..., 2]
    side = np.where(y > median, above, below)
    z = (y - median) / np.maximum(side, 1e-30)
    z = np.clip(z, -3, 3)
    first, second = z[:, :-1].ravel(), z[:, 1:].ravel()
    known = np.isfinite(first) & np.isfinite(second)
    power = np.sqrt((first[known] ** 2).sum() * (second[known] ** 2).sum())
    if not power > 0:
        return 0.0
    return float(np.clip((first[known] * second[known]).sum() / power, 0.0, 0.99))


def measured_correlation(panel: Panel, h: int, forecast: Callable[..., Array]) -> float:
    """The same, of what ``forecast(panel, drops)`` (W, S, h, Q) says of the last horizons of the
    series that are long enough."""
    windows = int(np.clip((panel.lengths.max() - 2) // h, 0, 4))
    if not windows or h == 1:
        return 0.0
    enough = panel.select(np.flatnonzero(panel.lengths >= h * windows + 2))
    drops = hidden_steps(windows, h, h)
    y = targets(enough, drops, h).reshape(-1, h)
    return error_correlation(y, forecast(enough, drops).reshape(len(y), h, -1))


def student_t(quantiles: Array) -> dict[str, Array]:
    """Location, scale and degrees of freedom (...) of the Student t distribution closest to the
    quantiles (..., Q): the median, the quartiles, and the width of the tails beside them."""
    loc = quantiles[..., SIDE]
    quarter = (quantiles[..., SIDE + 1] - quantiles[..., SIDE - 1]) / 2
    tail = (quantiles[..., SIDE + 4] - quantiles[..., SIDE - 4]) / 2  # 2.5 % to 97.5 %
    ratio = tail / np.maximum(quarter, 1e-30)
    upper = [(t_quantile(0.75, df), t_quantile(0.975, df)) for df in DEGREES]
    ratios = np.array([b / a for a, b in upper])[::-1]  # increasing as degrees fall
    logs = np.interp(ratio, ratios, np.log(DEGREES)[::-1])
    per_scale = np.interp(logs, np.log(DEGREES), [a for a, _ in upper])
    return {"loc": loc, "scale": np.maximum(quarter / per_scale, 1e-30), "df": np.exp(logs)}


def negative_binomial(quantiles: Array) -> dict[str, Array]:
    """Mean and shape r (variance = mean + mean² / r; infinite: a Poisson distribution) of the
    negative binomial distribution with the mean and variance of the quantiles (..., Q)."""
    fine = np.linspace(-2.8, 2.8, 57)
    weight = np.exp(-(fine**2) / 2)
    values = at_normal(np.maximum(quantiles, 0.0)[..., None, :],
                       np.broadcast_to(fine, (*quantiles.shape[:-1], len(fine))))  # fmt: skip
    values = np.maximum(values, 0.0)
    mean = (values * weight).sum(-1) / weight.sum()
    variance = ((values - mean[..., None]) ** 2 * weight).sum(-1) / weight.sum()
    with np.errstate(divide="ignore"):
        shape = np.where(variance > mean, mean**2 / np.maximum(variance - mean, 1e-30), np.inf)
    return {"mean": mean, "shape": shape}


@cache
def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t, by bisection of its distribution function (Simpson's rule).

    >>> round(t_quantile(0.975, 5), 3)
    2.571
    """
    constant = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    low, high = 0.0, 200.0
    for _ in range(60):
        middle = (low + high) / 2
        angle = np.linspace(0, math.atan(middle / math.sqrt(df)), 401)  # x = sqrt(df) tan(angle)
        density = np.cos(angle) ** (df - 1) * math.exp(constant) * math.sqrt(df)
        weights = np.where(np.arange(401) % 2 == 1, 4.0, 2.0)
        weights[0] = weights[-1] = 1.0
        below = 0.5 + float((weights * density).sum()) * (angle[1] - angle[0]) / 3
        low, high = (middle, high) if below < probability else (low, middle)
    return (low + high) / 2


def _counts(z: Array, mean: Array, shape: Array) -> Array:
    """Negative binomial counts of probability Phi(z): exact where few, else the gamma
    distribution of the same mean and variance (Wilson & Hilferty 1931), rounded."""
    variance = mean + np.where(np.isinf(shape), 0.0, mean**2 / shape)
    k = np.maximum(mean, 1e-12) ** 2 / np.maximum(variance, 1e-30)
    many = mean * np.maximum(1 - 1 / (9 * k) + z / (3 * np.sqrt(k)), 0.0) ** 3
    out = np.round(many)
    few = np.flatnonzero((mean < FEW).reshape(len(mean), -1).any(1))
    for s in few:
        for t in np.flatnonzero(mean[s, 0] < FEW):
            table = _cumulative(float(mean[s, 0, t]), float(shape[s, 0, t]))
            probability = [NormalDist().cdf(v) for v in z[s, :, t]]
            out[s, :, t] = np.searchsorted(table, probability)
    return out


def _cumulative(mean: float, shape: float) -> Array:
    """P(count <= 0), P(count <= 1), ... up to nearly 1."""
    variance = mean + (0.0 if math.isinf(shape) else mean**2 / shape)
    k = np.arange(int(mean + 12 * math.sqrt(variance) + 12))
    factorial = np.concatenate([[0.0], np.cumsum(np.log(k[1:]))])
    if mean <= 0:
        log = np.where(k == 0, 0.0, -np.inf)
    elif math.isinf(shape):
        log = k * math.log(mean) - mean - factorial
    else:
        rising = np.concatenate([[0.0], np.cumsum(np.log(shape + k[:-1]))])  # Gamma(k+r)/Gamma(r)
        log = rising - factorial + shape * math.log(shape / (shape + mean))
        log += k * math.log(mean / (shape + mean))
    return np.cumsum(np.exp(log))


def long_columns(columns: dict[str, NDArray], paths: Array, name: str) -> dict[str, NDArray]:
    """One row for each series, path and step: ``columns`` (S*h,) repeated, ``sample`` from 0."""
    series, n, h = paths.shape
    repeated = {
        key: np.repeat(values.reshape(series, 1, h), n, 1).reshape(-1)
        for key, values in columns.items()
    }
    sample = np.tile(np.repeat(np.arange(n), h), series)
    return {**repeated, "sample": sample, name: paths.reshape(-1)}


def parameters(quantiles: Array, family: str) -> dict[str, Array]:
    """The parameters of a family, (S, h) each."""
    one_of("family", family, FAMILIES[1:])
    return student_t(quantiles) if family == "student_t" else negative_binomial(quantiles)


__all__: Sequence[str] = ["error_correlation", "long_columns", "parameters", "sample_paths"]
