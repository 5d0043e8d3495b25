"""Recordings that say letters in chords."""

import numpy as np

from carrousel.audio import Recordings

RATE = 4000
PITCH = {"a": 200, "b": 500, "c": 1100}


def spoken(text: str, noise: np.random.Generator) -> np.ndarray:
    """(n,) float32: a chord of a tenth of a second for each letter, pauses between."""
    parts = [np.zeros(200)]
    for letter in text:
        length = int(noise.integers(360, 480))
        phase = 2 * np.pi * PITCH[letter] * np.arange(length) / RATE
        parts += [0.2 * (np.sin(phase) + np.sin(1.3 * phase) + np.sin(1.6 * phase))]
        parts += [np.zeros(int(noise.integers(150, 300)))]
    sound = np.concatenate(parts)
    return (sound + noise.normal(0, 0.01, len(sound))).astype(np.float32)


def recordings(count: int, longest: int = 3, seed: int = 0) -> Recordings:
    """``count`` strings of 1 to ``longest`` letters."""
    noise = np.random.default_rng(seed)
    texts = ["".join(noise.choice(list(PITCH), 1 + k % longest)) for k in range(count)]
    samples = [spoken(text, noise) for text in texts]
    return Recordings(samples, RATE, [f"{k}.wav" for k in range(count)], texts)
