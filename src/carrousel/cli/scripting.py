"""What scripts ask of every command: ``--quiet``, ``--json`` and ``--log``.

A command returns what it found as plain data; with ``--json`` this, and nothing else, is
its output.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import typer

from ..console import hushed
from .screen import write_data

PANEL = "For scripts"
LOG_LEVELS = ("debug", "info", "warning", "error")
_JSON: ContextVar[bool] = ContextVar("_JSON", default=False)
TYPED: ContextVar[tuple[str, ...]] = ContextVar("TYPED", default=())  # what stands on the line

Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=PANEL,
                 help="No notes, tables or bars: data and errors only."),
]  # fmt: skip
Json = Annotated[
    bool,
    typer.Option("--json", rich_help_panel=PANEL, help="What was found, as JSON on one line."),
]
Log = Annotated[
    str | None,
    typer.Option("--log", rich_help_panel=PANEL, show_default=False, metavar="LEVEL",
                 autocompletion=lambda: list(LOG_LEVELS),
                 help="Log on standard error: debug, info, warning or error."),
]  # fmt: skip
OWN = {"quiet": Quiet, "as_json": Json, "log": Log}


def for_scripts(app: typer.Typer) -> None:
    """Give every command of ``app``, and of the apps in it, the three options."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _scripted(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            for_scripts(group.typer_instance)


def _scripted(command: Callable[..., Any]) -> Callable[..., None]:
    if hasattr(command, "_scripted"):  # an app that stands in two places
        return command

    @functools.wraps(command)
    def run(*, quiet: bool = False, as_json: bool = False, log: str | None = None, **given: Any):  # type: ignore[no-untyped-def]
        asked = _JSON.set(as_json)
        try:
            _require_names(given)
            with ExitStack() as stack:
                if quiet or as_json:
                    stack.enter_context(hushed("out", *(("err",) if quiet else ())))
                if log is not None:
                    stack.enter_context(_logged(log))
                found = command(**given)
        finally:
            _JSON.reset(asked)
        if as_json:
            from ..storage.files import as_json as in_json

            write_data(in_json({} if found is None else found, indent=None))
        if isinstance(found, dict) and found.get("exit_code"):
            raise typer.Exit(found["exit_code"])

    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in inspect.signature(command).parameters.values()
    ]
    for name, annotation in OWN.items():
        default = None if name == "log" else False
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default,
                              annotation=annotation)
        )  # fmt: skip
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run._scripted = True  # type: ignore[attr-defined]
    return run


def _require_names(given: dict[str, Any]) -> None:
    """Refuse an empty path, which as a ``Path`` is the current folder: mostly it is a variable of
    the shell that is not set."""
    typed = TYPED.get()
    if "." in typed or not any(word == "" or word.endswith("=") for word in typed):
        return
    for name, value in given.items():
        if Path() in (value if isinstance(value, (list, tuple)) else [value]):
            argument = f"--{name.replace('_', '-')}"
            what = argument if any(word.startswith(argument) for word in typed) else name.upper()
            raise ValueError(f"{what} must be a path, got ''; the current folder is written '.'")


def write(text: str) -> None:
    """Data that a command gives on standard output, at once, unless JSON was asked for."""
    if not _JSON.get():
        write_data(text.encode(errors="replace"))


@contextmanager
def _logged(level: str) -> Iterator[None]:
    """What the package logs goes to standard error, too."""
    from ..wording import one_of

    one_of("--log", level, LOG_LEVELS)
    logger, handler = logging.getLogger("carrousel"), logging.StreamHandler()
    before = logger.level
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
