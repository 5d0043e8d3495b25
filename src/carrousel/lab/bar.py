"""A progress bar with the time left, on standard error."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """Shows the progress of an experiment while it is entered; see :class:`Options`."""

    def __init__(self, name: str) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.bar.add_task(name, total=None)

    def __enter__(self) -> "Bar":
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def expect(self, work: float) -> None:
        self.bar.update(self.task, total=work)

    def advance(self, work: float, label: str) -> None:
        self.bar.update(self.task, advance=work, description=label)

    def note(self, text: str) -> None:
        self.bar.console.print(text, highlight=False, soft_wrap=True)
