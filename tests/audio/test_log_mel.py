"""Log-mel frames against librosa's, and the same frames from a stream."""

import numpy as np
import pytest

from carrousel.audio import LogMel

from .conftest import tone

librosa = pytest.importorskip("librosa")

KINDS = [
    LogMel(8000),
    LogMel(16000, bands=64, window=0.032, hop=0.008, low=0),
    LogMel(22050, bands=20, low=100, high=7000, slopes=1),
    LogMel(8000, bands=13, window=0.02, hop=0.02, slopes=0, floor=1e-3),
]
NAMES = [f"{kind.rate} Hz, {kind.bands} bands" for kind in KINDS]


def by_librosa(sound: np.ndarray, kind: LogMel) -> np.ndarray:
    """librosa puts a short window into the middle of the transform's."""
    before = (kind.size - kind.samples) // 2
    after = kind.size - kind.samples - before
    power = librosa.feature.melspectrogram(
        y=np.pad(sound, (before, after)), sr=kind.rate, n_fft=kind.size, hop_length=kind.step,
        win_length=kind.samples, center=False, n_mels=kind.bands, fmin=kind.low, fmax=kind.high,
        htk=True, norm=None,
    )  # fmt: skip
    levels = [np.log(power + kind.floor)]
    for _ in range(kind.slopes):
        levels.append(librosa.feature.delta(levels[-1], width=5, mode="nearest"))
    return np.concatenate(levels).T


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_frames_are_those_of_librosa(kind, noise):
    ours, theirs = kind(noise), by_librosa(noise, kind)
    assert ours.shape == theirs.shape == (kind.frames(len(noise)), kind.channels)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("hertz", [200, 1000, 3500])
def test_a_tone_is_loudest_in_its_band(hertz):
    kind = LogMel(8000, slopes=0)
    band = int(kind(tone(hertz)).mean(0).argmax())
    edges = librosa.mel_frequencies(kind.bands + 2, fmin=kind.low, fmax=4000, htk=True)
    assert edges[band] < hertz < edges[band + 2]


@pytest.mark.parametrize("count", [1, 199, 200, 201, 279, 280, 8000])
def test_number_of_frames_is_foretold(count):
    kind = LogMel(8000)
    assert kind(np.ones(count, np.float32) * 0.1).shape == (kind.frames(count), 120)


def test_no_samples_have_no_frames():
    assert LogMel(8000).frames(0) == 0
    with pytest.raises(ValueError, match="empty"):
        LogMel(8000)(np.zeros(0))


def test_silence_is_the_floor_and_does_not_change():
    got = LogMel(8000)(np.zeros(1000))
    np.testing.assert_allclose(got[:, :40], np.log(1e-5), rtol=1e-5)
    np.testing.assert_array_equal(got[:, 40:], 0)


@pytest.mark.parametrize("part", [1, 7, 80, 200, 333, 10_000])
@pytest.mark.parametrize("kind", KINDS[:1] + KINDS[2:], ids=NAMES[:1] + NAMES[2:])
def test_a_stream_gives_the_same_frames(kind, part, noise):
    sound = noise[: 900 if part == 1 else None]
    stream = kind.stream()
    for _ in range(2):  # it can begin again
        got = [stream.push(sound[k : k + part]) for k in range(0, len(sound), part)]
        np.testing.assert_allclose(np.concatenate([*got, stream.finish()]), kind(sound), atol=1e-4)


@pytest.mark.parametrize("count", [1, 50, 200, 279, 280, 360, 440, 520])
def test_a_stream_that_ends_early_gives_the_same_frames(count, noise):
    for kind in KINDS[:1] + KINDS[2:]:
        stream = kind.stream()
        got = np.concatenate([stream.push(noise[:count]), stream.finish()])
        np.testing.assert_allclose(got, kind(noise[:count]), atol=1e-4)


def test_a_stream_of_nothing_has_no_frames():
    stream = LogMel(8000).stream()
    assert stream.push(np.zeros(0)).shape == stream.finish().shape == (0, 120)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_frames_come_after_the_latency_that_is_stated(kind, noise):
    stream = kind.stream()
    latency = round(kind.latency * kind.rate)
    assert len(stream.push(noise[: latency - 1])) == 0
    assert len(stream.push(noise[latency - 1 : latency])) == 1


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"rate": 0}, ValueError, "rate must be at least"),
        ({"rate": 8000.0}, TypeError, "rate must be a whole number"),
        ({"bands": 0}, ValueError, "bands must be at least 1"),
        ({"bands": 4000}, ValueError, "bands must be fewer for this window"),
        ({"slopes": 3}, ValueError, "slopes must be 0, 1 or 2"),
        ({"window": 0.0}, ValueError, "window must lie in"),
        ({"hop": 0.1}, ValueError, "hop must lie in"),
        ({"high": 5000}, ValueError, "high must lie in"),
        ({"low": 4000}, ValueError, "low must lie in"),
        ({"floor": 0}, ValueError, "floor must lie in"),
    ],
)
def test_impossible_frames_are_refused(options, error, says):
    with pytest.raises(error, match=says):
        LogMel(**{"rate": 8000, **options})
