"""The same thing said again: louder, faster, later, with noise, with parts that nobody heard.

Everything is drawn from the caller's generator.

>>> generator = torch.Generator().manual_seed(1)
>>> sound = np.sin(np.arange(2000) * 0.3).astype(np.float32)
>>> heard = add_noise(change_gain(sound, (-6, 6), generator), 10, generator)
>>> heard.shape
(2000,)
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from ..limits import real, whole
from .samples import as_samples, resampled

Range = float | Sequence[float]  # one number, or the two between which one is drawn


def _drawn(name: str, given: Range, low: float, high: float, generator: torch.Generator) -> float:
    ends = [given, given] if isinstance(given, int | float) else list(given)
    if len(ends) != 2:
        raise ValueError(f"{name} must be a number or two, got {given!r}")
    for end in ends:
        real(name, end, low, high)
    if ends[0] > ends[1]:
        raise ValueError(f"{name} must be two numbers in ascending order, got {given!r}")
    share = torch.rand((), generator=generator, dtype=torch.float64).item()
    return ends[0] + (ends[1] - ends[0]) * share


def change_gain(samples: Any, decibels: Range, generator: torch.Generator) -> np.ndarray:
    """Louder by ``decibels``, or by a number drawn between two."""
    gain = _drawn("decibels", decibels, -120, 120, generator)
    return as_samples(samples) * np.float32(10 ** (gain / 20))


def add_noise(
    samples: Any, decibels: Range, generator: torch.Generator, noise: Any = None
) -> np.ndarray:
    """With noise that is ``decibels`` fainter than the sound (the ratio of their mean powers).

    Args:
        samples: (n,). Silence stays as it is: nothing is fainter.
        decibels: How much fainter, or two numbers between which it is drawn.
        generator: Of the noise, and of the place in ``noise``.
        noise: A recording to take a part of, from the beginning again where it is too short; None
            is white noise.
    """
    clean = as_samples(samples)
    ratio = _drawn("decibels", decibels, -60, 120, generator)
    if noise is None:
        added = torch.randn(len(clean), generator=generator).numpy()
    else:
        source = as_samples(noise, "noise")
        start = int(torch.randint(len(source), (), generator=generator))
        added = np.take(source, np.arange(start, start + len(clean)), mode="wrap")
    power = np.square(added, dtype=np.float64).mean()
    if power == 0:
        return clean
    wanted = np.square(clean, dtype=np.float64).mean() / 10 ** (ratio / 10)
    return clean + added * np.float32(np.sqrt(wanted / power))


def shift_time(samples: Any, most: int, generator: torch.Generator) -> np.ndarray:
    """Later or earlier by at most ``most`` samples; silence comes in, as much is lost."""
    whole("most", most, 0)
    given = as_samples(samples)
    by = int(torch.randint(-most, most + 1, (), generator=generator))
    shifted = np.zeros_like(given)
    kept = max(len(given) - abs(by), 0)
    shifted[max(by, 0) :][:kept] = given[max(-by, 0) :][:kept]
    return shifted


def change_speed(samples: Any, factor: Range, generator: torch.Generator) -> np.ndarray:
    """Faster by ``factor``, and higher with it, as from a smaller speaker (Ko et al. 2015)."""
    given = as_samples(samples)
    speed = Fraction(_drawn("factor", factor, 0.25, 4, generator)).limit_denominator(100)
    return resampled(given, 100 * speed.numerator, 100 * speed.denominator)


def spec_augment(
    frames: Any,
    generator: torch.Generator,
    *,
    bands: int = 8,
    band_masks: int = 1,
    steps: int = 8,
    step_masks: int = 1,
    groups: int = 1,
) -> np.ndarray:
    """Frames (T, channels) of which some bands and some steps are hidden by the mean of each
    channel (SpecAugment, Park et al. 2019).

    Args:
        frames: Left as they are; a copy is returned.
        generator: Of widths and places.
        bands: Bands that a mask hides at most; how many is drawn, from 0.
        band_masks: How many masks hide bands.
        steps: Steps that a mask hides at most, and never more than a fifth of all.
        step_masks: How many masks hide steps.
        groups: Into which channels are divided that are hidden together: 3 for bands, their slopes
            and the slopes of these.
    """
    for name, value in (("bands", bands), ("band_masks", band_masks), ("steps", steps),
                        ("step_masks", step_masks)):  # fmt: skip
        whole(name, value, 0)
    whole("groups", groups)
    hidden = np.asarray(frames).astype(np.float32)
    if hidden.ndim != 2 or not hidden.size:
        raise ValueError(f"frames must have the shape (T, channels), got {hidden.shape}")
    if hidden.shape[1] % groups:
        raise ValueError(f"groups must divide the {hidden.shape[1]} channels, got {groups}")
    mean = hidden.mean(0)
    each = hidden.shape[1] // groups
    for _ in range(band_masks):
        first, width = _place(each, min(bands, each), generator)
        for group in range(groups):
            part = slice(group * each + first, group * each + first + width)
            hidden[:, part] = mean[part]
    for _ in range(step_masks):
        first, width = _place(len(hidden), min(steps, len(hidden) // 5), generator)
        hidden[first : first + width] = mean
    return hidden


def _place(length: int, most: int, generator: torch.Generator) -> tuple[int, int]:
    width = int(torch.randint(most + 1, (), generator=generator))
    return int(torch.randint(length - width + 1, (), generator=generator)), width
