"""Steps as they come: the state of every network is carried on, nothing is read twice."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .companion.companion import Companion
from .network import Network
from .ragged import Ragged
from .task import Task, averaged


class Stream:
    """What ``estimator.stream()`` gives: answers after each step, as if the sequence ended there.

    They are those of ``predict_proba`` (of a regressor: ``predict``) for what came so far.
    """

    def __init__(self, networks: Sequence[Network], task: Task, reader: Any) -> None:
        if any(network.shape.bidirectional for network in networks):
            raise ValueError(
                "bidirectional must be False for a stream: networks that read backwards wait for "
                "the end; fit with bidirectional=False"
            )
        self.networks, self.task, self.reader = networks, task, reader
        self._sound = reader.stream() if hasattr(reader, "stream") else None
        self.steps = 0  # read so far
        self._states: list[Any] = [None] * len(networks)

    def update(self, steps: Any) -> np.ndarray:
        """(T, classes) answers after each of the steps that came, (T, channels) or, of one
        channel, (T,); for texts a piece of text, whose words must be whole; of sound
        samples (n,), in which no frame may be complete yet."""
        batch = self._read(steps)
        if batch is None:
            return np.zeros((0, self.networks[0].shape.outputs))
        said: list[Any] = []
        for k, network in enumerate(self.networks):
            with torch.inference_mode():
                rows, self._states[k] = advance(network, batch, self._states[k])
            said.append(rows)
        self.steps += len(batch.rows)
        mean = averaged(self.task, said)
        assert isinstance(mean, Tensor)
        return mean.numpy()

    def _read(self, steps: Any) -> Ragged | None:
        if self._sound is not None:
            frames = self._sound.push(steps)
            return Ragged.of([torch.from_numpy(frames)]) if len(frames) else None
        if not isinstance(steps, str):
            array = np.asarray(steps, np.float64)
            channels = getattr(self.reader, "channels", None)
            if array.ndim == 1 and channels not in (None, 1):
                array = array[None]  # one step
            steps = array[:, None] if array.ndim == 1 else array
            if channels is not None and steps.shape[-1] == channels:
                return self.reader.read([steps] if self.reader.layout == "ntc" else [steps.T])
        return self.reader.read([steps])


def advance(network: Network, batch: Ragged, state: Any) -> tuple[Tensor, Any]:
    """Answers (T, K) after each step of one sequence that goes on from ``state`` (None: begins)."""
    layers, buffers, pooled = state or ([None] * len(network.layers), None, None)
    entered = network.entry(batch)
    rows, after = entered, []
    for layer, before in zip(network.layers, layers, strict=True):
        said, now = layer(rows[:, None], before)
        rows = said[:, 0]
        after.append(now)
    beside = None
    if network.convolution is not None:
        beside, buffers = network.convolution.advance(entered, buffers)
    if network.pooling is None:
        features = rows if beside is None else torch.cat([rows, beside], 1)
    else:
        features, pooled = network.pooling.advance(rows, beside, pooled)
    return network.answer(features), (after, buffers, pooled)


def after_each_step(
    networks: Sequence[Network], companion: Companion | None, task: Task, batch: Ragged, most: int
) -> Any:
    """(steps, answers after them (S, K)) of one sequence, were it to end there; of a long one
    ``most`` steps evenly spread, the last among them."""
    length = len(batch.rows)
    stops = torch.linspace(1, length, min(length, most)).round().long()
    said: list[Any] = []
    with torch.inference_mode():
        for network in networks:
            if not network.shape.bidirectional:
                rows, _ = advance(network, batch, None)
                said.append(rows[stops - 1])
                continue
            beginnings = [network(Ragged.of([batch.rows[:stop]])) for stop in stops.tolist()]
            said.append(torch.cat([_last(one) for one in beginnings]))
    after = averaged(task, said)
    if companion is not None:
        prefixes = Ragged.of([batch.rows[:stop] for stop in stops.tolist()])
        after = companion.beside(prefixes, after)
    return stops - 1, after


def _last(answer: Any) -> Tensor:
    return answer.rows[-1:] if isinstance(answer, Ragged) else answer
