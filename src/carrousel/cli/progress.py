"""A progress bar for training, on standard error so that results can be piped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def training_bar(console: Console, title: str) -> Iterator[Callable[[str, Any], None]]:
    """Yield a callback for ``Forecaster.fit(progress=...)``; the bar goes when training ends."""
    bar = Progress(
        TextColumn(f"{title}, {{task.fields[name]}}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(title, name="starting", pace="", total=None)

        def report(name: str, now: Any) -> None:
            pace = f"loss {now.loss:.4f}  {now.rate:.0f} steps/s"
            bar.update(task, completed=now.step, total=now.steps, name=name, pace=pace)

        yield report
