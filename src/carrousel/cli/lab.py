"""``carrousel lab``: the experiments, and one step of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ..lab import Finding, Outcome

lab = typer.Typer(
    help="The claims about recurrent networks as experiments: vanishing gradients, long memories.",
    no_args_is_help=True,
)

# What each experiment asks, on one line: --help must not import what runs it.
QUESTIONS = {
    "vanishing": "How much of the error arrives k steps, or k layers, back?",
    "constant-error": "Does an open memory keep a state, and its gradient, for ever?",
    "recall": "How far back can each network learn to look?",
    "adding": "Two marked numbers among hundreds: what is their sum?",
    "copy": "Ten symbols, repeated after a silence.",
    "temporal-order": "In which order did the signals come, a hundred steps ago?",
    "reber": "A grammar whose last symbol but one repeats the second.",
}

Quick = Annotated[bool, typer.Option(help="Less than a minute: to see it work, not to cite.")]
Seeds = Annotated[
    int | None, typer.Option(help="Runs of each network.", show_default="10, or 2 with --quick")
]
Jobs = Annotated[int, typer.Option(help="Processes that share the work.")]
Out = Annotated[Path, typer.Option(help="Folder of results; an interrupted run resumes from it.")]


def _command(name: str) -> "Callable[..., None]":
    def experiment(
        quick: Quick = False, seeds: Seeds = None, jobs: Jobs = 1, out: Out = Path("lab")
    ) -> None:
        from ..lab import Options, run

        with _bar(name) as progress:
            options = Options(quick, seeds, jobs, out, progress)
            try:
                outcome = run(name, options)
            except KeyboardInterrupt:
                progress.bar.console.print(f"interrupted; finished runs are kept in {options.runs}")
                raise typer.Exit(130) from None
        _show(outcome, out)

    return experiment


for _name, _question in QUESTIONS.items():
    lab.command(_name, help=_question)(_command(_name))


class _Bar:
    """A progress bar with the time left, on standard error."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.name, self.done = name, 0.0
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> "_Bar":
        self.bar.start()
        self.task = self.bar.add_task(self.name, total=None)
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def expect(self, work: float) -> None:
        self.bar.update(self.task, total=work)

    def advance(self, work: float, label: str) -> None:
        self.bar.update(self.task, advance=work, description=label)


def _bar(name: str) -> _Bar:
    return _Bar(name)


def _show(outcome: "Outcome", out: Path) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"[bold]{outcome.about.title}[/]: {outcome.about.question}")
    console.print(_table(outcome.rows))
    for finding in outcome.findings:
        _show_finding(console, finding)
    stem = out / outcome.about.name
    console.print(f"{outcome.seconds:.0f} s; table, picture and data: {stem}.csv, .png, .json")


def _show_finding(console: "Console", finding: "Finding") -> None:
    mark = "[green]confirmed[/]    " if finding.holds else "[red]not confirmed[/]"
    console.print(f"{mark} {finding.claim}: {finding.evidence}", soft_wrap=True)


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        number = isinstance(rows[0][name], int | float)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else _text(value) for value in row.values()))
    return table


def _text(value: Any) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:.4g}"
        if isinstance(value, float)
        else str(value)
    )


@lab.command("cell", help="One step of one cell, operation by operation, with real numbers.")
def cell(
    kind: Annotated[str, typer.Option(help="lstm, gru or rnn.")] = "lstm",
    inputs: Annotated[int, typer.Option(help="Size of the input.")] = 2,
    hidden: Annotated[int, typer.Option(help="Hidden units.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the random weights and values.")] = 0,
    weights: Annotated[
        Path | None,
        typer.Option(help="A safetensors file: the cell of a trained model.", show_default=False),
    ] = None,
    layer: Annotated[
        str, typer.Option(help="Path of the layer in that model, if it has several.")
    ] = "",
    x: Annotated[str, typer.Option("-x", help="Input, comma-separated; random if absent.")] = "",
    h: Annotated[str, typer.Option("-h", help="Hidden state before; zeros if absent.")] = "",
    c: Annotated[str, typer.Option("-c", help="Cell state before (lstm); zeros if absent.")] = "",
) -> None:
    import torch

    from ..lab.cell import step
    from ..lab.weights import Weights

    own = _loaded(weights, layer) if weights else Weights.random(kind, inputs, hidden, seed)
    rng = torch.Generator().manual_seed(seed)
    given = _vector("-x", x, own.inputs) if x else torch.randn(own.inputs, generator=rng)
    before = [_vector(name, text, own.hidden) for name, text in (("-h", h), ("-c", c))]
    _show_step(step(own, given, *before), given, *before)


def _loaded(path: Path, layer: str) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from ..lab.weights import Weights

    try:
        return Weights.from_state(load_file(path), layer)
    except SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file ({error})") from None


def _vector(name: str, text: str, size: int) -> Any:
    import torch

    try:
        values = [float(part) for part in text.split(",")] if text else [0.0] * size
    except ValueError:
        raise ValueError(f"{name} is {text!r}, but must be numbers with commas between") from None
    if len(values) != size:
        raise ValueError(f"{name} has {len(values)} numbers, but the cell needs {size}")
    return torch.tensor(values)


def _show_step(done: Any, x: Any, h: Any, c: Any) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ..colors import COLORS

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("operation", "formula", "value"):
        table.add_column(column)
    before = [("input", "x", x), ("hidden state before", "h", h)]
    before += [("cell state before", "c", c)] if done.kind == "lstm" else []
    for name, formula, value in before:
        table.add_row(name, formula, _numbers(value))
    table.add_section()
    for operation in done:
        style = COLORS.get(operation.role, "")
        table.add_row(f"[{style}]{operation.name}[/]" if style else operation.name,
                      operation.formula.replace("[", "\\["), _numbers(operation.value))  # fmt: skip
    Console(highlight=False).print(table)


def _numbers(values: Any) -> str:
    return "  ".join(f"{value:7.4f}" for value in values.tolist())
