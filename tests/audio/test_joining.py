"""Words joined to strings, and variations: whose, how many, how loud."""

import numpy as np
import pytest
import torch

from carrousel.audio import Recordings, join_words, vary

from .conftest import tone


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def words(speakers: bool = True) -> Recordings:
    """Two words of two speakers, each at a level of its own."""
    samples = [np.full(400, level, np.float32) for level in (0.1, 0.2, 0.3, 0.4)]
    people = ["ann", "ann", "bo", "bo"] if speakers else None
    return Recordings(samples, 8000, list("abcd"), ["one", "two"] * 2, people)


def test_strings_hold_whole_words_of_one_speaker():
    strings = join_words(words(), 60, seeded(), longest=3, gap=(0.01, 0.05))
    level = {("ann", "one"): 0.1, ("ann", "two"): 0.2, ("bo", "one"): 0.3, ("bo", "two"): 0.4}
    lengths = set()
    for samples, label, who in zip(strings, strings.labels, strings.speakers, strict=True):
        spoken = label.split()
        lengths.add(len(spoken))
        gaps = len(samples) - 400 * len(spoken)
        assert 80 * (len(spoken) + 1) <= gaps <= 400 * (len(spoken) + 1)
        for word in set(spoken):
            there = np.isclose(samples, level[who, word]).sum()
            assert 400 * spoken.count(word) <= there < 400 * spoken.count(word) + 60
    assert lengths == {1, 2, 3}
    assert set(strings.speakers) == {"ann", "bo"}


def test_gaps_are_as_quiet_as_the_quietest_part():
    word = np.concatenate([tone(440, 0.1), np.zeros(800)]).astype(np.float32)
    strings = join_words(Recordings([word], 8000, ["a"], ["one"]), 1, seeded(), longest=1)
    assert np.abs(strings.samples[0]).max() == np.abs(word).max()
    assert not strings.samples[0][:400].any()
    assert strings.speakers is None


@pytest.mark.parametrize("make", [join_words, vary])
def test_a_seed_says_what_is_drawn(make):
    one, again, other = (make(words(), 3, seeded(seed)) for seed in (0, 0, 1))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(a.shape != b.shape for a, b in zip(one, other, strict=True))


def test_variations_keep_labels_and_speakers():
    varied = vary(words(), 2, seeded())
    assert varied.labels == ["one", "two"] * 6
    assert varied.speakers == ["ann", "ann", "bo", "bo"] * 3
    for samples, given in zip(varied.samples[:4], words().samples, strict=True):
        np.testing.assert_array_equal(samples, given)
    assert len(vary(words(), 2, seeded(), keep=False)) == 8
    assert len(vary(words(), 0, seeded())) == 4
    assert all(340 - 2 <= len(samples) <= 480 + 1600 for samples in varied)


def test_gaps_between_words_without_a_pause_are_much_fainter():
    word = Recordings([tone(440)], 8000, ["a"], ["one"])
    strings = join_words(word, 40, seeded(), longest=1, gap=(0.2, 0.2))
    power = np.array([np.mean(samples[:1600] ** 2) for samples in strings])
    assert 4 <= (power == 0).sum() <= 16
    assert power.max() < np.mean(tone(440) ** 2) / 10**2.9


def test_words_of_one_sample_are_joined():
    tiny = Recordings([np.ones(1, np.float32)], 8000, ["a"], ["one"])
    assert join_words(tiny, 2, seeded(), gap=(0, 0)).samples[0].max() == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: join_words(Recordings([], 8000, []), 1, seeded()), "at least one word"),
        (lambda: join_words(Recordings([tone(9)], 8000, ["a"]), 1, seeded()), "at least one word"),
        (lambda: join_words(words(), 0, seeded()), "count must be at least 1"),
        (lambda: join_words(words(), 1, seeded(), gap=(0, -1)), "gap must lie in"),
        (lambda: vary(words(), -1, seeded()), "copies must be at least 0"),
        (lambda: vary(words(), 1, seeded(), noisy=2), "noisy must lie in"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
