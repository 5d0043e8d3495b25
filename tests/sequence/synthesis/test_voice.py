"""A voice says what it heard: right band, right length, read back the same; what cannot be said."""

import numpy as np
import pytest
import torch

from carrousel.audio import Recordings
from carrousel.sequence import Transcriber
from carrousel.sequence.synthesis import Voice

RATE = 8000
PITCH = {"low": 300, "high": 2000}
SECONDS = {"low": 0.2, "high": 0.4}
SHIFT = {"ann": 1.0, "bo": 1.25}  # of the pitch


def word(name: str, who: str, k: int = 0) -> np.ndarray:
    """A tone with silence at both ends."""
    time = np.arange(round(SECONDS[name] * RATE) + 20 * k) / RATE
    tone = (0.1 + 0.1 * k) * np.sin(2 * np.pi * PITCH[name] * SHIFT[who] * time)
    return np.pad(tone, 800).astype(np.float32)


def heard() -> Recordings:
    keys = [(name, who, k) for k in range(3) for name in PITCH for who in SHIFT]
    return Recordings(
        [word(*key) for key in keys], RATE, [f"{key}.wav" for key in keys],
        [key[0] for key in keys], [key[1] for key in keys],
    )  # fmt: skip


@pytest.fixture(scope="module")
def voice() -> Voice:
    return Voice(hidden_size=16, steps=250, learning_rate=0.01).fit(heard())


@pytest.mark.parametrize("who", SHIFT)
@pytest.mark.parametrize("name", PITCH)
def test_a_word_has_its_pitch_and_length(voice, name, who):
    sound = voice.speak(name, who, gap=0)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(0.7, abs=1e-3)
    assert len(sound) / RATE == pytest.approx(SECONDS[name], rel=0.25)
    loudest = np.abs(np.fft.rfft(sound, RATE)).argmax()
    assert loudest == pytest.approx(PITCH[name] * SHIFT[who], rel=0.08)


def test_words_follow_each_other(voice):
    alone = [len(voice.frames(name)) for name in ("low", "high")]
    together = voice.speak("low high", gap=0.05)
    frames = voice.features_.frames(len(together))
    assert frames == sum(alone) + 3 * 5
    slow = voice.frames("low", speed=0.5)
    assert len(slow) == pytest.approx(2 * alone[0], abs=2)


def test_a_seed_says_how_it_sounds():
    before = torch.get_rng_state()
    one, again, other = (Voice(hidden_size=4, steps=2, seed=k).fit(heard()) for k in (0, 0, 1))
    np.testing.assert_array_equal(one.frames("low"), again.frames("low"))
    assert not np.array_equal(one.frames("low"), other.frames("low"))
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_read_back_is_what_was_saved(voice, tmp_path):
    voice.save(tmp_path / "voice")
    read = Voice.load(tmp_path / "voice")
    assert (read.words_, read.speakers_, read.rate) == (["high", "low"], ["ann", "bo"], RATE)
    np.testing.assert_array_equal(read.speak("low high", "bo"), voice.speak("low high", "bo"))
    assert read.report_ == voice.report_
    with pytest.raises(ValueError, match="is no transcriber, it is a 'voice'; carrousel speak"):
        Transcriber.load(tmp_path / "voice")


def test_loudness_and_pauses_do_not_matter():
    one = heard()
    longer = [np.pad(10 * samples, (0, 4000)) for samples in one.samples]
    other = Recordings(longer, RATE, one.names, one.labels, one.speakers)
    made = [Voice(hidden_size=4, steps=20).fit(given) for given in (one, other)]
    np.testing.assert_allclose(made[0].frames("low"), made[1].frames("low"), atol=0.3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda v: v.speak("middle"),
            ValueError,
            "words must be among 'high', 'low', got 'middle'",
        ),
        (
            lambda v: v.speak("low", "cy"),
            ValueError,
            "speaker must be one of 'ann', 'bo', got 'cy'",
        ),
        (lambda v: v.speak(""), ValueError, "at least one word"),
        (lambda v: v.speak([]), ValueError, "at least one word"),
        (lambda v: v.speak("low", speed=0), ValueError, "speed must lie in"),
        (lambda v: v.speak("low", gap=-1), ValueError, "gap must lie in"),
        (lambda v: Voice().speak("low"), RuntimeError, "has learned nothing yet"),
        (lambda v: Voice(steps=0), ValueError, "steps must be at least 1"),
        (lambda v: Voice(learning_rate=0), ValueError, "learning_rate must lie in"),
    ],
)
def test_what_cannot_be_said(voice, call, error, says):
    with pytest.raises(error, match=says):
        call(voice)


@pytest.mark.parametrize(
    ("samples", "label", "says"),
    [
        (np.zeros(800), "low", "b.wav: it must hold a word, it is silent"),
        (np.ones(800), "low high", "b.wav: its label must be one word, got 'low high'"),
        (np.ones(800), "", "b.wav: its label must be one word"),
        (np.ones(11 * RATE), "low", "b.wav: it must be one word, it lasts 11 s"),
    ],
)
def test_what_cannot_be_learned(samples, label, says):
    given = Recordings([word("low", "ann"), samples], RATE, ["a.wav", "b.wav"], ["low", label])
    with pytest.raises(ValueError, match=says):
        Voice(steps=1, hidden_size=2).fit(given)


def test_recordings_must_have_labels():
    with pytest.raises(ValueError, match="at least one word with its label"):
        Voice().fit(Recordings([word("low", "ann")], RATE, ["a.wav"]))
    with pytest.raises(TypeError, match="must be Recordings, got list"):
        Voice().fit([word("low", "ann")])


@pytest.mark.parametrize("length", [1, 100])
def test_very_short_recordings_are_learned(length):
    given = Recordings([np.ones(length, np.float32)], RATE, ["a.wav"], ["click"])
    voice = Voice(steps=1, hidden_size=2).fit(given)
    assert len(voice.speak("click")) > 0
