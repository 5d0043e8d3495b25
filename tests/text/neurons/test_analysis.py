"""Units that follow something: found where planted, scored on text that did not choose them."""

import numpy as np
import pytest
import torch
from tests.text.toy import Toy

import carrousel
from carrousel.text.neurons.analysis import association, exciting, neurons, ranks
from carrousel.text.neurons.features import FEATURES, readable

TEXT = 'Il dit "non", puis (plus tard) "oui" ; je ne sais pas.\nVraiment ? OUI : 12 !\n' * 12


def at(text, feature):
    return "".join("#" if value else "." for value in readable(text, [feature])[feature])


@pytest.mark.parametrize(
    ("feature", "text", "marked"),
    [
        ("inside quotes", 'a "b c" d', "..####..."),
        ("inside quotes", "«a» b “c”", "##...." + "##."),
        ("inside quotes", 'a "b" "', "..##..."),
        ("inside brackets", "a (b) [c]", "..##..##."),
        ("inside a negation (ne ... pas)", "je ne le vois pas là", "...##############..."),
        ("inside a negation (ne ... pas)", "Je n’y vais jamais. Pas moi", "...###############....."
         "...."),
        ("in a question", "Oui. Non ? Si.", "....######" + "...."),
        ("after a comma", "a, b. c", ".###..."),
        ("first letter of a word", "ab c1 d", "#..#..#"),
        ("last letter of a word", "ab c1 d", ".#.#..#"),
        ("last character of a line", "ab\nc", ".#.."),
        ("vowel", "Été y", "#.#.#"),
        ("capital letter", "Été A", "#...#"),
    ],
)  # fmt: skip
def test_features_that_hold_or_not(feature, text, marked):
    assert at(text, feature) == marked


@pytest.mark.parametrize(
    ("feature", "text", "counts"),
    [
        ("position in line", "ab\nc\n", [1, 2, 0, 1, 0]),
        ("position in sentence", "ab. c", [1, 2, 0, 1, 2]),
        ("position in word", "ab c", [1, 2, 0, 1]),
    ],
)
def test_features_that_count(feature, text, counts):
    assert readable(text, [feature])[feature].tolist() == counts


def test_what_does_not_vary_is_left_out():
    assert readable("aaaa", ["digit", "position in word"]).keys() == {"position in word"}
    assert readable("") == {}


def test_ranks_are_scipys():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    states = rng.integers(0, 5, (60, 3)).astype(float)
    np.testing.assert_allclose(ranks(states), stats.rankdata(states, axis=0))
    counts = rng.integers(0, 9, 60).astype(float)
    expected = [stats.spearmanr(column, counts).statistic for column in states.T]
    np.testing.assert_allclose(association(ranks(states), counts), expected)
    flags = rng.integers(0, 2, 60).astype(float)
    for column, found in zip(states.T, association(ranks(states), flags), strict=True):
        ones, zeros = column[flags == 1, None], column[flags == 0]
        auc = (ones > zeros).mean() + (ones == zeros).mean() / 2
        assert (found + 1) / 2 == pytest.approx(auc)


def test_constant_unit_follows_nothing():
    constant = ranks(np.ones((9, 1)))
    assert association(constant, np.arange(9.0)) == 0
    assert association(constant, np.arange(9) % 2.0) == 0


class Letters(Toy):
    """Every character is a token; planted units are set beside the layer's own."""

    def __init__(self, planted, layer=None):
        super().__init__(layer or carrousel.LSTM(2, 6), sorted(set(TEXT)))
        self.planted = planted

    def pieces(self, text):
        ends = range(1, len(text) + 1)
        return [(0, 0), *zip(map(self.vocabulary.index, text), ends, strict=True)]

    def states(self, tokens):
        states = super().states(tokens)
        for unit, values in self.planted.items():
            states[:, 0, unit] = torch.as_tensor(values(len(tokens)))
        return states

    def untrained(self, seed):
        other = super().untrained(seed)
        other.planted = {}
        return other


def follows(feature, sign=1, noise=0.0):
    def values(count):
        rng = np.random.default_rng(0)
        return sign * readable(TEXT)[feature] + noise * rng.standard_normal(count)

    return values


def by_feature(found):
    return {neuron.feature: neuron for neuron in found.found}


def test_planted_units_are_found():
    planted = {4: follows("inside quotes"), 2: follows("position in line", -1)}
    found = by_feature(neurons(Letters(planted), TEXT))
    quotes, line = found["inside quotes"], found["position in line"]
    assert (quotes.unit, quotes.sign, quotes.kind) == (4, 1, "auc")
    assert (line.unit, line.sign, line.kind) == (2, -1, "correlation")
    assert quotes.score == quotes.chosen == 1
    assert line.score == pytest.approx(1)
    assert quotes.untrained < 1
    assert all(text.count('"') % 2 for text in quotes.excites if text.startswith("Il"))


def test_noisy_unit_is_scored_on_the_rest():
    found = by_feature(neurons(Letters({1: follows("inside quotes", noise=0.5)}), TEXT))
    quotes = found["inside quotes"]
    assert quotes.unit == 1
    assert 0.88 < quotes.score < 0.96
    assert quotes.score != quotes.chosen


def test_best_come_first_and_features_can_be_chosen():
    found = neurons(Letters({0: follows("digit")}), TEXT, ["vowel", "digit"], strings=2)
    assert found.found[0].feature == "digit"
    assert len(found.found) == 2
    assert len(found.found[0].excites) == 2
    assert found.rows()[0]["score"] == 1
    assert "states" not in found.rows()[0]


def test_gru_in_two_layers():
    found = neurons(Letters({}, carrousel.GRU(2, 3, num_layers=2)), TEXT)
    assert {neuron.layer for neuron in found.found} <= {0, 1}


def test_strings_do_not_overlap():
    text = "".join(chr(97 + i % 26) for i in range(300))
    found = exciting(np.arange(300.0), text, np.arange(1, 301), 4)
    assert found == [text[end - 28 : end] for end in (300, 271, 242, 213)]


def test_errors():
    with pytest.raises(ValueError, match=r"features must be one of .* got 'verbs'"):
        neurons(Letters({}), TEXT, ["verbs"])
    with pytest.raises(ValueError, match="nothing to follow"):
        neurons(Letters({}), "d")
    with pytest.raises(ValueError, match="0 tokens"):
        neurons(Letters({}), "")


def test_every_feature_is_found_somewhere():
    text = TEXT.replace("12", "12 [x]")
    assert set(readable(text)) == set(FEATURES)
