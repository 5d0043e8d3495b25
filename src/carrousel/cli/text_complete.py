"""``carrousel text complete``: the words that the model expects next."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .screen import write_data
from .text_tables import show_table


def complete(
    model: Annotated[Path, typer.Argument(help="A saved language model.")],
    beginning: Annotated[str, typer.Argument(help="The beginning of a sentence.")],
    k: Annotated[int, typer.Option("-k", help="How many of the likeliest.")] = 10,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Tokens, which may be pieces of words.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """The likeliest next words with their probabilities, whatever the model's tokens are."""
    from ..text import LanguageModel
    from ..text.memory.next_words import next_words

    loaded = LanguageModel.load(model)
    found = loaded.next(beginning, k) if tokens else next_words(loaded, beginning, k)
    rows = [{"next": token, "probability": value} for token, value in found]
    if as_json:
        write_data((json.dumps(rows, ensure_ascii=False) + "\n").encode())
    else:
        show_table(rows, "next")
