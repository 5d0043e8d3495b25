"""More recordings from those that there are: single words joined to strings, and variations."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import torch

from ..limits import real, whole
from .augmentation import Range, add_noise, change_gain, change_speed
from .recordings import Recordings


def join_words(
    recordings: Recordings,
    count: int,
    generator: torch.Generator,
    *,
    longest: int = 7,
    gap: tuple[float, float] = (0.0, 0.4),
) -> Recordings:
    """Strings of 1 to ``longest`` words, each said by one speaker, with pauses between.

    Args:
        recordings: Of single words, with labels; speakers, if known, are kept apart.
        count: How many strings. Lengths are drawn evenly, words among all of a speaker.
        generator: Of everything that is drawn.
        longest: Words in a string at most.
        gap: Shortest and longest pause in seconds; one stands at each end, too. It is at
            most as loud as the quietest hundredth of a second of the words, and 30 dB fainter than
            they; in a quarter of the strings it is silence.

    >>> word = np.ones(800, np.float32)
    >>> two = Recordings([word, word], 8000, ["1.wav", "2.wav"], ["one", "two"])
    >>> strings = join_words(two, 3, torch.Generator().manual_seed(0), longest=2)
    >>> strings.labels
    ['two one', 'one one', 'one']

    Raises:
        ValueError: There are no labels.
    """
    if recordings.labels is None or not len(recordings):
        raise ValueError("recordings must hold at least one word with its label")
    whole("count", count)
    whole("longest", longest)
    for end in gap:
        real("gap", end, 0, 60)
    by_speaker: dict[str, list[int]] = defaultdict(list)
    for k in range(len(recordings)):
        by_speaker["" if recordings.speakers is None else recordings.speakers[k]].append(k)
    people = sorted(by_speaker)
    samples, labels, speakers = [], [], []
    for _ in range(count):
        who = people[_integer(len(people), generator)]
        words = by_speaker[who]
        chosen = [
            words[_integer(len(words), generator)] for _ in range(1 + _integer(longest, generator))
        ]
        samples.append(
            _joined([recordings.samples[k] for k in chosen], recordings.rate, gap, generator)
        )
        labels.append(" ".join(recordings.labels[k] for k in chosen))
        speakers.append(who)
    names = [f"string {k + 1}" for k in range(count)]
    return Recordings(samples, recordings.rate, names, labels,
                      None if recordings.speakers is None else speakers)  # fmt: skip


def _integer(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (), generator=generator))


def _joined(
    words: list[np.ndarray], rate: int, gap: tuple[float, float], generator: torch.Generator
) -> np.ndarray:
    quiet = min(_quietest(word, max(rate // 100, 1)) for word in words)
    loud = torch.rand((), generator=generator).item()
    quiet *= 0.0 if loud < 0.25 else loud
    parts = []
    for word in [*words, None]:
        share = torch.rand((), generator=generator).item()
        length = round((gap[0] + (gap[1] - gap[0]) * share) * rate)
        parts.append(quiet * torch.randn(length, generator=generator).numpy())
        if word is not None:
            parts.append(word)
    return np.concatenate(parts).astype(np.float32)


def _quietest(word: np.ndarray, size: int) -> float:
    """The least root mean square of ``size`` samples; a word that was cut tightly has no pause."""
    parts = word[: len(word) // size * size].reshape(-1, size) if len(word) >= size else word[None]
    power = np.square(parts, dtype=np.float64).mean(1)
    return float(np.sqrt(min(power.min(), power.mean() / 10**3)))


def vary(
    recordings: Recordings,
    copies: int,
    generator: torch.Generator,
    *,
    speed: Range = (0.85, 1.18),
    gain: Range = (-12, 6),
    noise: Range = (5, 30),
    noisy: float = 0.5,
    pause: float = 0.1,
    keep: bool = True,
) -> Recordings:
    """The recordings and ``copies`` of each at other speeds and loudnesses, with silence around
    and, a share ``noisy`` of them, with white noise; labels and speakers stay.

    Args:
        recordings: What is varied.
        copies: Of each recording.
        generator: Of everything that is drawn.
        speed: As of :func:`change_speed`.
        gain: As of :func:`change_gain`.
        noise: As of :func:`add_noise`.
        noisy: Share of the copies that get noise.
        pause: Seconds of silence at each end at most; how much is drawn.
        keep: Whether the recordings themselves come first.

    >>> word = Recordings([np.ones(800, np.float32)], 8000, ["1.wav"], ["one"])
    >>> vary(word, 2, torch.Generator().manual_seed(0)).labels
    ['one', 'one', 'one']
    """
    whole("copies", copies, 0)
    real("noisy", noisy, 0, 1)
    real("pause", pause, 0, 60)
    places = np.tile(np.arange(len(recordings)), copies)
    varied = recordings.take(places)
    samples = []
    for one in varied.samples:
        one = change_gain(change_speed(one, speed, generator), gain, generator)
        ends = torch.rand(2, generator=generator) * pause * recordings.rate
        one = np.pad(one, tuple(ends.int().tolist()))
        if torch.rand((), generator=generator).item() < noisy:
            one = add_noise(one, noise, generator)
        samples.append(one)
    varied = replace(varied, samples=samples)
    if not keep:
        return varied
    all_of_them = recordings.take(np.concatenate([np.arange(len(recordings)), places]))
    return replace(all_of_them, samples=[*recordings.samples, *samples])
