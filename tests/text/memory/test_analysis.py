"""Survival, share and change of words, against the steps of the layer itself."""

import numpy as np
import pytest
import torch
from tests.text.toy import VOCABULARY, Toy

import carrousel
from carrousel.explain import ledger, survival
from carrousel.text.memory.analysis import Options, kept_of, memory, own_sentences
from carrousel.text.memory.occlusion import changed, drawn_from, replaced
from carrousel.text.memory.retention import kept
from carrousel.text.memory.sentences import Line, records, words

SENTENCE = "un hamburger et le chat"


def line_of(model, text=SENTENCE):
    return Line.of(model, text, words(text))


def test_words_elisions_and_marks():
    text = "L'ami d’Anna, 3 demi-frères : vu !"
    expected = ["L'", "ami", "d’", "Anna", ",", "3", "demi", "-", "frères", ":", "vu", "!"]
    assert [text[a:b] for a, b in words(text)] == expected
    assert words("") == words(" \n") == []


def test_token_of_two_words_belongs_to_the_last_and_the_other_has_none():
    line = line_of(Toy(carrousel.LSTM(2, 3), ["\\n", "j'ai", "mangé"]), "j'ai mangé")
    assert line.words == ["j'", "ai", "mangé"]
    assert line.owner == (-1, 1, 2)
    assert line.ends() == [0, 1, 2]


def test_tokens_within_words_and_spaces_belong_to_the_word_that_they_lead_to():
    class Letters(Toy):
        def pieces(self, text):
            return [(0, 0)] + [(1, end + 1) for end in range(len(text))]

    line = line_of(Letters(carrousel.LSTM(2, 3)), "un et !?")
    assert line.owner == (-1, 0, 0, 1, 1, 1, 2, 2, 3)
    assert line.ends() == [2, 5, 7, 8]
    beginning = Line.of(Letters(carrousel.LSTM(2, 3)), "un et le", [(0, 2), (3, 5)])
    assert beginning.owner == (-1, 0, 0, 1, 1, 1)


@pytest.mark.parametrize("cell", [carrousel.LSTM, carrousel.GRU])
@pytest.mark.parametrize("layers", [1, 2])
def test_kept_is_the_ledger_at_every_moment(cell, layers):
    model = Toy(cell(2, 5, num_layers=layers))
    line = line_of(model)
    ((_, seen),) = records(model, [line])
    (found,) = kept([line], seen)
    for after in range(len(line.words)):
        books = ledger(seen[0], at=after + 1)  # step 0 reads the line's beginning
        left = books.contributions[:, :, 0].abs().sum(-1)  # (L, T)
        total = left.sum(1) + books.initial[:, 0].abs().sum(-1)
        for word in range(after + 1):
            written = ledger(seen[0], at=word + 1).contributions[:, word + 1, 0].abs().sum(-1)
            np.testing.assert_allclose(found.share[:, word, after], left[:, word + 1] / total)
            np.testing.assert_allclose(found.survival[:, word, after], left[:, word + 1] / written)
    assert np.isnan(found.share[:, 3, 1]).all()


def test_equal_gates_make_survival_the_product_of_gates():
    model = Toy(carrousel.LSTM(2, 3))
    with torch.no_grad():
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"):
            getattr(model.module.layer, name)[3:6] = 0
        model.module.layer.bias_hh_l0[3:6] = 1.0
    line = line_of(model)
    ((_, seen),) = records(model, [line])
    (found,) = kept([line], seen)
    gate = 1 / (1 + np.exp(-1.0))
    np.testing.assert_allclose(found.survival[0, :, -1], gate ** np.arange(4, -1, -1), rtol=1e-5)
    np.testing.assert_allclose(survival(seen[0])[0, 1:, 0, 0], found.survival[0, :, -1], rtol=1e-5)


def test_lines_of_different_length_are_read_as_if_alone():
    model = Toy(carrousel.GRU(2, 4))
    lines = [line_of(model, text) for text in ("un", SENTENCE, "un hamburger et le chat . un")]
    together = kept_of(model, lines)
    for line, found in zip(lines, together, strict=True):
        (alone,) = kept_of(model, [line])
        np.testing.assert_allclose(found.survival, alone.survival)


def test_change_is_the_total_variation_without_the_word():
    model = Toy(carrousel.LSTM(2, 4))
    line = line_of(model)
    found = changed(model, line, lambda word: ["chat", "soir"] if word == 1 else [])

    def after(text):
        tokens = torch.tensor([[token for token, _ in model.pieces(text)]])
        return model.logits(tokens)[0].softmax(-1)[1:]

    with torch.no_grad():
        others = [after(SENTENCE.replace("hamburger", word)) for word in ("chat", "soir")]
        distance = sum((after(SENTENCE) - other).abs().sum(-1) for other in others) / 4
    np.testing.assert_allclose(found[1, 1:], distance[1:], rtol=1e-5)
    assert np.isnan(found[[0, 2, 3, 4]]).all()
    assert np.isnan(found[1, 0])


