"""Forecasts of series that were never learned from."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ...data.panel import Panel
from ...data.wall import Wall
from ..intervals.quantiles import require_finite
from ..network.distribution import QUANTILES
from . import regression, smoothing
from .asked import Asked, step_of
from .checks import Checks, Lesson, Missed, check, learn, missed
from .covariates import READ, apart
from .network import LONG, Network
from .query import PAST, WEEKS
from .storage import shipped

AT_ONCE = 1 << 17  # values read together
LENGTHS = {1: (48, 128, 320, 800), 4: (256, 960)}  # of windows, by how many are read at once
EIGHTH = 8  # parts of a window, as many of which are left out as hold no value
EDGE = 3  # first steps of a window, in one of which a long series has a value
BY_WEEK = 1 / 3  # of a forecast that is found when the longer season is told as the first
LONGER = 6  # of the longer season that a window holds, for that to be told as the first, too
HELD = 24  # observations that a window is carried on for, at least
LONGEST = 4096  # values before a forecast that are looked at


class ZeroShot:
    """The shipped networks, for series of given seasons.

    Args:
        seasons: One or two lags in observations, the shorter first; (1,) for none.
        network: What forecasts; None: what ships with the package for such seasons.
    """

    def __init__(self, seasons: Sequence[int], network: Network | None = None) -> None:
        first, second = (*seasons, 1, 1)[:2]
        self.seasons = (first, second if second > first else 1)
        self.network = network or shipped("fours" if first >= LONG else "single")

    @property
    def history(self) -> int:
        """Values before a forecast that are looked at."""
        first, second = self.seasons
        lags = max(PAST * first, WEEKS * second + first)
        return min(self.network.shape.read + lags, LONGEST)

    def remembered(self, panel: Panel) -> int:
        """Values of each series of a panel that a forecast depends on."""
        if _known_ahead(panel):
            return max(READ, self.history)
        return self.history + int(self.hold(np.array([self.history]))[0])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of windows: a few, as in training, so that a forecast does not depend on what else is
        forecast."""
        sizes = LENGTHS[self.network.shape.patch]
        return (*(size for size in sizes if size < self.history), self.history)

    def size(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of the windows that series of these lengths are shown in."""
        sizes = np.array(self.sizes)
        found: NDArray[np.int64] = sizes[np.searchsorted(sizes[:-1], lengths)]
        return found

    def hold(self, known: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many observations a window is carried on for before it is cut anew, of series of
        which so many values are known: the longest season, or twice as many values."""
        season = min(max(*self.seasons, HELD), self.network.shape.read)
        return np.clip(known, 1, season)

    def goes_on(self, carried: bool) -> str:
        """What ``update`` says of the state."""
        if not carried:
            return "no state goes on beside columns and changing clocks: values are read anew"
        longest = int(self.hold(np.array([self.history]))[0])
        return (
            f"the network's state goes on; where its window begins is held for {longest} "
            "observations, or until it holds twice as many values, and then found anew"
        )

    def window_quantiles(
        self,
        panel: Panel | Wall,
        drops: Sequence[int],
        h: int,
        ahead: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float64]:
        """(W, S, h, Q) quantiles of what follows each series without its last ``drops[w]``; on
        the clock of a ``Wall``, of the steps of time.

        A series whose last values are missing is forecast from its last one, further ahead. One
        without any value gets the typical forecast of the panel, as far as there is one. Columns
        that are known ahead, ``ahead`` (S, h, F) after the end of each series, have their say
        beside the network (see ``covariates``).
        """
        steady = panel.steady if isinstance(panel, Wall) else panel
        if _known_ahead(steady):
            return np.stack([self._beside_columns(steady, drop, h, ahead) for drop in drops])
        if isinstance(panel, Wall):
            return np.stack([self._by_the_wall(panel, drop, h) for drop in drops])
        ends = np.concatenate([panel.offsets[1:] - drop for drop in drops])
        starts = np.tile(panel.offsets[:-1], len(drops))
        last = np.where(np.isfinite(panel.y), np.arange(len(panel.y)), -1)
        last = np.maximum.accumulate(last)[ends - 1] if len(panel.y) else np.zeros(0, np.int64)
        there = (last >= starts) & (ends > starts)
        out = np.full((len(ends), h, len(QUANTILES)), np.nan)
        with torch.inference_mode():
            for length, rows in self._batches(last + 1 - starts, np.flatnonzero(there)):
                stops, gaps = last[rows] + 1, ends[rows] - 1 - last[rows]
                out[rows] = self._forecast(panel.y, starts[rows], stops, gaps, length, h)
        return typical(out, there).reshape(len(drops), panel.n_series, h, len(QUANTILES))

    def apart(
        self, panel: Panel, h: int, ahead: NDArray[np.float32] | None
    ) -> tuple[Panel, NDArray[np.float64]]:
        """The panel without what its columns did, and (S, h) what they do after its end."""
        if not _known_ahead(panel):
            return panel, np.zeros((panel.n_series, h))
        return apart(panel, 0, h, ahead, self.seasons[0])

    def asked(
        self, panel: Panel | Wall, series: int, steps: Sequence[int], h: int
    ) -> tuple[Asked, Tensor, Panel]:
        """What an explanation asks about ``steps``, of ``h`` after the end of a series (from 1
        on), its window (1, T, step), and the panel that holds it."""
        if isinstance(panel, Wall):
            known, where, _ = panel.ahead(0, h)
            places = [int(where[series, step - 1]) + 1 for step in steps]
            return self.asked(_cut(panel, known), series, places, int(where.max()) + 1)
        y = panel.series(series).astype(np.float64)
        known = np.flatnonzero(np.isfinite(y))
        if not len(known):
            raise ValueError("there is no value to forecast from in the series")
        y, gap = y[: known[-1] + 1], len(y) - 1 - known[-1]
        patch = self.network.shape.patch
        ((length, _),) = self._batches(np.array([len(y)]), np.zeros(1, np.int64))
        length, y = length + -length % patch, y[known[0] :][-length:]
        step = step_of(len(y), self.seasons[0], patch)
        x = torch.from_numpy(np.concatenate([np.full(-len(y) % step, np.nan), y]))
        window = F.pad(x[-length:], (max(length - len(x), 0), 0), value=torch.nan)[None]
        horizon, furthest = [one - 1 for one in steps], torch.tensor([[gap + h]])
        with torch.no_grad():
            sides = [0, 1] if self.is_read_twice(window).item() else [0]
            told = [torch.tensor([self.seasons_of(side)]) for side in sides]
            checks = [
                check(self.network, self.network.remember(shown, seasons), furthest)
                for shown, seasons in zip((self.shown(window, s) for s in sides), told, strict=True)
            ]
            lessons = [learn(one) for one in checks]
            shares = None
            if len(sides) > 1 and patch == 1:
                _, shares = self.smoothed(window, furthest, *map(missed, checks, lessons))
            long = regression.enough(window, self.seasons).item()
            lines = regression.learned(window, self.seasons, furthest) if long else None
        parts = self.parts(len(sides) > 1)
        asked = Asked(self.network, lessons, told, length, horizon, int(gap), parts, lines, shares)
        return asked, x.view(1, -1, step), panel

    def _beside_columns(
        self, panel: Panel, drop: int, h: int, ahead: NDArray[np.float32] | None
    ) -> NDArray[np.float64]:
        """(S, h, Q): the network forecasts what is left without the columns."""
        left, effects = apart(panel, drop, h, ahead, self.seasons[0])
        quantiles: NDArray[np.float64] = self.window_quantiles(Wall.of(left, h) or left, [0], h)[0]
        return quantiles + effects[..., None]

    def _by_the_wall(self, wall: Wall, drop: int, h: int) -> NDArray[np.float64]:
        """(S, h, Q): where clocks are put forward, the steps of time reach further on the wall."""
        known, where, _ = wall.ahead(drop, h)
        found = self.window_quantiles(_cut(wall, known), [0], int(where.max()) + 1)[0]
        return np.take_along_axis(found, where.clip(0)[..., None], 1)

    def _batches(self, lengths: NDArray, rows: NDArray) -> Iterator[tuple[int, NDArray]]:
        """Windows of one length together, with the length (see ``sizes``); as much of the front is
        left out of each as of the others (see ``_left_out``)."""
        found = self.size(lengths[rows])
        for size in self.sizes:
            part = rows[found == size]
            front = self._left_out(lengths[part], size)
            at_once = max(AT_ONCE // size, 1)
            for before in np.unique(front)[::-1]:
                alike = part[front == before]
                for at in range(0, len(alike), at_once):
                    yield size, alike[at : at + at_once]

    def _left_out(self, lengths: NDArray, size: int) -> NDArray[np.int64]:
        """How many steps in front of windows of this size are left out, of series of these
        lengths: whole eighths of it, in whole patches, without a value. Their memory is known."""
        patch = self.network.shape.patch
        eighth = max(size // EIGHTH // patch, 1) * patch
        return np.maximum(size - lengths, 0) // eighth * eighth

    def _forecast(
        self, y: NDArray, starts: NDArray, stops: NDArray, gaps: NDArray, length: int, h: int
    ) -> NDArray[np.float64]:
        before = int(self._left_out(stops - starts, length).min())
        index = stops[:, None] + np.arange(before - length, 0)
        window = y[index.clip(0)].astype(np.float64)
        window[index < starts[:, None]] = np.nan
        ahead = torch.from_numpy(gaps[:, None] + np.arange(1, h + 1))
        quantiles: NDArray[np.float64] = self.following(
            torch.from_numpy(window), ahead, before
        ).numpy()
        require_finite(quantiles)
        return quantiles

    def following(self, window: Tensor, ahead: Tensor, before: int = 0) -> Tensor:
        """(B, J, Q) quantiles of the steps ``ahead`` (B, J) after windows (B, n) float64, in front
        of which whole patches, ``before`` steps without a value, were left out."""
        twice = torch.nonzero(self.is_read_twice(window, before))[:, 0]
        smooth = None
        if self.network.shape.patch > 1 or not len(twice):
            found = again = self._read(window, ahead, before)[0]
            if len(twice):
                again = self._read(window[twice], ahead[twice], before, side=1)[0]
        else:  # in one batch
            shown = torch.cat([window, self.shown(window[twice], 1)])
            both, checks, lesson = self._read(shown, torch.cat([ahead, ahead[twice]]), before)
            found, again = both.split([len(window), len(twice)])
            errors = missed(checks, lesson)
            upright, down = errors.rows(twice), errors.rows(slice(len(window), None))
            smooth = self.smoothed(window[twice], ahead[twice], upright, down)
        return self.together(found, twice, again, window, ahead, smooth)

    def smoothed(
        self, window: Tensor, ahead: Tensor, upright: Missed, down: Missed
    ) -> tuple[Tensor, Tensor]:
        """(B, J, 2) what smoothing forecasts of the steps ``ahead`` (B, J) after short windows, and
        (B, 2) shares, by what the network missed each time that it read them."""
        both = upright._replace(error=(upright.error - down.error) / 2)
        return smoothing.checked(window, self.seasons[0], ahead, both)

    def is_read_twice(self, window: Tensor, before: int = 0) -> Tensor:
        """(B,) which of the windows (B, n), in front of which ``before`` steps were left out, are
        read a second time: those that hold so few values that they are shown upside down, too, and
        smoothed; and those that hold so many of the longer season that it may be the first."""
        if self.network.shape.patch > 1:
            early = window.shape[1] - LONGER * self.seasons[1] + 1 if self.seasons[1] > 1 else 0
            return window[:, : max(early, 0)].isfinite().any(1)
        small = window.shape[1] + before <= smoothing.SHORT
        begins = window[:, :EDGE].isfinite().any(1)
        return ~begins | (before > 0) if small else torch.zeros_like(begins)

    def shown(self, window: Tensor, side: int) -> Tensor:
        """Windows as they are read the first time, and the second (``side`` 1)."""
        return -window if side and self.network.shape.patch == 1 else window

    def seasons_of(self, side: int) -> tuple[int, int]:
        """The seasons that are told the first time, and the second."""
        return (self.seasons[1], 1) if side and self.network.shape.patch > 1 else self.seasons

    def parts(self, twice: bool) -> tuple[float, ...]:
        """Of a forecast, what is found each time that a window is read."""
        if not twice:
            return (1.0,)
        return (0.5, 0.5) if self.network.shape.patch == 1 else (1 - BY_WEEK, BY_WEEK)

    def together(
        self,
        quantiles: Tensor,
        twice: Tensor,
        again: Tensor,
        window: Tensor,
        ahead: Tensor,
        smooth: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """(B, J, Q) quantiles, changed in place: of the rows ``twice`` the mean with what was found
        ``again``; in that of short windows, smoothing has its share, in that of hours a
        regression."""
        if self.network.shape.patch > 1:
            if len(twice):
                first, second = self.parts(twice=True)
                quantiles[twice] = first * quantiles[twice] + second * again
            return regression.beside(quantiles, window, self.seasons, ahead)
        if smooth is not None:
            quantiles[twice] = smoothing.moved((quantiles[twice] - again.flip(-1)) / 2, *smooth)
        return quantiles

    def _read(
        self, window: Tensor, ahead: Tensor, before: int, side: int = 0
    ) -> tuple[Tensor, Checks, Lesson]:
        """The network's own quantiles, after it has checked itself, and what that taught."""
        network = self.network
        seasons = torch.tensor(self.seasons_of(side)).expand(len(window), 2)
        shown = F.pad(window, (-window.shape[1] % network.shape.patch, 0), value=torch.nan)
        found = network.remember(shown, seasons, before)
        last = torch.full((len(shown), 1), shown.shape[1] - 1)
        checks = check(network, found, ahead[:, -1:])
        lesson = learn(checks)
        answer = lesson.corrected(network.answer(found, last, ahead[:, None]))
        return answer.absolute()[:, 0], checks, lesson


def typical(out: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, h, Q) forecasts, in place: where there is none, the median of the others."""
    if not there.all():
        if not there.any():
            raise ValueError("there is no value to forecast from in any series")
        out[~there] = np.median(out[there], axis=0)
    return out


def _known_ahead(panel: Panel) -> bool:
    return bool(panel.covariates and panel.covariates.ahead)


def _cut(wall: Wall, known: NDArray) -> Panel:
    """The first ``known`` (S,) steps on the wall of each series."""
    y = [wall.panel.series(s)[:n] for s, n in enumerate(known)]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in y])])
    return replace(wall.panel, y=np.concatenate(y), offsets=offsets)
