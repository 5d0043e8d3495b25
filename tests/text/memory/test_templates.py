"""Sentences from templates: whole, different, repeatable, with kinds at mixed distances."""

import re

import numpy as np
import pytest

from carrousel.text.memory.phrases import LANGUAGES
from carrousel.text.memory.templates import CONTENT, KINDS, sentences


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


def test_every_template_gives_different_sentences(language):
    made = sentences(language, 6)
    count = len(LANGUAGES[language].templates)
    assert [s.template for s in made] == [i for i in range(count) for _ in range(6)]
    assert len({s.text for s in made}) == len(made)


def test_text_is_written_out(language):
    for sentence in sentences(language, 10):
        assert not re.search(r"[<>\[\]|]|  ", sentence.text)
        assert sentence.text[0].isupper()
        for piece, (start, stop) in zip(sentence.pieces, sentence.spans, strict=True):
            assert sentence.text[start:stop] == piece.text
            assert piece.text not in piece.others
            assert piece.kind in KINDS.values()


def test_french_needs_no_elision_and_no_contraction():
    """What a grammar this small would get wrong is not in its templates."""
    wrong = r"\b(?:de|à) les?\b|\b(?:le|la|ce|ma|sa|que|de|je|ne) [aeiouyéèêâî]"
    for sentence in sentences("french", 30):
        assert not re.search(wrong, sentence.text.lower()), sentence.text


def test_english_articles_fit():
    for sentence in sentences("english", 30):
        assert not re.search(r"\ba [aeiou]", sentence.text.lower()), sentence.text


def test_determiner_agrees_with_its_noun():
    phrases = LANGUAGES["french"]
    gender = {n: g for nouns in phrases.nouns.values() for g, ns in nouns.items() for n in ns}
    for sentence in sentences("french", 20):
        for before, piece in zip(sentence.pieces, sentence.pieces[1:], strict=False):
            if piece.text in gender and before.kind == "determiner":
                assert before.text.lower() in phrases.determiners[gender[piece.text]]


def test_both_kinds_stand_at_every_distance(language):
    """Looking after each word in turn, neither kind is found only near or only far."""
    near = {True: np.zeros(9), False: np.zeros(9)}
    for sentence in sentences(language, 5):
        for at, piece in enumerate(sentence.pieces):
            for after in range(at + 1, len(sentence.pieces)):
                if after - at < 9 and (piece.kind in CONTENT or piece.kind == "determiner"):
                    near[piece.kind in CONTENT][after - at] += 1
    assert (near[True][1:] > 50).all()
    assert (near[False][1:] > 50).all()


def test_seed(language):
    assert sentences(language, 3, seed=1) == sentences(language, 3, seed=1)
    assert sentences(language, 3, seed=1) != sentences(language, 3, seed=2)


def test_bad_arguments():
    with pytest.raises(ValueError, match="language must be one of"):
        sentences("latin", 1)
    with pytest.raises(ValueError, match="each must be"):
        sentences("french", 0)
