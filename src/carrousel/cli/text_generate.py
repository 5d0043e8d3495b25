"""``carrousel text generate``: a model writes on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .scripting import write


def generate(
    model: Annotated[Path, typer.Argument(help="A saved language model.")],
    beginning: Annotated[str, typer.Argument(help="What the text begins with.")] = "",
    length: Annotated[int, typer.Option(help="Tokens to write.")] = 500,
    temperature: Annotated[
        float, typer.Option(help="Below 1: surer; above: wilder; 0: always the likeliest.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(help="Only the k likeliest tokens.", show_default=False)
    ] = None,
    top_p: Annotated[
        float, typer.Option(help="Only the likeliest that together have this probability.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed writes the same text.")] = 0,
) -> dict[str, Any]:
    """Write on from a BEGINNING, token by token; the state is carried, no window limits it."""
    from ..text import LanguageModel

    pieces = LanguageModel.load(model).generate(
        beginning, length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
    )
    written = []
    write(beginning)
    for piece in pieces:
        write(piece)
        written.append(piece)
    write("\n")
    return {"beginning": beginning, "text": "".join(written)}
