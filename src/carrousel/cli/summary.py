"""What a command says: what was read, and the table of scores."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ..console import Fitting, table
from ..data import Panel
from ..forecast.evaluation import Evaluation

if TYPE_CHECKING:
    from rich.console import Console


def say_what_was_read(screen: "Console", source: Path, panel: Panel, notes: list[str]) -> None:
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


def say(screen: "Console", notes: list[str]) -> None:
    """Notes, each on a line of its own."""
    for note in notes:
        screen.print(f"  {note}")


def say_scores(screen: "Console", evaluation: Evaluation, title: str) -> None:
    """The table of scores, and who won."""
    screen.print(score_table(evaluation, title))
    screen.print(evaluation.verdict)


def score_table(evaluation: Evaluation, title: str) -> Fitting:
    """A row for each method, the best of each error in bold."""
    best, metrics = evaluation.best, evaluation.metrics
    rows = [
        {
            "method": method,
            **{
                metric.label: Text(
                    metric.written(means[name]), style="bold" if method in best[name] else ""
                )
                for name, metric in metrics.items()
            },
        }
        for method, means in evaluation.means.items()
    ]
    labels = [metric.label for metric in metrics.values()]
    return table(rows, ("method",), title=title, wrapped=labels)
