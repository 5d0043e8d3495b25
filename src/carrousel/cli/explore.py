"""``carrousel explore``: the web page in which the memory can be watched."""

from pathlib import Path
from typing import Annotated, Any

import typer


def explore(
    model: Annotated[
        Path | None,
        typer.Argument(help="Folder of a saved model. Without it, the models that ship."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the page to this file, which needs no server, and stop."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> dict[str, Any] | None:
    """Open a page that shows a network at work: every gate and state, live, in your browser.

    MODEL is a folder that `forecast`, `text train` or `transcribe train` wrote. Only this
    machine can open the page.
    """
    from ..web.library import Library
    from .folders import writable_file

    if export is not None:
        writable_file(export, "--export")
    library = Library.shipped() if model is None else Library.given(model)
    if export is not None:
        from ..web.export import export as write

        size = write(library, export)
        _say(f"wrote {export} ({size / 1e6:.1f} MB)")
        return {"written": [str(export)], "bytes": size}
    try:
        from ..web.serve import serve
    except ImportError as error:
        raise ValueError(
            f"the server needs {error.name}: pip install 'carrousel[web]' "
            "(or --export page.html, which needs nothing)"
        ) from error
    serve(library, port, browser, _say)
    return None


def _say(line: str) -> None:
    from ..console import console

    console().print(line)
