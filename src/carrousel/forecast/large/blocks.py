"""What is done with one block of series: tables come out, and what had to be left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...data.panel import Panel
from ...data.store.store import Broken
from ..evaluation.evaluation import Evaluation
from .scores import score_rows

BACKTEST, SCORES = "backtest", "scores"  # folders of a backtest

Work = Callable[[Panel], dict[str, pl.DataFrame]]  # tables by the folder that they go to


class Predicts(Protocol):
    """What is asked of a forecaster."""

    def predict(self, data: Any, *, level: Sequence[float] = ...) -> Any:
        """The forecasts of a panel as a frame."""

    def window_quantiles(self, panel: Panel, drops: Sequence[int]) -> NDArray[np.float64]:
        """(W, S, h, Q) of what follows each series without its last ``drops``."""


@dataclass(frozen=True)
class Done:
    """The tables of a block, of so many series, and what was left out."""

    tables: dict[str, pl.DataFrame]
    series: int
    broken: tuple[Broken, ...] = ()


def forecast_tables(forecaster: Predicts, level: Sequence[float]) -> Work:
    """The forecasts of a block."""
    return lambda panel: {"": forecaster.predict(panel, level=level)}


def backtest_tables(
    fitted: Sequence[Predicts],
    hidden: Sequence[int],
    level: Sequence[float],
    methods: Sequence[str],
    seasons: Sequence[int],
) -> Work:
    """Forecasts of windows of the past beside what happened, and their scores; ``fitted`` are one
    forecaster for all windows, or one for each of ``hidden``."""

    def work(panel: Panel) -> dict[str, pl.DataFrame]:
        evaluation = Evaluation.of(
            fitted, panel, hidden, levels=level, methods=methods, seasons=seasons
        )
        return {BACKTEST: evaluation.to_frame(), SCORES: score_rows(evaluation)}

    return work


def done(panel: Panel, work: Work, stop: bool = True) -> Done:
    """The work on a block. Where it fails, unless it is to ``stop`` then, the halves of the block
    are tried, until the series that are to blame stand alone: these are left out, by name.

    Raises:
        ValueError: It fails, and ``stop``.
    """
    try:
        return Done(work(panel), panel.n_series)
    except (ValueError, ArithmeticError) as error:
        if stop:
            raise
        if panel.n_series == 1:
            return Done({}, 0, (Broken("series", str(panel.ids[0]), str(error)),))
    half, all_of_them = panel.n_series // 2, range(panel.n_series)
    return _joined(
        [done(panel.select(part), work, stop) for part in (all_of_them[:half], all_of_them[half:])]
    )


def _joined(parts: Sequence[Done]) -> Done:
    names = dict.fromkeys(name for part in parts for name in part.tables)
    tables = {
        name: pl.concat([part.tables[name] for part in parts if name in part.tables])
        for name in names
    }
    broken = tuple(one for part in parts for one in part.broken)
    return Done(tables, sum(part.series for part in parts), broken)
