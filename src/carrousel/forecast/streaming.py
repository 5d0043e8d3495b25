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
from .scaling import scale_last, scale_steps

STARTED_AT_ONCE = 512  # series whose states are computed together


class Stream:
    """Values and states of S series; ``count`` numbers the observations since the start.

    Args:
        networks: Trained networks of one shape.
        panel: The series so far.

    Attributes:
        values: (S, kept) float32, the newest last; NaN where missing and before the first. A view
            of twice as much memory, through which it moves, so that little is copied.
        total: (S,) observations of each series since ``panel.start``.
        states: For each network and each tensor of its layers' states: one for each phase,
            (S, hidden).
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
        self.start, self.day, self.ids = panel.start, panel.days, list(panel.ids)
        self.places = {name: s for s, name in enumerate(self.ids)}
        self.total = panel.lengths.astype(np.int64)
        self._keep(_last_values(panel, self.kept))
        self.count = np.zeros(panel.n_series, np.int64)
        self.states: list[list[list[Tensor]]] = [[] for _ in networks]
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
            start=self.at(slice(None), self.total - stored),
            day=self.day,
        )

    def at(self, series: Any, steps: Any) -> NDArray:
        """Times ``steps`` steps after the first of ``series``, as ``Panel.at``."""
        day = None if self.day is None else self.day[series]
        return self.meta.freq.advance(self.start[series], steps, day)

    def advance(self, ahead: NDArray[np.int64], block: NDArray[np.float32]) -> None:
        """Take in the next ``ahead`` (S,) observations of each series, ``block`` (S, K), of
        which the first ``ahead`` count; NaN is a missing value."""
        with torch.inference_mode():
            for k in range(block.shape[1]):
                rows: Any = np.flatnonzero(ahead > k)
                if len(rows) == len(ahead):
                    rows = slice(None)  # views instead of copies
                self._append(rows, block[rows, k])
                self.total[rows] += 1
                self.count[rows] += 1
                self._step(rows)

    def correct(self, series: NDArray[np.int64], back: NDArray, y: NDArray) -> None:
        """Change values ``back`` steps before the newest, and begin the states of these series
        again from their windows."""
        if not len(series):
            return
        self.values[series, self.kept - 1 - back] = y
        with torch.inference_mode():
            self._begin(np.unique(series))

    def add(self, panel: Panel) -> None:
        """Take in series that were not there."""
        new = Stream(self.networks, panel)
        new.relabel(int(self.count.max(initial=0)))
        self.start = np.concatenate([self.start, new.start])
        if self.day is not None and new.day is not None:
            self.day = np.concatenate([self.day, new.day])
        self.places |= {name: len(self.ids) + s for s, name in enumerate(new.ids)}
        self.ids += new.ids
        self.total = np.concatenate([self.total, new.total])
        self.count = np.concatenate([self.count, new.count])
        self._keep(np.concatenate([self.values, new.values]))
        for k in range(len(self.networks)):
            for ours, theirs in zip(self.states[k], new.states[k], strict=True):
                ours[:] = [torch.cat(pair) for pair in zip(ours, theirs, strict=True)]
            self.tops[k] = torch.cat([self.tops[k], new.tops[k]])

    def relabel(self, count: int) -> None:
        """Count from ``count`` instead of 0: the phases are the same, their numbers turn."""
        self.count += count
        turn = -count % self.shape.step
        self.states = [[t[turn:] + t[:turn] for t in states] for states in self.states]

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

    @property
    def values(self) -> NDArray[np.float32]:
        return self.buffer[:, self.end - self.kept : self.end]

    def _keep(self, values: NDArray[np.float32]) -> None:
        self.buffer = np.empty((len(values), 2 * self.kept), np.float32)
        self.buffer[:, : self.kept], self.end = values, self.kept

    def _append(self, rows: Any, y: NDArray[np.float32]) -> None:
        """The next value of some series; of all, it only moves the view."""
        if isinstance(rows, slice):
            if self.end == 2 * self.kept:
                self._keep(self.values)
            self.end += 1
        else:
            self.values[rows, :-1] = self.values[rows, 1:]
        self.values[rows, -1] = y

    def _begin(self, rows: NDArray[np.int64]) -> None:
        """The states of some series, afresh from their windows: one window for each phase."""
        for part in np.array_split(rows, -(-len(rows) // STARTED_AT_ONCE) or 1):
            for back in range(self.shape.step):
                end = self.kept - back
                window = torch.from_numpy(self.values[part, end - self.shape.history : end])
                shown = features(scale_steps(window, self.shape.step), self.shape)
                for k, network in enumerate(self.networks):
                    x, states = network.recur(network.embed(shown))
                    for phase, group in self._phases(part, back):
                        self._store(k, phase, part[group], [_part(t, group) for t in states])
                    if back == 0:
                        self._put(k, part, x[:, -1])

    def _phases(self, rows: Any, back: int = 0) -> list[tuple[int, Any]]:
        """The phases whose turn it was ``back`` observations ago, and which of ``rows`` they are
        of: nearly always one, of all."""
        phases = (self.count[rows] - back) % self.shape.step
        if (phases == phases[:1]).all():
            return [(int(phases[0]), slice(None))] if len(phases) else []
        return [(int(phase), np.flatnonzero(phases == phase)) for phase in np.unique(phases)]

    def _step(self, rows: Any) -> None:
        """One step of the recurrence for these series, whose newest observation is in place."""
        window = torch.from_numpy(self.values[rows, -self.shape.history :])
        shown = features(scale_last(window, self.shape.step), self.shape, last=True)
        for phase, group in self._phases(rows):
            series = rows if isinstance(group, slice) else np.arange(len(self.ids))[rows][group]
            for k, network in enumerate(self.networks):
                before = [tensors[phase][series][None] for tensors in self.states[k]]
                x = network.embed(shown[group])
                x, states = network.recur(x, _grouped(before, self.shape.cell))
                self._store(k, phase, series, states)
                self._put(k, series, x[:, -1])

    def _store(self, k: int, phase: int, series: Any, states: list[Any]) -> None:
        parts = [part[0] for state in states for part in _parts(state)]
        if not self.states[k]:
            shape = (len(self.ids), self.shape.hidden)
            self.states[k] = [[p.new_empty(shape) for _ in range(self.shape.step)] for p in parts]
        for tensors, part in zip(self.states[k], parts, strict=True):
            if isinstance(series, slice):
                tensors[phase] = part  # of all series: nothing is copied
            else:
                tensors[phase][series] = part

    def _put(self, k: int, rows: Any, top: Tensor) -> None:
        if not len(self.tops[k]):
            self.tops[k] = top.new_empty(len(self.ids), top.shape[1])
        self.tops[k][rows] = top

    def tensors(self) -> dict[str, Tensor]:
        """Everything that cannot be computed again from ``panel()``; see ``restored``."""
        out = {"count": torch.from_numpy(self.count)}
        for k, states in enumerate(self.states):
            out[f"top{k}"] = self.tops[k]
            out |= {f"state{k}.{i}": torch.stack(t) for i, t in enumerate(states)}
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
            stream.states[k] = [list(tensors[f"state{k}.{i}"]) for i in range(len(names))]
            stream.tops[k] = tensors[f"top{k}"]
        return stream


def _last_values(panel: Panel, kept: int) -> NDArray[np.float32]:
    """(S, kept) the last values of each series, the newest last, NaN before the first."""
    index = panel.offsets[1:, None] + np.arange(-kept, 0)
    outside = index < panel.offsets[:-1, None]
    values = panel.y[np.where(outside, 0, index)]
    values[outside] = np.nan
    return values


def _part(state: Any, group: Any) -> Any:
    """One layer's state, of some of its sequences."""
    if isinstance(state, tuple):
        return tuple(t[:, group] for t in state)
    return None if state is None else state[:, group]


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
