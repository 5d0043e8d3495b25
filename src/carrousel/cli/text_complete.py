"""``carrousel text complete``: the words that the model expects next."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..console import console, table


def complete(
    model: Annotated[Path, typer.Argument(help="A saved language model.")],
    beginning: Annotated[str, typer.Argument(help="The beginning of a sentence.")],
    k: Annotated[int, typer.Option("-k", help="How many of the likeliest.")] = 10,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Tokens, which may be pieces of words.")
    ] = False,
) -> list[dict[str, Any]]:
    """The likeliest next words with their probabilities, whatever the model's tokens are."""
    from ..text import LanguageModel
    from ..text.memory.next_words import next_words

    loaded = LanguageModel.load(model)
    found = loaded.next(beginning, k) if tokens else next_words(loaded, beginning, k)
    rows = [{"next": token, "probability": value} for token, value in found]
    console().print(table(rows, ("next",)))
    return rows
