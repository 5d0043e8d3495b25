"""Sound: recordings in, log-mel frames out, and back. Knows nothing of networks.

Reading files needs the libraries soundfile and scipy: ``pip install carrousel[audio]``.

>>> import numpy as np
>>> tone = np.sin(np.arange(4000) * 0.3).astype(np.float32)  # half a second at 8,000 Hz
>>> LogMel(8000)(tone).shape  # (frames, channels): 40 bands, their changes, the changes of these
(48, 120)
"""

from .augmentation import add_noise, change_gain, change_speed, shift_time, spec_augment
from .inversion import sound_of
from .joining import join_words, vary
from .leveling import LevelStream, leveled
from .log_mel import LogMel, LogMelStream
from .microphone import listen
from .recordings import Recordings, read_recordings
from .samples import as_samples, resampled
from .sound_files import read_sound, write_sound

__all__ = [
    "LevelStream",
    "LogMel",
    "LogMelStream",
    "Recordings",
    "add_noise",
    "as_samples",
    "change_gain",
    "change_speed",
    "join_words",
    "leveled",
    "listen",
    "read_recordings",
    "read_sound",
    "resampled",
    "shift_time",
    "sound_of",
    "spec_augment",
    "vary",
    "write_sound",
]
