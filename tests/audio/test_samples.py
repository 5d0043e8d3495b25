"""Samples of every kind become one channel of float32, or an error that says why not."""

import numpy as np
import pytest
import torch

from carrousel.audio import as_samples, resampled

from .conftest import tone

WAVE = tone(440)
FULL = {"int8": 2**7, "int16": 2**15, "int32": 2**31, "int64": 2**63}


@pytest.mark.parametrize("kind", FULL)
def test_whole_numbers_are_of_full_scale(kind):
    given = np.array([-FULL[kind], 0, FULL[kind] // 2], dtype=kind)
    assert as_samples(given).tolist() == [-1.0, 0.0, 0.5]


@pytest.mark.parametrize(("kind", "half"), [("uint8", 128), ("uint16", 2**15)])
def test_unsigned_numbers_lie_around_half_of_full_scale(kind, half):
    assert as_samples(np.array([0, half, half + half // 2], kind)).tolist() == [-1.0, 0.0, 0.5]


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", ">f4", ">f8"])
def test_floats_stay_as_they_are(kind):
    got = as_samples(WAVE.astype(kind))
    assert got.dtype == np.float32
    assert got.dtype.isnative
    np.testing.assert_allclose(got, WAVE, atol=1e-3)


def test_lists_tensors_and_views_are_read():
    assert as_samples([0.5, -0.5]).tolist() == [0.5, -0.5]
    assert as_samples(torch.tensor([0.5, -0.5])).tolist() == [0.5, -0.5]
    np.testing.assert_array_equal(as_samples(WAVE[::-2]), WAVE[::-2])


def test_channels_are_averaged_without_overflow():
    loud = np.full((3, 2), 30_000, np.int16)
    np.testing.assert_allclose(as_samples(loud), 30_000 / 2**15)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (np.zeros(0), ValueError, "must not be empty"),
        (np.zeros((0, 2)), ValueError, "must not be empty"),
        (np.zeros((2, 3, 4)), ValueError, r"shape \(n,\) or \(n, channels\)"),
        (np.zeros((2, 800)), ValueError, "give its transpose"),
        (np.float32(1), ValueError, "shape"),
        (np.array([0, np.nan]), ValueError, "finite, got nan at sample 1"),
        (np.array([np.inf, 0]), ValueError, "finite, got inf at sample 0"),
        (np.array([0.0, 12_000.0]), ValueError, "about -1 to 1, got up to 12000"),
        (np.array([True, False]), TypeError, "dtype bool"),
        (np.array([1j]), TypeError, "dtype complex"),
        (np.array(["a"]), TypeError, "dtype <U1"),
        (np.array([None]), TypeError, "dtype object"),
    ],
)
def test_what_is_no_sound_is_refused(given, error, says):
    with pytest.raises(error, match=says):
        as_samples(given, "samples")


@pytest.mark.parametrize("wanted", [4000, 11025, 16000, 44100])
def test_a_resampled_tone_is_that_tone(wanted):
    got = resampled(tone(440, 1.0), 8000, wanted)
    assert abs(len(got) - wanted) <= 1
    assert got.dtype == np.float32
    inside = slice(wanted // 10, -wanted // 10)  # the filter rings at the ends
    np.testing.assert_allclose(got[inside], tone(440, 1.0, wanted)[inside], atol=5e-3)


def test_what_the_lower_rate_cannot_hold_does_not_fold_over():
    got = resampled(tone(3000, 1.0), 8000, 4000)
    assert np.abs(got[400:-400]).max() < 0.01


@pytest.mark.parametrize("rate", [0, -8000, 10, 10**7])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match="rate must be at"):
        resampled(WAVE, rate, 8000)
