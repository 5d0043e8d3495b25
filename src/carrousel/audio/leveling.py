"""Log-mel frames without what a room and a microphone add: how loud, how bright, how noisy."""

from typing import Any

import numpy as np

LOUD = 20.0  # decibels below the loudest frames: what is louder is speech
FLOOR = 35.0  # decibels below the loudest frames: what is fainter is silence


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
    relative = np.log(power / peak + 10 ** (-FLOOR / 10))
    loud = total >= peak * 10 ** (-LOUD / 10)
    return (relative - relative[loud].mean(0)).astype(np.float32)
