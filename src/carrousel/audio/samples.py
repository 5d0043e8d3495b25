"""Samples of sound as numbers: one channel of float32 about -1 to 1, whatever they came as."""

from math import gcd
from typing import Any

import numpy as np

from ..limits import whole

RATES = 1_000_000  # samples a second; ultrasound ends below
LOUDEST = 100.0  # 40 dB above full scale: what lies beyond are whole numbers given as floats


def as_samples(samples: Any, name: str = "samples") -> np.ndarray:
    """One channel as float32.

    Args:
        samples: (n,), or (n, channels) whose mean is taken. Whole numbers are of full scale: int16
            from -32,768 to 32,767, uint8 around 128.
        name: What messages call it.

    >>> as_samples(np.array([-32768, 0, 16384], np.int16)).tolist()
    [-1.0, 0.0, 0.5]
    >>> as_samples(np.array([[0.5, 0.0]])).tolist()
    [0.25]

    Raises:
        TypeError: They are no real numbers.
        ValueError: There are none, they have another shape, are not finite, or are far beyond 1.
    """
    given = np.asarray(samples)
    if given.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, got dtype {given.dtype}")
    if given.ndim not in (1, 2):
        raise ValueError(f"{name} must have the shape (n,) or (n, channels), got {given.shape}")
    if not given.size:
        raise ValueError(f"{name} must not be empty, got the shape {given.shape}")
    if given.ndim == 2 and given.shape[1] > given.shape[0] and given.shape[1] > 8:
        raise ValueError(
            f"{name} must have the shape (n,) or (n, channels), got {given.shape}; give its "
            "transpose"
        )
    scaled = _scaled(given)
    mixed = scaled if scaled.ndim == 1 else scaled.mean(1)
    wrong = np.flatnonzero(~np.isfinite(mixed))
    if len(wrong):
        raise ValueError(f"{name} must be finite, got {mixed[wrong[0]]} at sample {wrong[0]:,}")
    loudest = np.abs(mixed).max()
    if loudest > LOUDEST:
        raise ValueError(
            f"{name} must lie about -1 to 1, got up to {loudest:g}; give whole numbers as integers "
            "(int16), or divide by full scale"
        )
    return np.ascontiguousarray(mixed, dtype=np.float32)


def _scaled(given: np.ndarray) -> np.ndarray:
    values: np.ndarray
    kind, size = given.dtype.kind, given.dtype.itemsize
    if kind == "f":
        return given if size > 2 else given.astype(np.float32)  # sums of halves overflow
    half = 2.0 ** (8 * size - 1)
    values = given.astype(np.float32 if size < 4 else np.float64)
    return values / half - (1.0 if kind == "u" else 0.0)


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The same sound (n,) with ``wanted`` samples a second instead of ``rate``.

    By a polyphase filter (``scipy.signal.resample_poly``): what the lower rate cannot hold is cut
    off before it could fold over.

    Raises:
        ImportError: scipy is missing.
    """
    require_rate("rate", rate)
    require_rate("wanted", wanted)
    if rate == wanted:
        return samples
    try:
        from scipy.signal import resample_poly
    except ImportError:
        raise ImportError(
            "another sampling rate needs the library scipy: pip install carrousel[audio]"
        ) from None
    shared = gcd(rate, wanted)
    return resample_poly(samples, wanted // shared, rate // shared).astype(np.float32)


def require_rate(name: str, rate: Any) -> None:
    """Require a sampling rate that a sound can have."""
    whole(name, int(rate) if isinstance(rate, np.integer) else rate, 100)
    if rate > RATES:
        raise ValueError(f"{name} must be at most {RATES:,} samples a second, got {rate:,}")
