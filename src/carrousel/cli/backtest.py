"""``carrousel backtest``: how good the forecasts of the past would have been."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options as o


@o.with_settings()
def backtest(
    settings: dict[str, Any],
    file: o.File = None,
    sample: o.SampleName = None,
    horizon: o.Horizon = None,
    windows: Annotated[int, typer.Option(help="Windows at the end of each series.")] = 3,
    step: Annotated[
        int | None, typer.Option(help="Steps between windows. The horizon if not given.")
    ] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Learn again before each.")] = False,
    level: o.Level = [80, 95],  # noqa: B006 - typer reads the default, nothing changes it
    out: Annotated[
        Path | None, typer.Option(help="Folder for backtest.csv (or .parquet) and backtest.json.")
    ] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="The table as Parquet.")] = False,
    static: o.Static = None,
    init: o.Init = None,
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
    forecaster, level = Forecaster(h, **settings), o.levels(level)
    console, errors = report.console(), report.console(stderr=True)
    panel, notes = study.read(source, forecaster, init, static)
    report.say_what_was_read(console, source, panel, notes)
    needed = h + (step or h) * (windows - 1) + 2
    which, short = study.long_enough(panel, needed, f"a backtest of {windows} windows")
    report.say(console, short)
    notes += short
    with whole_folder(out) if out else nullcontext() as folder:
        trial = study.compare(
            forecaster, panel, errors,
            which=which, windows=windows, step=step, refit=refit, level=level, init=init,
        )  # fmt: skip
        title = f"{windows} window{'s' * (windows > 1)} of {h} steps, foretold from what was before"
        console.print(report.score_table(trial.scores, title))
        console.print(report.verdict(trial.scores))
        if folder is not None:
            record = {"source": source.name, "notes": notes, "windows": windows, "step": step or h}
            suffix = ".parquet" if parquet else ".csv"
            results.write_backtest(folder, forecaster, panel, trial, record, suffix)
    if out:
        console.print(f"Written to {out}{os.sep}: backtest{suffix}, backtest.json")
