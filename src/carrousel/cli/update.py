"""``carrousel update``: a saved model takes in new observations."""

from pathlib import Path
from typing import Annotated, Any

import typer

from . import options as o
from .imports import importing


@o.with_settings("id_col", "time_col", "target_col", *o.HOW_WRITTEN)
def update(
    settings: dict[str, Any],
    model: Annotated[Path, typer.Argument(help="Folder of a model that `forecast` wrote.")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file with the new rows.")],
    add: Annotated[
        bool, typer.Option("--add", help="Take in series that the model does not hold.")
    ] = False,
    static: o.Static = None,
) -> dict[str, Any]:
    """Give a saved MODEL the new rows in FILE; `carrousel predict MODEL` then forecasts from there.

    FILE has the columns that the model was made with, and only needs what is new: the memory of
    each series goes on from where it was. Nothing is learned. The MODEL folder is written anew.
    """
    with importing():
        import numpy as np

        from ..console import console
        from ..forecast import Forecaster
        from ..storage.tempfiles import with_lock
        from ..wording import counted, written
        from .screen import reading

    with with_lock(model):  # two updates at once would each save what the other has not seen
        forecaster = Forecaster.load(model)
        kept = forecaster.options
        o.override(forecaster, settings)
        with reading():
            forecaster.update(file, add=add, static_df=static)
        forecaster.options = kept
        forecaster.save(model)
    screen, panel = console(), forecaster.panel_
    first, last = (written(time) for time in panel.local(np.sort(panel.ends)[[0, -1]]))
    upto = last if first == last else f"between {first} and {last}"
    screen.print(f"{model} holds {counted(panel.n_series, 'series', 'series')} up to {upto}")
    for note in forecaster.notes_:
        screen.print(f"  {note}")
    found = {"model": str(model), "series": panel.n_series, "first_end": first, "last_end": last}
    return {**found, "notes": forecaster.notes_}
