"""From frames back to sound, against librosa's Griffin-Lim."""

import numpy as np
import pytest
import torch

from carrousel.audio import LogMel, sound_of
from carrousel.audio.inversion import griffin_lim, spectrum_of, to_samples, transform
from carrousel.audio.log_mel import filters

from .conftest import tone

FEATURES = LogMel(8000, slopes=0)


def chirp() -> np.ndarray:
    time = np.arange(6000) / 8000
    return (0.4 * np.sin(2 * np.pi * (200 + 900 * time) * time)).astype(np.float32)


def misfit(sound: torch.Tensor, magnitude: torch.Tensor) -> float:
    """How far the magnitudes of a sound's spectra are from those that were wanted."""
    return float((transform(sound, FEATURES).abs() - magnitude).norm() / magnitude.norm())


def test_a_transform_goes_back_to_its_sound():
    sound = torch.from_numpy(chirp())[: 200 + 80 * 60]
    back = to_samples(transform(sound, FEATURES), FEATURES)
    torch.testing.assert_close(back[100:-100], sound[100:-100], atol=1e-5, rtol=1e-4)


def test_phases_are_found_as_well_as_librosa_finds_them():
    librosa = pytest.importorskip("librosa")
    magnitude = transform(torch.from_numpy(chirp()), FEATURES).abs()
    ours = griffin_lim(magnitude, FEATURES, 60, 0.99)
    theirs = librosa.griffinlim(
        magnitude.T.numpy(), n_iter=60, hop_length=80, win_length=200, n_fft=FEATURES.size,
        center=False, momentum=0.99, random_state=0,
    )  # fmt: skip
    before = (FEATURES.size - FEATURES.samples) // 2
    theirs = torch.from_numpy(theirs[before : before + len(ours)])
    assert misfit(ours, magnitude) < 1.2 * misfit(theirs, magnitude) + 0.01
    assert misfit(ours, magnitude) < 0.5 * misfit(griffin_lim(magnitude, FEATURES, 0, 0), magnitude)


def test_a_spectrum_has_the_bands_that_were_asked_for():
    power = torch.from_numpy(np.exp(FEATURES(chirp()))) - FEATURES.floor
    spectrum = spectrum_of(power, FEATURES)
    assert (spectrum >= 0).all()
    got = spectrum @ filters(FEATURES)
    assert float((got - power).norm() / power.norm()) < 0.1


@pytest.mark.parametrize("slopes", [0, 2])
def test_a_tone_comes_back_at_its_pitch(slopes):
    features = LogMel(8000, slopes=slopes)
    frames = features(tone(1000))
    sound = sound_of(frames, features)
    assert np.abs(np.fft.rfft(sound[:4000], 8000)).argmax() == pytest.approx(1000, abs=60)
    np.testing.assert_allclose(features(sound)[5:-5, :40].max(1), frames[5:-5, :40].max(1), atol=1)


@pytest.mark.parametrize("frames", [1, 2])
def test_few_frames_are_a_short_sound(frames):
    assert sound_of(np.zeros((frames, 40)), FEATURES).shape == (200 + 80 * (frames - 1),)


def test_silence_is_silent():
    assert np.abs(sound_of(FEATURES(np.zeros(2000)), FEATURES)).max() < 1e-3


def test_the_same_sound_comes_every_time():
    frames = FEATURES(chirp())
    np.testing.assert_array_equal(sound_of(frames, FEATURES), sound_of(frames, FEATURES))


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        (np.zeros((0, 40)), r"shape \(T, 40\), got \(0, 40\)"),
        (np.zeros((3, 39)), "shape"),
        (np.zeros(40), "shape"),
        (np.full((3, 40), np.nan), "finite"),
    ],
)
def test_what_are_no_frames_is_refused(frames, says):
    with pytest.raises(ValueError, match=says):
        sound_of(frames, FEATURES)
