"""Files of sound through soundfile (libsndfile): WAV of all kinds, FLAC, Ogg, MP3."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..storage.files import write_bytes
from .samples import as_samples, require_rate

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64")
CANCELED = 1e-4  # of the channels' power in their mean: they are each other's negative


def read_sound(path: str | Path, channel: int | None = None) -> tuple[np.ndarray, int]:
    """(samples (n,) float32 about -1 to 1, samples a second).

    Args:
        path: The file.
        channel: Which of several, from 0; None takes their mean.

    Warns:
        UserWarning: All samples are the same (silence), or the file is cut off.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, no sound, or empty, or holds no finite numbers, or its channels
            cancel each other; the file is named.
        ImportError: soundfile is missing.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder, no file" if path.is_dir() else "there is no such file"
        raise FileNotFoundError(f"{path}: {what}")
    soundfile = _soundfile(path.name)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(". ")
        raise ValueError(f"{path}: cannot be read as sound: {reason}") from None
    if not samples.size:
        raise ValueError(f"{path}: it holds no samples")
    require_rate(f"{path}: its sampling rate", rate)
    _warn_if_cut_off(path)
    one = as_samples(_one_channel(samples, channel, path), f"{path}: its samples")
    if np.ptp(one) == 0:
        warnings.warn(f"{path}: it is silent, all samples are {one[0]:g}", stacklevel=2)
    return one, rate


def _one_channel(samples: np.ndarray, channel: int | None, path: Path) -> np.ndarray:
    """(n,) of (n, channels)."""
    count = samples.shape[1]
    if channel is not None:
        if channel not in range(count):
            raise ValueError(f"{path}: channel must be 0 to {count - 1}, got {channel}")
        return samples[:, channel]
    mixed = samples.mean(1)
    power = np.square(samples, dtype=np.float64).mean()
    if power > 0 and np.square(mixed, dtype=np.float64).mean() < CANCELED * power:
        raise ValueError(f"{path}: its {count} channels cancel each other; give channel=0")
    return mixed


def _warn_if_cut_off(path: Path) -> None:
    """A WAV file that is shorter than it says was not copied to its end; soundfile is silent."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    says, has = int.from_bytes(head[4:8], "little") + 8, path.stat().st_size
    if has + 1 < says < 2**32 - 4096:  # a size that was not known when writing began is 0 or huge
        warnings.warn(f"{path}: it is cut off, {has:,} of {says:,} bytes are there", stacklevel=3)


def write_sound(path: str | Path, samples: Any, rate: int) -> None:
    """Write a WAV file of 16 bits, whole or not at all; what is beyond full scale is cut.

    Raises:
        ValueError: The name does not end in .wav, or the samples are empty or not finite.
        OSError: It cannot be written.
        ImportError: soundfile is missing.
    """
    path = Path(path)
    if path.suffix.lower() != ".wav":
        raise ValueError(f"{path}: what is written is WAV; give a name that ends in .wav")
    require_rate("rate", rate)
    content = io.BytesIO()
    values = as_samples(samples).clip(-1, 1)
    _soundfile(path.name).write(content, values, rate, format="WAV", subtype="PCM_16")
    write_bytes(path, content.getvalue())


def _soundfile(name: str) -> Any:
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: its C library is not there
        raise ImportError(
            f"{name}: files of sound need the library soundfile: pip install carrousel[audio]"
        ) from None
    return soundfile
