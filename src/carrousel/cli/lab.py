"""``carrousel lab``: the experiments, and one step of a cell."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cell import cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..lab import Outcome

lab = typer.Typer(
    help="The claims about recurrent networks as experiments: vanishing gradients, long memories.",
    no_args_is_help=True,
)

# What each experiment asks, on one line: --help must not import what runs it.
QUESTIONS = {
    "vanishing": "How much of the error arrives k steps, or k layers, back?",
    "constant-error": "Does an open memory keep a state, and its gradient, for ever?",
    "recall": "How far back can each network learn to look?",
    "held-gate": "What does a forget gate held at 1 restore, and what does it cost?",
    "adding": "Two marked numbers among hundreds: what is their sum?",
    "copy": "Several symbols, repeated after a silence.",
    "temporal-order": "In which order did the signals come, a hundred steps ago?",
    "reber": "A grammar whose last symbol but one repeats the second.",
}

Quick = Annotated[bool, typer.Option(help="Less than a minute: to see it work, not to cite.")]
Seeds = Annotated[
    int | None, typer.Option(help="Runs of each network.", show_default="10, or 2 with --quick")
]
Jobs = Annotated[
    int | None,
    typer.Option(help="Processes that share the work.", show_default="one a core"),
]
Out = Annotated[Path, typer.Option(help="Folder of results; an interrupted run resumes from it.")]


def _command(name: str) -> "Callable[..., Any]":
    def experiment(
        quick: Quick = False, seeds: Seeds = None, jobs: Jobs = None, out: Out = Path("lab")
    ) -> dict[str, Any]:
        from ..console import Bar
        from ..lab import Options, run
        from .folders import writable_folder

        with writable_folder(out), Bar(name) as progress:
            # Small networks: a process a core is faster than threads that share one network.
            jobs = (os.cpu_count() or 1) if jobs is None else jobs
            options = Options(quick, seeds, jobs, out, progress)
            try:
                outcome = run(name, options)
            except KeyboardInterrupt:
                kept = options.runs.is_dir() and any(options.runs.iterdir())
                progress.note(
                    f"interrupted; finished runs are kept in {options.runs}"
                    if kept
                    else "interrupted before a run had finished: nothing is kept"
                )
                raise typer.Exit(130) from None
        _show(outcome, out)
        return _found(outcome, out)

    return experiment


for _name, _question in QUESTIONS.items():
    lab.command(_name, help=_question)(_command(_name))
lab.command("cell")(cell)


def _show(outcome: "Outcome", out: Path) -> None:
    from rich.text import Text

    from ..console import console, table

    screen, rows = console(), [_short(row) for row in outcome.rows]
    screen.print(Text.assemble((outcome.about.title, "bold"), f": {outcome.about.question}"))
    screen.print(table(rows, ("task", "network", "unit"), wrapped=rows[0], written=_text))
    for finding in outcome.findings:
        mark = ("confirmed    ", "green") if finding.holds else ("not confirmed", "red")
        screen.print(Text.assemble(mark, f" {finding.claim}: {finding.evidence}"))
    stem = out / outcome.about.name
    screen.print(f"{outcome.seconds:.0f} s; table, picture and data: {stem}.csv, .png, .json")


def _found(outcome: "Outcome", out: Path) -> dict[str, Any]:
    findings = [
        {"claim": one.claim, "holds": one.holds, "evidence": one.evidence}
        for one in outcome.findings
    ]
    written = [str(out / f"{outcome.about.name}{suffix}") for suffix in (".csv", ".png", ".json")]
    return {
        "experiment": outcome.about.name,
        "rows": outcome.rows,
        "findings": findings,
        "seconds": outcome.seconds,
        "written": written,
    }


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """The columns that fit a terminal; the CSV file has them all."""
    if "task" not in row:
        return row
    return {
        "task": row["task"],
        "network": row["network"],
        "solved": f"{row['solved']} of {row['runs']}",
        "sequences (median)": row["sequences (median)"],
        "final loss": row["final loss (median)"],
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
