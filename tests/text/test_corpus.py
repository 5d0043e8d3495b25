"""Texts of any size, from strings and files, as one row of tokens."""

import numpy as np
import pytest

from carrousel.text import corpus
from carrousel.text.corpus import Corpus, chunks
from carrousel.tokenizers.kinds import learn_tokenizer

LINES = "".join(f"ligne {k} : é ça l'été\n" for k in range(300))


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(corpus, "CHUNK", 50)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("text", [LINES, LINES.replace("\n", " "), LINES.rstrip(), "x" * 400])
@pytest.mark.parametrize("level", ["char", "word", "bpe"])
def test_a_file_read_in_chunks_is_the_text_in_one(tmp_path, text, level):
    path = tmp_path / "text.txt"
    path.write_text(text, "utf-8")
    assert "".join(chunks(path)) == text
    tokenizer = learn_tokenizer(level, chunks(path), None, True)
    assert tokenizer.to_dict() == learn_tokenizer(level, chunks(text), None, True).to_dict()
    one, other = Corpus.of(text, tokenizer), Corpus.of(path, tokenizer)
    assert one.tokens.tolist() == other.tokens.tolist()
    assert (one.digest, one.characters) == (other.digest, other.characters)
    assert one.characters == len(text)


@pytest.mark.usefixtures("small_chunks")
def test_a_large_file_is_not_held_in_one_piece(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(LINES, "utf-8")
    assert max(map(len, chunks(path))) < 100


def test_several_texts_are_kept_apart_by_lines(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("deux", "utf-8")
    assert "".join(chunks(["un", path, "trois\n", "quatre"])) == "un\ndeux\ntrois\nquatre"


def test_signs_of_other_systems_do_not_matter(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbfe\xcc\x81t\xc3\xa9\r\nfin")
    assert "".join(chunks(path)) == "été\nfin"


def test_it_begins_with_the_begin_token():
    tokenizer = learn_tokenizer("char", iter(["ab"]), None, False)
    tokens = Corpus.of("abba", tokenizer).tokens
    assert tokens.dtype == np.uint16
    assert tokens.tolist() == [tokenizer.begin, 1, 2, 2, 1]


def test_the_held_part_begins_with_the_last_token_before_it():
    tokenizer = learn_tokenizer("char", iter(["0123456789"]), None, False)
    head, tail = Corpus.of("0123456789" * 10, tokenizer).split(0.2)
    assert len(head.tokens) == 81
    assert tail.tokens[0] == head.tokens[-1]
    assert len(tail.tokens) == 21


def test_no_text_is_an_error(tmp_path):
    (tmp_path / "empty.txt").touch()
    for nothing in ("", [], tmp_path / "empty.txt"):
        with pytest.raises(ValueError, match="the text is empty"):
            list(chunks(nothing))


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("été".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt is not UTF-8"):
        list(chunks(path))


def test_the_name_of_a_file_is_no_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("x")
    with pytest.raises(ValueError, match=r"pass Path\('text.txt'\)"):
        list(chunks("text.txt"))


def test_other_things_are_no_text():
    with pytest.raises(TypeError, match="got int"):
        list(chunks([3]))
