"""Sound from a microphone, part by part, while it is spoken."""

import queue
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..limits import real
from .samples import require_rate


def listen(rate: int, seconds: float = 0.1) -> Iterator[np.ndarray]:
    """Yield parts (n,) float32 of what the default microphone hears, until the caller stops.

    Args:
        rate: Samples a second; the system resamples where the microphone has another.
        seconds: Length of a part.

    Raises:
        ImportError: The library sounddevice, or PortAudio below it, is missing.
        OSError: There is no microphone, or it cannot be opened at this rate.
    """
    require_rate("rate", rate)
    real("seconds", seconds, 0.001, 60)
    return _parts(_sounddevice(), rate, round(seconds * rate))


def _parts(sounddevice: Any, rate: int, size: int) -> Iterator[np.ndarray]:
    heard: queue.Queue[np.ndarray] = queue.Queue()

    def keep(part: np.ndarray, *_: object) -> None:  # on a thread of the sound system
        heard.put(part[:, 0].copy())

    try:
        stream = sounddevice.InputStream(
            samplerate=rate, blocksize=size, channels=1, dtype="float32", callback=keep
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise OSError(
            f"there is no microphone that can be opened at {rate:,} Hz: {error}"
        ) from None
    with stream:
        while True:
            yield heard.get()


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise ImportError(
            "a microphone needs the library sounddevice: pip install carrousel[microphone]"
        ) from None
    except OSError as error:
        raise ImportError(
            f"a microphone needs the system's PortAudio ({error}): install it (libportaudio2 on "
            "Debian), then pip install carrousel[microphone]"
        ) from None
    return sounddevice
