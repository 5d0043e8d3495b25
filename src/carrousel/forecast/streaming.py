"""The memory of every series, carried on as observations arrive.

A network reads ``step`` observations (a day of hours) at a time, and a forecast rests on steps
that end with the newest observation: a window that ends at noon has its days end at noon. One
state therefore is kept for each *phase*, that is, for each way to cut the past into steps. A new
observation completes exactly one step, of the phase whose turn it is: the last ``step``
observations. That phase's state advances by this one step of the recurrence, whatever the length
of the history:

    state[n mod step]  <-  recur(embed(features of the last step), state[n mod step])

The features rest on the last ``history`` observations, which are kept. The states begin with what
the network knows after reading a window of ``history`` observations (as ``Forecaster.predict``
reads them), and from then on forget only what the network forgets. Nothing is approximated: the
states are those of one pass over all steps since then.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.panel import Panel
from .model import Network, features
from .scaling import scale_steps

STARTED_AT_ONCE = 512  # series whose states are computed together


class Stream:
    """Values and states of S series; ``count`` numbers the observations since the start.

    Args:
        networks: Trained networks of one shape.
        panel: The series so far.

    Attributes:
        values: (S, kept) float32, the newest last; NaN where missing and before the first.
        total: (S,) observations of each series since ``panel.start``.
        states: For each network and each tensor of its layers' states, (step, S, hidden).
        tops: For each network (S, hidden): what its last layer said of the newest step.
    """

    def __init__(self, networks: Sequence[Network], panel: Panel) -> None:
        self._adopt(networks, panel)
        with torch.inference_mode():
            self._begin(np.arange(panel.n_series))

    def _adopt(self, networks: Sequence[Network], panel: Panel) -> None:
        self.networks, self.shape = list(networks), networks[0].shape
        self.kept = self.shape.history + self.shape.step - 1
        self.meta = replace(panel, y=panel.y[:0], offsets=panel.offsets[:1])
        self.start, self.ids = panel.start, list(panel.ids)
        self.places = {name: s for s, name in enumerate(self.ids)}
        self.total = panel.lengths.astype(np.int64)
        self.values = _last_values(panel, self.kept)
        self.count = np.zeros(panel.n_series, np.int64)
        self.states: list[list[Tensor]] = [[] for _ in networks]
        self.tops: list[Tensor] = [torch.empty(0)] * len(networks)

    @property
    def stored(self) -> NDArray[np.int64]:
        """(S,) how many of the kept values lie inside the series."""
        return np.minimum(self.total, self.kept)

    def panel(self) -> Panel:
        """The series as far as they are remembered."""
        stored = self.stored
        inside = np.arange(self.kept) >= self.kept - stored[:, None]
        return replace(
            self.meta,
            y=self.values[inside],
            offsets=np.concatenate([[0], np.cumsum(stored)]),
            ids=list(self.ids),
            start=self.meta.freq.advance(self.start, self.total - stored),
        )

    def advance(self, ahead: NDArray[np.int64], block: NDArray[np.float32]) -> None:
        """Take in the next ``ahead`` (S,) observations of each series, ``block`` (S, K), of
        which the first ``ahead`` count; NaN is a missing value."""
        with torch.inference_mode():
            for k in range(block.shape[1]):
                rows: Any = np.flatnonzero(ahead > k)
                if len(rows) == len(ahead):
                    rows = slice(None)  # views instead of copies
                self.values[rows, :-1] = self.values[rows, 1:]
                self.values[rows, -1] = block[rows, k]
                self.total[rows] += 1
                self.count[rows] += 1
                self._step(rows)

    def correct(self, series: NDArray[np.int64], back: NDArray, y: NDArray) -> None:
        """Change values ``back`` steps before the newest, and begin the states of these series
        again from their windows."""
        self.values[series, self.kept - 1 - back] = y
        with torch.inference_mode():
            self._begin(np.unique(series))

    def add(self, panel: Panel) -> None:
        """Take in series that were not there."""
        new = Stream(self.networks, panel)
        new.relabel(int(self.count.max(initial=0)))
        self.start = np.concatenate([self.start, new.start])
        self.places |= {name: len(self.ids) + s for s, name in enumerate(new.ids)}
        self.ids += new.ids
        self.total = np.concatenate([self.total, new.total])
        self.count = np.concatenate([self.count, new.count])
        self.values = np.concatenate([self.values, new.values])
        for k in range(len(self.networks)):
            pairs = zip(self.states[k], new.states[k], strict=True)
            self.states[k] = [torch.cat(pair, 1) for pair in pairs]
            self.tops[k] = torch.cat([self.tops[k], new.tops[k]])

    def relabel(self, count: int) -> None:
        """Count from ``count`` instead of 0: the phases are the same, their numbers turn."""
        self.count += count
        self.states = [[t.roll(count, 0) for t in states] for states in self.states]

    def quantiles(self) -> NDArray[np.float64]:
        """(S, h, Q) of what follows the newest observation of each series."""
        history = torch.from_numpy(self.values[:, -self.shape.history :])
        members = []
        with torch.inference_mode():
            seen = self.networks[0].look(history, last=True)
            for network, top in zip(self.networks, self.tops, strict=True):
                forecast = network.read(top[:, None], seen.scaled, seen.anchors)
                members.append(forecast.quantiles()[:, 0])
            return torch.stack(members).mean(0).numpy()

    def _begin(self, rows: NDArray[np.int64]) -> None:
        """The states of some series, afresh from their windows: one window for each phase."""
        step, end = self.shape.step, self.kept
        for part in np.array_split(rows, -(-len(rows) // STARTED_AT_ONCE) or 1):
            for back in range(step):
                window = self.values[part, end - back - self.shape.history : end - back]
                phase = torch.from_numpy((self.count[part] - back) % step)
                shown = self._shown(window)
                for k, network in enumerate(self.networks):
                    x, states = network.recur(network.embed(shown))
                    self._store(k, phase, torch.from_numpy(part), states)
                    if back == 0:
                        self._put(k, part, x[:, -1])

    def _step(self, rows: Any) -> None:
        """One step of the recurrence for these series, whose newest observation is in place."""
        phases = self.count[rows] % self.shape.step
        shown = self._shown(self.values[rows, -self.shape.history :])[:, -1:]
        together = isinstance(rows, slice) and bool((phases == phases[0]).all())
        series: Any = slice(None) if together else torch.arange(len(self.ids))[rows]
        phase: Any = int(phases[0]) if together else torch.from_numpy(phases)
        for k, network in enumerate(self.networks):
            before = [tensor[phase, series][None] for tensor in self.states[k]]
            x, states = network.recur(network.embed(shown), _grouped(before, self.shape.cell))
            self._store(k, phase, series, states)
            self._put(k, rows, x[:, -1])

    def _shown(self, window: NDArray[np.float32]) -> Tensor:
        """(B, T, F) what the steps of windows show."""
        return features(scale_steps(torch.from_numpy(window), self.shape.step), self.shape)

    def _store(self, k: int, phase: Any, series: Any, states: list[Any]) -> None:
        parts = [part[0] for state in states for part in _parts(state)]
        if not self.states[k]:
            shape = (self.shape.step, len(self.ids), self.shape.hidden)
            self.states[k] = [part.new_empty(shape) for part in parts]
        for tensor, part in zip(self.states[k], parts, strict=True):
            tensor[phase, series] = part

    def _put(self, k: int, rows: Any, top: Tensor) -> None:
        if not len(self.tops[k]):
            self.tops[k] = top.new_empty(len(self.ids), top.shape[1])
        self.tops[k][rows] = top

    def tensors(self) -> dict[str, Tensor]:
        """Everything that cannot be computed again from ``panel()``; see ``restored``."""
        out = {"count": torch.from_numpy(self.count)}
        for k, states in enumerate(self.states):
            out[f"top{k}"] = self.tops[k]
            out |= {f"state{k}.{i}": tensor for i, tensor in enumerate(states)}
        return out

    @classmethod
    def restored(
        cls, networks: Sequence[Network], panel: Panel, tensors: dict[str, Tensor]
    ) -> "Stream":
        """The stream whose ``panel()`` and ``tensors()`` these are."""
        stream = cls.__new__(cls)
        stream._adopt(networks, panel)
        stream.count = tensors["count"].numpy().copy()
        for k in range(len(stream.networks)):
            names = [name for name in tensors if name.startswith(f"state{k}.")]
            stream.states[k] = [tensors[f"state{k}.{i}"] for i in range(len(names))]
            stream.tops[k] = tensors[f"top{k}"]
        return stream


def _last_values(panel: Panel, kept: int) -> NDArray[np.float32]:
    """(S, kept) the last values of each series, the newest last, NaN before the first."""
    index = panel.offsets[1:, None] + np.arange(-kept, 0)
    outside = index < panel.offsets[:-1, None]
    values = panel.y[np.where(outside, 0, index)]
    values[outside] = np.nan
    return values


def _parts(state: Any) -> tuple[Tensor, ...]:
    """The tensors (1, B, hidden) of one layer's state."""
    if state is None:
        return ()
    return state if isinstance(state, tuple) else (state,)


def _grouped(parts: list[Tensor], cell: str) -> list[Any] | None:
    """Tensors as each layer takes them: pairs (h, c) for an LSTM."""
    if not parts:
        return None
    if cell != "lstm":
        return list(parts)
    return list(zip(parts[::2], parts[1::2], strict=True))
