"""Log-mel frames: what an ear tells apart, a few dozen numbers for every hundredth of a second.

A frame is the power spectrum of a short window of sound, summed in bands that are narrow at low and
wide at high frequencies (the mel scale, Stevens, Volkmann & Newman 1937), as logarithm; beside it
stand its slope over five frames, and the slope of that (Furui 1986).
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..limits import real, whole
from .samples import as_samples, require_rate

REACH = 2  # frames on each side that a slope is taken over


@dataclass(frozen=True)
class LogMel:
    """Frames of a sound: called with samples (n,), it gives (frames, channels) float32.

    Frame t is of the samples from ``t * hop`` on; nothing is added at the ends, so that a stream
    gives the same frames. What is shorter than a window is filled with silence. Channels are the
    bands from low to high, then their slopes, then the slopes of these.

    Args:
        rate: Samples a second.
        bands: Of the mel scale.
        window: Seconds that a frame looks at, by a Hann window.
        hop: Seconds from one frame to the next.
        low: Frequency in Hz where the first band begins.
        high: Where the last ends; None is half the rate.
        slopes: 0 for bands alone, 1 with their slopes, 2 with the slopes of these.
        floor: Power that is added to each band: what is fainter is silence. 1e-5 is noise about 80
            dB below full scale.

    >>> features = LogMel(8000, slopes=0)
    >>> features(np.zeros(8000)).shape, features.channels, round(features.latency, 3)
    ((98, 40), 40, 0.025)
    """

    rate: int
    bands: int = 40
    window: float = 0.025
    hop: float = 0.010
    low: float = 20.0
    high: float | None = None
    slopes: int = 2
    floor: float = 1e-5

    def __post_init__(self) -> None:
        require_rate("rate", self.rate)
        whole("bands", self.bands)
        whole("slopes", self.slopes, 0)
        if self.slopes > 2:
            raise ValueError(f"slopes must be 0, 1 or 2, got {self.slopes}")
        real("window", self.window, 2 / self.rate, 10)
        real("hop", self.hop, 1 / self.rate, self.window)
        real("high", self.rate / 2 if self.high is None else self.high, 1, self.rate / 2)
        real("low", self.low, 0, self.rate / 2 if self.high is None else self.high, below=True)
        real("floor", self.floor, 0, above=True)
        empty = (filters(self) == 0).all(0).nonzero().flatten().tolist()
        if empty:
            raise ValueError(
                f"bands must be fewer for this window, got {self.bands}: {len(empty)} of them "
                "would hold no frequency; give a longer window"
            )

    @property
    def channels(self) -> int:
        """Numbers in a frame."""
        return self.bands * (1 + self.slopes)

    @property
    def samples(self) -> int:
        """Samples in a window."""
        return round(self.window * self.rate)

    @property
    def step(self) -> int:
        """Samples from one frame to the next."""
        return round(self.hop * self.rate)

    @property
    def size(self) -> int:
        """Of the Fourier transform: a power of two, so long that low bands hold a frequency."""
        return 1 << math.ceil(math.log2(2 * self.samples))

    @property
    def latency(self) -> float:
        """Seconds from a sound to the frame that begins with it, slopes included."""
        return (self.samples + self.slopes * REACH * self.step) / self.rate

    def frames(self, count: int) -> int:
        """How many frames ``count`` samples give."""
        return 0 if count <= 0 else 1 + max(count - self.samples, 0) // self.step

    def __call__(self, samples: Any) -> np.ndarray:
        given = torch.from_numpy(as_samples(samples))
        if len(given) < self.samples:
            given = torch.nn.functional.pad(given, (0, self.samples - len(given)))
        return with_slopes(self.bands_of(given), self.slopes).numpy()

    def bands_of(self, samples: Tensor) -> Tensor:
        """(n,) float32 to (frames, bands), of whole windows only."""
        windows = samples.unfold(0, self.samples, self.step)  # (frames, samples)
        spectrum = torch.fft.rfft(windows * hann(self.samples), n=self.size)
        power = spectrum.real.square() + spectrum.imag.square()  # (frames, size / 2 + 1)
        return (power @ filters(self) + self.floor).log()

    def stream(self) -> "LogMelStream":
        """The same frames while the sound goes on; see :class:`LogMelStream`."""
        return LogMelStream(self)


class LogMelStream:
    """Frames as they are complete: all that was pushed gives what :class:`LogMel` gives of it.

    A frame is complete ``LogMel.latency`` seconds after its beginning: slopes wait for the frames
    that they are taken over.

    >>> sound = np.sin(np.arange(3000) ** 1.3).astype(np.float32)
    >>> stream = LogMel(8000).stream()
    >>> parts = [stream.push(part) for part in np.split(sound, 10)] + [stream.finish()]
    >>> np.allclose(np.concatenate(parts), LogMel(8000)(sound), atol=1e-4)
    True
    """

    def __init__(self, features: LogMel) -> None:
        self.features = features
        self._restart()

    def _restart(self) -> None:
        self._samples = torch.zeros(0)
        self._slopes = [_SlopeStream() for _ in range(self.features.slopes)]
        self._waiting = [torch.zeros(0, self.features.bands) for _ in range(1 + len(self._slopes))]
        self._began = False

    def push(self, samples: Any) -> np.ndarray:
        """More sound (n,), any number of samples; (frames, channels) that are complete now."""
        if np.size(samples):
            more = torch.from_numpy(as_samples(samples))
            self._samples = torch.cat([self._samples, more])
        features = self.features
        whole_windows = max(len(self._samples) - features.samples + features.step, 0)
        count = whole_windows // features.step
        bands = torch.zeros(0, features.bands)
        if count:
            bands = features.bands_of(self._samples)
            self._samples = self._samples[count * features.step :]
            self._began = True
        return self._ready(bands, last=False)

    def finish(self) -> np.ndarray:
        """The sound has ended: the frames that waited for more. Another may begin."""
        bands = torch.zeros(0, self.features.bands)
        if not self._began and len(self._samples):
            missing = self.features.samples - len(self._samples)
            bands = self.features.bands_of(torch.nn.functional.pad(self._samples, (0, missing)))
        ready = self._ready(bands, last=True)
        self._restart()
        return ready

    def _ready(self, bands: Tensor, last: bool) -> np.ndarray:
        levels = [bands]
        for slopes in self._slopes:
            levels.append(slopes.push(levels[-1], last))
        self._waiting = [torch.cat(pair) for pair in zip(self._waiting, levels, strict=True)]
        count = len(self._waiting[-1])  # slopes of slopes come last
        ready = torch.cat([level[:count] for level in self._waiting], 1)
        self._waiting = [level[count:] for level in self._waiting]
        return ready.numpy()


class _SlopeStream:
    """Slopes of frames that come in parts; each waits for ``REACH`` frames after its own."""

    def __init__(self) -> None:
        self._known: Tensor | None = None

    def push(self, frames: Tensor, last: bool) -> Tensor:
        if len(frames):
            before = frames[:1].expand(REACH, -1) if self._known is None else self._known
            self._known = torch.cat([before, frames])
        if self._known is None:
            return frames
        if last:
            self._known = torch.cat([self._known, self._known[-1:].expand(REACH, -1)])
        made = _slopes_inside(self._known)
        self._known = self._known[len(made) :]
        return made


def with_slopes(bands: Tensor, orders: int) -> Tensor:
    """(T, bands) to (T, bands * (1 + orders)); the first and last frame go on beyond the ends."""
    levels = [bands]
    for _ in range(orders):
        x = levels[-1]
        ends = x[:1].expand(REACH, -1), x[-1:].expand(REACH, -1)
        levels.append(_slopes_inside(torch.cat([ends[0], x, ends[1]])))
    return torch.cat(levels, 1)


def _slopes_inside(x: Tensor) -> Tensor:
    """(T + 2 * REACH, bands) to (T, bands): of the line through 2 * REACH + 1 frames."""
    count = len(x) - 2 * REACH
    if count <= 0:
        return x[:0]
    total = torch.zeros_like(x[:count])
    for k in range(1, REACH + 1):
        total += k * (x[REACH + k : REACH + k + count] - x[REACH - k : REACH - k + count])
    return total / (2 * sum(k * k for k in range(1, REACH + 1)))


def mel(hertz: float) -> float:
    """
    >>> round(mel(1000.0))
    1000
    """
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


@cache
def filters(features: LogMel) -> Tensor:
    """(size / 2 + 1, bands): triangles that rise from one edge to the next and fall to the third,
    the edges at equal distances on the mel scale."""
    high = features.rate / 2 if features.high is None else features.high
    edges = torch.linspace(mel(features.low), mel(high), features.bands + 2, dtype=torch.float64)
    hertz = 700.0 * (10.0 ** (edges / 2595.0) - 1.0)
    bins = torch.linspace(0, features.rate / 2, features.size // 2 + 1, dtype=torch.float64)
    rising = (bins[:, None] - hertz[:-2]) / (hertz[1:-1] - hertz[:-2])
    falling = (hertz[2:] - bins[:, None]) / (hertz[2:] - hertz[1:-1])
    return torch.minimum(rising, falling).clamp(min=0).float()


@cache
def hann(samples: int) -> Tensor:
    return torch.hann_window(samples)
