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
states are those of one pass over all steps since then. What covariates show is added at each step;
the layer that series of a group share is carried on in the same way, with all of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.covariates import group_codes
from ...data.panel import Panel
from ...ops.cells import CELLS
from ..ensemble.companion import Companion
from ..intervals.doubt import doubted, gaps_before, never_moved, steady, stepped_over
from ..network.covariates import Extra
from ..network.groups import Together
from ..network.network import Encoded, Network
from ..network.windows import less_last
from .rolling import Rolling, last_values

STARTED_AT_ONCE = 512  # series whose states are computed together


class Stream:
    """Values and states of S series; ``count`` numbers the observations since the start.

    Args:
        networks: Trained networks of one shape; none where nothing is carried on but the values.
        panel: The series so far, with the covariates that the networks read.
        kept: Values of each series that are remembered, at least.

    Attributes:
        past: The last ``kept`` values of each series; NaN where missing and before the first.
        beside: The covariates of the same steps, as ``Panel.exog``; None if there are none.
        static: (S, K) as ``Panel.static``; None if there are no covariates.
        gap: (S,) missing values at the end of each series.
        before: Of series in a gap, the window (history,) before it.
        total: (S,) observations of each series since ``panel.start``.
        groups: (S,) the group of each series and its place in it; None without groups.
        states: For each network and each tensor of its layers' states: one for each phase,
            (S, hidden). Series of a group each hold the state that they share.
        tops: For each network (S, hidden): what its last layer said of the newest step.
    """

    def __init__(self, networks: Sequence[Network], panel: Panel, kept: int = 0) -> None:
        self._adopt(networks, panel, kept)
        with torch.inference_mode():
            self._begin(np.arange(panel.n_series))

    def _adopt(self, networks: Sequence[Network], panel: Panel, kept: int) -> None:
        self.networks = list(networks)
        self.kept = self.window = kept
        if networks:
            self.shape = networks[0].shape
            self.window = self.shape.history
            self.kept = max(kept, self.window + self.shape.patch - 1)
        self.meta = panel.select([])
        self.start, self.day, self.ids = panel.start, panel.days, list(panel.ids)
        self.places = {name: s for s, name in enumerate(self.ids)}
        self.total = panel.lengths.astype(np.int64)
        values = np.asarray(panel.y, np.float64)
        self.past = Rolling(last_values(values, panel.offsets, self.kept))
        self.beside, self.static = None, panel.static
        if panel.exog is not None:
            self.beside = Rolling(last_values(panel.exog, panel.offsets, self.kept))
        self._remember(values, panel.offsets)
        self.groups = group_codes(panel)
        self.count = np.zeros(panel.n_series, np.int64)
        self.states: list[list[list[Tensor]]] = [[] for _ in networks]
        self.tops: list[Tensor] = [torch.empty(0)] * len(networks)

    def _remember(self, values: NDArray[np.float64], offsets: NDArray) -> None:
        """The gap at the end of each series, and the window before it."""
        start, end = (
            torch.from_numpy(part.astype(np.int64)) for part in (offsets[:-1], offsets[1:])
        )
        self.gap = gaps_before(torch.from_numpy(values), start, end).clamp_min(0).numpy()
        ends = np.concatenate([offsets[:1], offsets[1:] - self.gap])
        self.before = {}
        for s in np.flatnonzero(self.gap):
            part = values[offsets[s] : ends[s + 1]]
            self.before[int(s)] = last_values(part, np.array([0, len(part)]), self.window)[0]

    @property
    def values(self) -> NDArray[np.float64]:
        """(S, kept) float64, the newest last."""
        return self.past.view

    @property
    def stored(self) -> NDArray[np.int64]:
        """(S,) how many of the kept values lie inside the series."""
        return np.minimum(self.total, self.kept)

    def panel(self) -> Panel:
        """The series as far as they are remembered: of those in a long gap, what was before."""
        stored = self.stored
        inside = np.arange(self.kept) >= self.kept - stored[:, None]
        values = self.values[inside]
        if self.before and self.beside is None:
            stored, values = self._with_gaps(stored)
        return replace(
            self.meta,
            y=values,
            offsets=np.concatenate([[0], np.cumsum(stored)]),
            ids=list(self.ids),
            start=self.at(slice(None), self.total - stored),
            day=self.day,
            exog=None if self.beside is None else self.beside.view[inside],
            static=self.static,
        )

    def _with_gaps(self, stored: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray]:
        """How many values of each series are remembered, and these (N,)."""
        parts = [row[self.kept - n :] for row, n in zip(self.values, stored, strict=True)]
        for s, window in self.before.items():
            whole = np.concatenate([window, np.full(self.gap[s], np.nan)])
            if len(whole) > self.kept:
                parts[s] = whole[max(len(whole) - self.total[s], 0) :]
        return np.array([len(part) for part in parts]), np.concatenate(parts)

    def at(self, series: Any, steps: Any) -> NDArray:
        """Times ``steps`` steps after the first of ``series``, as ``Panel.at``."""
        day = None if self.day is None else self.day[series]
        return self.meta.freq.advance(self.start[series], steps, day)

    def advance(
        self,
        ahead: NDArray[np.int64],
        block: NDArray[np.float64],
        beside: NDArray[np.float32] | None = None,
    ) -> None:
        """Take in the next ``ahead`` (S,) observations of each series, ``block`` (S, K), of
        which the first ``ahead`` count; NaN is a missing value. ``beside`` (S, K, C) are the
        covariates of the same steps. Series of a group go on together."""
        with torch.inference_mode():
            for k in range(block.shape[1]):
                rows: Any = np.flatnonzero(ahead > k)
                if len(rows) == len(ahead):
                    rows = slice(None)  # views instead of copies
                self._notice(np.arange(len(self.ids))[rows], block[rows, k])
                self.past.append(rows, block[rows, k])
                if self.beside is not None and beside is not None:
                    self.beside.append(rows, beside[rows, k])
                self.total[rows] += 1
                self.count[rows] += 1
                self._step(rows)

    def _notice(self, rows: NDArray[np.int64], y: NDArray[np.float64]) -> None:
        """Which series go into a gap, stay there, or come out of it."""
        missing = np.isnan(y)
        if not missing.any() and not self.before:
            return
        for s in rows[missing & (self.gap[rows] == 0)]:
            self.before[int(s)] = self.values[s, -self.window :].copy()
        for s in rows[~missing]:
            self.before.pop(int(s), None)
        self.gap[rows] = np.where(missing, self.gap[rows] + 1, 0)

    def correct(
        self,
        series: NDArray[np.int64],
        back: NDArray,
        y: NDArray,
        beside: NDArray | None = None,
    ) -> None:
        """Change values, and covariates (N, C), ``back`` steps before the newest, and begin the
        states of these series, and of those in their groups, again from their windows."""
        if not len(series):
            return
        self.values[series, self.kept - 1 - back] = y
        for s in np.unique(series):
            self._notice_again(int(s))
        if self.beside is not None and beside is not None:
            self.beside.view[series, self.kept - 1 - back] = beside
        with torch.inference_mode():
            self._begin(self.whole(series))

    def _notice_again(self, s: int) -> None:
        """The gap at the end of a series after one of its values has changed."""
        known = np.flatnonzero(np.isfinite(self.values[s]))
        if not len(known) or s not in self.before:
            return
        self.gap[s] = self.kept - 1 - known[-1]
        seen = self.values[s, : known[-1] + 1]
        self.before[s] = last_values(seen, np.array([0, len(seen)]), self.window)[0]
        if not self.gap[s]:
            del self.before[s]

    def whole(self, series: NDArray[np.int64]) -> NDArray[np.int64]:
        """Some series, each once, and all others of their groups."""
        if self.groups is None:
            return np.unique(series)
        codes = self.groups[0]
        return np.flatnonzero(np.isin(codes, codes[series]))

    def add(self, panel: Panel) -> None:
        """Take in series that were not there. One that joins a group must end with it; the states
        of that group begin again from their windows."""
        new, before = self._new(panel), len(self.ids)
        new.relabel(int(self.count.max(initial=0)))
        self.start = np.concatenate([self.start, new.start])
        if self.day is not None and new.day is not None:
            self.day = np.concatenate([self.day, new.day])
        self.places |= {name: before + s for s, name in enumerate(new.ids)}
        self.ids += new.ids
        self.total = np.concatenate([self.total, new.total])
        self.count = np.concatenate([self.count, new.count])
        self.gap = np.concatenate([self.gap, new.gap])
        self.before |= {before + s: window for s, window in new.before.items()}
        self.past.add(new.values)
        if self.beside is not None and new.beside is not None:
            self.beside.add(new.beside.view)
        if self.static is not None and new.static is not None:
            self.static = np.concatenate([self.static, new.static])
        self._take_states(new)
        self._join(before)

    def _new(self, panel: Panel) -> "Stream":
        """One of the same kind, for series that are taken in."""
        return Stream(self.networks, panel, self.kept)

    def _take_states(self, new: "Stream") -> None:
        for k in range(len(self.networks)):
            for ours, theirs in zip(self.states[k], new.states[k], strict=True):
                ours[:] = [torch.cat(pair) for pair in zip(ours, theirs, strict=True)]
            self.tops[k] = torch.cat([self.tops[k], new.tops[k]])

    def _join(self, before: int) -> None:
        """Put the series from number ``before`` on into their groups."""
        self.groups = group_codes(self.panel())
        if self.groups is None:
            return
        codes = self.groups[0]
        joined = np.intersect1d(codes[:before], codes[before:])
        for code in joined:
            rows = np.flatnonzero(codes == code)
            self.count[rows] = self.count[rows[0]]
        rows = np.flatnonzero(np.isin(codes, joined))
        if len(rows):
            with torch.inference_mode():
                self._begin(rows)

    def relabel(self, count: int) -> None:
        """Count from ``count`` instead of 0: the phases are the same, their numbers turn."""
        self.count += count
        if not self.networks:
            return
        turn = -count % self.shape.patch
        self.states = [[t[turn:] + t[:turn] for t in states] for states in self.states]

    def quantiles(self, ahead: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
        """(S, h, Q) of what follows the newest observation of each series; ``ahead`` (S, h, F) are
        the covariates that are known of these steps."""
        length = self.shape.history
        extra, members = self._extra(slice(None), self.kept, length), []
        if extra is not None and ahead is not None:
            futr = torch.cat([extra.futr, torch.from_numpy(ahead).to(extra.futr.dtype)], 1)
            extra = extra._replace(futr=futr)
        with torch.inference_mode():
            seen = self._seen(self.values[:, -length:], extra)
            for network, top in zip(self.networks, self.tops, strict=True):
                out = network.heads(top[:, None], seen)
                members.append(network.decode(out, seen.scaled, seen.anchors).quantiles()[:, 0])
            return self._over_gaps(torch.stack(members).mean(0)).numpy()

    def after_gaps(
        self, ahead: NDArray[np.float32] | None = None, companion: Companion | None = None
    ) -> NDArray[np.float64]:
        """``quantiles`` as they are handed out: as wide as was measured, steady, and with the
        share of the network that ships."""
        quantiles = torch.from_numpy(self.quantiles(ahead))
        shown = self.values[:, -self.shape.history :].copy()
        rows, windows = self._before_gaps()
        shown[rows] = windows
        history, offset = less_last(torch.from_numpy(shown))
        quantiles = steady(quantiles, never_moved(history), offset)
        known = history.isfinite().sum(1)
        if companion is not None:
            companion.join(quantiles, history, offset, torch.from_numpy(self.gap))
        return doubted(quantiles, torch.from_numpy(self.gap), known, self.networks[0]).numpy()

    def _over_gaps(self, quantiles: Tensor) -> Tensor:
        """The quantiles with those of series in a gap of a season or more made anew, as
        ``window_quantiles`` makes them, from what came before it."""
        rows, windows = self._before_gaps()
        if len(rows) and self.beside is None:
            seen = self._seen(windows)
            anew = [network.predict(seen).quantiles()[:, 0] for network in self.networks]
            quantiles[rows] = torch.stack(anew).mean(0)
        return quantiles

    def _before_gaps(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Series in a gap that is stepped over, and the windows that are read instead."""
        over = stepped_over(torch.from_numpy(self.gap), self.shape).numpy()
        rows = np.flatnonzero(over)
        windows = np.empty((len(rows), self.shape.history))
        for window, s in zip(windows, rows, strict=True):
            rest = self.gap[s] - over[s]
            window[:] = np.concatenate([self.before[int(s)], np.full(rest, np.nan)])[rest:]
        return rows, windows

    def _extra(self, rows: Any, end: int, length: int) -> Extra | None:
        """The covariates of some series, whole groups, of the ``length`` kept steps before
        ``end``."""
        if self.beside is None or self.static is None:
            return None
        values = torch.from_numpy(self.beside.view[rows, end - length : end])
        known = len(self.shape.futr)
        futr, hist = values[..., :known], values[..., known:]
        together = None
        if self.groups is not None:
            codes, slot = (torch.from_numpy(part[rows]) for part in self.groups)
            instance = codes.unique(return_inverse=True)[1]
            together = Together(instance, slot, torch.ones(len(slot)))
        return Extra(futr, hist, torch.from_numpy(self.static[rows]), together)

    def _begin(self, rows: NDArray[np.int64]) -> None:
        """The states of some series, whole groups, afresh from their windows: one window for
        each phase."""
        if not self.networks:
            return
        at_once = STARTED_AT_ONCE if self.groups is None else len(rows)
        for part in np.array_split(rows, -(-len(rows) // max(at_once, 1)) or 1):
            for back in range(self.shape.patch):
                end = self.kept - back
                shown = self._seen(self.values[part, end - self.shape.history : end]).features
                extra = self._extra(part, end, self.shape.history)
                for k, network in enumerate(self.networks):
                    x, states = network.carry(shown, extra)
                    for phase, group in self._phases(part, back):
                        self._store(k, phase, part[group], [_part(t, group) for t in states])
                    if back == 0:
                        self._put(k, part, x[:, -1])

    def _seen(self, values: NDArray[np.float64], extra: Extra | None = None) -> Encoded:
        """What the networks see of windows (B, history)."""
        history, offset = less_last(torch.from_numpy(values))
        return self.networks[0].encode(history, last=True, extra=extra, offset=offset)

    def _phases(self, rows: Any, back: int = 0) -> list[tuple[int, Any]]:
        """The phases whose turn it was ``back`` observations ago, and which of ``rows`` they are
        of: nearly always one, of all."""
        phases = (self.count[rows] - back) % self.shape.patch
        if (phases == phases[:1]).all():
            return [(int(phases[0]), slice(None))] if len(phases) else []
        return [(int(phase), np.flatnonzero(phases == phase)) for phase in np.unique(phases)]

    def _step(self, rows: Any) -> None:
        """One step of the recurrence for these series, whose newest observation is in place."""
        if not self.networks:
            return
        shown = self._seen(self.values[rows, -self.shape.history :]).features[:, -1:]
        for phase, group in self._phases(rows):
            series = rows if isinstance(group, slice) else np.arange(len(self.ids))[rows][group]
            extra = self._extra(series, self.kept, self.shape.patch)
            for k, network in enumerate(self.networks):
                before = [tensors[phase][series][None] for tensors in self.states[k]]
                state = _grouped(before, self.shape.cell)
                x, states = network.carry(shown[group], extra, state)
                self._store(k, phase, series, states)
                self._put(k, series, x[:, -1])

    def _store(self, k: int, phase: int, series: Any, states: list[Any]) -> None:
        parts = [part[0] for state in states for part in _parts(state)]
        if not self.states[k]:
            shape = (len(self.ids), self.shape.hidden)
            self.states[k] = [[p.new_empty(shape) for _ in range(self.shape.patch)] for p in parts]
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
        cls, networks: Sequence[Network], panel: Panel, tensors: dict[str, Tensor], kept: int = 0
    ) -> "Stream":
        """The stream whose ``panel()`` and ``tensors()`` these are."""
        stream = cls.__new__(cls)
        stream._adopt(networks, panel, kept)
        stream.count = tensors["count"].numpy().copy()
        for k in range(len(stream.networks)):
            names = [name for name in tensors if name.startswith(f"state{k}.")]
            stream.states[k] = [list(tensors[f"state{k}.{i}"]) for i in range(len(names))]
            stream.tops[k] = tensors[f"top{k}"]
        return stream


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
    if not CELLS[cell].has_cell:
        return list(parts)
    return list(zip(parts[::2], parts[1::2], strict=True))
