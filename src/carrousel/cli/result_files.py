"""The files that ``carrousel forecast`` and ``carrousel backtest`` write."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .. import __version__
from ..data import Panel
from ..forecast import Forecaster
from ..forecast.evaluation import Evaluation
from ..forecast.evaluation.picture import plot_forecast
from ..forecast.intervals.calibration import Band, columns
from ..forecast.tables import written
from ..storage.files import write_json
from .formats import table_bytes

if TYPE_CHECKING:
    from ..forecast.explanation.explanation import Explanation

MOST_EXPLAINED = 6  # series


def write_forecast(
    folder: Path,
    forecaster: Forecaster,
    panel: Panel,
    quantiles: NDArray[np.float64],
    evaluation: Evaluation | None,
    *,
    level: Sequence[float],
    suffix: str,
    record: dict[str, Any],
    title: str,
    explanations: "Sequence[Explanation]" = (),
    report: bool = False,
) -> dict[str, Any]:
    """The forecasts ``quantiles`` (S, h, Q), those of held-out steps (None: there were none), plot,
    model and every number, into ``folder``; with ``report`` also one page of it all. The numbers
    are returned, too."""
    table = written({**panel.future(quantiles.shape[1]), **columns(quantiles, level)}, panel, None)
    _write_table(folder / f"forecast{suffix}", table, panel)
    if evaluation is not None:
        _write_table(folder / f"backtest{suffix}", evaluation.to_frame(), panel)
    if explanations:
        _write_explanations(folder, explanations, panel, suffix)
    steps = panel.lengths[:, None] + np.arange(quantiles.shape[1])
    times = panel.local(panel.at(np.arange(panel.n_series)[:, None], steps))
    future = Band.of(times, quantiles, level)
    chosen = forecaster.plan_.reasons if forecaster.plan_ else ()
    figure = plot_forecast(panel, future, evaluation=evaluation, title=title)
    _draw(figure, folder / "forecast.png")
    if report:  # loaded for this alone: a tenth of a second
        from ..forecast.evaluation.report import Content, render

        content = Content(
            title=title,
            panel=panel,
            future=future,
            evaluation=evaluation,
            explanations=explanations,
            notes=record["notes"],
            chosen=chosen,
            settings=_set(forecaster.get_params()),
            version=__version__,
        )
        (folder / "report.html").write_text(render(content), encoding="utf-8")
    forecaster.save(folder / "model")
    training = {"chosen": chosen, "networks": _training(forecaster)}
    record = {**scored(forecaster, panel, evaluation), **record, "training": training}
    write_json(folder / "forecast.json", record)
    return record


def write_backtest(
    folder: Path,
    evaluation: Evaluation,
    record: dict[str, Any],
    suffix: str = ".csv",
) -> None:
    """The forecasts of all windows beside what happened, and ``record``."""
    _write_table(folder / f"backtest{suffix}", evaluation.to_frame(), evaluation.panel)
    write_json(folder / "backtest.json", record)


def explain_some(forecaster: Forecaster, panel: Panel, future: Any) -> "list[Explanation]":
    """The mean forecast over the horizon, of the first series that have a value to rely on."""
    names = [name for s, name in enumerate(panel.ids) if np.isfinite(panel.series(s)).any()]
    return [forecaster.explain(name, step=None, X_df=future) for name in names[:MOST_EXPLAINED]]


def _draw(figure: Figure, path: Path) -> None:
    """As ``savefig``, which draws all there is once more to find out where it belongs."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    figure.savefig(path)


def _write_explanations(
    folder: Path, explanations: "Sequence[Explanation]", panel: Panel, suffix: str
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


def scored(forecaster: Forecaster, panel: Panel, evaluation: Evaluation | None) -> dict[str, Any]:
    """What was compared, how it was set, and all scores."""
    return {
        "carrousel": __version__,
        "options": forecaster.get_params(),
        "freq": panel.freq.alias,
        "series": panel.n_series,
        "steps": int(panel.lengths.sum()),
        "seasons": None if evaluation is None else evaluation.seasons,
        "scores": None if evaluation is None else _scores(evaluation),
    }


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    """All scores as plain data: means, and of each series."""
    found = {name: evaluation.by_series(name) for name in evaluation.metrics}  # (M, S) each
    return {
        method: {
            "mean": _named(evaluation, evaluation.means[method]),
            "series": {
                str(name): _named(evaluation, {key: of[m, s] for key, of in found.items()})
                for s, name in enumerate(evaluation.panel.ids)
            },
        }
        for m, method in enumerate(evaluation.methods)
    }


def _named(evaluation: Evaluation, scores: Mapping[str, Any]) -> dict[str, Any]:
    """The scores by name, and the coverage by level."""
    metrics = evaluation.metrics.values()
    errors = {metric.name: scores[metric.name] for metric in metrics if metric.level is None}
    covered = {f"{m.level:g}": scores[m.name] for m in metrics if m.level is not None}
    return {**errors, "coverage": covered}


def _training(forecaster: Forecaster) -> list[dict[str, Any]]:
    """How each network's training went."""
    return [
        {
            "updates": run.steps,
            "kept_update": run.best_step,
            "validation": run.best_score,
            "ended": run.stopped,
            "losses": [float(f"{loss:.5g}") for loss in run.losses],
        }
        for run in forecaster.runs_
    ]


def _set(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was set; None is chosen from the data."""
    return {name: value for name, value in options.items() if value is not None}


def _write_table(path: Path, table: pl.DataFrame, panel: Panel) -> None:
    path.write_bytes(table_bytes(table, panel, path.suffix))
