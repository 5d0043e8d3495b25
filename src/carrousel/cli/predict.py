"""``carrousel predict``: a saved model on new observations, without learning."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import options as o


def predict(
    model: Annotated[Path, typer.Argument(help="Folder of a model that `forecast` wrote.")],
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV or Parquet file of observations.", show_default=False),
    ] = None,
    level: o.Level = [80, 95],  # noqa: B006 - typer reads the default, nothing changes it
    out: Annotated[
        Path | None, typer.Option(help="CSV or Parquet file. Standard output if not given.")
    ] = None,
) -> None:
    """Forecast what follows the observations in FILE with a saved MODEL; nothing is learned.

    FILE has the columns that the model was made with. It needs as much history as the forecasts
    shall rest on, and may hold series that the model has never seen. Without FILE, the series that
    the model holds are forecast, with what `update` added to them.
    """
    from ..checkpoint import write_bytes
    from ..forecast import Forecaster
    from .output import writable_file
    from .report import table_bytes
    from .screen import write_data
    from .study import read

    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"--out must end in .csv or .parquet, got {out.name}")
    if out is not None:
        writable_file(out)
    forecaster = Forecaster.load(model)
    panel, given = forecaster.panel_, None
    notes: list[str] = []
    if file is not None:
        forecaster.set_params(freq=panel.freq.alias)
        panel, notes = read(file, forecaster)
        given = panel
    for note in notes:
        sys.stderr.write(f"{note}\n")
    table = forecaster.predict(given, level=level)
    if out is None:
        write_data(table_bytes(table, panel, ".csv"))
    else:
        write_bytes(out, table_bytes(table, panel, out.suffix))
