"""Sentences made from templates, so that content words and determiners stand at many distances.

A template is a line of words. ``<food>`` is a determiner and a noun that agree, drawn from the
language's lists; ``[eaten|bought]v`` is a choice, the letter its kind: n(oun), v(erb),
a(djective), d(eterminer); every other word is o(ther): pronouns, prepositions, auxiliaries.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from ...wording import one_of
from .phrases import LANGUAGES

KINDS = {"n": "noun", "v": "verb", "a": "adjective", "d": "determiner", "o": "other"}
CONTENT = ("noun", "verb", "adjective")

_PART = re.compile(r"<(?P<list>\w+)>|\[(?P<choice>[^\]]+)\](?P<kind>[nvad])|(?P<word>\S+)")


@dataclass(frozen=True)
class Piece:
    """A part of a sentence: its text, its kind, and what else could stand there."""

    text: str
    kind: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sentence:
    """``text`` is the pieces with spaces between; ``template`` is the template's number."""

    pieces: tuple[Piece, ...]
    template: int

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self.pieces)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where each piece stands in ``text``, characters from and to."""
        spans, start = [], 0
        for piece in self.pieces:
            spans.append((start, start + len(piece.text)))
            start += len(piece.text) + 1
        return spans


def sentences(language: str, each: int, seed: int = 0) -> list[Sentence]:
    """``each`` different sentences from every template of "french" or "english".

    A template that has fewer gives those it has.

    >>> len(sentences("english", 2)), sentences("english", 1)[0].template
    (48, 0)
    """
    one_of("language", language, LANGUAGES)
    if each < 1:
        raise ValueError(f"each must be at least 1, got {each}")
    phrases = LANGUAGES[language]
    made: list[Sentence] = []
    for number, template in enumerate(phrases.templates):
        rng = Random(f"{seed} {language} {number}")
        found: dict[str, Sentence] = {}
        for _ in range(4 * each):
            first, *rest = _pieces(language, template, rng)
            sentence = Sentence((_capital(first), *rest), number)
            found.setdefault(sentence.text, sentence)
            if len(found) == each:
                break
        made += found.values()
    return made


def _pieces(language: str, template: str, rng: Random) -> Iterator[Piece]:
    phrases = LANGUAGES[language]
    for part in _PART.finditer(template):
        if part["list"]:
            gender = rng.choice(sorted(phrases.nouns[part["list"]]))
            yield _drawn(phrases.determiners[gender], "determiner", rng)
            yield _drawn(phrases.nouns[part["list"]][gender], "noun", rng)
        elif part["choice"]:
            yield _drawn(tuple(part["choice"].split("|")), KINDS[part["kind"]], rng)
        else:
            yield Piece(part["word"], "other")


def _drawn(words: tuple[str, ...], kind: str, rng: Random) -> Piece:
    word = rng.choice(words)
    return Piece(word, kind, tuple(other for other in words if other != word))


def _capital(piece: Piece) -> Piece:
    others = tuple(other.capitalize() for other in piece.others)
    return Piece(piece.text[0].upper() + piece.text[1:], piece.kind, others)
