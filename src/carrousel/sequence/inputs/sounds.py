"""What an estimator knows of its inputs, where they are recordings."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from ...audio import LevelStream, LogMel, Recordings, leveled, spec_augment
from ...storage.plain import restored, typed
from ..companion.convolutions import RandomConvolutions
from ..ragged import Ragged

HOP = 0.02  # seconds: half as many steps as usual are learned from in half the time
LOW = 80.0  # Hz: below hums the mains
HIDDEN = {"bands": 8, "band_masks": 2, "steps": 5, "step_masks": 1}  # at most, while learning


@dataclass
class SoundReader:
    """Recordings as log-mel frames; the scale is the network's matter."""

    kind: ClassVar[str] = "sound"

    features: LogMel
    whole: bool  # whether recordings are leveled when all of them is known, or as they go on

    @staticmethod
    def recognizes(X: Any) -> bool:
        return isinstance(X, Recordings)

    @classmethod
    def learn(cls, X: Recordings, options: Any) -> tuple["SoundReader", Ragged]:
        """The reader of all that there is to learn from, and what it reads of it."""
        _require_some(X)
        features = LogMel(X.rate, hop=HOP, low=min(LOW, X.rate / 8), slopes=0, floor=1e-9)
        # A stream is heard before it is known how loud the rest will be.
        reader = cls(features, options.bidirectional is not False)
        return reader, reader.read(X)

    def read(self, X: Any) -> Ragged:
        """The frames of other recordings.

        Raises:
            TypeError: They are none.
            ValueError: Their sampling rate is another.
        """
        if not isinstance(X, Recordings):
            raise TypeError(
                f"X must be Recordings, as what was learned from, got {type(X).__name__}; give "
                "Recordings(samples, rate, names) or carrousel.audio.read_recordings(path, rate)"
            )
        _require_some(X)
        if X.rate != self.features.rate:
            raise ValueError(
                f"X must have the sampling rate of what was learned from, {self.features.rate:,} "
                f"Hz, got {X.rate:,}; give read_recordings(path, {self.features.rate})"
            )
        frames = []
        for name, samples in zip(X.names, X.samples, strict=True):
            try:
                bands = self.features(samples)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{name}: {error}") from None
            bands = leveled(bands) if self.whole else self._level().push(bands)
            frames.append(torch.from_numpy(bands).double())
        return Ragged.of(frames)

    def augment(self, batch: Ragged, generator: torch.Generator) -> Ragged:
        """The same sounds with parts that nobody heard, for one pass of training."""
        parts = [spec_augment(part.numpy(), generator, **HIDDEN) for part in batch.parts()]
        return batch.like(torch.from_numpy(np.concatenate(parts)).double())

    def stream(self) -> "SoundStream":
        """Frames while the sound goes on."""
        return SoundStream(self.features, self._level())

    @property
    def _hop(self) -> float:
        """Seconds from one frame to the next."""
        return self.features.step / self.features.rate

    def _level(self) -> LevelStream:
        return LevelStream(self._hop)

    def sizes(self) -> dict[str, Any]:
        """The fields of the network's shape that inputs decide."""
        return {"channels": self.features.channels, "masked": False}

    def prepare(self, network: nn.Module, inputs: Ragged) -> None:
        """Give a new network the scale of what it learns from."""
        network.entry.measure(inputs.rows)  # type: ignore[operator,union-attr]

    def companion_features(self, batch: Ragged, generator: torch.Generator) -> RandomConvolutions:
        """What a companion of the networks reads, drawn for such sequences."""
        return RandomConvolutions.learn(batch, False, generator)

    def companion_features_from(self, data: dict[str, Any]) -> RandomConvolutions:
        """The same, of the sizes that a file names."""
        return RandomConvolutions.sized(data, self.features.channels, False)

    def steps(self, batch: Ragged) -> list[list[str]]:
        """What people read at each step: the seconds from the beginning."""
        return [[f"{step * self._hop:.2f}" for step in range(n)] for n in batch.lengths.tolist()]

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "whole": self.whole, **asdict(self.features)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SoundReader":
        own = ("kind", "whole")
        features = restored(LogMel, {k: v for k, v in data.items() if k not in own}, "reader")
        return cls(features, typed(data.get("whole"), bool, "reader.whole"))


class SoundStream:
    """Samples in, rows (N, channels) in float64 out, as they are complete."""

    def __init__(self, features: LogMel, level: LevelStream) -> None:
        self._stream, self._level = features.stream(), level
        self.latency = features.latency  # seconds

    def push(self, X: Any) -> np.ndarray:
        return self._level.push(self._stream.push(X)).astype(np.float64)

    def finish(self) -> np.ndarray:
        last = self._level.push(self._stream.finish()).astype(np.float64)
        self._level.restart()  # another recording may begin
        return last


def _require_some(X: Recordings) -> None:
    if not len(X):
        raise ValueError("X must hold at least one recording, got none")
