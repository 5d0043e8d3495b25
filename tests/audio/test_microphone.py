"""A microphone, where there is none: a library that plays its part."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from carrousel.audio import listen


class Stream:
    """Calls back twice, as PortAudio does from a thread of its own."""

    def __init__(self, blocksize, callback, samplerate, channels, dtype):
        assert (samplerate, channels, dtype) == (8000, 1, "float32")
        self.size, self.callback = blocksize, callback

    def __enter__(self):
        for k in range(2):
            self.callback(np.full((self.size, 1), k / 10, np.float32), self.size, None, None)

    def __exit__(self, *error):
        self.callback = None


def test_parts_come_in_order(monkeypatch):
    fake = SimpleNamespace(InputStream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    parts = listen(8000, 0.05)
    assert [next(parts).tolist() for _ in range(2)] == [[0.0] * 400, [np.float32(0.1)] * 400]
    parts.close()


def test_no_microphone_is_one_sentence(monkeypatch):
    def none(**options):
        raise OSError("Error querying device -1")

    fake = SimpleNamespace(InputStream=none, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    with pytest.raises(OSError, match="no microphone that can be opened at 8,000 Hz: Error quer"):
        next(listen(8000))


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ImportError, match=r"pip install carrousel\[microphone\]"):
        listen(8000)


@pytest.mark.parametrize("seconds", [0, -1, 1000])
def test_impossible_parts_are_refused(seconds):
    with pytest.raises(ValueError, match="seconds must lie in"):
        listen(8000, seconds)
