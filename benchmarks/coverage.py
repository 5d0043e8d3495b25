"""Whether 95 % intervals hold 95 % of what comes, of made-up series of many kinds.

    python benchmarks/coverage.py                      # all kinds, three seeds
    python benchmarks/coverage.py --seeds 1 --kinds walk offset

Each kind is a panel, few series or many, from which a forecaster of the effort "fast" learns; what
followed is known. Printed: the share inside 95 %, in percent, and the width of the intervals in
standard deviations of the noise.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from carrousel import Forecaster
from carrousel.data import Frequency, Panel
from carrousel.forecast import QUANTILES

Array = NDArray[np.float64]
Random = np.random.Generator
H, LENGTH = 7, 300
LOW, HIGH = QUANTILES.index(0.025), QUANTILES.index(0.975)


def walk(rng: Random) -> Array:
    return 100 + rng.standard_normal(LENGTH + H).cumsum()


def season(rng: Random) -> Array:
    phase = 2 * np.pi * np.arange(LENGTH + H) / 7
    return 100 + 10 * np.sin(phase + rng.uniform(0, 6)) + rng.standard_normal(LENGTH + H)


def offset(size: float) -> Callable[[Random], Array]:
    return lambda rng: size + season(rng)


def gap(make: Callable[[Random], Array], missing: int) -> Callable[[Random], Array]:
    def gone(rng: Random) -> Array:
        y = make(rng)
        y[LENGTH - missing : LENGTH] = np.nan
        return y

    return gone


def young(known: int) -> Callable[[Random], Array]:
    return lambda rng: season(rng)[LENGTH - known :]


def outlier(back: int) -> Callable[[Random], Array]:
    def hit(rng: Random) -> Array:
        y = season(rng)
        y[LENGTH - back] *= 100
        return y

    return hit


KINDS: dict[str, tuple[Callable[[Random], Array], Callable[[Random], Array]]] = {
    "walk": (walk, walk),
    "season": (season, season),
    **{f"offset {size:g}": (offset(size), offset(size)) for size in (1e4, 1e6, 1e9)},
    **{f"walk, gap of {n}": (gap(walk, n), walk) for n in (1, 5, 20, 100, 200)},
    **{f"season, gap of {n}": (gap(season, n), season) for n in (1, 5, 20, 100, 200)},
    **{f"{n} observations": (young(n), season) for n in (1, 2, 3, 5, 10)},
    **{f"outlier {n} ago": (outlier(n), season) for n in (2, 10, 14)},
}


def panel(series: list[Array]) -> Panel:
    return Panel(
        y=np.concatenate(series),
        offsets=np.cumsum([0, *map(len, series)]),
        ids=list(range(len(series))),
        start=np.full(len(series), np.datetime64("2024-01-01", "us")),
        freq=Frequency.parse("1d"),
    )


def coverage(kind: str, count: int, seed: int, **options: int) -> tuple[float, float]:
    """(share inside 95 %, mean width) of half of ``count`` series; the others are its siblings."""
    rng, (make, sibling) = np.random.default_rng(seed), KINDS[kind]
    asked = max(count // 2, 1)
    series = [make(rng) for _ in range(asked)] + [sibling(rng) for _ in range(count - asked)]
    known = panel([y[:-H] for y in series])
    forecaster = Forecaster(H, effort="fast", seed=seed, nonnegative=False, **options).fit(known)
    quantiles = forecaster.predict_quantiles()[:asked]  # (S, h, Q)
    target = np.stack([y[-H:] for y in series[:asked]])
    inside = (target >= quantiles[..., LOW]) & (target <= quantiles[..., HIGH])
    return float(inside.mean()), float((quantiles[..., HIGH] - quantiles[..., LOW]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--counts", nargs="+", type=int, default=[4, 60])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--max-steps", type=int, default=150)
    arguments = parser.parse_args()
    print(f"{'kind':24}{'series':>8}{'in 95 %':>10}{'width':>10}")
    for kind in arguments.kinds:
        for count in arguments.counts:
            found = [
                coverage(kind, count, seed, max_steps=arguments.max_steps)
                for seed in range(arguments.seeds)
            ]
            share, width = np.mean(found, 0)
            print(f"{kind:24}{count:8}{100 * share:10.1f}{width:10.1f}", flush=True)


if __name__ == "__main__":
    main()
