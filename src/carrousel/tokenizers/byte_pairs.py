"""Byte pair encoding (Sennrich, Haddow & Birch 2016) on bytes, by the ``tokenizers`` library."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .pieces import ONIGURUMA, split_elision
from .tokenizer import Tokens, WholeWords

TOKENS = 4000  # by default


class BytePairTokenizer(WholeWords):
    """256 bytes and their most frequent merges, inside words (see ``pieces``)."""

    level = "bpe"

    def __init__(self, json: str) -> None:
        self._json = json
        self._rust = _from_json(json)
        byte = {character: b for b, character in enumerate(_byte_characters())}
        names = sorted(self._rust.get_vocab().items(), key=lambda item: item[1])
        strange = [name for name, _ in names if not set(name) <= byte.keys()]
        if strange or [token for _, token in names] != list(range(len(names))) or len(names) < 256:
            raise ValueError("tokenizer.json holds no byte pairs, or its numbers have gaps")
        super().__init__([bytes([byte[c] for c in name]) for name, _ in names])

    @classmethod
    def learn(cls, chunks: Iterator[str], size: int | None) -> "BytePairTokenizer":
        """``size`` tokens, or fewer where a text has not so many pairs that occur twice."""
        library = _library()
        size = TOKENS if size is None else size
        if size < 256:
            raise ValueError(f"vocabulary must be at least 256 for level='bpe', got {size}")
        before = library.pre_tokenizers
        rust = library.Tokenizer(library.models.BPE())
        rust.pre_tokenizer = before.Sequence(
            [
                before.Split(library.Regex(ONIGURUMA), "isolated"),
                before.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=2,
            show_progress=False,
            initial_alphabet=before.ByteLevel.alphabet(),
        )
        rust.train_from_iterator(chunks, trainer)
        return cls(rust.to_str())

    def to_dict(self) -> dict[str, Any]:
        return {"level": self.level, "json": self._json}

    def _encode(self, text: str) -> Tokens:
        text.encode()  # raises what Rust would only replace: half a surrogate pair
        before, elision = split_elision(text)
        if elision and self._knows(elision):
            return np.array([*self._rust.encode(before).ids, *self._elided(elision)], np.int64)
        return np.array(self._rust.encode(text).ids, np.int64)

    def _knows(self, elision: str) -> bool:
        tokens = self._elided(elision)
        if len(tokens) == 1:
            return True
        # Its apostrophe was merged with letters, and not for another word's sake.
        merged = len(self.spelled[tokens[-1]]) > 1
        return merged and len(self._rust.encode(elision[:-1]).ids) > 1

    def _elided(self, elision: str) -> list[int]:
        """The tokens of a word with its apostrophe, as before a vowel."""
        return self._rust.encode(f"{elision}a").ids[:-1]


def _from_json(json: str) -> Any:
    library = _library()
    try:
        return library.Tokenizer.from_str(json)
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"tokenizer.json is no tokenizer: {error}") from error


def _library() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(
            "level='bpe' needs the tokenizers package: pip install 'carrousel[text]'"
        ) from error
    return tokenizers


def _byte_characters() -> list[str]:
    """The printable character by which byte level BPE writes each byte."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(b) if b in plain else chr(next(others)) for b in range(256)]
