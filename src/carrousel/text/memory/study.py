"""Are content words kept longer than determiners? Many sentences, an answer with its interval."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...limits import whole
from ...plottable import Plottable
from .analysis import kept_of, mean_of, own_sentences
from .effects import Effect, contrast
from .occlusion import Stands, changed, drawn_from
from .sentences import Line, Readable, words
from .templates import CONTENT, Piece, Sentence, sentences

COMPARISONS = {  # the two kinds, and the least distance
    "content words, determiners": (CONTENT, ("determiner",), 1),
    "the same, 4 or more words ago": (CONTENT, ("determiner",), 4),
    "nouns, determiners": (("noun",), ("determiner",), 1),
    "verbs, determiners": (("verb",), ("determiner",), 1),
    "content words, other words": (CONTENT, ("other",), 1),
}
FURTHEST = 10  # words between the word and the moment of looking; 0 is the word itself


@dataclass(frozen=True)
class StudyOptions:
    """``each``: sentences of every template; ``replacements``: stand-ins for every word;
    ``own``: sentences of the model's for the position-only baseline."""

    each: int = 12
    replacements: int = 4
    own: int = 96
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("each", "replacements", "own"):
            whole(name, getattr(self, name))
        whole("seed", self.seed, 0)


@dataclass(frozen=True)
class Observations:
    """A row a word and moment of looking, of one measure, the position-only baseline removed."""

    values: np.ndarray  # (N,) what was measured
    usual: np.ndarray  # (N,) the mean of the model's own sentences at that place; 0 without them
    kind: np.ndarray  # (N,) noun, verb, adjective, determiner, other
    distance: np.ndarray  # (N,) words read since
    sentence: np.ndarray  # (N,)


@dataclass(frozen=True)
class Study(Plottable, picture="carrousel.text.memory.picture:plot_study"):
    """See :func:`study`."""

    language: str
    effects: dict[tuple[str, str], Effect]  # by measure and comparison
    observations: dict[str, Observations]
    in_pieces: list[str]  # words that are several tokens to the model
    sentences: int

    def rows(self) -> list[dict[str, Any]]:
        """One row per measure and comparison."""
        return [
            {
                "measure": measure,
                "comparison": comparison,
                **vars(effect),
                "verdict": effect.verdict,
            }
            for (measure, comparison), effect in self.effects.items()
        ]


