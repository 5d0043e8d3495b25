"""A token a word, with the space before it; other words are spelled by characters or bytes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .characters import CharacterTokenizer
from .pieces import pieces, split_elision
from .tokenizer import Tokens, WholeWords

WORDS = 8000  # by default
REMEMBERED = 1 << 16  # other words whose spelling is not looked up again


class WordTokenizer(WholeWords):
    """Words, each with the space before it, then characters, then bytes.

    ``read`` takes a word that is known only after a space, or only without one, for that word where
    ``encode`` would spell it: "ordinateur" in "l'ordinateur". Sentences of a collection that hold
    such words are easier to go on with then: perplexity 12.3 instead of 23.9 behind "l'ordinateur"
    and its like, 19.0 instead of 90.7 behind a first word in small letters
    (``benchmarks/respaced_words.py``).

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
        tokens: list[int] = []
        for piece in _cut(text, known.__contains__):
            tokens += known.get(piece) or spelled.get(piece) or self._spell(piece)
        return np.array(tokens, np.int64)

    def _read(self, text: str) -> tuple[Tokens, list[int]]:
        tokens: list[int] = []
        added: list[int] = []  # spaces that a token has and the text has not
        for piece in _cut(text, self._knows):
            word = piece if piece in self._known else _respaced(piece)
            some = self._known.get(word) or self._spell(piece)
            tokens += some
            added += [len(word) - len(piece) if word in self._known else 0] * len(some)
        ends = np.array(self.ends(tokens), np.int64) - np.cumsum(added, dtype=np.int64)
        return np.array(tokens, np.int64), ends.tolist()

    def _knows(self, elision: str) -> bool:
        return elision in self._known or _respaced(elision) in self._known

    def _spell(self, piece: str) -> tuple[int, ...]:
        if len(self._spelled) >= REMEMBERED:
            self._spelled.clear()
        tokens = tuple((self._small.encode(piece) + len(self.words)).tolist())
        self._spelled[piece] = tokens
        return tokens


def _cut(text: str, knows: Callable[[str], bool]) -> list[str]:
    """The pieces of a text, its last elision whole where it is known."""
    before, elision = split_elision(text)
    return [*pieces(before), elision] if elision and knows(elision) else pieces(text)


def _respaced(piece: str) -> str:
    """The piece with the space before it that it has not, or without the one that it has; single
    characters as they are: they need no spelling."""
    if len(piece) == 1:
        return piece
    return piece[1:] if piece.startswith(" ") else f" {piece}"
