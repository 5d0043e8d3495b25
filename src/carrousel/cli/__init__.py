"""The command line: one file per command.

Commands import what they need when they run, never at the top of their file, so that
``carrousel --help`` stays fast: no torch, no polars. Anything wrong with the user's input
(ValueError, OSError, wrong options) becomes one line on standard error and exit code 2.

Exit codes: 0 done; 1 an error of the program's own, with its traceback; 2 something is wrong with
what was typed or read, or cannot be written; 3 done but for what ``--on-error skip`` left out; 130
Ctrl-C; 143 ended by SIGTERM.
"""

import copy
import signal
import sys
import warnings
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Annotated, Any

import typer

from ..wording import nearest
from . import (
    backtest,
    classify,
    explore,
    forecast,
    lab,
    predict,
    samples,
    speak,
    text,
    transcribe,
    update,
    voice,
)
from .cluster import OnCluster
from .flags import in_flags
from .screen import drop_output, open_what_is_closed, write_what_the_terminal_has
from .scripting import TYPED, for_scripts

FORECASTING, INSIDE, TEXT, SPEECH = "Forecasting", "Seeing inside", "Text", "Speech"
SEQUENCES = "Sequences"

_BOXES: ContextVar[bool] = ContextVar("_BOXES", default=False)  # whether it was told

app = typer.Typer(
    name="carrousel",
    help="Recurrent networks you can see through: forecast, look inside, compare.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Exit codes: 0 done, 2 wrong input or a place that cannot be written, 3 something was "
    "left out (--on-error skip), 130 Ctrl-C, 1 an error of carrousel's own.",
)
app.command(cls=OnCluster, rich_help_panel=FORECASTING)(forecast.forecast)
app.command(cls=OnCluster, rich_help_panel=FORECASTING)(backtest.backtest)
app.command(cls=OnCluster, rich_help_panel=FORECASTING)(predict.predict)
app.command(rich_help_panel=FORECASTING)(update.update)
app.command(rich_help_panel=FORECASTING)(samples.samples)
app.command(rich_help_panel=INSIDE)(explore.explore)
app.add_typer(lab.lab, name="lab", rich_help_panel=INSIDE)
app.add_typer(classify.classify, name="classify", rich_help_panel=SEQUENCES)
app.add_typer(classify.tag, name="tag", rich_help_panel=SEQUENCES)
app.add_typer(text.text, name="text", rich_help_panel=TEXT)
app.add_typer(transcribe.transcribe, name="transcribe", rich_help_panel=SPEECH)
app.command(rich_help_panel=SPEECH)(voice.voice)
app.command(rich_help_panel=SPEECH)(speak.speak)
for_scripts(app)


@app.callback(invoke_without_command=True)
def carrousel(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With --version: also what it runs on.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --version: as JSON.")] = False,
) -> None:
    """Recurrent networks you can see through: forecast, look inside, compare."""
    if version:
        from .version import version as told

        sys.stdout.write(told(verbose, as_json))
        raise typer.Exit
    if verbose or as_json:
        raise typer.BadParameter("--verbose and --json go with --version, or after a command")
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``carrousel`` with these arguments (default: those of the process) and exit."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that unfinished files go
    open_what_is_closed()
    write_what_the_terminal_has()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _told  # type: ignore[assignment]
            TYPED.set(tuple(arguments))
            _BOXES.set(False)
            code = _with(arguments[:1])(args=arguments or ["--help"], standalone_mode=False)
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


def _with(typed: list[str]) -> typer.Typer:
    """The command that is typed first, by itself; all of them if it is none. To build hundreds of
    options takes as long as two forecasts."""
    commands = [one for one in app.registered_commands if _name(one) in typed]
    groups = [one for one in app.registered_groups if one.name in typed]
    if not commands and not groups:
        return app
    alone = copy.copy(app)
    alone.registered_commands, alone.registered_groups = commands, groups
    return alone


def _name(command: Any) -> str:
    return command.name or command.callback.__name__


def _told(message: Warning | str, *_: Any) -> None:
    """A warning as one line, like an error, without the place in the code."""
    text = " ".join(str(message).split())
    if text.startswith("Glyph ") and "missing from font" in text:  # one for each letter otherwise
        if _BOXES.get():
            return
        _BOXES.set(True)
        text = "matplotlib's font lacks letters of these names: pictures show boxes in their place"
    sys.stderr.write(f"carrousel: {text}\n")


def _explained(error: Exception) -> str | None:
    """What the user did wrong, on one line; None for an error of the program's own."""
    wrong_option = typer.BadParameter.__bases__[0]  # click's UsageError, wherever click lives
    if isinstance(error, wrong_option):
        unknown = getattr(error, "option_name", None)
        near = nearest(unknown, getattr(error, "possibilities", None) or ())
        if type(error).__name__ == "NoSuchOption":
            return f"No such option: {unknown}" + (f"; did you mean {near}?" if near else "")
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
