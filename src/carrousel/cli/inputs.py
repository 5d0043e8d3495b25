"""What commands work on: the series of a file, what is known ahead of them, and which of them
are long enough to be compared."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import Panel, covariates
from ..forecast import Forecaster
from ..wording import counted, some
from .screen import reading


def require_future(forecaster: Forecaster, future: Path | None) -> None:
    """Before any work: what is known ahead must be given, and nothing is given in vain."""
    known = forecaster.options.futr_exog
    if known and future is None:
        raise ValueError(
            f"--future is missing: a file with {', '.join(map(repr, known))} at the "
            f"{forecaster.options.h} steps to forecast"
        )
    if future is not None and not known:
        raise ValueError("--future: name its columns with --futr-exog")


def open_future(forecaster: Forecaster, panel: Panel, future: Path | None) -> tuple[Any, list[str]]:
    """The file of what is known ahead of a panel as an open table, for ``X_df``, and how it was
    read; what cannot be used is refused before any work."""
    o = forecaster.options
    with reading():
        table = covariates.open_ahead(panel, future, o.id_col, o.reading)
        covariates.future(panel, table, o.id_col, o.h, o.reading)
    if future is None or table is future:
        return table, []
    return table, [f"{future.name}: {note}" for note in table.notes]


def comparable(panel: Panel, steps: int, wanted: bool) -> tuple[NDArray[np.int64], list[str]]:
    """The series with enough steps to hold some out, by position, and a sentence about the
    others; none if no comparison is ``wanted``."""
    if wanted and (panel.lengths >= steps).any():
        return long_enough(panel, steps, "a comparison")
    why = "as asked"
    if wanted:
        longest = int(panel.lengths.max())
        why = f"that needs {steps:,} steps, half of them held out, and the longest has {longest:,}"
    return np.zeros(0, np.int64), [f"not compared with simple methods: {why}"]


def long_enough(panel: Panel, steps: int, purpose: str) -> tuple[NDArray[np.int64], list[str]]:
    """The series that can be compared, by position, and a sentence about the others.

    Raises:
        ValueError: No series has ``steps`` steps.
    """
    which = np.flatnonzero(panel.lengths >= steps)
    if not len(which):
        panel.require(steps, purpose)
    short = panel.n_series - len(which)
    if not short:
        return which, []
    names = some([repr(panel.ids[s]) for s in np.flatnonzero(panel.lengths < steps)])
    return which, [
        f"{counted(short, 'series', 'series')} with fewer than {steps} steps not compared: {names}"
    ]
