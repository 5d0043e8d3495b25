"""The steps that commands are made of: read, compare, learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console

from ..data import Panel, covariates
from ..data.panel import some
from ..data.wording import counted
from ..forecast import Forecaster
from ..forecast.plot import Band
from ..forecast.seasons import choose_seasons
from ..forecast.tables import to_learn_from
from .progress import training_bar
from .scores import Array, Score, our_trial, score, seasonal_scales, simple_trials
from .screen import reading


@dataclass(frozen=True)
class Comparison:
    """A backtest of ours and of the simple methods."""

    table: pl.DataFrame  # what Forecaster.backtest returns, and a column for each simple method;
    # missing values for series that are too short
    scores: list[Score]  # ours first
    seasons: tuple[int, ...]


def read(
    source: Path, forecaster: Forecaster, init: Path | None = None, static: Path | None = None
) -> tuple[Panel, list[str]]:
    """The panel of a file, with the columns that the forecaster is set to, those that do not change
    from another; ``init`` is the model that it goes on from."""
    before = None if init is None else Forecaster.load(init).panel_
    with reading():
        panel, _, notes = to_learn_from(source, forecaster.options, before, static)
    return panel, notes


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


def comparable(panel: Panel, steps: int, wanted: bool) -> tuple[Array, list[str]]:
    """The series with enough steps to hold some out, by position, and a sentence about the
    others; none if no comparison is ``wanted``."""
    if wanted and (panel.lengths >= steps).any():
        return long_enough(panel, steps, "a comparison")
    why = "as asked"
    if wanted:
        longest = int(panel.lengths.max())
        why = f"that needs {steps:,} steps, half of them held out, and the longest has {longest:,}"
    return np.zeros(0, np.int64), [f"not compared with simple methods: {why}"]


def long_enough(panel: Panel, steps: int, purpose: str) -> tuple[Array, list[str]]:
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


def compare(
    forecaster: Forecaster,
    panel: Panel,
    console: Console,
    *,
    which: Array,
    windows: int = 1,
    step: int | None = None,
    refit: bool = False,
    level: Sequence[float] = (80, 95),
    init: Path | None = None,
) -> Comparison:
    """Forecast the last windows of the series ``which`` from what came before them."""
    h, step, all_series = forecaster.options.h, step or forecaster.options.h, panel.n_series
    panel = panel if len(which) == all_series else panel.select(which)
    with training_bar(console, "learning without the held-out steps") as report:
        table = forecaster.backtest(
            panel, windows, step=step, level=level, refit=refit, progress=report, init=init
        )
    drops = [h + step * k for k in reversed(range(windows))]
    seasons = forecaster.options.seasons or choose_seasons(panel)[0]
    ours = our_trial(table, panel, windows, level)
    trials = [ours, *simple_trials(panel, ours, drops, seasons)]
    scales = seasonal_scales(panel, drops, seasons[0])
    table = table.with_columns([pl.Series(t.name, t.point.reshape(-1)) for t in trials[1:]])
    scores = [score(t, scales) for t in trials]
    if len(which) < all_series:
        table = _spread(table, which, all_series, windows)
        scores = [one.spread(which, all_series) for one in scores]
    return Comparison(table, scores, seasons)


def _spread(table: pl.DataFrame, which: Array, of: int, windows: int) -> pl.DataFrame:
    """The table of all series, where those that were not compared have missing values."""
    h = len(table) // (windows * len(which))
    place = np.arange(windows)[:, None, None] * (of * h) + which[:, None] * h + np.arange(h)
    rows = pl.DataFrame({"row": np.arange(windows * of * h)})
    table = table.with_columns(row=pl.Series(place.reshape(-1)))
    table = rows.join(table, on="row", how="left", maintain_order="left").drop("row")
    return table.with_columns(pl.selectors.float().fill_null(np.nan))


def learn(forecaster: Forecaster, panel: Panel, console: Console, **how: Any) -> None:
    """Fit on everything, with a bar; ``how`` as ``Forecaster.fit`` has it."""
    with training_bar(console, "learning from everything") as report:
        forecaster.fit(panel, progress=report, **how)
    for sentence in endings(forecaster):
        console.print(sentence)


def endings(forecaster: Forecaster) -> list[str]:
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


def band(table: pl.DataFrame, panel: Panel, level: Sequence[float]) -> Band:
    """The columns of ``predict`` (or of a backtest of one window) as arrays for the plot."""

    def cube(name: str) -> np.ndarray:
        return table[name].to_numpy().reshape(panel.n_series, -1)

    return Band(
        _naive(table[panel.time_col]).reshape(panel.n_series, -1),
        cube("carrousel"),
        {one: cube(f"carrousel-lo-{one}") for one in level},
        {one: cube(f"carrousel-hi-{one}") for one in level},
    )


def training_record(forecaster: Forecaster) -> list[dict[str, Any]]:
    """How each network's training went."""
    return [
        {
            "updates": run.steps,
            "kept_update": run.best_step,
            "validation": run.best_score,
            "ended": run.stopped,
            "losses": [float(f"{loss:.5g}") for loss in run.losses],
        }
        for run in forecaster.runs_
    ]


def captions(scores: list[Score]) -> list[str]:
    """For each series: our MASE, and that of the best simple method."""
    others = np.stack([s.mase for s in scores[1:]])  # (methods, S)
    best = np.where(np.isnan(others), np.inf, others).argmin(0)
    return [
        "" if np.isnan(ours) else f"MASE {ours:.2f}, {scores[1 + k].name} {others[k, s]:.2f}"
        for s, (ours, k) in enumerate(zip(scores[0].mase, best, strict=True))
    ]


def _naive(time: pl.Series) -> np.ndarray:
    """Times as the plot's axis wants them: wall time where there is a zone."""
    if isinstance(time.dtype, pl.Datetime):
        time = time.dt.replace_time_zone(None)
    return time.to_numpy()
