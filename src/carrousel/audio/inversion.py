"""From log-mel frames back to sound: magnitudes that fit the bands, then phases that fit them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..limits import real, whole
from .log_mel import LogMel, filters, hann


def sound_of(
    frames: Any,
    features: LogMel,
    *,
    iterations: int = 60,
    momentum: float = 0.99,
    generator: torch.Generator | None = None,
) -> np.ndarray:
    """Samples (n,) whose log-mel frames are about these.

    Phases are found by the fast Griffin-Lim algorithm (Griffin & Lim 1984; Perraudin, Balazs &
    Søndergaard 2013): go to sound and back, keep the phases, and put the magnitudes in again.

    Args:
        frames: (T, bands or channels) as ``features`` gives them; slopes are passed over.
        features: What the frames were made with.
        iterations: Ways there and back.
        momentum: How far each goes beyond the last; 0 is Griffin and Lim's own.
        generator: Of the first phases; None takes the same ones always.

    >>> features = LogMel(8000, slopes=0)
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    >>> sound = sound_of(features(tone), features)
    >>> int(np.abs(np.fft.rfft(sound[:4000], 8000)).argmax() // 20 * 20)
    440
    """
    whole("iterations", iterations, 0)
    real("momentum", momentum, 0, 1)
    given = torch.from_numpy(np.array(frames, dtype=np.float32))
    widths = list(dict.fromkeys((features.bands, features.channels)))
    if given.ndim != 2 or not len(given) or given.shape[1] not in widths:
        either = " or ".join(f"(T, {width})" for width in widths)
        raise ValueError(f"frames must have the shape {either}, got {tuple(given.shape)}")
    if not given.isfinite().all():
        raise ValueError("frames must be finite")
    power = (given[:, : features.bands].clamp(max=30).exp() - features.floor).clamp(min=0)
    magnitude = spectrum_of(power, features).sqrt()
    return griffin_lim(magnitude, features, iterations, momentum, generator).numpy()


def spectrum_of(power: Tensor, features: LogMel) -> Tensor:
    """(T, bands) to a spectrum (T, size / 2 + 1) of power with these sums, none below zero.

    From what each band would be if it were flat, by multiplicative steps (Lee & Seung 2001).
    """
    triangles = filters(features)  # (bins, bands)
    spectrum = (power / triangles.sum(0)) @ triangles.T + 1e-12
    target = power @ triangles.T
    gram = triangles @ triangles.T
    for _ in range(50):
        spectrum = spectrum * (target / (spectrum @ gram + 1e-12))
    return spectrum


def griffin_lim(
    magnitude: Tensor,
    features: LogMel,
    iterations: int,
    momentum: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """(T, size / 2 + 1) to samples (n,) whose spectra have about these magnitudes."""
    generator = generator or torch.Generator().manual_seed(0)
    angle = torch.rand(magnitude.shape, generator=generator) * (2 * torch.pi)
    guess = torch.polar(magnitude, angle)
    before = torch.zeros_like(guess)
    for _ in range(iterations):
        heard = transform(to_samples(guess, features), features)
        ahead = heard + momentum * (heard - before)
        guess = torch.polar(magnitude, ahead.angle())
        before = heard
    return to_samples(guess, features)


def transform(samples: Tensor, features: LogMel) -> Tensor:
    """(n,) to spectra (T, size / 2 + 1) of the windows that ``LogMel`` looks at."""
    windows = samples.unfold(0, features.samples, features.step)
    return torch.fft.rfft(windows * hann(features.samples), n=features.size)


def to_samples(spectra: Tensor, features: LogMel) -> Tensor:
    """The sound (n,) whose transform is nearest to these spectra."""
    window = hann(features.samples)
    parts = torch.fft.irfft(spectra, n=features.size)[:, : features.samples] * window
    length = (len(spectra) - 1) * features.step + features.samples
    places = torch.arange(len(spectra))[:, None] * features.step + torch.arange(features.samples)
    total = torch.zeros(length).index_add_(0, places.flatten(), parts.flatten())
    weight = torch.zeros(length).index_add_(
        0, places.flatten(), window.square().repeat(len(spectra))
    )
    # At both ends windows are nearly nothing: what is divided by so little would be a click.
    return total / weight.clamp(min=0.05 * float(weight.max()))
