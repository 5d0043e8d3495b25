"""A token a word, with the space before it; other words are spelled by characters or bytes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .characters import CharacterTokenizer
from .pieces import pieces, split_elision
from .tokenizer import Tokens, WholeWords

WORDS = 8000  # by default
REMEMBERED = 1 << 16  # other words whose spelling is not looked up again


class WordTokenizer(WholeWords):
    """Words, each with the space before it, then characters, then bytes.

    >>> tokenizer = WordTokenizer([" j'", "ai", " mangé"], "\\n abcdefghijklmnopqrstuvwxyzé'")
    >>> [tokenizer.tokens[t] for t in tokenizer.encode(" j'ai mangé bien")]
    [" j'", 'ai', ' mangé', ' ', 'b', 'i', 'e', 'n']
    """

    level = "word"

    def __init__(self, words: Sequence[str], characters: str) -> None:
        self.words = list(words)  # of two characters at least
        self._small = CharacterTokenizer(characters)
        super().__init__([*(word.encode() for word in self.words), *self._small.spelled])
        self._known = {word: (token,) for token, word in enumerate(self.words)}
        self._spelled: dict[str, tuple[int, ...]] = {}

    @classmethod
    def learn(cls, chunks: Iterator[str], size: int | None) -> "WordTokenizer":
        """The ``size`` most frequent words of a text that occur twice; all its characters."""
        counts: Counter[str] = Counter()
        for chunk in chunks:
            counts.update(pieces(chunk))
        often = [word for word, count in counts.items() if count > 1 and len(word) > 1]
        often.sort(key=lambda word: (-counts[word], word))
        return cls(often[: WORDS if size is None else size], "".join(set().union(*counts)))

    def to_dict(self) -> dict[str, Any]:
        characters = self._small.characters
        return {"level": self.level, "words": self.words, "characters": characters}

    def _encode(self, text: str) -> Tokens:
        known, spelled = self._known, self._spelled
        before, elision = split_elision(text)
        cut = [*pieces(before), elision] if elision in known else pieces(text)
        tokens: list[int] = []
        for piece in cut:
            tokens += known.get(piece) or spelled.get(piece) or self._spell(piece)
        return np.array(tokens, np.int64)

    def _knows(self, elision: str) -> bool:
        return elision in self._known

    def _spell(self, piece: str) -> tuple[int, ...]:
        if len(self._spelled) >= REMEMBERED:
            self._spelled.clear()
        tokens = tuple((self._small.encode(piece) + len(self.words)).tolist())
        self._spelled[piece] = tokens
        return tokens
