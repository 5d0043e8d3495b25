"""Augmentations do what they say, from the caller's generator alone."""

import numpy as np
import pytest
import torch

from carrousel.audio import add_noise, change_gain, change_speed, shift_time, spec_augment

from .conftest import tone

FRAMES = np.random.default_rng(1).normal(size=(50, 12)).astype(np.float32)


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


WAYS = {
    "gain": lambda x, g: change_gain(x, (-6, 6), g),
    "noise": lambda x, g: add_noise(x, (0, 20), g),
    "shift": lambda x, g: shift_time(x, 400, g),
    "speed": lambda x, g: change_speed(x, (0.8, 1.2), g),
    "masks": lambda x, g: spec_augment(FRAMES, g),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_seed_says_what_is_drawn_and_nothing_else_does(way):
    before = torch.get_rng_state()
    sound, frames = tone(300), FRAMES.copy()
    one, again = WAYS[way](sound, seeded()), WAYS[way](sound, seeded())
    other = WAYS[way](sound, seeded(4))
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(sound, tone(300))  # what was given stays
    np.testing.assert_array_equal(FRAMES, frames)
    assert torch.equal(before, torch.get_rng_state())


def test_gain_is_in_decibels():
    np.testing.assert_allclose(change_gain(tone(300), 20, seeded()), 10 * tone(300), rtol=1e-5)


@pytest.mark.parametrize("ratio", [-10, 0, 10, 30])
def test_noise_is_fainter_by_so_many_decibels(ratio):
    sound = tone(300, 2.0)
    noise = add_noise(sound, ratio, seeded()).astype(float) - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(noise**2)) == pytest.approx(ratio, abs=0.01)


def test_recorded_noise_is_repeated_where_it_is_short():
    sound = tone(300, 1.0)
    noise = add_noise(sound, 0, seeded(), noise=np.array([0.1, -0.2, 0.3])) - sound
    np.testing.assert_allclose(noise[:-3], noise[3:], atol=1e-5)
    assert len(np.unique(noise.round(4))) == 3


def test_silence_has_no_noise_that_is_fainter():
    assert not add_noise(np.zeros(100), 10, seeded()).any()
    np.testing.assert_array_equal(add_noise(tone(300), 0, seeded(), np.zeros(5)), tone(300))


@pytest.mark.parametrize("seed", range(6))
def test_a_shift_loses_at_one_end_and_fills_with_silence(seed):
    sound = np.arange(1, 11, dtype=np.float32) / 10
    got = shift_time(sound, 12, seeded(seed))
    kept = got[got != 0]
    assert len(got) == 10
    if len(kept):
        where = int(np.flatnonzero(got)[0])
        first = int(np.flatnonzero(sound == kept[0])[0])
        np.testing.assert_array_equal(kept, sound[first : first + len(kept)])
        assert where == 0 or first == 0


def test_speed_changes_length_and_pitch():
    got = change_speed(tone(400, 1.0), 1.25, seeded())
    assert len(got) == 6400
    assert np.abs(np.fft.rfft(got, 8000)).argmax() == pytest.approx(500, abs=2)


def test_masks_hide_bands_and_steps_by_the_mean():
    mean = FRAMES.mean(0)
    got = spec_augment(FRAMES, seeded(), bands=3, band_masks=1, steps=5, step_masks=1, groups=3)
    hidden = np.isclose(got, mean) & (got != FRAMES)
    bands, steps = hidden.all(0), hidden.all(1)
    np.testing.assert_array_equal(bands[:4], bands[4:8])  # a band's slopes are hidden with it
    np.testing.assert_array_equal(bands[:4], bands[8:])
    np.testing.assert_array_equal(got[~steps][:, ~bands], FRAMES[~steps][:, ~bands])


def test_frames_may_be_a_tensor():
    given = torch.from_numpy(FRAMES.copy())
    np.testing.assert_array_equal(spec_augment(given, seeded()), spec_augment(FRAMES, seeded()))
    assert torch.equal(given, torch.from_numpy(FRAMES))


@pytest.mark.parametrize("steps", [1, 4, 5, 100])
def test_masks_leave_most_steps_of_short_sounds(steps):
    got = spec_augment(FRAMES[:steps], seeded(), bands=0, steps=50, step_masks=1)
    assert (got != FRAMES[:steps]).any(1).sum() <= steps // 5


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: change_gain(tone(300), (6, -6), seeded()), "decibels must be two numbers in asc"),
        (lambda: change_gain(tone(300), (1, 2, 3), seeded()), "decibels must be a number or two"),
        (lambda: add_noise(tone(300), float("nan"), seeded()), "decibels must lie in"),
        (lambda: add_noise(tone(300), 1, seeded(), [np.nan]), "noise must be finite"),
        (lambda: change_speed(tone(300), 0, seeded()), "factor must lie in"),
        (lambda: shift_time(tone(300), -1, seeded()), "most must be at least 0"),
        (lambda: spec_augment(np.zeros((0, 4)), seeded()), r"shape \(T, channels\), got \(0, 4\)"),
        (lambda: spec_augment(np.zeros((4, 4)), seeded(), groups=3), "groups must divide"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
