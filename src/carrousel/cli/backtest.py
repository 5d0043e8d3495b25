"""``carrousel backtest``: how good the forecasts of the past would have been."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options as o
from .cluster import Ray, on_cluster
from .imports import importing


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
    resume: o.Resume = False,
    on_error: o.OnError = "stop",
    cache: o.Cache = None,
    by: o.By = None,
    ray: Ray = None,
) -> dict[str, Any]:
    """Forecast windows of the past and compare with what happened.

    Beside ours stand the naive and seasonal naive methods, scored on the same windows.
    """
    source, h = o.chosen_source(file, sample), o.chosen_horizon(horizon, sample)
    with importing():
        from ..console import console
        from ..data.store import is_source
        from ..forecast import Forecaster
        from ..forecast.tables import to_learn_from
        from ..wording import counted
        from . import inputs, large, result_files, summary
        from .folders import whole_folder
        from .progress import training_bar
        from .screen import reading

    for name, value in (("--windows", windows), ("--step", step)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    forecaster, level = Forecaster(h, **settings), o.levels(level)
    start = None if init is None else Forecaster.load(init)
    if is_source(source):
        large.refuse(static_df=static)
        with on_cluster(ray, source):
            return large.backtest(
                forecaster, source, windows, out, step=step, refit=refit, level=level,
                resume=resume, on_error=on_error, cache=cache, init=start, by=by,
            )  # fmt: skip
    large.refuse_one_table(ray=ray, by=by)
    screen = console()
    known = None if start is None else start.panel_
    with reading():
        panel, _, notes = to_learn_from(source, forecaster.options, known, static)
    summary.say_what_was_read(screen, source, panel, notes)
    needed = h + (step or h) * (windows - 1) + 2
    which, short = inputs.long_enough(panel, needed, f"a backtest of {windows} windows")
    summary.say(screen, short)
    notes += short
    compared = panel if len(which) == panel.n_series else panel.select(which)
    with whole_folder(out) if out else nullcontext() as folder:
        with training_bar("learning without the held-out steps") as report:
            evaluation = forecaster.evaluate(
                compared, windows, step=step, level=level, refit=refit, progress=report, init=start
            )
        past = counted(windows, "window")
        title = f"{past} of {h} steps, foretold from what was before"
        summary.say_scores(screen, evaluation, title)
        record = {
            **result_files.scored(forecaster, evaluation.panel, evaluation),
            **{"source": source.name, "notes": notes, "windows": windows, "step": step or h},
        }
        names = (".parquet" if parquet else ".csv", ".json")
        if folder is not None:
            result_files.write_backtest(folder, evaluation, record, names[0])
    if out is None:
        return record
    screen.print(f"Written to {out}{os.sep}: {', '.join(f'backtest{name}' for name in names)}")
    return {**record, "written": [str(out / f"backtest{name}") for name in names]}
