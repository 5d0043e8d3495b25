"""Blocks of a store one after the other: forecast, written, logged."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from ...data.store import Store
from ...data.store.store import Broken
from ...storage.files import write_json
from .blocks import SCORES, Done, Predicts, Work, backtest_tables, done, forecast_tables
from .results import Part, Results
from .scores import Scores, summarized

LOG = logging.getLogger(__name__)
SUMMARY = "summary.json"
Report = Callable[[int, int], None]  # blocks done, and of how many


@dataclass(frozen=True)
class Summary:
    """What a run did, as ``summary.json`` has it for whoever started it.

    Attributes:
        folder: Where the results are.
        status: "complete", or "incomplete" where something was left out.
        series, rows, blocks: How many are there.
        resumed: Blocks that were there before.
        broken: Files, series and blocks that were left out.
        seconds: Of this run.
    """

    folder: str
    status: str
    series: int
    rows: int
    blocks: int
    resumed: int
    broken: tuple[Broken, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """Of the command line: 0, or 3 where something was left out."""
        return 3 if self.broken else 0


def forecast_store(
    forecaster: Predicts,
    store: Store,
    out: str | Path,
    *,
    identity: Mapping[str, Any],
    level: Sequence[float] = (80, 95),
    resume: bool = False,
    on_error: str = "stop",
    progress: Report | None = None,
) -> Summary:
    """Forecast all series of a store into the folder ``out``.

    Args:
        forecaster: A fitted one.
        store: The series.
        out: The folder of results.
        identity: What decides the numbers beside the series (model, options), as plain data.
        level: Of the intervals, in percent.
        resume: Go on where a run stopped.
        on_error: "stop", or "skip" what fails, by name.
        progress: Called after each block.
    """
    told = {**identity, "series": store.identity, "level": list(level)}
    results = Results(out, told, store.n_blocks)
    work = forecast_tables(forecaster, level)
    return run_blocks(store, results, work, resume=resume, on_error=on_error, progress=progress)


def backtest_store(
    fitted: Sequence[Predicts],
    store: Store,
    out: str | Path,
    hidden: Sequence[int],
    *,
    identity: Sequence[Mapping[str, Any]],
    level: Sequence[float] = (80, 95),
    methods: Sequence[str] = (),
    seasons: Sequence[int] = (1,),
    by: str | None = None,
    group_of: Callable[[], pl.DataFrame] | None = None,
    resume: bool = False,
    on_error: str = "stop",
    progress: Report | None = None,
) -> tuple[Summary, Scores]:
    """Forecast windows of the past of all series of a store into the folders ``backtest`` and
    ``scores`` of ``out``, by forecasters that know nothing of these windows; and the summary of
    the scores, also as ``scores.json``.

    Args:
        fitted: One forecaster for all windows, or one for each.
        hidden: How many steps at the end of each series are hidden, for each window.
        identity: Of each of the forecasters.
        methods, seasons: Of the simple methods.
        by, group_of: A column, and what gives the group of each series by it, for the summary.
        store, out, level, resume, on_error, progress: As in ``forecast_store``.
    """
    told = {
        "models": list(identity), "series": store.identity, "level": list(level),
        "hidden": list(hidden), "methods": list(methods), "seasons": list(seasons),
    }  # fmt: skip
    results = Results(out, told, store.n_blocks)
    work = backtest_tables(fitted, hidden, level, methods, seasons)
    summary = run_blocks(store, results, work, resume=resume, on_error=on_error, progress=progress)
    groups = None if group_of is None else group_of()
    scores = summarized(results.paths(SCORES), store.description.id_col, level, by, groups)
    write_json(results.folder / "scores.json", asdict(scores))
    return summary, scores


def forecast_frame(forecaster: Predicts, store: Store, level: Sequence[float]) -> pl.DataFrame:
    """The forecasts of all series of a store in one frame."""
    work = forecast_tables(forecaster, level)
    return pl.concat([work(store.block(i))[""] for i in range(store.n_blocks)])


def run_blocks(
    store: Store,
    results: Results,
    work: Work,
    *,
    resume: bool = False,
    on_error: str = "stop",
    progress: Report | None = None,
) -> Summary:
    """Do the ``work`` on each block that is not there yet: here, or where ``RUNNER`` says.

    Raises:
        ValueError: A block fails, and ``on_error`` is "stop"; the blocks before it stay.
        OSError: The folder cannot be written; what was written stays, and can be gone on with.
    """
    began = perf_counter()
    with results.begun(resume):
        todo = results.todo()
        job = Job(store, results, work, on_error == "stop")
        for k, _ in enumerate(RUNNER.get()(job, todo), 1):
            if progress is not None:
                progress(k, len(todo))
        return _finished(store, results, resumed=store.n_blocks - len(todo), began=began)


@dataclass(frozen=True)
class Job:
    """What whoever does a block of a run must know."""

    store: Store
    results: Results
    work: Work
    stop: bool

    def block(self, i: int) -> Part:
        """Do one block and write it."""
        return one_block(self.store, self.results, self.work, i, stop=self.stop)


def in_turn(job: Job, todo: Sequence[int]) -> Iterator[Part]:
    """Some of the blocks, one after the other."""
    return map(job.block, todo)


RUNNER: ContextVar[Callable[[Job, Sequence[int]], Iterator[Part]]] = ContextVar(
    "runner", default=in_turn
)  # who does the blocks


def one_block(store: Store, results: Results, work: Work, i: int, *, stop: bool) -> Part:
    """Do the work on block ``i``, write what came out, and say so in one line of the log."""
    began = perf_counter()
    try:
        found = done(store.block(i), work, stop)
    except Exception as error:  # whatever happens to a block happens to it alone
        if stop:
            raise
        found = Done({}, 0, (Broken("block", str(i), f"{type(error).__name__}: {error}"),))
    part = results.write(i, found.tables, found.series, found.broken)
    log_block(part, store.n_blocks, perf_counter() - began)
    return part


def log_block(part: Part, blocks: int, seconds: float) -> None:
    """One line of the log for a block, and one for each thing that it was done without."""
    LOG.info(
        "block=%d/%d series=%d rows=%d broken=%d seconds=%.3f",
        part.block + 1, blocks, part.series, part.rows, len(part.broken), seconds,
    )  # fmt: skip
    for one in part.broken:
        LOG.warning("left out: %s", one)


def _finished(store: Store, results: Results, *, resumed: int, began: float) -> Summary:
    """The manifest and the summary, once all blocks are there."""
    parts = results.finish()
    broken = (*store.broken, *(one for part in parts for one in part.broken))
    summary = Summary(
        str(results.folder),
        "incomplete" if broken else "complete",
        sum(part.series for part in parts),
        sum(part.rows for part in parts),
        len(parts),
        resumed,
        broken,
        round(perf_counter() - began, 3),
    )
    write_json(results.folder / SUMMARY, asdict(summary))
    LOG.info(
        "%s: series=%d rows=%d blocks=%d broken=%d seconds=%.3f",
        summary.status, summary.series, summary.rows, summary.blocks, len(broken), summary.seconds,
    )  # fmt: skip
    return summary
