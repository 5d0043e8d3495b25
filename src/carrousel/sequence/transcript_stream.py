"""What is said while a sequence goes on: recurrent states are carried, nothing is read twice."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .ctc import GreedyStream
from .inputs.arrays import read_arrays
from .network import Network
from .ragged import Ragged
from .streaming import advance


class TranscriptStream:
    """Steps in, labels out: by the likeliest path, as they are certain.

    Attributes:
        chances: (N, 1 + labels) of the steps that came last.
        latency: Seconds from a sound to the frame that is complete, for recordings; None where
            steps are given as they are. How long after that the network says a label is learned.
    """

    def __init__(self, networks: Sequence[Network], task: Any, reader: Any) -> None:
        shape = networks[0].shape
        if shape.bidirectional:
            raise ValueError(
                "bidirectional must be False to stream: networks that read backwards wait for the "
                "end; fit with bidirectional=False"
            )
        self._networks, self._task = networks, task
        self._states: list[Any] = [None] * len(networks)
        self._reader = reader.stream() if hasattr(reader, "stream") else _Steps(reader)
        self._path = GreedyStream()
        self._said: list[int] = []
        self.latency: float | None = getattr(self._reader, "latency", None)
        self.chances = np.zeros((0, shape.outputs))

    @property
    def text(self) -> Any:
        """All that was said."""
        return self._task.said(self._said)

    def push(self, X: Any) -> Any:
        """More of the sequence: steps (T, channels), or samples (n,); what was said in it."""
        return self._hear(self._reader.push(X))

    def finish(self) -> Any:
        """The sequence has ended: what was said in steps that were not complete."""
        return self._hear(self._reader.finish())

    def _hear(self, rows: np.ndarray) -> Any:
        if not len(rows):
            return self._task.said([])
        batch = Ragged.of([torch.from_numpy(rows)])
        said = []
        for k, network in enumerate(self._networks):
            with torch.inference_mode():
                scores, self._states[k] = advance(network, batch, self._states[k])
            said.append(self._task.activate(scores.double()))
        self.chances = torch.stack(said).mean(0).numpy()
        begun = self._path.push(self.chances)
        self._said += begun
        return self._task.said(begun)


class _Steps:
    """Steps of numbers as they are."""

    def __init__(self, reader: Any) -> None:
        self._channels = reader.channels
        self._reader = reader

    def push(self, X: Any) -> np.ndarray:
        if np.size(X) == 0:
            return self.finish()
        batch, _ = read_arrays([np.asarray(X)], "ntc", self._channels)
        self._reader._require_known(batch)
        return batch.rows.numpy()

    def finish(self) -> np.ndarray:
        return np.zeros((0, self._channels))
