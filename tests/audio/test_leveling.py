"""What leveling takes out, and what it leaves."""

import numpy as np
import pytest

from carrousel.audio import LevelStream, LogMel, leveled

from .conftest import tone

FEATURES = LogMel(8000, slopes=0, floor=1e-9)


def speech() -> np.ndarray:
    """Three tones over faint noise, pauses between."""
    noise = np.random.default_rng(0).normal(0, 1e-4, 8000).astype(np.float32)
    for k, hertz in enumerate((300, 900, 2000)):
        noise[1000 + 2000 * k :][:1600] += tone(hertz, 0.2) * np.hanning(1600).astype(np.float32)
    return noise


@pytest.mark.parametrize("gain", [1e-2, 0.3, 10])
def test_loudness_does_not_matter(gain):
    got = leveled(FEATURES((gain * speech()).astype(np.float32)))
    np.testing.assert_allclose(got, leveled(FEATURES(speech())), atol=0.05)


def test_pauses_do_not_matter():
    longer = np.concatenate([speech()[:1000], speech()])
    kept = leveled(FEATURES(longer))[13:]  # 1,000 samples are not whole steps
    np.testing.assert_allclose(kept[10:80], leveled(FEATURES(longer[1040:]))[10:80], atol=0.5)


def test_a_microphone_that_favors_some_bands_matters_little():
    from scipy.signal import lfilter  # takes seconds to import

    white = np.random.default_rng(1).normal(0, 0.1, 8000) * np.hanning(8000)
    dull = lfilter([0.4], [1, -0.6], white)
    before = np.abs(FEATURES(dull.astype(np.float32)) - FEATURES(white.astype(np.float32))).mean()
    after = np.abs(
        leveled(FEATURES(dull.astype(np.float32))) - leveled(FEATURES(white.astype(np.float32)))
    ).mean()
    assert after < 0.25 * before


@pytest.mark.parametrize(
    "frames", [np.zeros((1, 40)), np.full((5, 40), -700.0), np.full((5, 40), 700.0)]
)
def test_one_frame_and_extremes_stay_finite(frames):
    got = leveled(frames)
    assert got.shape == frames.shape
    np.testing.assert_allclose(got, 0, atol=1e-6)


@pytest.mark.parametrize("frames", [np.zeros((0, 40)), np.zeros(40)])
def test_what_are_no_frames_is_refused(frames):
    with pytest.raises(ValueError, match=r"frames must have the shape \(T, bands\)"):
        leveled(frames)


def by_recursion(frames: np.ndarray, hop: float) -> np.ndarray:
    """The definition, a step at a time."""
    peak, found = 1e-6, []
    for frame in np.exp(frames.astype(np.float64)):
        peak = max(frame.sum(), peak * 10 ** (-2 * hop / 10), 1e-6)  # 2 dB a second
        found.append(np.log(frame / peak + 10**-3.5))
    return np.array(found)


@pytest.mark.parametrize("cuts", [[], [1, 2, 50], [97]])
def test_leveling_as_it_goes_on_is_the_recursion_part_by_part(cuts):
    frames = FEATURES(np.concatenate([0.5 * speech(), 1e-3 * speech()]).astype(np.float32))
    stream = LevelStream(0.01)
    parts = [stream.push(part) for part in np.split(frames, cuts)]
    np.testing.assert_allclose(np.concatenate(parts), by_recursion(frames, 0.01), atol=1e-4)


def test_what_comes_later_changes_nothing_and_a_restart_forgets():
    frames = FEATURES(speech())
    stream = LevelStream(0.01)
    first = stream.push(frames[:30])
    np.testing.assert_array_equal(first, LevelStream(0.01).push(frames)[:30])
    stream.restart()
    np.testing.assert_array_equal(stream.push(frames[:30]), first)
    assert stream.push(frames[:0]).shape == (0, 40)


@pytest.mark.parametrize("gain", [0.03, 3])
def test_loudness_does_not_matter_as_it_goes_on(gain):
    loud = speech()[1000:]  # from the first tone on
    got, wanted = (
        LevelStream(0.01).push(FEATURES((g * loud).astype(np.float32))) for g in (gain, 1)
    )
    np.testing.assert_allclose(got[20:], wanted[20:], atol=0.05)
