"""Writing: the state is carried, the draw is the seed's, the choices do what they say."""

import numpy as np
import pytest
import torch

from carrousel.text import LanguageModel
from carrousel.text.generation import Sampler, Stepper

TEXT = "the cat sat on the mat, the dog on the log.\n" * 10


@pytest.fixture(scope="module", params=["lstm", "gru", "rnn"])
def model(request):
    return LanguageModel("char", request.param, hidden=17, layers=2, steps=20).fit(TEXT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_step_is_the_networks_own(model, dtype):
    network = model.untrained(0).network.to(dtype)
    with torch.inference_mode():
        _, state = network(torch.tensor([[3]]))
        step = Stepper(network, state)
        for token in (1, 5, 2, 0):
            expected, state = network(torch.tensor([[token]]), state)
            np.testing.assert_allclose(step(token), expected[0, 0].numpy(), rtol=1e-5, atol=1e-6)


def test_each_token_is_the_likeliest_after_all_before_it(model):
    written = "".join(model.generate("the ", 40, temperature=0))
    for k in range(40):
        assert model.next("the " + written[:k], k=1)[0][0] == written[k]


def test_the_seed_decides(model):
    one, same, other = ("".join(model.generate("t", 50, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_text_comes_as_it_is_written(model):
    pieces = model.generate("", 10**9)
    assert len("".join(next(pieces) for _ in range(20))) >= 20


def test_nothing_may_be_asked_for(model):
    assert list(model.generate("the", 0)) == []


def scores(*chances):
    return np.log(np.array(chances, np.float32))


def frequencies(sampler, *chances, draws=4000):
    drawn = [sampler(scores(*chances)) for _ in range(draws)]
    return np.bincount(drawn, minlength=len(chances)) / draws


def test_tokens_are_drawn_as_often_as_their_probability_says():
    np.testing.assert_allclose(frequencies(Sampler(), 0.5, 0.3, 0.2), [0.5, 0.3, 0.2], atol=0.03)


def test_a_low_temperature_makes_the_likely_likelier():
    expected = np.array([0.5, 0.3, 0.2]) ** 2
    found = frequencies(Sampler(temperature=0.5), 0.5, 0.3, 0.2)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.03)


def test_only_the_k_likeliest_are_drawn():
    found = frequencies(Sampler(top_k=2), 0.2, 0.5, 0.3)
    np.testing.assert_allclose(found, [0, 5 / 8, 3 / 8], atol=0.03)


def test_only_the_nucleus_is_drawn():
    assert frequencies(Sampler(top_p=0.5), 0.3, 0.55, 0.15).tolist() == [0, 1, 0]
    found = frequencies(Sampler(top_p=0.6), 0.3, 0.55, 0.15)
    np.testing.assert_allclose(found, [0.3 / 0.85, 0.55 / 0.85, 0], atol=0.03)


def test_impossible_tokens_are_never_drawn():
    impossible = np.array([-np.inf, 0.0, -np.inf], np.float32)
    assert {Sampler(seed=k)(impossible.copy()) for k in range(50)} == {1}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"temperature": -1}, "temperature must be 0 or more"),
        ({"temperature": float("nan")}, "temperature must be 0 or more"),
        ({"top_k": 0}, "top_k must be at least 1"),
        ({"top_p": 0}, r"top_p must lie in \(0, 1\]"),
        ({"length": -1}, "length must be 0 or more"),
    ],
)
def test_choices_that_cannot_be_are_named(model, choice, message):
    with pytest.raises(ValueError, match=message):
        model.generate("a", **choice)


def test_a_prefix_of_unknown_signs_is_refused_before_anything_is_written():
    model = LanguageModel("char", hidden=4, steps=2, byte_fallback=False).fit("abc")
    with pytest.raises(ValueError, match="does not know: 'xé'"):
        model.generate("éx")
