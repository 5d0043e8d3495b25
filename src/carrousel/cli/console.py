"""What a command says: what was read, and the table of scores."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..data import Panel
from ..forecast.evaluation import Evaluation


def console(stderr: bool = False) -> Console:
    """Where commands write: plain lines; no name of a file or series is taken for markup."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)


def say_what_was_read(screen: Console, source: Path, panel: Panel, notes: list[str]) -> None:
    """One line on the panel, one for each thing that was done to it."""
    count = f"{panel.n_series:,} series" if panel.n_series > 1 else "one series"
    steps = panel.lengths
    extent = (
        f"{steps.min():,}" if steps.min() == steps.max() else f"{steps.min():,}-{steps.max():,}"
    )
    screen.print(
        f"{source.name}: {count} of {extent} steps, {panel.freq} (freq {panel.freq.alias})"
    )
    say(screen, notes)


def say(screen: Console, notes: list[str]) -> None:
    """Notes, each on a line of its own."""
    for note in notes:
        screen.print(f"  {note}")


def say_scores(screen: Console, evaluation: Evaluation, title: str) -> None:
    """The table of scores, and who won."""
    screen.print(score_table(evaluation, title))
    screen.print(evaluation.verdict)


def score_table(evaluation: Evaluation, title: str) -> Table:
    """A row for each method, the best of each error in bold."""
    table = Table(title=title, title_justify="left", title_style="")
    table.add_column("method", no_wrap=True)
    for metric in evaluation.metrics.values():
        table.add_column(metric.label, justify="right")
    best = evaluation.best
    for method, means in evaluation.means.items():
        cells = [
            Text(metric.written(means[name]), style="bold" if method in best[name] else "")
            for name, metric in evaluation.metrics.items()
        ]
        table.add_row(method, *cells)
    return table
