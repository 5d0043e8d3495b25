"""What was read from a file: sequences, answers, and where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """Sequences as estimators take them.

    Attributes:
        X: Arrays (time, channels), or texts; or ``Recordings``.
        y: An answer for each (or for each step); None if the file has none.
        ids: What each is called: the id of a table, the number of a line, the name of a file.
        channels: Names of the columns of the arrays.
        notes: How it was read.
    """

    X: Any
    y: Any = None
    ids: Sequence[Any] = ()
    channels: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.X)

    def answers(self, what: str) -> Any:
        """``y``, which must be there."""
        if self.y is None:
            raise ValueError(f"{what} holds no labels")
        return self.y


def named(ids: Any, count: int) -> list[Any]:
    """A name for each sequence: as given, else its number from 0."""
    return list(ids) if ids is not None and len(ids) else list(np.arange(count).tolist())
