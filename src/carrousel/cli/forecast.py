"""``carrousel forecast``: from a file to forecasts, with an honest comparison."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as o
from .cluster import Ray, on_cluster
from .imports import importing

if TYPE_CHECKING:
    from ..forecast import Forecaster


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
    on_error: o.OnError = "stop",
    cache: o.Cache = None,
    by: o.By = None,
    ray: Ray = None,
) -> dict[str, Any]:
    """Forecast every series of a FILE, with intervals, a plot and a comparison.

    The last HORIZON steps are held out first: the table shows how well they were foretold, beside
    the naive and seasonal naive methods. Then the model learns from everything and forecasts.
    Where no series is long enough for that, or with --no-holdout, nothing is compared.

    FILE may be a directory of Parquet files (plain or Hive-partitioned), or a glob: these may hold
    more series than memory, are forecast in parts, and --resume goes on with a run that stopped.
    """
    source, h = o.chosen_source(file, sample), o.chosen_horizon(horizon, sample)
    with importing():
        from ..console import console
        from ..data.store import is_source
        from ..forecast import Forecaster
        from ..forecast.tables import to_learn_from
        from . import inputs, large, result_files, summary
        from .folders import whole_folder
        from .progress import training_bar
        from .screen import reading

    forecaster, level = Forecaster(h, **settings), o.levels(level)
    start = None if init is None else Forecaster.load(init)
    if is_source(source):
        large.refuse(explain=explain, X_df=future, static_df=static, checkpoint=checkpoint)
        with on_cluster(ray, source):
            return large.forecast(
                forecaster, source, out, level=level, holdout=holdout, report=report_page,
                resume=resume, on_error=on_error, cache=cache, init=start, by=by,
            )  # fmt: skip
    large.refuse_one_table(ray=ray, by=by)
    inputs.require_future(forecaster, future)
    screen, errors = console(), console(stderr=True)
    known = None if start is None else start.panel_
    with reading():
        panel, _, notes = to_learn_from(source, forecaster.options, known, static)
    ahead, found = inputs.open_future(forecaster, panel, future)
    notes += found
    summary.say_what_was_read(screen, source, panel, notes)
    which, short = inputs.comparable(panel, 2 * h, wanted=holdout)
    summary.say(screen, short)
    notes += short
    compared = panel if len(which) == panel.n_series else panel.select(which)
    with whole_folder(out) as folder:
        evaluation = None
        if len(which):
            with training_bar("learning without the held-out steps") as report:
                evaluation = forecaster.evaluate(compared, level=level, progress=report, init=start)
            summary.say_scores(screen, evaluation, f"Held out: the last {h} steps")
        with training_bar("learning from everything") as report:
            forecaster.fit(panel, progress=report, init=start, checkpoint=checkpoint, resume=resume)
        for sentence in _endings(forecaster):
            errors.print(sentence)
        quantiles = forecaster.predict_quantiles(panel, X_df=ahead)
        explained = result_files.explain_some(forecaster, panel, ahead) if explain else []
        record = result_files.write_forecast(
            folder, forecaster, panel, quantiles, evaluation,
            level=level, suffix=".parquet" if parquet else ".csv", title=o.title_of(source, sample),
            record={"source": source.name, "notes": notes}, explanations=explained,
            report=report_page,
        )  # fmt: skip
        names = sorted(item.name for item in folder.iterdir())
    screen.print(f"Written to {out}{os.sep}: {', '.join(names)}")
    return {**record, "written": [str(out / name) for name in names]}


def _endings(forecaster: "Forecaster") -> list[str]:
    """What was kept of a training that was stopped; nothing if it ended by itself."""
    runs, kept = forecaster.runs_, len(forecaster.networks_)
    if not runs or runs[-1].stopped != "interrupted":
        return []
    members = forecaster.plan_.trainings if forecaster.plan_ else len(runs)
    where = (
        f"Stopped by Ctrl-C after {runs[-1].steps:,} updates of network {len(runs)} of {members}"
    )
    if kept < len(runs):
        ready = "one that was ready is" if kept == 1 else f"{kept} that were ready are"
        return [f"{where}: the {ready} kept."]
    return [f"{where}: the best so far is kept (update {runs[-1].best_step:,})."]
