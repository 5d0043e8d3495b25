"""``carrousel predict``: a saved model on new observations, without learning."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as o
from .cluster import Ray, on_cluster
from .imports import importing
from .scripting import write

if TYPE_CHECKING:
    from ..forecast import Forecaster


@o.with_settings("nonnegative", "id_col", "time_col", "target_col", *o.HOW_WRITTEN)
def predict(
    settings: dict[str, Any],
    model: Annotated[Path, typer.Argument(help="Folder of a model that `forecast` wrote.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="CSV, Parquet or spreadsheet file; a directory or glob.", show_default=False
        ),
    ] = None,
    level: o.Level = [80, 95],  # noqa: B006 - typer reads the default, nothing changes it
    future: o.Future = None,
    static: o.Static = None,
    samples: Annotated[
        int | None,
        typer.Option(help="So many sample paths of each series instead.", show_default=False),
    ] = None,
    distribution: Annotated[
        str | None,
        typer.Option(
            help="student_t or negative_binomial: parameters instead; with --samples their form.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random numbers of --samples.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet file, of many files a folder. Standard output if not given."
        ),
    ] = None,
    resume: o.Resume = False,
    on_error: o.OnError = "stop",
    cache: o.Cache = None,
    ray: Ray = None,
) -> Any:
    """Forecast what follows the observations in FILE with a saved MODEL; nothing is learned.

    FILE has the columns that the model was made with. It needs as much history as the forecasts
    shall rest on, and may hold series that the model has never seen. Without FILE, the series that
    the model holds are forecast, with what `update` added to them.
    """
    with importing():
        from ..console import console
        from ..data.store import is_source
        from ..forecast.tables import to_forecast
        from ..storage.files import write_bytes
        from . import large
        from .folders import writable_file
        from .formats import as_text, table_bytes
        from .inputs import open_future
        from .screen import reading

    if file is not None and is_source(file):
        large.refuse(X_df=future, static_df=static, n=samples, distribution=distribution)
        how = {"level": o.levels(level), "resume": resume, "on_error": on_error, "cache": cache}
        with on_cluster(ray, file):
            return large.predict(_loaded(model, settings), file, out, **how)
    large.refuse_one_table(ray=ray)
    if out is not None:
        if out.suffix not in (".csv", ".parquet"):
            raise ValueError(f"--out must end in .csv or .parquet, got {out.name}")
        writable_file(out)
    screen, forecaster = console(stderr=True), _loaded(model, settings)
    panel, given = forecaster.panel_ if file is None else forecaster._panel, None
    notes: list[str] = []
    if static is not None and file is None:
        raise ValueError("--static: the model holds those of its series; give FILE, too")
    if file is not None:
        with reading():
            panel, notes = to_forecast(file, panel, forecaster.options, static)
        given = panel
    ahead, found = open_future(forecaster, panel, future)
    for note in [*notes, *found]:
        screen.print(note)
    if samples is not None:
        kind = distribution or "quantiles"
        table = forecaster.sample(given, samples, distribution=kind, seed=seed, X_df=ahead)
    elif distribution is not None:
        table = forecaster.distribution(given, family=distribution, X_df=ahead)
    else:
        table = forecaster.predict(given, level=o.levels(level), X_df=ahead)
    if out is None:
        write(table_bytes(table, panel, ".csv").decode())
        return as_text(table, panel).to_dicts()
    write_bytes(out, table_bytes(table, panel, out.suffix))
    return {"written": [str(out)], "rows": table.height}


def _loaded(model: Path, settings: dict[str, Any]) -> "Forecaster":
    """The saved model, with what was typed."""
    from ..forecast import Forecaster

    forecaster = Forecaster.load(model)
    o.override(forecaster, settings)
    return forecaster
