"""A token a character; characters that the vocabulary lacks are spelled by their bytes."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from .tokenizer import Tokenizer, Tokens


class CharacterTokenizer(Tokenizer):
    """Characters in the order of their code points, then (``byte_fallback``) bytes.

    >>> tokenizer = CharacterTokenizer("\\nabé", byte_fallback=True)
    >>> tokenizer.encode("bébé").tolist(), tokenizer.decode(tokenizer.encode("ça"))
    ([2, 3, 2, 3], 'ça')
    """

    level = "char"

    def __init__(self, characters: str, byte_fallback: bool = True) -> None:
        self.characters = "".join(sorted({*characters, "\n"}))
        self.byte_fallback = byte_fallback
        others = fallback_bytes(self.characters) if byte_fallback else []
        super().__init__([*(c.encode() for c in self.characters), *others])
        self._codes = _codes(self.characters)  # sorted
        self._byte = {piece[0]: len(self._codes) + k for k, piece in enumerate(others)}

    @classmethod
    def learn(
        cls, chunks: Iterator[str], size: int | None, byte_fallback: bool
    ) -> "CharacterTokenizer":
        """The ``size`` most frequent characters of a text; None takes them all."""
        counts: Counter[str] = Counter()
        for chunk in chunks:
            counts.update(chunk)
        frequent = sorted(counts, key=lambda c: (-counts[c], c))
        return cls("".join(frequent[:size]), byte_fallback)

    def to_dict(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "characters": self.characters,
            "byte_fallback": self.byte_fallback,
        }

    def _encode(self, text: str) -> Tokens:
        codes = _codes(text)
        tokens = np.searchsorted(self._codes, codes).clip(max=len(self._codes) - 1)
        unknown = np.flatnonzero(self._codes[tokens] != codes)
        return self._spell(text, tokens, unknown) if len(unknown) else tokens

    def _spell(self, text: str, tokens: Tokens, unknown: Tokens) -> Tokens:
        """The same tokens with bytes in the place of each unknown character."""
        if not self.byte_fallback:
            some = "".join(sorted({text[k] for k in unknown}))[:20]
            raise ValueError(
                f"text holds characters that the model does not know: {some!r}; it knows "
                f"{self.characters!r} and was made with byte_fallback=False"
            )
        parts, done = [], 0
        for k in unknown.tolist():
            parts += [tokens[done:k], np.array([self._byte[b] for b in text[k].encode()])]
            done = k + 1
        return np.concatenate([*parts, tokens[done:]])


def fallback_bytes(characters: str) -> list[bytes]:
    """The bytes that occur in the UTF-8 of characters other than these."""
    single = [b for b in range(0x80) if chr(b) not in characters]
    return [bytes([b]) for b in (*single, *range(0x80, 0xC0), *range(0xC2, 0xF5))]


def _codes(text: str) -> Tokens:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int64)
