"""``carrousel text complete``: what the model expects next."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .text_tables import show_table


def complete(
    model: Annotated[Path, typer.Argument(help="A saved language model.")],
    beginning: Annotated[str, typer.Argument(help="The beginning of a sentence.")],
    k: Annotated[int, typer.Option("-k", help="How many of the likeliest.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """The likeliest next words (or pieces, or characters) with their probabilities."""
    from ..text import LanguageModel

    found = LanguageModel.load(model).next(beginning, k)
    rows = [{"next": token, "probability": value} for token, value in found]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        show_table(rows, "next")
