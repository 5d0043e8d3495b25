"""The commands on more series than memory holds: directories of Parquet files, and globs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import options as o

if TYPE_CHECKING:
    from ..forecast import Forecaster
    from ..forecast.large import Summary
    from ..forecast.large.scores import Scores

PARTS, HOLDOUT, TRAINING, MODEL = "forecast", "holdout", "training", "model"
GROUPS = 20  # that are shown
ONE_TABLE = "cannot be used with a directory or a glob; give one file"


def refuse(**given: Any) -> None:
    """Refuse what only one table can have, by the flag that was typed."""
    for name, value in given.items():
        if value:
            raise ValueError(f"{o.FLAGS.get(name, '--' + name.replace('_', '-'))} {ONE_TABLE}")


def refuse_one_table(**given: Any) -> None:
    """Refuse for one table what only many files can have."""
    for name, value in given.items():
        if value is not None:
            flag = o.FLAGS[name]
            raise ValueError(f"{flag} needs a directory of Parquet files or a glob, got one table")


def forecast(
    forecaster: "Forecaster",
    source: Path,
    out: Path,
    *,
    level: Sequence[float],
    holdout: bool,
    report: bool,
    resume: bool,
    on_error: str,
    cache: Path | None,
    init: "Forecaster | None",
    by: str | None,
) -> dict[str, Any]:
    """Hold out, learn, forecast, each of which goes on where a run before stopped."""
    import shutil

    import numpy as np

    from .. import __version__
    from ..console import console
    from ..forecast.large.groups import require_column
    from ..forecast.large.results import refuse_old
    from ..forecast.large.series import stored
    from ..storage.files import write_json
    from . import summary
    from .progress import training_bar

    h = forecaster.options.h
    how: dict[str, Any] = {"resume": resume, "on_error": on_error, "cache": cache}
    if by is not None and not holdout:
        raise ValueError("--by tells scores of held-out steps; leave --no-holdout out")
    require_column(source, by)
    refuse_old(out, resume)
    with stored(source, forecaster.options, on_error=on_error, cache=cache) as store:
        summary.say(console(), [*store.notes, *(f"left out: {one}" for one in store.broken)])
        longest = int(np.diff(store.offsets).max())
    scores = held_out = None
    if holdout and longest < 2 * h:
        short = (
            f"not compared with simple methods: that needs {2 * h:,} steps, half of them held out"
        )
        summary.say(console(), [f"{short}, and the longest has {longest:,}"])
    elif holdout:
        with (
            training_bar("learning without the held-out steps") as bar,
            _blocks("held out") as told,
        ):
            held_out, scores = forecaster.backtest_parts(
                source, out=out / HOLDOUT, level=level, least=2 * h, progress=bar, blocks=told,
                init=init, by=by, **how,
            )  # fmt: skip
        _say_scores(scores, f"Held out: the last {h} steps")
    with training_bar("learning from everything") as bar:
        forecaster.fit(
            source, progress=bar, init=init, checkpoint=out / TRAINING, resume=resume,
            on_error=on_error, cache=cache,
        )  # fmt: skip
    if forecaster.runs_ and forecaster.runs_[-1].stopped == "interrupted":
        raise KeyboardInterrupt  # --resume goes on from the checkpoint
    forecaster.save(out / MODEL)
    with _blocks("forecasting") as told:
        done = forecaster.predict(source, out=out / PARTS, level=level, progress=told, **how)
    record = {
        "carrousel": __version__,
        "source": source.name,
        "options": forecaster.get_params(),
        "notes": forecaster.notes_,
        **_told(done, held_out),
        "scores": scores,
    }
    write_json(out / "summary.json", _plain(record))
    if report:
        _write_report(out, f"{source}: forecast", record, scores)
    shutil.rmtree(out / TRAINING, ignore_errors=True)
    _say_what_was_left_out(done)
    console().print(f"Written to {out}{os.sep}: {', '.join(sorted(p.name for p in out.iterdir()))}")
    return {**_plain(record), "written": sorted(str(path) for path in out.iterdir())}


def backtest(
    forecaster: "Forecaster", source: Path, windows: int, out: Path | None, **how: Any
) -> dict[str, Any]:
    """Windows of the past in parts; ``how`` as ``Forecaster.backtest_parts`` takes it."""
    from .. import __version__
    from ..console import console
    from ..wording import counted
    from .progress import training_bar

    if out is None:
        raise ValueError("--out is missing: a folder for the parts of the backtest")
    with training_bar("learning without the held-out steps") as bar, _blocks("forecasting") as told:
        done, scores = forecaster.backtest_parts(
            source, windows, out=out, progress=bar, blocks=told, **how
        )
    _say_scores(scores, f"{counted(windows, 'window')} of {forecaster.options.h} steps")
    _say_what_was_left_out(done)
    console().print(f"Written to {out}{os.sep}")
    record = {"carrousel": __version__, "source": source.name, "windows": windows}
    written = sorted(str(path) for path in out.iterdir())
    return {**_plain({**record, **_told(done), "scores": scores}), "written": written}


def predict(forecaster: "Forecaster", source: Path, out: Path | None, **how: Any) -> dict[str, Any]:
    """Forecasts by a saved model in parts; ``how`` as ``Forecaster.predict`` takes it."""
    if out is None:
        raise ValueError("--out is missing: a folder for the parts of the forecasts")
    with _blocks("forecasting") as told:
        done = forecaster.predict(source, out=out, progress=told, **how)
    _say_what_was_left_out(done)
    return {**_plain(_told(done)), "written": [str(out)]}


def _say_scores(scores: "Scores", title: str) -> None:
    """The means of all methods, who won, the distribution by group and the worst series."""
    from ..console import console, table

    screen = console()
    means = [{"method": name, **of} for name, of in scores.means.items()]
    screen.print(table(means, ("method",), title=title))
    for sentence in scores.sentences:
        screen.print(sentence)
    if scores.groups:
        name = scores.measure.upper()
        screen.print(table(scores.groups[:GROUPS], ("group",), title=f"{name} by group"))
        if len(scores.groups) > GROUPS:
            screen.print(f"and {len(scores.groups) - GROUPS} more groups: see scores.json")
    if scores.worst:
        worst = scores.worst[:5]
        screen.print(table(worst, tuple(worst[0])[:1], title="The largest errors"))


@contextmanager
def _blocks(label: str) -> Iterator[Any]:
    """A bar of blocks."""
    from ..console import Bar

    with Bar(label) as bar:
        yield lambda done, blocks: bar.show(done, blocks, f"{label}, block {done} of {blocks}")


def _told(*done: "Summary | None") -> dict[str, Any]:
    """What a scheduler reads: of the last run, and what was left out of any."""
    from dataclasses import asdict

    runs = [run for run in done if run is not None]
    broken = list(dict.fromkeys(one for run in runs for one in run.broken))
    first = asdict(runs[0])
    return {
        **first,
        "status": "incomplete" if broken else "complete",
        "broken": [asdict(one) for one in broken],
        "exit_code": max(run.exit_code for run in runs),
    }


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    from dataclasses import asdict, is_dataclass

    return {name: asdict(of) if is_dataclass(of) else of for name, of in record.items()}  # type: ignore[arg-type]


def _write_report(
    out: Path, title: str, record: Mapping[str, Any], scores: "Scores | None"
) -> None:
    from ..forecast.large.report import render
    from ..storage.files import write_bytes

    write_bytes(out / "report.html", render(title, record, scores).encode())


def _say_what_was_left_out(done: "Summary") -> None:
    from ..console import console

    for one in done.broken[:20]:
        console(stderr=True).print(f"left out: {one}")
    if len(done.broken) > 20:
        console(stderr=True).print(f"and {len(done.broken) - 20:,} more: see summary.json")