def test_a_model_without_memory_forgets_at_once():
    model = Toy(carrousel.LSTM(2, 4))
    with torch.no_grad():
        model.module.layer.weight_hh_l0.zero_()
        model.module.layer.bias_hh_l0[4:8] = -1e4  # every forget gate is shut
    line = line_of(model)
    change = changed(model, line, drawn_from(VOCABULARY[1:], line, 3))
    books = kept_of(model, [line])[0]
    assert (np.diag(change) > 0).all()
    # The states are the same to the last bit, but one sentence and many are multiplied by the
    # head in two calls, and a matrix product may round a row differently with the rows beside it:
    # these few probabilities, at most 1, move by some units of float32's last place, 1.2e-7.
    assert (change[np.triu_indices(5, 1)] < 1e-6).all()
    assert (books.survival[0][np.triu_indices(5, 1)] == 0).all()


def test_replacing_changes_nothing_else():
    model = Toy(carrousel.LSTM(2, 3))
    line = line_of(model)
    other = replaced(model, line, 3, "vu")
    assert model.text(other.tokens[1:]) == "un hamburger et vu chat"
    longer = replaced(model, line, 3, "vu vu vu")
    assert model.text(longer.tokens[1:]) == "un hamburger et vu vu vu chat"
    assert longer.owner == (-1, 0, 1, 2, 3, 3, 3, 4)
    assert longer.ends() == [1, 2, 3, 6, 7]


def test_first_word_has_a_capital_and_others_a_space():
    class Spelling(Toy):
        def pieces(self, text):
            return [(0, 0)] + [(ord(c), end) for end, c in enumerate(text, 1)]

    model = Spelling(carrousel.LSTM(2, 3))
    line = Line.of(model, "Un chat", words("Un chat"))

    def text(line):
        return "".join(map(chr, line.tokens[1:]))

    assert text(replaced(model, line, 0, "été")) == "Été chat"
    assert text(replaced(model, line, 1, "été")) == "Un été"


def test_drawn_words_are_others_and_no_word_twice():
    line = line_of(Toy(carrousel.LSTM(2, 3)))
    for word, own in enumerate(line.words):
        drawn = drawn_from(["un", "chat", "un", "soir"], line, 9)(word)
        assert set(drawn) == {"un", "chat", "soir"} - {own}
        assert len(set(drawn)) == len(drawn)
    assert drawn_from(["un"], line, 9)(0) == []


def test_own_sentences_never_end_and_follow_the_seed():
    model = Toy(carrousel.LSTM(2, 3))
    own = own_sentences(model, 20, 6, seed=3)
    assert len(own) == 20
    for line in own:
        assert len(line.spans) == 6
        assert not {"\n", "."} & set(line.words)
    again = own_sentences(model, 20, 6, seed=3)
    assert [line.text for line in own] == [line.text for line in again]
    assert [line.text for line in own] != [x.text for x in own_sentences(model, 20, 6, seed=4)]


def test_memory_of_a_sentence():
    model = Toy(carrousel.LSTM(2, 4))
    found = memory(model, SENTENCE, Options(replacements=3, sentences=5))
    assert found.words == SENTENCE.split()
    assert found.change.values.shape == (5, 5)
    assert found.survival.others.shape == (5, 1, 5, 5)
    assert found.survival.values[0, -1, -1] == found.survival.expected[0, -1, -1] == 1
    assert 0 <= found.change.beyond[0, -1] <= 1
    assert found.next[0][1] >= found.next[-1][1] > 0
    data = found.to_dict()
    assert data["change"]["values"][4][0] is None
    assert data["change"]["values"][0][4] == pytest.approx(found.change.values[0, 4], abs=1e-6)


def test_a_plain_rnn_has_changes_but_no_account():
    found = memory(Toy(carrousel.RNN(2, 4)), "le chat", Options(replacements=2, sentences=3))
    assert found.survival is None
    assert found.to_dict()["share"] is None
    assert np.isfinite(found.change.values[0]).all()


def test_one_word_is_a_sentence():
    found = memory(Toy(carrousel.GRU(2, 4)), "chat", Options(replacements=2, sentences=3))
    assert found.change.values.shape == (1, 1)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_word_is_no_sentence(text):
    with pytest.raises(ValueError, match="must hold a word"):
        memory(Toy(carrousel.LSTM(2, 3)), text)


@pytest.mark.parametrize("name", ["replacements", "sentences"])
def test_options_are_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        Options(**{name: 0})


def test_model_that_only_ends_sentences():
    model = Toy(carrousel.LSTM(2, 3), ["\n", ".", "!"])
    with pytest.raises(ValueError, match="no sentence of 2 words"):
        own_sentences(model, 3, 2)
