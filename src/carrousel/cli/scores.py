"""Our forecasts beside naive and seasonal naive ones, scored alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..data import Panel
from ..forecast import baselines, metrics
from ..forecast.quantiles import probabilities

Array = np.ndarray


@dataclass(frozen=True)
class Trial:
    """One method's forecasts of W windows, h steps each, of S series, and what happened."""

    name: str
    y: Array  # (W, S, h) NaN where nothing is known
    point: Array  # (W, S, h)
    lower: dict[float, Array]  # level -> (W, S, h)
    upper: dict[float, Array]


@dataclass(frozen=True)
class Score:
    """Errors of one method, per series (means over windows); NaN where there is no measure."""

    name: str
    smape: Array  # (S,)
    mase: Array  # (S,)
    coverage: dict[float, Array]  # level -> (S,)

    def spread(self, which: Array, of: int) -> "Score":
        """The same for ``of`` series, those of ``which`` among them; NaN for the others."""

        def one(values: Array) -> Array:
            full = np.full(of, np.nan)
            full[which] = values
            return full

        covered = {level: one(share) for level, share in self.coverage.items()}
        return Score(self.name, one(self.smape), one(self.mase), covered)

    def mean(self) -> dict[str, Any]:
        """Means over series, None where no series has a value."""
        covered = {str(level): mean(share) for level, share in self.coverage.items()}
        return {"smape": mean(self.smape), "mase": mean(self.mase), "coverage": covered}


def mean(values: Array) -> float | None:
    """Mean of what is not NaN; None if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def our_trial(table: pl.DataFrame, panel: Panel, windows: int, levels: Sequence[float]) -> Trial:
    """From what ``Forecaster.backtest`` returns: windows one after the other."""

    def cube(name: str) -> Array:
        return table[name].to_numpy().reshape(windows, panel.n_series, -1)

    lower = {level: cube(f"carrousel-lo-{level}") for level in levels}
    upper = {level: cube(f"carrousel-hi-{level}") for level in levels}
    return Trial("carrousel", cube(panel.target_col), cube("carrousel"), lower, upper)


def simple_trials(
    panel: Panel, ours: Trial, drops: Sequence[int], seasons: Sequence[int]
) -> list[Trial]:
    """The seasonal naive method, for each season, and the naive one, on the same windows."""
    h, levels = ours.y.shape[2], list(ours.lower)
    wanted = [0.5, *(p for pair in probabilities(levels) for p in pair)]
    heads = [panel.head(drop) for drop in drops]
    trials = []
    for season in [*(m for m in seasons if m > 1), 1]:
        made = np.stack([baselines.seasonal_naive(head, h, season, wanted) for head in heads])
        lower = {level: made[..., 1 + 2 * k] for k, level in enumerate(levels)}
        upper = {level: made[..., 2 + 2 * k] for k, level in enumerate(levels)}
        name = f"seasonal naive ({season})" if season > 1 else "naive"
        trials.append(Trial(name, ours.y, made[..., 0], lower, upper))
    return trials


def score(trial: Trial, scales: Array) -> Score:
    """``scales`` (W, S): mean seasonal change of what was known before each window."""
    return Score(
        trial.name,
        _over_windows(metrics.smape, trial.y, trial.point),
        _over_windows(metrics.mase, trial.y, trial.point, scales),
        {
            level: _over_windows(metrics.coverage, trial.y, trial.lower[level], trial.upper[level])
            for level in trial.lower
        },
    )


def seasonal_scales(panel: Panel, drops: Sequence[int], season: int) -> Array:
    """(W, S) the units of MASE."""
    return np.array(
        [
            [metrics.seasonal_scale(head.series(s), season) for s in range(head.n_series)]
            for head in (panel.head(drop) for drop in drops)
        ]
    )


def _over_windows(measure: Any, *arrays: Array) -> Array:
    """(S,) mean of a measure over the windows where it has a value."""
    values = np.stack([measure(*parts) for parts in zip(*arrays, strict=True)])  # (W, S)
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0).sum(0), known.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
