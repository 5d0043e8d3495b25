"""``carrousel backtest``: how good the forecasts of the past would have been."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from . import options as o


def backtest(
    file: o.File = None,
    sample: o.SampleName = None,
    horizon: o.Horizon = None,
    windows: Annotated[int, typer.Option(help="Windows at the end of each series.")] = 3,
    step: Annotated[
        int | None, typer.Option(help="Steps between windows. The horizon if not given.")
    ] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Learn again before each.")] = False,
    freq: o.Freq = None,
    season: o.Season = None,
    level: o.Level = [80, 95],  # noqa: B006 - typer reads the default, nothing changes it
    cell: o.Cell = "lstm",
    effort: o.Effort = "default",
    steps: o.Steps = None,
    seed: o.Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for backtest.csv and backtest.json.")
    ] = None,
    id_col: o.IdCol = "unique_id",
    time_col: o.TimeCol = "ds",
    target_col: o.TargetCol = "y",
) -> None:
    """Forecast windows of the past and compare with what happened.

    Beside ours stand the naive and seasonal naive methods, scored on the same windows.
    """
    source, h = o.chosen_source(file, sample), o.chosen_horizon(horizon, sample)
    from ..forecast import Forecaster
    from . import report, results, study
    from .output import whole_folder

    for name, value in (("--windows", windows), ("--step", step)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    forecaster = Forecaster(
        h, cell, freq=freq, season_length=season, effort=effort, max_steps=steps, seed=seed,
        id_col=id_col, time_col=time_col, target_col=target_col,
    )  # fmt: skip
    console, errors = report.console(), report.console(stderr=True)
    panel, notes = study.read(source, forecaster)
    report.say_what_was_read(console, source, panel, notes)
    needed = h + (step or h) * (windows - 1) + 2
    which, short = study.long_enough(panel, needed, f"a backtest of {windows} windows")
    report.say(console, short)
    notes += short
    with whole_folder(out) if out else nullcontext() as folder:
        trial = study.compare(
            forecaster, panel, errors,
            which=which, windows=windows, step=step, refit=refit, level=level,
        )  # fmt: skip
        title = f"{windows} window{'s' * (windows > 1)} of {h} steps, foretold from what was before"
        console.print(report.score_table(trial.scores, title))
        console.print(report.verdict(trial.scores))
        if folder is not None:
            record = {"source": source.name, "notes": notes, "windows": windows, "step": step or h}
            results.write_backtest(folder, forecaster, panel, trial, record)
    if out:
        console.print(f"Written to {out}{os.sep}: backtest.csv, backtest.json")
