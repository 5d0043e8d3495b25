"""Tokenizers lose nothing, whatever the text, and cut words where a reader would."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrousel.tokenizers.kinds import learn_tokenizer, tokenizer_from_dict
from carrousel.tokenizers.pieces import LONGEST, ONIGURUMA, normalized, pieces
from carrousel.tokenizers.tokenizer import LEVELS

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
        ("हिन्दी में लिखना", ["हिन्दी", " में", " लिखना"]),
        ("قَالَ مُحَمَّدٌ", ["قَالَ", " مُحَمَّدٌ"]),
        ("می‌خواهم بروم", ["می‌خواهم", " بروم"]),
        ("ภาษาไทย ที่นี่", ["ภาษาไทย", " ที่นี่"]),
        ("nước t́ẍ", ["nước", " t́ẍ"]),
        ("x" * (LONGEST + 1), ["x" * LONGEST, "x"]),
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


UNICODE = st.text(
    st.characters(codec="utf-8", max_codepoint=0x2FFF) | st.sampled_from("'’ʼ aén1_\n")
)


@given(text=UNICODE)
def test_the_library_of_byte_pairs_cuts_as_we_do(text):
    library = pytest.importorskip("tokenizers")
    split = library.pre_tokenizers.Split(library.Regex(ONIGURUMA), "isolated")
    assert [piece for piece, _ in split.pre_tokenize_str(text)] == pieces(text)


@given(text=UNICODE)
def test_normalizing_twice_is_normalizing_once(text):
    assert normalized(normalized(text)) == normalized(text)


@pytest.mark.parametrize("level", LEVELS)
def test_the_apostrophe_of_a_phone_is_the_same_token(level):
    tokenizer = TOKENIZERS[level]
    for mark in "’ʼ":
        typed = f"Hier soir j{mark}ai mangé, it{mark}s"
        assert (
            tokenizer.encode(typed).tolist()
            == tokenizer.encode("Hier soir j'ai mangé, it's").tolist()
        )
    assert learn_tokenizer(level, iter([TEXT.replace("'", "’")]), None, True).tokens


ELISIONS = "Il n'a pas vu l'été.\nC'est qu'il n'est pas là. I don't know, it's fine.\n" * 9
ELIDING = {level: learn_tokenizer(level, iter([ELISIONS]), None, True) for level in LEVELS}


NEIGHBORS = "Il voit l'île et le chat.\nIl a un ordinateur, l'autre dit-on.\n"
SPACED = learn_tokenizer("word", iter([NEIGHBORS * 3]), None, True)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Il voit l'ordinateur.", ["Il", " voit", " l'", " ordinateur", "."]),
        ("chat-chat", [" chat", "-", " chat"]),
        ("et Il a", [" et", "Il", " a"]),
        (" l'", [" l'"]),
        ("l'", [" l'"]),
        ("l'île", [" l'", "île"]),
        (" île xy", ["île", " ", "x", "y"]),
        ("a", ["a"]),
        ("le\n l", [" le", "\n", " ", "l"]),
        ("", []),
    ],
)
def test_a_word_is_read_as_the_one_that_differs_by_its_space(text, read):
    tokens, ends = SPACED.read(text)
    assert [SPACED.tokens[token] for token in tokens] == read
    assert "".join(read).replace(" ", "") == text.replace(" ", "")
    assert [text[:end].replace(" ", "") for end in ends] == [
        "".join(read[: k + 1]).replace(" ", "") for k in range(len(read))
    ]


@pytest.mark.parametrize("level", LEVELS)
@given(text=st.text(alphabet="le chat'Il-aI.日é\n"))
def test_reading_ends_with_the_text(level, text):
    tokens, ends = TOKENIZERS[level].read(text)
    assert len(tokens) == len(ends)
    assert ends == sorted(ends)
    assert not ends or ends[-1] == len(normalized(text))
    if level != "word":
        assert tokens.tolist() == TOKENIZERS[level].encode(text).tolist()


@pytest.mark.parametrize("level", ["word", "bpe"])
@pytest.mark.parametrize(
    ("beginning", "whole"),
    [("Il n'", "Il n'a"), ("C'", "C'est"), ("pas vu l’", "pas vu l'été"), ("est qu'", "est qu'il")],
)
def test_an_elision_at_the_end_is_read_as_before_a_vowel(level, beginning, whole):
    tokenizer = ELIDING[level]
    tokens, following = tokenizer.encode(beginning).tolist(), tokenizer.encode(whole).tolist()
    assert tokens == following[: len(tokens)]
    assert tokenizer.split_end(beginning) == (normalized(beginning), "")


@pytest.mark.parametrize("level", ["word", "bpe"])
@pytest.mark.parametrize(
    ("beginning", "expected"),
    [("I don'", ("I don", "'")), ("it’", ("it", "'")), ("Il ", ("Il", " ")), ("x", ("x", ""))],
)
def test_what_ends_inside_a_token_is_left_to_be_written(level, beginning, expected):
    assert ELIDING[level].split_end(beginning) == expected
    assert ELIDING["char"].split_end(beginning) == (normalized(beginning), "")


def test_a_word_that_goes_on_behind_its_apostrophe_is_left_whole():
    assert TOKENIZERS["word"].split_end("fine.\nAujourd'") == ("fine.\n", "Aujourd'")


def test_a_quotation_mark_at_the_end_is_none():
    tokenizer = learn_tokenizer("word", iter(["le chat dort. " * 3]), None, True)
    shown = [tokenizer.tokens[t] for t in tokenizer.encode("le chat'")]
    assert " chat" in shown
    assert tokenizer.split_end("le chat'") == ("le chat'", "")


def test_one_endless_word_is_cut():
    # Byte pairs of a whole run cost its square.
    tokenizer = ELIDING["bpe"]
    run = "日本語" * 400
    parts = [run[k : k + LONGEST] for k in range(0, len(run), LONGEST)]
    one_by_one = [token for part in parts for token in tokenizer.encode(part).tolist()]
    assert tokenizer.encode(run).tolist() == one_by_one
