"""The files that ``carrousel forecast`` and ``carrousel backtest`` write."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from .. import __version__
from ..data import Panel
from ..forecast import Forecaster
from ..forecast.plot import plot_forecast
from .report import score_record, table_bytes, write_json
from .study import Comparison, band, captions, training_record


def write_forecast(
    folder: Path,
    forecaster: Forecaster,
    panel: Panel,
    trial: Comparison,
    *,
    level: Sequence[int],
    suffix: str,
    record: dict[str, Any],
    title: str,
) -> None:
    """Forecasts, held-out forecasts, plot, model and every number, into ``folder``."""
    table = forecaster.predict(level=level)
    _write_table(folder / f"forecast{suffix}", table, panel)
    _write_table(folder / f"backtest{suffix}", trial.table, panel)
    figure = plot_forecast(
        panel,
        band(table, panel, level),
        trial=band(trial.table, panel, level),
        captions=captions(trial.scores),
        title=title,
    )
    figure.savefig(folder / "forecast.png")
    forecaster.save(folder / "model")
    reasons = forecaster.plan_.reasons if forecaster.plan_ else ()
    training = {"chosen": reasons, "networks": training_record(forecaster)}
    record = {**_record(forecaster, panel, trial), **record, "training": training}
    write_json(folder / "forecast.json", record)


def write_backtest(
    folder: Path, forecaster: Forecaster, panel: Panel, trial: Comparison, record: dict[str, Any]
) -> None:
    """The forecasts of all windows beside what happened, and the scores."""
    _write_table(folder / "backtest.csv", trial.table, panel)
    write_json(folder / "backtest.json", {**_record(forecaster, panel, trial), **record})


def _record(forecaster: Forecaster, panel: Panel, trial: Comparison) -> dict[str, Any]:
    return {
        "carrousel": __version__,
        "options": forecaster.get_params(),
        "freq": panel.freq.alias,
        "series": panel.n_series,
        "steps": int(panel.lengths.sum()),
        "seasons": trial.seasons,
        "scores": score_record(trial.scores, panel),
    }


def _write_table(path: Path, table: pl.DataFrame, panel: Panel) -> None:
    path.write_bytes(table_bytes(table, panel, path.suffix))
