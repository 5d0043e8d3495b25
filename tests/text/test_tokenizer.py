"""Tokenisers lose nothing, whatever the text, and cut words where a reader would."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrousel.text.tokenizer import (
    LEVELS,
    learn_tokenizer,
    normalized,
    tokenizer_from_dict,
)
from carrousel.text.tokenizer_words import pieces

TEXT = "Hier soir j'ai mangé un hamburger et des frites.\nAujourd'hui, it's fine.\n" * 3


def learned(level, byte_fallback=True):
    return learn_tokenizer(level, iter([TEXT]), 300 if level == "bpe" else None, byte_fallback)


TOKENIZERS = {level: learned(level) for level in LEVELS}


@pytest.mark.parametrize("level", LEVELS)
@given(text=st.text())
def test_any_text_comes_back(level, text):
    tokenizer = TOKENIZERS[level]
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == normalized(text)
    spell = tokenizer.decoder()
    assert "".join([*map(spell, tokens), spell.rest()]) == normalized(text)


@pytest.mark.parametrize("level", LEVELS)
@given(text=st.text(min_size=1))
def test_tokens_end_where_their_characters_do(level, text):
    tokenizer, text = TOKENIZERS[level], normalized(text)
    tokens = tokenizer.encode(text)
    ends = tokenizer.ends(tokens)
    assert ends[-1] == len(text)
    for count, end in enumerate(ends, start=1):
        so_far = b"".join(tokenizer.spelled[token] for token in tokens[:count])
        assert so_far.decode("utf-8", "ignore") == text[:end]


@pytest.mark.parametrize("level", LEVELS)
@given(text=st.text())
def test_a_stored_tokenizer_is_the_same(level, text):
    stored = tokenizer_from_dict(json.loads(json.dumps(TOKENIZERS[level].to_dict())))
    assert stored.encode(text).tolist() == TOKENIZERS[level].encode(text).tolist()
    assert stored.tokens == TOKENIZERS[level].tokens


@given(text=st.text())
def test_pieces_leave_nothing_out(text):
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("j'ai", ["j'", "ai"]),
        ("j’ai mangé", ["j’", "ai", " mangé"]),
        ("Aujourd'hui l'été", ["Aujourd'hui", " l'", "été"]),
        ("qu'Émile", ["qu'", "Émile"]),
        ("don't they'll", ["don", "'t", " they", "'ll"]),
        ("Ça va ?", ["Ça", " va", " ?"]),
        ("allez-vous", ["allez", "-", "vous"]),
        ("en 1984", ["en", " 1", "9", "8", "4"]),
        ("a  b\n\nc", ["a", " ", " b", "\n", "\n", "c"]),
    ],
)
def test_words_are_cut_where_a_reader_would(text, expected):
    assert pieces(text) == expected


def test_known_words_are_one_token():
    tokenizer = TOKENIZERS["word"]
    shown = [tokenizer.tokens[t] for t in tokenizer.encode("Hier soir j'ai mangé")]
    assert shown == ["Hier", " soir", " j'", "ai", " mangé"]


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_letter_is_the_same_token_however_it_was_typed(level):
    composed, decomposed = "mang\u00e9", "mange\u0301"
    tokenizer = TOKENIZERS[level]
    assert tokenizer.encode(composed).tolist() == tokenizer.encode(decomposed).tolist()


def test_without_byte_fallback_there_are_the_characters_alone_and_others_are_refused():
    tokenizer = learned("char", byte_fallback=False)
    assert tokenizer.tokens == sorted(set(TEXT))
    with pytest.raises(ValueError, match=r"does not know: '\+1'"):
        tokenizer.encode("1 + 1")


@pytest.mark.parametrize("level", LEVELS)
def test_half_a_surrogate_pair_is_refused(level):
    with pytest.raises(ValueError, match="half a surrogate pair"):
        TOKENIZERS[level].encode("\ud83d")


def test_the_most_frequent_are_kept():
    assert learn_tokenizer("char", iter(["aaabbc"]), 2, False).tokens == ["\n", "a", "b"]
    words = learn_tokenizer("word", iter([" to be or not to be"]), 1, True).words
    assert words == [" be"]


def test_byte_pairs_need_all_bytes():
    with pytest.raises(ValueError, match="vocabulary must be at least 256"):
        learn_tokenizer("bpe", iter([TEXT]), 100, True)


def test_half_a_character_is_shown_as_bytes():
    tokenizer = TOKENIZERS["char"]
    first = tokenizer.encode("ł")[0]
    assert tokenizer.tokens[first] == "<0xC5>"
    assert tokenizer.decode([first]) == "\ufffd"
