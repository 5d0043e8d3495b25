"""Next words: whole ones, in order, with the probabilities of all ways to go on."""

import pytest
import torch
from tests.text.toy import Toy

import carrousel
from carrousel.text import LanguageModel
from carrousel.text.memory.next_words import next_words


class Letters(Toy):
    """Tokens are letters, or pieces of several."""

    def __init__(self, vocabulary):
        super().__init__(carrousel.LSTM(3, 4), ["\n", *vocabulary])

    def pieces(self, text):
        ends = range(1, len(text) + 1)
        return [(0, 0), *zip(map(self.vocabulary.index, text), ends, strict=True)]

    def text(self, tokens):
        return "".join(self.vocabulary[token] for token in tokens)


def test_against_all_words():
    """Every word of a and b of at most five letters, by going through all of them."""
    model = Letters(["a", "b", " ", "."])

    def chances(text):
        tokens = [token for token, _ in model.pieces(text)]
        with torch.no_grad():
            here = model.logits(torch.tensor([tokens]))[0, -1].softmax(-1).tolist()
        return dict(zip(model.vocabulary, here, strict=True))

    expected = {mark: chances("a ")[mark] for mark in ("\n", ".")}

    def go(word, chance):
        here = chances(f"a {word}")
        expected[word] = chance * (here["\n"] + here[" "] + here["."])
        for letter in "ab" if len(word) < 5 else "":
            go(word + letter, chance * here[letter])

    for letter in "ab":
        go(letter, chances("a ")[letter])
    found = [pair for pair in next_words(model, "a ", 8) if pair[1] > max(
        value for word, value in expected.items() if len(word) == 5)]  # fmt: skip
    assert len(found) >= 3
    for word, chance in found:
        assert chance >= expected[word] * (1 - 1e-5)  # a second space may lead there too
        assert chance <= expected[word] + chances("a ")[" "]


def test_word_model_says_what_its_tokens_say():
    text = "le chat dort. le chien court. j'ai vu le chat.\n" * 20
    model = LanguageModel("word", hidden=16, steps=40, learning_rate=0.02).fit(text, valid=0)
    words, tokens = next_words(model, "j'ai vu", 2), model.next("j'ai vu", 2)
    assert words[0][0] == tokens[0][0].strip()
    assert words[0][1] == pytest.approx(tokens[0][1], rel=0.1)


def test_characters_and_byte_pairs_give_whole_words():
    text = "le chat dort. le chien court.\n" * 40
    for level in ("char", "bpe"):
        model = LanguageModel(level, hidden=32, steps=150, learning_rate=0.02, bptt=16)
        found = next_words(model.fit(text, valid=0), "le chat", 1)
        assert found[0][0] == "dort"
        assert found[0][1] > 0.5


def test_elision_is_a_word():
    text = "j'ai vu. j'ai su.\n" * 40
    model = LanguageModel("char", hidden=16, steps=100, learning_rate=0.02, bptt=16)
    assert next_words(model.fit(text, valid=0), "", 1)[0][0] == "j'"


def test_k_is_positive():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        next_words(Letters(["a"]), "a", 0)
