"""``Voice``: says words that it has heard, in the voices that it has heard."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ...audio import LogMel, Recordings, sound_of
from ...limits import real, whole
from ...storage.model_directory import filled, read_model, write_model
from ...storage.plain import restored, typed
from ...training import Progress, Run, TrainOptions, fit
from ...wording import one_of, some
from ..ragged import Ragged
from .network import Shape, SpeakingNetwork

KIND, FORMAT = "voice", 1
BANDS, HOP, WINDOW = 64, 0.01, 0.032  # finer than for recognition: what is missing is heard
FLOOR = 1e-5  # of the loudest frame's power: what is fainter is silence
AUDIBLE = 35.0  # decibels below the loudest frame: fainter ends of a recording are cut off
LOUDEST = 0.7  # of full scale, in what is said
LONGEST = 10.0  # seconds of a word


@dataclass
class _Batch:
    words: Tensor
    speakers: Tensor
    frames: Ragged


class Voice:
    """Learns recordings of single words; says any string of these words.

    A small LSTM gives log-mel frames for a word, a speaker and a length that it has learned, and
    Griffin-Lim (``carrousel.audio.sound_of``) makes them sound. It gives what recordings of a word
    have in common: the mean of several ways to say it, which sounds a little blurred.

    Args:
        hidden_size: Units of the LSTM in each direction.
        steps: Updates in training.
        batch_size: Recordings in an update.
        learning_rate: At its highest.
        seed: Of all random numbers.

    >>> import numpy as np
    >>> from carrousel.audio import Recordings
    >>> beep = np.sin(np.arange(1600) * 0.5).astype(np.float32)
    >>> heard = Recordings([beep] * 4, 8000, list("abcd"), ["beep", "boop"] * 2)
    >>> voice = Voice(hidden_size=8, steps=5).fit(heard)
    >>> voice.words_, voice.speakers_, len(voice.speak("boop beep")) > 3000
    (['beep', 'boop'], [''], True)

    Attributes after ``fit`` or ``load``:
        words_, speakers_: What can be said, and by whom.
        network_: The ``torch.nn.Module``.
        features_: The frames that it gives.
        report_: Recordings, updates and the mean error of a frame's bands in decibels.
    """

    def __init__(
        self,
        *,
        hidden_size: int = 96,
        steps: int = 1000,
        batch_size: int = 32,
        learning_rate: float = 4e-3,
        seed: int = 0,
    ) -> None:
        for name, value in (("hidden_size", hidden_size), ("steps", steps),
                            ("batch_size", batch_size)):  # fmt: skip
            whole(name, value)
        whole("seed", seed, 0)
        real("learning_rate", learning_rate, 0, 100, above=True)
        self.hidden_size, self.steps, self.batch_size = hidden_size, steps, batch_size
        self.learning_rate, self.seed = learning_rate, seed

    def fit(
        self, recordings: Recordings, *, progress: Callable[[Progress], None] | None = None
    ) -> "Voice":
        """Learn what words sound like.

        Args:
            recordings: Of one word each, with labels; speakers, if they are known.
            progress: Called after every update.

        Raises:
            ValueError: There are no recordings or labels, a label is empty or holds blanks, or a
                recording is silent or longer than ten seconds; it is named.
        """
        labels, speakers = _checked(recordings)
        self.words_, self.speakers_ = sorted(set(labels)), sorted(set(speakers))
        self.features_ = LogMel(
            recordings.rate, BANDS, max(WINDOW, 2 * HOP), HOP, low=min(50.0, recordings.rate / 8),
            slopes=0, floor=FLOOR,
        )  # fmt: skip
        frames = Ragged.of(_spoken(recordings, self.features_))
        words = torch.tensor([self.words_.index(one) for one in labels])
        people = torch.tensor([self.speakers_.index(one) for one in speakers])
        shape = Shape(len(self.words_), len(self.speakers_), BANDS, self.hidden_size)
        network = _new(shape, frames, self.seed)
        options = TrainOptions(
            steps=self.steps, learning_rate=self.learning_rate, weight_decay=1e-3,
            average=0.99 if self.steps > 200 else 0.9, seed=self.seed,
        )  # fmt: skip
        everything = _Batch(words, people, frames)
        run = fit(
            network, partial(_drawn, everything, self.batch_size), _loss, options, progress=progress
        )
        self.network_ = network
        self.report_ = _report(run, network, everything)
        return self

    def speak(
        self, words: str | Sequence[str], speaker: str | None = None, *, speed: float = 1.0,
        gap: float = 0.1,
    ) -> np.ndarray:  # fmt: skip
        """Samples (n,) float32 of words said one after the other, at ``rate`` samples a second.

        Args:
            words: With blanks between, or a list.
            speaker: One of ``speakers_``; None is the first.
            speed: How much faster than usual.
            gap: Seconds of silence before, between and after words.

        Raises:
            ValueError: A word or the speaker is not known; those that are, are named.
        """
        said = words.split() if isinstance(words, str) else list(words)
        if not said:
            raise ValueError("words must hold at least one word")
        self._require_fitted()
        real("speed", speed, 0.1, 10)
        real("gap", gap, 0, 60)
        silence = np.full((round(gap / HOP), BANDS), np.log(FLOOR), np.float32)
        parts = [silence]
        for word in said:
            parts += [self.frames(word, speaker, speed=speed), silence]
        sound = sound_of(np.concatenate(parts), self.features_)
        return sound * np.float32(LOUDEST / max(float(np.abs(sound).max()), 1e-6))

    @property
    def rate(self) -> int:
        """Samples a second of what is said."""
        self._require_fitted()
        return self.features_.rate

    def frames(self, word: str, speaker: str | None = None, *, speed: float = 1.0) -> np.ndarray:
        """(T, bands) log-mel frames of one word."""
        self._require_fitted()
        who = self.speakers_[0] if speaker is None else speaker
        if word not in self.words_:
            known = some([repr(one) for one in self.words_], 12)
            raise ValueError(f"words must be among {known}, got {word!r}")
        if self.speakers_ == [""] and who != "":
            raise ValueError(f"speaker must be None for a voice that learned no names, got {who!r}")
        one_of("speaker", who, self.speakers_)
        one = torch.tensor([self.words_.index(word)]), torch.tensor([self.speakers_.index(who)])
        with torch.inference_mode():
            _, length = self.network_(*one, torch.tensor([1]))
            most = LONGEST / HOP
            count = round(min(max(float(length.exp()) / speed, 1.0), most))
            frames, _ = self.network_(*one, torch.tensor([count]))
        return frames.rows.numpy()

    def save(self, path: str | Path) -> None:
        """Write what was learned to a folder: numbers as safetensors, the rest as JSON."""
        self._require_fitted()
        description = {
            "options": self._options(),
            "shape": asdict(self.network_.shape),
            "words": self.words_,
            "speakers": self.speakers_,
            "features": asdict(self.features_),
            "report": self.report_,
        }
        write_model(Path(path), KIND, FORMAT, description, self.network_.state_dict())

    @classmethod
    def load(cls, path: str | Path) -> "Voice":
        """Read what ``save`` wrote; nothing in the files is executed.

        Raises:
            FileNotFoundError: There is no model there.
            ValueError: It is another kind of model, truncated or changed.
        """
        files = read_model(Path(path), KIND, FORMAT)
        try:
            saved = restored(_Description, files.description, "it")
            voice = cls(**saved.options)
            shape = restored(Shape, saved.shape, "shape")
            voice.words_ = typed(saved.words, list[str], "words")
            voice.speakers_ = typed(saved.speakers, list[str], "speakers")
            voice.features_ = restored(LogMel, saved.features, "features")
            found = (len(voice.words_), len(voice.speakers_), voice.features_.channels)
            if found != (shape.words, shape.speakers, shape.bands):
                raise ValueError(f"shape {shape} does not fit {found}")
            voice.network_ = cast(
                SpeakingNetwork, filled(partial(SpeakingNetwork, shape), files.tensors, "network")
            )
            voice.report_ = saved.report
        except (TypeError, ValueError) as error:
            raise ValueError(f"the model in {path} cannot be read: {error}") from error
        return voice

    def _options(self) -> dict[str, Any]:
        names = ("hidden_size", "steps", "batch_size", "learning_rate", "seed")
        return {name: getattr(self, name) for name in names}

    def _require_fitted(self) -> None:
        if not hasattr(self, "network_"):
            raise RuntimeError("this Voice has learned nothing yet: call fit(recordings) or load")


@dataclass(frozen=True)
class _Description:
    options: dict[str, Any]
    shape: dict[str, Any]
    words: list[str]
    speakers: list[str]
    features: dict[str, Any]
    report: dict[str, Any]


def _checked(recordings: Recordings) -> tuple[list[str], list[str]]:
    """Labels and speakers."""
    if not isinstance(recordings, Recordings):
        raise TypeError(f"recordings must be Recordings, got {type(recordings).__name__}")
    if recordings.labels is None or not len(recordings):
        raise ValueError("recordings must hold at least one word with its label")
    for name, label in zip(recordings.names, recordings.labels, strict=True):
        if len(label.split()) != 1 or label != label.strip():
            raise ValueError(f"{name}: its label must be one word, got {label!r}")
    return recordings.labels, recordings.speakers or [""] * len(recordings)


def _spoken(recordings: Recordings, features: LogMel) -> list[Tensor]:
    """Frames of each recording relative to its loudest, without silence at the ends."""
    found = []
    for name, samples in zip(recordings.names, recordings.samples, strict=True):
        peak = float(np.abs(np.asarray(samples, np.float64)).max()) if len(samples) else 0.0
        if peak == 0:
            raise ValueError(f"{name}: it must hold a word, it is silent")
        power = torch.from_numpy(features(samples)).double().exp() - features.floor
        total = power.clamp(min=0).sum(1)
        loud = (total >= total.max() * 10 ** (-AUDIBLE / 10)).nonzero().flatten()
        power = power[int(loud[0]) : int(loud[-1]) + 1].clamp(min=0)
        if len(power) > LONGEST / HOP:
            raise ValueError(f"{name}: it must be one word, it lasts {len(power) * HOP:.0f} s")
        found.append((power / power.max().clamp(min=1e-30) + FLOOR).log().float())
    return found


def _new(shape: Shape, frames: Ragged, seed: int) -> SpeakingNetwork:
    """A network drawn from ``seed`` that knows what frames are like; the global generator stays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SpeakingNetwork(shape)
    network.mean.copy_(frames.rows.mean(0))
    network.scale.copy_(frames.rows.std(0, correction=0).clamp(min=0.1))
    network.usual.copy_(frames.lengths.float().log().mean())
    return network


def _drawn(data: _Batch, size: int, step: int, generator: torch.Generator) -> _Batch:
    which = torch.randint(len(data.words), (size,), generator=generator)
    return _Batch(data.words[which], data.speakers[which], data.frames[which])


def _loss(network: Any, batch: _Batch) -> Tensor:
    """The mean error of frames, and of the logarithms of lengths."""
    frames, lengths = network(batch.words, batch.speakers, batch.frames.lengths)
    off = (frames.rows - batch.frames.rows).abs().mean()
    return off + (lengths - batch.frames.lengths.log()).abs().mean()


def _report(run: Run, network: SpeakingNetwork, data: _Batch) -> dict[str, Any]:
    with torch.inference_mode():
        frames, _ = network(data.words, data.speakers, data.frames.lengths)
    off = float((frames.rows - data.frames.rows).abs().mean())
    return {
        "recordings": len(data.words),
        "updates": run.steps,
        "stopped": run.stopped,
        "mean_error_in_decibels": off * 10 / float(np.log(10)),
    }
