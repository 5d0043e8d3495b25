"""What a terminal shows: plain lines, tables and a bar with the time left."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from time import monotonic
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

_WORD = 10  # characters that a column of sentences has even where the terminal is narrower
_HUSHED: ContextVar[frozenset[str]] = ContextVar("_HUSHED", default=frozenset())


@contextmanager
def hushed(*streams: str) -> Iterator[None]:
    """Within, consoles on these streams ("out", "err") write nothing, and draw no bar.

    >>> with hushed("out"):
    ...     console().print("nobody reads this")
    """
    before = _HUSHED.set(_HUSHED.get() | set(streams))
    try:
        yield
    finally:
        _HUSHED.reset(before)


def console(stderr: bool = False) -> Console:
    """Where commands write: plain lines; no name of a file or series is taken for markup."""
    quiet = ("err" if stderr else "out") in _HUSHED.get()
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, quiet=quiet)


def cell(value: Any) -> str:
    """
    >>> cell(0.12345), cell(7), cell("h"), cell(None)
    ('0.123', '7', 'h', '')
    """
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


def table(
    rows: Sequence[Mapping[str, Any]],
    left: Collection[str] = (),
    *,
    title: str | None = None,
    wrapped: Collection[str] = (),
    written: Callable[[Any], str] = cell,
) -> "Fitting":
    """A row for each of ``rows``, a column for each key of the first of them. Where the terminal
    is too narrow for all columns, those that do not fit stand below, beside the words again.

    Args:
        rows: Values as ``written`` takes them; a ``rich.text.Text`` stays as it is.
        left: Columns of words; numbers stand to the right.
        title: Stands above the table, which then has a frame.
        wrapped: Columns that may take several lines where the terminal is narrow.
        written: Makes text of a value.
    """
    texts = [
        {name: one if isinstance(one, Text) else Text(written(one)) for name, one in row.items()}
        for row in rows
    ]
    return Fitting(texts, left, title, wrapped)


class Fitting:
    """A table that no terminal is too narrow for; see ``table``."""

    def __init__(
        self,
        rows: Sequence[Mapping[str, Text]],
        left: Collection[str],
        title: str | None,
        wrapped: Collection[str],
    ) -> None:
        self.rows, self.left, self.title, self.wrapped = rows, left, title, wrapped

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> Iterator[Table]:
        names, title = list(self.rows[0]), self.title
        whole, room = self._of(names, title), options.update(width=10_000)
        if self.wrapped or Measurement.get(screen, room, whole).maximum <= options.max_width:
            least = 1 + sum(3 + self._least(name) for name in names)
            whole.width = least if least > options.max_width else None
            yield whole
            return
        for some in self._parts(names, options.max_width):
            part = self._of(some, title)
            part.width = Measurement.get(screen, room, part).maximum  # also if there is less
            yield part
            title = None if title is None else ""

    def _of(self, names: Sequence[str], title: str | None) -> Table:
        """Some of the columns; in a frame, unless the title is None."""
        look = {"box": box.SIMPLE_HEAD, "pad_edge": False} if title is None else {"title": title}
        made = Table(title_justify="left", title_style="", **look)  # type: ignore[arg-type]
        for name in names:
            side = "left" if name in self.left else "right"
            made.add_column(name, justify=side, no_wrap=name not in self.wrapped)  # type: ignore[arg-type]
        for row in self.rows:
            made.add_row(*(row[name] for name in names))
        return made

    def _wide(self, name: str) -> int:
        return max(cell_len(name), *(row[name].cell_len for row in self.rows))

    def _least(self, name: str) -> int:
        """The width below which nothing of the column can be read."""
        return min(self._wide(name), _WORD) if name in self.wrapped else self._wide(name)

    def _parts(self, names: Sequence[str], width: int) -> Iterator[list[str]]:
        """The columns of words, and beside them as many others as there is room for."""
        wide = {name: 3 + self._wide(name) for name in names}  # with the frame
        words = [name for name in names if name in self.left]
        free = left = width - 1 - sum(wide[name] for name in words)
        part: list[str] = []
        for name in names:
            if name in words:
                continue
            if part and wide[name] > left:
                yield [*words, *part]
                part, left = [], free
            part.append(name)
            left -= wide[name]
        yield [*words, *part]


class Bar:
    """Shows how far some work is while it is entered, on standard error so that results can be
    piped; it goes when the work ends, and is not there if nobody watches.

    It is the ``progress`` of :class:`carrousel.lab.Options`.
    """

    def __init__(self, label: str) -> None:
        screen = console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[pace]}", markup=False),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=screen,
            transient=True,
            disable=screen.quiet or not screen.is_terminal,
        )
        self._task = self._bar.add_task(label, total=None, pace="")
        self._notebook = _NotebookBar() if screen.is_jupyter and not screen.quiet else None

    def __enter__(self) -> "Bar":
        self._bar.start()
        self._draw()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
        if self._notebook is not None:
            self._notebook.clear()

    def _draw(self) -> None:
        if self._notebook is not None:
            self._notebook.draw(self._bar.tasks[0])

    def expect(self, work: float) -> None:
        """So much work is to come, in any unit."""
        self._bar.update(self._task, total=work)
        self._draw()

    def advance(self, work: float, label: str) -> None:
        """So much of it is done; ``label`` says what is at work."""
        self._bar.update(self._task, advance=work, description=label)
        self._draw()

    def show(
        self, done: float, total: float, label: str | None = None, pace: str | None = None
    ) -> None:
        """``done`` of ``total``; ``pace`` says how fast or how well."""
        given = {"description": label, "pace": pace}
        news: dict[str, Any] = {name: text for name, text in given.items() if text is not None}
        self._bar.update(self._task, completed=done, total=total, **news)
        self._draw()

    def note(self, text: str) -> None:
        """A line that stays."""
        self._bar.console.print(text)


class _NotebookBar:
    """The bar below a cell of a notebook, drawn anew a few times a second; rich would
    want ipywidgets for it."""

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html, self._last = HTML, 0.0
        self._place = display(HTML(""), display_id=True)

    def draw(self, task: Task) -> None:
        now, done = monotonic(), task.finished
        if now - self._last < 0.2 and not done:
            return
        self._last = now
        left = task.time_remaining
        words = [task.description, f"{task.percentage:.0f} %", task.fields["pace"]]
        words += [] if left is None else [f"{left:.0f} s left"]
        share = "" if task.total is None else f' value="{task.completed}" max="{task.total}"'
        told = escape("  ".join(word for word in words if word))
        self._place.update(self._html(f"<progress{share}></progress> {told}"))

    def clear(self) -> None:
        self._place.update(self._html(""))


@contextmanager
def training_bar(title: str) -> Iterator[Callable[[str, Any], None]]:
    """Yield a callback for the ``progress`` of ``Forecaster.fit``; the bar goes when training ends.

    >>> from carrousel import Forecaster
    >>> from carrousel.data import load_sample
    >>> with training_bar("learning") as progress:
    ...     made = Forecaster(12, max_steps=2).fit(load_sample("airline"), progress=progress)
    """
    with Bar(f"{title}, starting") as bar:

        def report(name: str, now: Any) -> None:
            pace = f"{now.step:,}/{now.steps:,}  loss {now.loss:.4f}  {now.rate:.0f} steps/s"
            bar.show(now.step, now.steps, f"{title}, {name}", pace)

        yield report
