"""Learn words from recordings, hear strings of them live, and say them again.

The "recordings" are chords that a formula makes, in WAV files as a person would have them.
"""

from pathlib import Path

import numpy as np
import torch

from carrousel import Transcriber
from carrousel.audio import join_words, read_recordings, write_sound
from carrousel.sequence.synthesis import Voice

RATE = 4000
PITCH = {"low": 200, "middle": 450, "high": 1000}  # Hz


def chord(word: str, noise: np.random.Generator) -> np.ndarray:
    """A tenth of a second of three tones, a little silence around."""
    time = np.arange(int(noise.integers(360, 480))) / RATE
    tones = sum(np.sin(2 * np.pi * PITCH[word] * k * time) for k in (1, 1.3, 1.6))
    sound = np.pad(0.2 * tones, 300)
    return sound + noise.normal(0, 0.003, len(sound))


# A folder for each word: words/low/00.wav, words/low/01.wav, ...
noise = np.random.default_rng(0)
for word in PITCH:
    for k in range(12):
        write_sound(Path("words", word, f"{k:02}.wav"), chord(word, noise), RATE)
recordings = read_recordings("words")
print(f"{len(recordings)} recordings of {sorted(set(recordings.labels))} at {recordings.rate} Hz")

# Single words joined to strings are what the model learns from; it reads forwards only.
strings = join_words(recordings, 120, torch.Generator().manual_seed(0), longest=3)
model = Transcriber(
    units="words", bidirectional=False, hidden_size=24, epochs=40, learning_rate=0.02, dropout=0
)
model.fit(strings, strings.labels)

# What is said is written down while it is said.
sound = np.concatenate([chord(word, noise) for word in ("high", "low", "middle")])
stream = model.stream()
for part in np.array_split(sound.astype(np.float32), 12):
    for word in stream.push(part).split():
        print(f"heard {word!r}")
stream.finish()
print(f"all of it: {stream.text!r}, known {stream.latency:.3f} s after it was said, at the soonest")

# And said again, by a network that has heard the same recordings.
voice = Voice(hidden_size=16, steps=150, learning_rate=0.01).fit(recordings)
write_sound("said.wav", voice.speak("high low"), voice.rate)
print(f"said.wav holds {len(voice.speak('high low')) / voice.rate:.1f} s of 'high low'")
