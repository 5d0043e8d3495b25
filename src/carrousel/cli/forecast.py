"""``carrousel forecast``: from a file to forecasts, with an honest comparison."""

import os
from pathlib import Path
from typing import Annotated

import typer

from . import options as o


def forecast(
    file: o.File = None,
    sample: o.SampleName = None,
    horizon: o.Horizon = None,
    freq: o.Freq = None,
    season: o.Season = None,
    level: o.Level = [80, 95],  # noqa: B006 - typer reads the default, nothing changes it
    cell: o.Cell = "lstm",
    effort: o.Effort = "default",
    steps: o.Steps = None,
    seed: o.Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("forecast"),
    report_page: Annotated[
        bool, typer.Option("--report", help="Also report.html, one page of it all.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also what the forecasts relied on.")
    ] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Tables as Parquet.")] = False,
    id_col: o.IdCol = "unique_id",
    time_col: o.TimeCol = "ds",
    target_col: o.TargetCol = "y",
) -> None:
    """Forecast every series of a FILE, with intervals, a plot and a comparison.

    The last HORIZON steps are held out first: the table shows how well they were foretold, beside
    the naive and seasonal naive methods. Then the model learns from everything and forecasts.
    """
    source, h = o.chosen_source(file, sample), o.chosen_horizon(horizon, sample)
    from ..forecast import Forecaster
    from . import report, results, study
    from .output import whole_folder

    forecaster = Forecaster(
        h, cell, freq=freq, season_length=season, effort=effort, max_steps=steps, seed=seed,
        id_col=id_col, time_col=time_col, target_col=target_col,
    )  # fmt: skip
    console, errors = report.console(), report.console(stderr=True)
    panel, notes = study.read(source, forecaster)
    report.say_what_was_read(console, source, panel, notes)
    which, short = study.long_enough(panel, 2 * h, f"forecasting {h} steps, with as many held out,")
    report.say(console, short)
    notes += short
    with whole_folder(out) as folder:
        trial = study.compare(forecaster, panel, errors, which=which, level=level)
        console.print(report.score_table(trial.scores, f"Held out: the last {h} steps"))
        console.print(report.verdict(trial.scores))
        study.learn(forecaster, panel, errors)
        results.write_forecast(
            folder, forecaster, panel, trial,
            level=level, suffix=".parquet" if parquet else ".csv",
            record={"source": source.name, "notes": notes}, title=o.title_of(source, sample),
            report=report_page, explain=explain,
        )  # fmt: skip
        names = sorted(item.name for item in folder.iterdir())
    console.print(f"Written to {out}{os.sep}: {', '.join(names)}")
