"""The memory of every series, carried on as observations arrive.

The layers of the network read a window from its beginning to its end. All that they are shown of a
step comes from the values up to it, so that a new observation adds one step and leaves the others
as they were: the layers go on from the state that they ended with,

    state  <-  layers(features of the new step, state)

and the forecast is the one that they would give had they read the whole window again. Levels and
units are means that forget; they follow each observation. Two things are held for a while, and
found anew after ``ZeroShot.hold`` observations (a season, or until the window has doubled): where
the window begins, and what the network learned from checking itself.

Where four observations are read at once (a day of hours), windows end with a whole patch. One state
therefore is kept for each *phase*, that is, for each way to cut the window into patches, as in
``updating.streaming``; a new observation completes a patch of one of them.

What is due is read when a forecast is asked for: many observations cost one pass.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ...data.panel import Panel
from ...storage.model_directory import check_tensor
from ..network.distribution import QUANTILES
from ..updating.streaming import Stream
from .checks import MIXED, Lesson, check, learn, missed
from .history import history
from .network import Remembered
from .smoothing import smoothed
from .zero_shot import AT_ONCE, ZeroShot, typical

SIDES = 2  # of a window that is read twice (``ZeroShot.is_read_twice``)
PARTS = 2  # tensors of a layer's state: h and c

# What is kept of each series, and along which dimension.
SERIES = {
    "cut": 0, "hold": 0, "size": 0, "done": 2, "state": 4, "top": 2, "taught": 0, "twice": 0,
    "shares": 1, "outer": 1, "inner": 1, "smoothing": 0,
}  # fmt: skip

Rows = NDArray[np.int64]


class Carried(Stream):
    """Values of S series, and what the network has read of them.

    Args:
        zero_shot: The network, for seasons.
        panel: The series so far, without covariates.
        kept: Values of each series that are remembered, at least ``ZeroShot.remembered``.
        h: Steps that are forecast.

    Attributes:
        cut: (S,) observations of each series when its window was cut.
        hold: (S,) observations after which it is cut again.
        size: (S,) steps of the window when it was cut.
        done: (phases, sides, S) steps that were read, from the beginning of the window; 0 for none.
        state: (phases, sides, layers, parts, S, hidden).
        top: (phases, sides, S, hidden) what the last layer said of the newest step.
        taught: (S,) whether the network has checked itself on the window.
        shares, outer, inner: (sides, S, ...) what that taught.
        smoothing: (S, 2) shares of smoothing in the forecast of short windows that are read twice.
        twice: (S,) bool, whether the window is read twice.
    """

    def __init__(self, zero_shot: ZeroShot, panel: Panel, kept: int, h: int) -> None:
        self.zero_shot, self.h = zero_shot, h
        super().__init__([], panel, kept)

    def _adopt(self, networks: Any, panel: Panel, kept: int) -> None:
        super()._adopt(networks, panel, kept)
        shape, count = self.zero_shot.network.shape, panel.n_series
        kinds = shape.patch, SIDES
        self.cut, self.hold, self.size = np.zeros((3, count), np.int64)
        self.done = np.zeros((*kinds, count), np.int64)
        self.state = torch.zeros(*kinds, shape.layers, PARTS, count, shape.hidden)
        self.top = torch.zeros(*kinds, count, shape.hidden)
        self.taught, self.twice = np.zeros((2, count), bool)
        self.shares = torch.zeros(SIDES, count, len(MIXED))
        self.outer, self.inner = torch.ones(2, SIDES, count).unbind()
        self.smoothing = torch.zeros(count, 2)

    @property
    def ends(self) -> Rows:
        """(S,) observations of each series to its last value."""
        return self.total - self.gap

    def _begin(self, rows: Rows) -> None:
        """Cut the windows of these series anew: they end with the last values."""
        known = self._has_values(rows)
        self.cut[rows] = self.ends[rows]
        length = np.where(known, np.minimum(self.cut[rows], self.kept), 0)
        self.size[rows] = self.zero_shot.size(length)
        self.hold[rows] = self.zero_shot.hold(np.minimum(length, self.size[rows]))
        self.done[..., rows] = 0
        self.taught[rows] = False

    def _step(self, rows: Any) -> None:
        """Take notice of the newest observation; it is read when there is something to forecast."""
        rows = np.arange(len(self.ids))[rows]
        due = np.isfinite(self.values[rows, -1])
        due &= self.total[rows] - self.cut[rows] >= self.hold[rows]
        if due.any():
            self._begin(rows[due])

    def _new(self, panel: Panel) -> "Carried":
        return Carried(self.zero_shot, panel, self.kept, self.h)

    def _take_states(self, new: Stream) -> None:
        assert isinstance(new, Carried)
        for name, value in self._kept().items():
            ours, theirs = torch.as_tensor(value), torch.as_tensor(new._kept()[name])
            both = torch.cat([ours, theirs], SERIES[name])
            setattr(self, name, both if isinstance(value, Tensor) else both.numpy())

    def after_gaps(self, ahead: Any = None, companion: Any = None) -> NDArray[np.float64]:
        """(S, h, Q) of what follows the newest observation of each series. Those without any value
        get the typical forecast of the others."""
        everyone = np.arange(len(self.ids))
        out = np.full((len(everyone), self.h, len(QUANTILES)), np.nan)
        known = self._has_values(everyone)
        with torch.inference_mode():
            for rows in self._alike(np.flatnonzero(known)):
                if not self.taught[rows[0]]:
                    self._learn(rows)
                out[rows] = self._forecast(rows).numpy()
        return typical(out, known)

    def _alike(self, rows: Rows) -> Iterator[Rows]:
        """Series of which as much is to be read."""
        patch = self.zero_shot.network.shape.patch
        size, since = self.size[rows], self.ends[rows] - self.cut[rows]
        done = self.done[-(size + since) % patch, 0, rows]
        keys = size, since, done, self.taught[rows]
        which = np.unique(np.stack(keys), axis=1, return_inverse=True)[1].reshape(-1)
        for k in range(which.max(initial=-1) + 1):
            alike = rows[which == k]
            at_once = max(AT_ONCE // int(self.size[alike[0]]), 1)
            yield from (alike[at : at + at_once] for at in range(0, len(alike), at_once))

    def _length(self, rows: Rows) -> int:
        """Steps of the windows of these series, which are alike, to their last values."""
        return int((self.size + self.ends - self.cut)[rows[0]])

    def _ending(self, rows: Rows, length: int) -> NDArray[np.float64]:
        """(B, length) values that end with the last one of each series."""
        values = self.values[rows, -length:]
        for k in np.flatnonzero(self.gap[rows]):
            values[k] = self.before[int(rows[k])][-length:]
        return values

    def _has_values(self, rows: Rows) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(self._ending(rows, self.kept)).any(1))

    def _learn(self, rows: Rows) -> None:
        """What the windows of these series teach, as they were cut."""
        size, length = int(self.size[rows[0]]), self._length(rows)
        window = torch.from_numpy(self._ending(rows, length)[:, :size])
        twice = self.zero_shot.is_read_twice(window)
        self.twice[rows], self.taught[rows] = twice.numpy(), True
        errors = []
        for side, some in self._sides(rows):
            found = self._read(window[twice] if side else window, some, side)
            checks = check(self.zero_shot.network, found, torch.full((len(some), 1), self.h))
            lesson = learn(checks)
            self.shares[side, some], self.outer[side, some] = lesson.shares, lesson.outer
            self.inner[side, some] = lesson.inner
            errors.append(missed(checks, lesson))
        if len(errors) > 1 and self.zero_shot.network.shape.patch == 1:
            upright, down = errors[0].rows(twice), errors[1]
            ahead = torch.full((len(down.origin), 1), self.h)
            _, shares = self.zero_shot.smoothed(window[twice], ahead, upright, down)
            self.smoothing[self._twice(rows)] = shares

    def _forecast(self, rows: Rows) -> Tensor:
        """(B, h, Q) after the last values of these series."""
        network = self.zero_shot.network
        window = torch.from_numpy(self._ending(rows, self._length(rows)))
        ahead = torch.from_numpy(self.gap[rows, None] + np.arange(1, self.h + 1))
        twice, found = torch.from_numpy(np.flatnonzero(self.twice[rows])), []
        for side, some in self._sides(rows):
            which = twice if side else torch.arange(len(rows))
            read = self._read(window[which], some, side)
            read = read._replace(memory=read.memory[:, -1:])
            last = torch.full((len(some), 1), read.past.value.shape[1] - 1)
            lesson = Lesson(*(x[side, some] for x in (self.shares, self.outer, self.inner)))
            answer = network.answer(read, last, ahead[which, None])
            found.append(lesson.corrected(answer).absolute()[:, 0])
        smooth = None
        if len(found) > 1 and network.shape.patch == 1:
            fit = smoothed(window[twice], self.zero_shot.seasons[0])
            smooth = fit.forecast(ahead[twice]), self.smoothing[self._twice(rows)]
        return self.zero_shot.together(found[0], twice, found[-1], window, ahead, smooth)

    def _sides(self, rows: Rows) -> list[tuple[int, Rows]]:
        """The sides that are read, and of which of these series."""
        twice = self._twice(rows)
        return [(0, rows), (1, twice)] if len(twice) else [(0, rows)]

    def _twice(self, rows: Rows) -> Rows:
        """Those of these series whose windows are read twice."""
        return rows[self.twice[rows]]

    def _read(self, window: Tensor, rows: Rows, side: int) -> Remembered:
        """Carry the layers on to the end of windows (B, T) of one phase, all of which were read as
        far; the memory is that of the new patches, or of the last one if there is none."""
        network, patch = self.zero_shot.network, self.zero_shot.network.shape.patch
        phase, size = -window.shape[1] % patch, int(self.size[rows[0]])
        shown = F.pad(self.zero_shot.shown(window, side), (phase, 0), value=torch.nan)
        length, done = shown.shape[1], int(self.done[phase, side, rows[0]])
        began = max(size + -size % patch - network.shape.read, 0)
        unread = length - max(done, began)
        seasons = torch.tensor(self.zero_shot.seasons_of(side)).expand(len(rows), 2)
        past, series = history(shown, seasons, max(unread, patch)), torch.from_numpy(rows)
        if not unread:
            return Remembered(past, self.top[phase, side, series][:, None])
        parts = self.state[phase, side][:, :, series, None].transpose(2, 3)  # (layers, h c, 1, B)
        state = [tuple(layer) for layer in parts] if done else None
        memory, after = network.encode(past.features, state)
        for k, layer in enumerate(after):
            for part, x in enumerate(layer):
                self.state[phase, side, k, part, series] = x[0]
        self.top[phase, side, series] = memory[:, -1]
        self.done[phase, side, rows] = length
        return Remembered(past, memory)

    def _kept(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SERIES}

    def tensors(self) -> dict[str, Tensor]:
        """Everything that cannot be computed again from ``panel()``; see ``resumed``."""
        kept = {name: torch.as_tensor(value) for name, value in self._kept().items()}
        since = torch.from_numpy(self.ends - self.cut)  # the panel may begin later
        return {"count": torch.from_numpy(self.count)} | kept | {"cut": since}

    @classmethod
    def _unread(cls, zero_shot: ZeroShot, panel: Panel, kept: int, h: int) -> "Carried":
        """Series of which nothing has been read, and no window is cut."""
        stream = cls.__new__(cls)
        stream.zero_shot, stream.h = zero_shot, h
        stream._adopt([], panel, kept)
        return stream

    @classmethod
    def resumed(
        cls, zero_shot: ZeroShot, panel: Panel, tensors: dict[str, Tensor], kept: int, h: int
    ) -> "Carried":
        """The stream whose ``panel()`` and ``tensors()`` these are."""
        stream = cls._unread(zero_shot, panel, kept, h)
        stream.count = tensors["count"].numpy().copy()
        for name, value in stream._kept().items():
            found = tensors[name].clone()
            setattr(stream, name, found if isinstance(value, Tensor) else found.numpy())
        stream.cut = stream.ends - stream.cut
        return stream


def check_carried(tensors: dict[str, Tensor], zero_shot: ZeroShot, panel: Panel, h: int) -> None:
    """What a file holds is as large as ``Carried`` carries on, and points nowhere outside.

    Raises:
        ValueError: It is not.
    """
    wanted = Carried._unread(zero_shot, panel, 1, h).tensors()
    if names := wanted.keys() ^ tensors.keys():
        name = min(names)
        raise ValueError(f"stream.{name} is {'missing' if name in wanted else 'too many'}")
    for name, value in wanted.items():
        check_tensor(tensors[name], tuple(value.shape), (value.dtype,), f"stream.{name}")
    sizes = zero_shot.sizes
    if not np.isin(tensors["size"].numpy(), sizes).all():
        raise ValueError(f"stream.size must be of {sizes}")
    longest = zero_shot.hold(np.array([max(sizes)]))[0]
    for name, least, most in (
        ("cut", 0, longest), ("hold", 1, longest), ("done", 0, max(sizes) + 2 * longest),
        ("count", 0, 2**62),
    ):  # fmt: skip
        if int(tensors[name].min()) < least or int(tensors[name].max()) > most:
            raise ValueError(f"stream.{name} must be {least:,} to {most:,}")
