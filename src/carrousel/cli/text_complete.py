"""``carrousel text complete``: the words that the model expects next."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import console, table
from .screen import write_data


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
    from ..storage.files import as_json as in_json
    from ..text import LanguageModel
    from ..text.memory.next_words import next_words

    loaded = LanguageModel.load(model)
    found = loaded.next(beginning, k) if tokens else next_words(loaded, beginning, k)
    rows = [{"next": token, "probability": value} for token, value in found]
    if as_json:
        write_data(in_json(rows, indent=None))
    else:
        console().print(table(rows, ("next",)))
