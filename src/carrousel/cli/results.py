"""The files that ``carrousel forecast`` and ``carrousel backtest`` write."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from .. import __version__
from ..data import Panel
from ..forecast import Forecaster
from ..forecast.explanation import Explanation
from ..forecast.plot import plot_forecast
from .page import explain_some, page
from .report import score_record, table_bytes, write_json
from .study import Comparison, band, captions, training_record


def write_forecast(
    folder: Path,
    forecaster: Forecaster,
    panel: Panel,
    trial: Comparison | None,
    *,
    level: Sequence[float],
    suffix: str,
    future: Any = None,
    record: dict[str, Any],
    title: str,
    report: bool = False,
    explain: bool = False,
) -> None:
    """Forecasts, held-out forecasts (None: there were none), plot, model and every number, into
    ``folder``; with ``report`` also one page of it all, with ``explain`` what the forecasts relied
    on. ``future`` holds the covariates that are known ahead."""
    table = forecaster.predict(level=level, X_df=future)
    _write_table(folder / f"forecast{suffix}", table, panel)
    if trial is not None:
        _write_table(folder / f"backtest{suffix}", _compared(trial), panel)
    figure = plot_forecast(
        panel,
        band(table, panel, level),
        trial=None if trial is None else band(trial.table, panel, level),
        captions=[] if trial is None else captions(trial.scores),
        title=title,
    )
    figure.savefig(folder / "forecast.png")
    explanations = explain_some(forecaster, panel, future) if explain else []
    if explanations:
        _write_explanations(folder, explanations, panel, suffix)
    if report:
        text = page(
            forecaster, panel, trial, table,
            level=level, title=title, notes=record["notes"], explanations=explanations,
        )  # fmt: skip
        (folder / "report.html").write_text(text, encoding="utf-8")
    forecaster.save(folder / "model")
    reasons = forecaster.plan_.reasons if forecaster.plan_ else ()
    training = {"chosen": reasons, "networks": training_record(forecaster)}
    record = {**_record(forecaster, panel, trial), **record, "training": training}
    write_json(folder / "forecast.json", record)


def _write_explanations(
    folder: Path, explanations: Sequence[Explanation], panel: Panel, suffix: str
) -> None:
    """A table of all explained series by step, and the picture of the first."""
    name = panel.id_col or "unique_id"
    tables = [
        one.table()
        .with_columns(pl.lit(str(one.unique_id)).alias(name))
        .select(name, pl.exclude(name))
        for one in explanations
    ]
    table = pl.concat(tables).rename({"from": panel.time_col})
    (folder / f"explanation{suffix}").write_bytes(table_bytes(table, panel, suffix))
    explanations[0].plot().savefig(folder / "explanation.png")


def write_backtest(
    folder: Path,
    forecaster: Forecaster,
    panel: Panel,
    trial: Comparison,
    record: dict[str, Any],
    suffix: str = ".csv",
) -> None:
    """The forecasts of all windows beside what happened, and the scores."""
    _write_table(folder / f"backtest{suffix}", _compared(trial), panel)
    write_json(folder / "backtest.json", {**_record(forecaster, panel, trial), **record})


def _compared(trial: Comparison) -> pl.DataFrame:
    """The rows of the series that were compared."""
    return trial.table.filter(pl.col("carrousel").is_not_nan())


def _record(forecaster: Forecaster, panel: Panel, trial: Comparison | None) -> dict[str, Any]:
    return {
        "carrousel": __version__,
        "options": forecaster.get_params(),
        "freq": panel.freq.alias,
        "series": panel.n_series,
        "steps": int(panel.lengths.sum()),
        "seasons": None if trial is None else trial.seasons,
        "scores": None if trial is None else score_record(trial.scores, panel),
    }


def _write_table(path: Path, table: pl.DataFrame, panel: Panel) -> None:
    path.write_bytes(table_bytes(table, panel, path.suffix))
