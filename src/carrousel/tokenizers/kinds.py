"""Tokenizers by their level: learned from a text, or made again from what was saved."""

from collections.abc import Iterator
from typing import Any

from ..storage.plain import typed
from ..wording import one_of
from .byte_pairs import BytePairTokenizer
from .characters import CharacterTokenizer
from .tokenizer import LEVELS, Tokenizer
from .words import WordTokenizer

KINDS: dict[str, Any] = {
    "char": CharacterTokenizer,
    "word": WordTokenizer,
    "bpe": BytePairTokenizer,
}


def learn_tokenizer(
    level: str, chunks: Iterator[str], size: int | None, byte_fallback: bool
) -> Tokenizer:
    """The tokenizer of a text that is read once, chunk by chunk (see ``corpus.chunks``)."""
    fallback = {"byte_fallback": byte_fallback} if level == "char" else {}
    return KINDS[level].learn(chunks, size, **fallback)


def tokenizer_from_dict(data: dict[str, Any]) -> Tokenizer:
    """The tokenizer of which ``to_dict`` made ``data``.

    Raises:
        ValueError: It is not what ``to_dict`` makes.
    """
    level: Any = data.get("level")
    one_of("tokenizer.level", level, LEVELS)
    fields: dict[str, dict[str, Any]] = {
        "char": {"level": str, "characters": str, "byte_fallback": bool},
        "word": {"level": str, "words": list[str], "characters": str},
        "bpe": {"level": str, "json": str},
    }
    wanted = fields[level]
    if odd := data.keys() ^ wanted.keys():
        state = "missing" if min(odd) in wanted else "unknown"
        raise ValueError(f"tokenizer.{min(odd)} is {state}")
    given = {name: typed(data[name], hint, f"tokenizer.{name}") for name, hint in wanted.items()}
    del given["level"]
    tokenizer = KINDS[level](**given)
    if tokenizer.to_dict() != data or len(set(tokenizer.spelled)) < len(tokenizer):
        raise ValueError("tokenizer has pieces that came twice or are out of order")
    return tokenizer
