"""``carrousel forecast``: from a file to forecasts, with an honest comparison."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options as o


@o.with_settings()
def forecast(
    settings: dict[str, Any],
    file: o.File = None,
    sample: o.SampleName = None,
    horizon: o.Horizon = None,
    level: o.Level = [80, 95],  # noqa: B006 - typer reads the default, nothing changes it
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("forecast"),
    holdout: Annotated[
        bool,
        typer.Option(
            "--holdout/--no-holdout",
            help="Hold out the last HORIZON steps first, and compare with simple methods.",
        ),
    ] = True,
    report_page: Annotated[
        bool, typer.Option("--report", help="Also report.html, one page of it all.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also what the forecasts relied on.")
    ] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Tables as Parquet.")] = False,
    future: o.Future = None,
    static: o.Static = None,
    init: o.Init = None,
    checkpoint: o.Checkpoint = None,
    resume: o.Resume = False,
) -> None:
    """Forecast every series of a FILE, with intervals, a plot and a comparison.

    The last HORIZON steps are held out first: the table shows how well they were foretold, beside
    the naive and seasonal naive methods. Then the model learns from everything and forecasts.
    Where no series is long enough for that, or with --no-holdout, nothing is compared.
    """
    source, h = o.chosen_source(file, sample), o.chosen_horizon(horizon, sample)
    from ..forecast import Forecaster
    from . import report, results, study
    from .output import whole_folder

    forecaster, level = Forecaster(h, **settings), o.levels(level)
    study.require_future(forecaster, future)
    console, errors = report.console(), report.console(stderr=True)
    panel, notes = study.read(source, forecaster, init, static)
    ahead, found = study.open_future(forecaster, panel, future)
    notes += found
    report.say_what_was_read(console, source, panel, notes)
    which, short = study.comparable(panel, 2 * h, wanted=holdout)
    report.say(console, short)
    notes += short
    with whole_folder(out) as folder:
        trial = None
        if len(which):
            trial = study.compare(forecaster, panel, errors, which=which, level=level, init=init)
            console.print(report.score_table(trial.scores, f"Held out: the last {h} steps"))
            console.print(report.verdict(trial.scores))
        study.learn(forecaster, panel, errors, init=init, checkpoint=checkpoint, resume=resume)
        results.write_forecast(
            folder, forecaster, panel, trial,
            level=level, suffix=".parquet" if parquet else ".csv", future=ahead,
            record={"source": source.name, "notes": notes}, title=o.title_of(source, sample),
            report=report_page, explain=explain,
        )  # fmt: skip
        names = sorted(item.name for item in folder.iterdir())
    console.print(f"Written to {out}{os.sep}: {', '.join(names)}")
