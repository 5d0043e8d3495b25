"""What an estimator knows of its inputs, where they are numbers."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from ...storage.plain import restored
from ...wording import one_of
from ..companion.convolutions import RandomConvolutions
from ..ragged import Ragged
from .arrays import LAYOUTS, read_arrays


@dataclass
class NumberReader:
    """Arrays and lists of arrays as rows of float64; the scale is the network's matter."""

    kind: ClassVar[str] = "numbers"

    channels: int
    layout: str = "ntc"
    masked: bool = False

    def __post_init__(self) -> None:
        one_of("layout", self.layout, LAYOUTS)

    @classmethod
    def learn(cls, X: Any, options: Any) -> tuple["NumberReader", Ragged]:
        """The reader of all that there is to learn from, and what it reads of it."""
        batch, layout = read_arrays(X, options.layout)
        masked = bool(batch.rows.isnan().any()) if options.missing is None else options.missing
        reader = cls(batch.rows.shape[1], layout, masked)
        reader._require_known(batch)
        return reader, batch

    def read(self, X: Any) -> Ragged:
        """Other sequences of the same channels.

        Raises:
            ValueError: They have others, or a number is missing where none was in training.
        """
        two_axes = getattr(X, "ndim", 3) == 3 or not hasattr(X, "ndim")
        layout = self.layout if two_axes and _equally_long(X) else None
        batch, _ = read_arrays(X, layout, self.channels, announce=False)
        self._require_known(batch)
        return batch

    def sizes(self) -> dict[str, Any]:
        """The fields of the network's shape that inputs decide."""
        return {"channels": self.channels, "masked": self.masked}

    def prepare(self, network: nn.Module, inputs: Ragged) -> None:
        """Give a new network the scale of what it learns from."""
        network.entry.measure(inputs.rows)  # type: ignore[operator,union-attr]

    def companion_features(self, batch: Ragged, generator: torch.Generator) -> RandomConvolutions:
        """What a companion of the networks reads, drawn for such sequences."""
        return RandomConvolutions.learn(batch, self.masked, generator, summed=self.channels > 1)

    def companion_features_from(self, data: dict[str, Any]) -> RandomConvolutions:
        """The same, of the sizes that a file names."""
        return RandomConvolutions.sized(data, self.channels, self.masked, summed=self.channels > 1)

    def steps(self, batch: Ragged) -> list[list[str]]:
        """What people read at each step: its number from 0."""
        return [[str(step) for step in range(n)] for n in batch.lengths.tolist()]

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **vars(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "NumberReader":
        return restored(cls, {k: v for k, v in data.items() if k != "kind"}, "reader")

    def _require_known(self, batch: Ragged) -> None:
        if self.masked or not batch.rows.isnan().any():
            return
        row, channel = (int(i) for i in batch.rows.isnan().nonzero()[0])
        k = int(batch.owner[row])
        raise ValueError(
            f"X[{k}] has a missing number (NaN) at step {row - int(batch.starts[k])}, channel "
            f"{channel}; what was learned from had none: fill it, or fit with missing=True "
            "(classify train --missing)"
        )


def _equally_long(X: Any) -> bool:
    return hasattr(X, "__iter__") and len({getattr(one, "shape", None) for one in X}) == 1
