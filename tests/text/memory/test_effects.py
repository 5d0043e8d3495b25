"""The difference between kinds of words, where it is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.text.memory.effects import contrast


def observations(rng, effect, slope=-0.1, noise=0.0, groups=12, each=5, words=8):
    """Positions are mixed unevenly between the two kinds: the raw means mislead."""
    sentence = np.repeat(np.arange(groups * each), words)
    kind = rng.random(len(sentence)) < 0.5
    position = np.where(kind, rng.integers(0, 4, len(sentence)), rng.integers(2, 7, len(sentence)))
    values = effect * kind + slope * position + noise * rng.standard_normal(len(sentence))
    return values, kind, position, sentence, [i // each for i in range(groups * each)]


@settings(max_examples=25, deadline=None)
@given(st.floats(-2, 2), st.floats(-1, 1), st.integers(0, 1000))
def test_without_noise_the_effect_itself(effect, slope, seed):
    found = contrast(*observations(np.random.default_rng(seed), effect, slope), resamples=50)
    assert found.difference == pytest.approx(effect, abs=1e-9)
    assert found.low == pytest.approx(effect, abs=1e-9)
    assert found.first - found.second == pytest.approx(found.difference, abs=1e-9)


def test_baseline_is_taken_off_but_not_out_of_the_means():
    values, kind, *rest = observations(np.random.default_rng(3), 0.3, noise=0.5)
    plain = contrast(values, kind, *rest, resamples=20)
    less = contrast(values, kind, *rest, resamples=20, baseline=0.1 * kind)
    assert less.difference == pytest.approx(plain.difference - 0.1)
    assert (less.first, less.second) == (plain.first, plain.second)


def test_against_a_loop():
    values, kind, position, *rest = observations(np.random.default_rng(1), 0.3, noise=1.0)
    total = weight = 0.0
    for p in set(position):
        one, two = (values[(position == p) & (kind == k)] for k in (True, False))
        if len(one) and len(two):
            share = len(one) * len(two) / (len(one) + len(two))
            total, weight = total + share * (one.mean() - two.mean()), weight + share
    found = contrast(values, kind, position, *rest, resamples=10)
    assert found.difference == pytest.approx(total / weight)


def test_interval_covers_as_often_as_it_says():
    covered = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        values, kind, position, sentence, group = observations(rng, 0.2, noise=1.0, groups=20)
        effect_of_group = 0.5 * rng.standard_normal(20)[np.array(group)[sentence]]
        found = contrast(
            values + effect_of_group * kind, kind, position, sentence, group, resamples=300
        )
        covered += found.low <= 0.2 <= found.high
    assert 102 <= covered <= 120  # 95 % is 114


@pytest.mark.parametrize(
    ("effect", "verdict"), [(1.0, "more"), (-1.0, "less"), (0.0, "no difference")]
)
def test_verdict(effect, verdict):
    found = contrast(*observations(np.random.default_rng(5), effect, noise=0.5))
    assert found.verdict == verdict
    assert found.sentences == 60
    assert found.groups == 12


def test_same_seed_same_interval():
    data = observations(np.random.default_rng(2), 0.1, noise=1.0)
    assert contrast(*data, seed=1) == contrast(*data, seed=1)
    assert contrast(*data, seed=1) != contrast(*data, seed=2)


def test_nothing_to_compare():
    with pytest.raises(ValueError, match="both kinds"):
        contrast(np.ones(4), np.array([1, 1, 0, 0]) == 1, np.arange(4), np.arange(4), [0, 0, 1, 1])
