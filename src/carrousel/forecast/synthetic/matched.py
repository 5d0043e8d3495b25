"""Made-up series, to learn from beside real ones that are few and short.

A single series of twenty values teaches a network to repeat it. What it should know before that
is how series behave at all: levels that wander or stay, trends that go on or die away, seasons,
shocks. Such series are drawn here from the models of exponential smoothing with one source of
error (Hyndman, Koehler, Ord & Snyder 2008, *Forecasting with Exponential Smoothing*), with all of
their parameters random. Their seasons and their length are given; they are noise of standard
deviation 1 around a level at first, and get a size, additive or multiplicative, at last.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def synthetic_series(
    count: int, length: int, seasons: tuple[int, ...], counts: float, seed: int
) -> NDArray[np.float32]:
    """(count, length) series, of which a share ``counts`` are small whole numbers, often zero.

    >>> synthetic_series(3, 40, (12,), 0.0, seed=0).shape
    (3, 40)
    """
    rng = np.random.default_rng(seed)
    x = _levels(count, length, rng) + _shocks(count, length, rng)
    for k, season in enumerate(s for s in seasons if s > 1):
        x += _season(count, length, season, seasons[0] if k else 1, rng)
    y = _sized(x, rng)
    rare = rng.random(count) < counts
    y[rare] = _counted(x[rare], rng)
    return y.astype(np.float32)


def intermittent(y: NDArray[np.floating]) -> float:
    """How many of the series beside ``y`` should be counts: most, some or none of them.

    >>> intermittent(np.array([0, 0, 3, 0, 1])), intermittent(np.array([5.0, 7.0]))
    (0.9, 0.0)
    """
    known = y[np.isfinite(y)]
    if not len(known) or known.min() < 0:
        return 0.0
    zeros = (known == 0).mean()
    return 0.9 if zeros > 0.2 else 0.5 if zeros > 0.05 else 0.0


def most_alike(
    made_up: NDArray[np.float32],
    real: Sequence[NDArray[np.float32]],
    seasons: tuple[int, ...],
    keep: int,
) -> NDArray[np.float32]:
    """The ``keep`` made-up series that are most like one of the real ones.

    Alike in a few numbers: how changes repeat after one step and after each season, how large they
    are beside the series' spread, and how much of them is trend. Each real series is compared with
    as much of the made-up ones as it has values, so that chance plays the same part in both
    (approximate Bayesian computation, Beaumont et al. 2002).
    """
    distance = np.full(len(made_up), np.inf)
    for y in real:
        y = y[-made_up.shape[1] :].astype(np.float64)
        theirs = _character(made_up[:, -len(y) :].astype(np.float64), seasons)
        ours = _character(np.where(np.isfinite(y), y, np.nanmean(y))[None], seasons)
        unit = theirs.std(0).clip(1e-9)
        distance = np.minimum(distance, (((theirs - ours) / unit) ** 2).sum(1))
    return made_up[np.argsort(distance, kind="stable")[:keep]]


def _character(y: Array, seasons: tuple[int, ...]) -> Array:
    """(S, n) series to (S, 3 + seasons) numbers without units."""
    change = np.diff(y, axis=1)
    mean = change.mean(1, keepdims=True)
    rest = change - mean
    power = (rest**2).mean(1) + 1e-30
    spread = y.std(1) + 1e-15
    numbers = [np.tanh(mean[:, 0] / np.sqrt(power)), np.log(np.sqrt(power) / spread + 1e-3)]
    for lag in {1, *(m for m in seasons if 2 * m <= change.shape[1])}:
        together = (rest[:, lag:] * rest[:, :-lag]).mean(1)
        numbers.append(together / power)
    return np.stack(numbers, 1)


def _levels(count: int, length: int, rng: np.random.Generator) -> Array:
    """Local levels with (damped) trends, and correlated noise of standard deviation 1."""
    one = (count, 1)
    alpha = _share(0.8, count, rng) * rng.beta(1.0, 1.0, one)
    beta = _share(0.5, count, rng) * alpha * rng.uniform(0, 0.4, one)
    damped = np.where(_share(0.5, count, rng), rng.uniform(0.7, 0.99, one), 1.0)
    slope = _share(0.65, count, rng) * rng.normal(0.25, 0.8, one)
    rho = _share(0.3, count, rng) * rng.uniform(0, 0.8, one)
    noise = np.where(  # normal, or with heavy tails
        _share(0.3, count, rng),
        rng.standard_t(4, (count, length)) / np.sqrt(2),
        rng.standard_normal((count, length)),
    )
    shocks = np.ascontiguousarray(noise.T)  # a step of all series lies together
    alpha, beta, damped, slope, rho = (each[:, 0] for each in (alpha, beta, damped, slope, rho))
    fresh = np.sqrt(1 - rho**2)
    out, level, rest = np.empty_like(shocks), np.zeros(count), np.zeros(count)
    for t, shock in enumerate(shocks):
        rest = rho * rest + fresh * shock
        slope = damped * slope
        out[t] = level + slope + rest
        level = level + slope + alpha * shock
        slope = slope + beta * shock
    return np.ascontiguousarray(out.T)


def _shocks(count: int, length: int, rng: np.random.Generator) -> Array:
    """Outliers in some series, one shift of the level in others."""
    hit = _share(0.15, count, rng) & (rng.random((count, length)) < 0.02)
    shift = _share(0.1, count, rng) * rng.normal(0, 6, (count, 1))
    after = np.arange(length) >= rng.integers(0, length, (count, 1))
    return hit * rng.normal(0, 10, (count, length)) + shift * after


def _season(count: int, length: int, season: int, block: int, rng: np.random.Generator) -> Array:
    """A profile for each series, smooth or rough, that some of them slowly strengthen or lose.

    A longer season has blocks that are alike inside (the days of a week of hours)."""
    mean, often = (0.7, 0.85) if block == 1 else (-0.3, 0.7)
    phase = np.arange(season)
    smooth = np.zeros((count, season))
    for k in range(1, min(4, season // 2) + 1):
        angle = 2 * np.pi * k * (phase / season + rng.random((count, 1)))
        smooth += rng.standard_normal((count, 1)) / k * np.cos(angle)
    rough = rng.standard_normal((count, season // block + 1))[:, phase // block]
    mix = np.where(_share(0.5, count, rng), rng.random((count, 1)), 1.0)
    profile = mix * smooth + (1 - mix) * rough
    profile /= profile.std(1, keepdims=True).clip(1e-9)
    size = _share(often, count, rng) * rng.lognormal(mean, 1.0, (count, 1))
    steps = rng.standard_normal((count, length // season + 1)).cumsum(1)
    strength = 1 + 0.15 * _share(0.3, count, rng) * steps
    cycles = strength.shape[1]
    return np.tile(size * profile, cycles)[:, :length] * np.repeat(strength, season, 1)[:, :length]


def _sized(x: Array, rng: np.random.Generator) -> Array:
    """Around 1: half of the series grow and swing in proportion to themselves."""
    size = np.exp(rng.uniform(np.log(0.003), np.log(0.2), (len(x), 1)))
    away = x - x[:, :1]
    gentle = np.minimum(size, 5 / np.abs(away).max(1, keepdims=True).clip(1e-9))
    grows = _share(0.5, len(x), rng)[:, 0]
    y = 1 + size * x
    y[grows] = np.exp(gentle[grows] * away[grows])
    return y


def _counted(x: Array, rng: np.random.Generator) -> Array:
    """Negative binomial counts (Poisson in the limit) whose mean moves with x, most only a bit."""
    one = (len(x), 1)
    rate = np.exp(rng.uniform(np.log(0.08), np.log(5), one))
    moves = np.exp((rng.uniform(0, 0.3, one) * (x - x.mean(1, keepdims=True))).clip(-3, 2))
    shape = np.exp(rng.uniform(np.log(0.3), np.log(20), one))
    return rng.poisson(rate * moves * rng.gamma(shape, 1 / shape, x.shape)).astype(np.float64)


def _share(probability: float, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(count, 1) True for about this share of the series."""
    return rng.random((count, 1)) < probability