def study(
    model: Readable,
    language: str,
    options: StudyOptions | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Study:
    """Measure whether content words are kept longer than determiners, at equal distance.

    Sentences come from templates (:mod:`carrousel.text.memory.phrases`). After each word, what is
    left of every earlier one is measured as in :func:`carrousel.text.memory.memory`, and the mean
    of the model's own sentences at the same place is taken off. Kinds of words are then compared at
    equal distances, with an interval over templates and sentences (:func:`contrast`). Two
    replacements are measured. "Same kind" puts another determiner for a determiner and another noun
    for a noun. "Any word" draws from what the model writes, across kinds: swapping a determiner for
    a noun changes what is kept of the noun, so that it tells the kinds apart less well.

    Whether the difference is above 0, below, or not to be told from 0 is what
    ``effects[...].verdict`` says: the study has no favorite.
    """
    options = options or StudyOptions()
    chosen = sentences(language, options.each, options.seed)
    lines = [Line.of(model, sentence.text, words(sentence.text)) for sentence in chosen]
    kinds = [_kinds(line, sentence) for line, sentence in zip(lines, chosen, strict=True)]
    own = own_sentences(model, options.own, max(len(line.spans) for line in lines), options.seed)
    pool = [word for line in own for word in line.words]
    steps = _Steps(progress, 2 * len(lines) + len(own))

    def without(line: Line, stand_ins: Stands) -> np.ndarray:
        steps.advance()
        return changed(model, line, stand_ins)

    def any_word(line: Line) -> Stands:
        return drawn_from(pool, line, options.replacements, options.seed)

    same = [same_kind(*pair, options.replacements) for pair in zip(lines, chosen, strict=True)]
    found = _kept(model, lines, own)
    found["change, any word"] = (
        [without(line, any_word(line)) for line in lines],
        mean_of([without(line, any_word(line)) for line in own]),
    )
    found["change, same kind"] = (
        [without(line, stand_ins) for line, stand_ins in zip(lines, same, strict=True)],
        None,
    )
    observations = {name: _observed(*pair, kinds) for name, pair in found.items()}
    return Study(
        language=language,
        effects=dict(_effects(observations, [sentence.template for sentence in chosen])),
        observations=observations,
        in_pieces=in_pieces(model, lines),
        sentences=len(lines),
    )


def same_kind(line: Line, sentence: Sentence, count: int) -> Stands:
    """What else the template could have had there; nothing for words that it fixes."""

    def stand_ins(word: int) -> Sequence[str]:
        piece = _piece_at(sentence, line.spans[word][0])
        return piece.others[:count]

    return stand_ins


def in_pieces(model: Readable, lines: Sequence[Line]) -> list[str]:
    """Words that are several tokens to the model: a word that it hardly knows, or its alphabet."""
    found = {
        line.words[owner]: None
        for line in lines
        for owner, own in Counter(line.owner).items()
        if owner >= 0 and own > 1
    }
    return list(found)


Matrices = tuple[list[np.ndarray], np.ndarray | None]  # of each sentence; the baseline


def _kept(model: Readable, lines: list[Line], own: list[Line]) -> dict[str, Matrices]:
    """Survival and share of the first layer, whose writes are made of the word itself."""
    books = kept_of(model, [*lines, *own])
    if books is None:
        return {}
    here, there = books[: len(lines)], books[len(lines) :]
    return {
        name: ([getattr(b, name)[0] for b in here], mean_of([getattr(b, name)[0] for b in there]))
        for name in ("survival", "share")
    }


def _observed(
    matrices: list[np.ndarray], baseline: np.ndarray | None, kinds: list[list[str]]
) -> Observations:
    rows = []
    for sentence, (matrix, kind) in enumerate(zip(matrices, kinds, strict=True)):
        for word, after in zip(*np.triu_indices(len(matrix), 1), strict=True):
            value = matrix[word, after]
            if np.isfinite(value) and after - word <= FURTHEST:
                usual = 0.0 if baseline is None else baseline[word, after]
                rows.append((value, usual, kind[word], after - word, sentence))
    values, usual_, kind_, distance, sentence_ = zip(*rows, strict=True)
    return Observations(
        np.array(values), np.array(usual_), np.array(kind_), np.array(distance),
        np.array(sentence_),
    )  # fmt: skip


def _effects(
    observations: dict[str, Observations], templates: list[int]
) -> Iterator[tuple[tuple[str, str], Effect]]:
    for measure, seen in observations.items():
        for comparison, (first, second, nearest) in COMPARISONS.items():
            chosen = np.isin(seen.kind, first + second) & (seen.distance >= nearest)
            is_first = np.isin(seen.kind[chosen], first)
            if is_first.any() and not is_first.all():
                effect = contrast(
                    seen.values[chosen], is_first, seen.distance[chosen], seen.sentence[chosen],
                    templates, baseline=seen.usual[chosen],
                )  # fmt: skip
                yield (measure, comparison), effect


def _kinds(line: Line, sentence: Sentence) -> list[str]:
    return [_piece_at(sentence, start).kind for start, _ in line.spans]


def _piece_at(sentence: Sentence, character: int) -> Piece:
    for piece, (start, stop) in zip(sentence.pieces, sentence.spans, strict=True):
        if start <= character < stop:
            return piece
    raise AssertionError(f"no piece of {sentence.text!r} stands at {character}")


class _Steps:
    """Counts for whoever watches."""

    def __init__(self, progress: Callable[[int, int], None], total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def advance(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)
