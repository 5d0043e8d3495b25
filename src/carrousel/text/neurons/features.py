"""What can be read off a text at every character: the things that a unit's state may follow."""

import re
from collections.abc import Callable, Iterable

import numpy as np

from ...wording import one_of

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[^.!?…\n]*[.!?…\n]?")
_NEGATION = re.compile(
    r"\b(?:ne\b|n['’])[^.!?…\n]{0,40}?\b(?:pas|plus|rien|jamais|personne)\b", re.IGNORECASE
)
_QUOTED = re.compile(r'"[^"]*"|«[^»]*»|“[^”]*”')
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")

Feature = Callable[[str], np.ndarray]


def _within(pattern: re.Pattern[str], inner: int = 0) -> Feature:
    """1 from the first character of a match to its last, without the ``inner`` last ones."""

    def feature(text: str) -> np.ndarray:
        values = np.zeros(len(text))
        for match in pattern.finditer(text):
            values[match.start() : match.end() - inner] = 1
        return values

    return feature


def _since(starts: Callable[[str], bool]) -> Feature:
    """Characters since the last one that ``starts`` anew; 0 at that one."""

    def feature(text: str) -> np.ndarray:
        values, count = np.zeros(len(text)), 0
        for at, character in enumerate(text):
            count = 0 if starts(character) else count + 1
            values[at] = count
        return values

    return feature


def _each(holds: Callable[[str], bool]) -> Feature:
    return lambda text: np.array([holds(character) for character in text], dtype=float)


def _edges(last: bool) -> Feature:
    def feature(text: str) -> np.ndarray:
        values = np.zeros(len(text))
        for match in _WORD.finditer(text):
            values[match.end() - 1 if last else match.start()] = 1
        return values

    return feature


def _in_question(text: str) -> np.ndarray:
    """1 in a sentence that a question mark will end."""
    values = np.zeros(len(text))
    for match in _SENTENCE.finditer(text):
        values[match.start() : match.end()] = match[0].endswith("?")
    return values


def _before_newline(text: str) -> np.ndarray:
    values = np.zeros(len(text))
    values[:-1] = [character == "\n" for character in text[1:]]
    return values


def _after_comma(text: str) -> np.ndarray:
    """1 in the part of a sentence that follows its first comma."""
    values, after = np.zeros(len(text)), False
    for at, character in enumerate(text):
        after = (after or character in ",;:") and character not in ".!?…\n"
        values[at] = after
    return values


FEATURES: dict[str, Feature] = {
    "inside quotes": _within(_QUOTED, inner=1),
    "inside brackets": _within(_BRACKETED, inner=1),
    "inside a negation (ne ... pas)": _within(_NEGATION),
    "in a question": _in_question,
    "after a comma": _after_comma,
    "position in line": _since(lambda character: character == "\n"),
    "position in sentence": _since(lambda character: character in ".!?…\n"),
    "position in word": _since(lambda character: not character.isalpha()),
    "first letter of a word": _edges(last=False),
    "last letter of a word": _edges(last=True),
    "last character of a line": _before_newline,
    "space": _each(lambda character: character == " "),
    "vowel": _each(lambda character: character.lower() in "aeiouyàâäéèêëîïôöùûüœæ"),
    "capital letter": _each(str.isupper),
    "digit": _each(str.isdigit),
    "punctuation": _each(lambda character: character in ".,;:!?…-'’\"«»()"),
}


def readable(text: str, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Each feature at each character, (N,): 0 or 1, or a count of characters.

    Features that are the same everywhere in ``text`` are left out: there is nothing to follow.

    >>> readable('"A b"\\n', ["inside quotes", "position in word"])["inside quotes"]
    array([1., 1., 1., 1., 0., 0.])
    """
    chosen = FEATURES if names is None else {name: _known(name) for name in names}
    found = {name: feature(text) for name, feature in chosen.items()}
    return {name: values for name, values in found.items() if len(np.unique(values)) > 1}


def _known(name: str) -> Feature:
    one_of("features", name, FEATURES)
    return FEATURES[name]
