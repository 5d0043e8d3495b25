"""The command line: one file per command.

Commands import what they need when they run, never at the top of their file, so that
``carrousel --help`` stays fast: no torch, no polars. Anything wrong with the user's input
(ValueError, OSError, wrong options) becomes one line on standard error and exit code 2.
"""

import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import typer

from . import backtest, explore, forecast, lab, predict, samples, text, update
from .flags import in_flags
from .screen import drop_output, write_what_the_terminal_has

app = typer.Typer(
    name="carrousel",
    help="Recurrent networks you can see through: forecast, look inside, compare.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(forecast.forecast)
app.command()(backtest.backtest)
app.command()(predict.predict)
app.command()(update.update)
app.command()(samples.samples)
app.command()(explore.explore)
app.add_typer(lab.lab, name="lab")
app.add_typer(text.text, name="text")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``carrousel`` with these arguments (default: those of the process) and exit."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that unfinished files go
    write_what_the_terminal_has()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _told  # type: ignore[assignment]
            code = app(args=arguments or ["--help"], standalone_mode=False)
            sys.stdout.flush()  # a full disk is an error of this command, not of its end
    except typer.Abort:
        sys.exit(1)
    except Exception as error:
        message = _explained(error)
        if message is None:
            raise
        sys.stderr.write(f"carrousel: {message}\n")
        drop_output()
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _told(message: Warning | str, *_: Any) -> None:
    """A warning as one line, like an error, without the place in the code."""
    sys.stderr.write(f"carrousel: {' '.join(str(message).split())}\n")


def _explained(error: Exception) -> str | None:
    """What the user did wrong, on one line; None for an error of the program's own."""
    wrong_option = typer.BadParameter.__bases__[0]  # click's UsageError, wherever click lives
    if isinstance(error, wrong_option):
        return " ".join(error.format_message().split())  # type: ignore[attr-defined]
    if isinstance(error, BrokenPipeError):
        return "nobody reads the output any more"
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return f"there is not enough memory for this: {' '.join(str(error).split())}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    missing_extra = isinstance(error, ImportError) and "pip install" in str(error)
    if missing_extra or isinstance(error, (ValueError, OSError)):
        return in_flags(" ".join(str(error).split()))
    return None
