"""Log-mel frames without what a room and a microphone add: how loud, how bright, how noisy."""

from typing import Any

import numpy as np

LOUD = 20.0  # decibels below the loudest frames: what is louder is speech
FLOOR = 35.0  # decibels below the loudest frames: what is fainter is silence
FADING = 2.0  # decibels a second by which what was loud is forgotten
QUIETEST = 1e-6  # power of a frame below which nothing is taken for speech, however quiet it was
REST = 10 ** (-FLOOR / 10)  # what is left of a silent band, relative to the loudest frames


def leveled(frames: Any) -> np.ndarray:
    """Log-mel bands (T, bands) of one recording, relative to its loudest frames and to the mean of
    those in which somebody speaks.

    Louder recordings give the same frames, and so do those by a microphone that favors some bands
    (cepstral mean subtraction, Atal 1974); pauses count for nothing, however long they are, and
    noise in them is cut off. The whole recording must be known: it is not for streams.

    >>> from carrousel.audio import LogMel
    >>> features = LogMel(8000, slopes=0, floor=1e-9)
    >>> sound = np.sin(np.arange(4000) * 0.3) * np.linspace(0, 0.1, 4000)
    >>> bool(np.allclose(leveled(features(sound)), leveled(features(10 * sound)), atol=1e-3))
    True
    """
    given = np.asarray(frames, np.float64)
    if given.ndim != 2 or not given.size:
        raise ValueError(f"frames must have the shape (T, bands), got {given.shape}")
    given = given - given.max()  # so that no power overflows
    power = np.exp(given)
    total = power.sum(1)
    peak = np.percentile(total, 90)
    relative = np.log(power / peak + REST)
    loud = total >= peak * 10 ** (-LOUD / 10)
    return (relative - relative[loud].mean(0)).astype(np.float32)


def faded(hop: float) -> float:
    """By how much the logarithm of a power fades in so many seconds."""
    return float(FADING * hop * np.log(10) / 10)


class LevelStream:
    """Log-mel bands relative to the loudest frame so far, which fades slowly: the same for a louder
    speaker, and for one who comes nearer, without what is still to come.

    >>> frames = np.log(np.random.default_rng(0).uniform(0.1, 2, (50, 4)))
    >>> stream = LevelStream(hop=0.01)
    >>> parts = [stream.push(part) for part in np.split(frames, 5)]
    >>> np.allclose(np.concatenate(parts), LevelStream(hop=0.01).push(frames + 3), atol=1e-5)
    True
    """

    def __init__(self, hop: float) -> None:
        """``hop``: seconds from one frame to the next."""
        self._fading = faded(hop)
        self.restart()

    def restart(self) -> None:
        """Nothing was heard yet."""
        self._peak = float(np.log(QUIETEST))  # logarithm of a frame's power

    def push(self, frames: Any) -> np.ndarray:
        """The next frames (T, bands), logarithms of power."""
        given = np.asarray(frames, np.float64)
        if not len(given):
            return given.astype(np.float32)
        power = np.logaddexp.reduce(given, 1)
        faded = self._fading * np.arange(1, len(given) + 1)
        peak = np.maximum.accumulate(np.maximum(power + faded, self._peak)) - faded
        peak = np.maximum(peak, np.log(QUIETEST))
        self._peak = float(peak[-1])
        relative = np.exp(given - peak[:, None]) + REST
        return np.log(relative).astype(np.float32)
