"""Hours of a zone as the clock on the wall counts them: seasons live there, steps do not.

A rush hour at eight stays at eight when clocks are put forward, 23 hours after that of the day
before. Series of steps below a day are therefore learned from, and forecast, on the wall clock: an
hour that is left out is a missing value, and of an hour that comes twice the first counts.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .clock import utc_offset
from .panel import Panel


@dataclass(frozen=True)
class Wall:
    """A panel of equal steps of time, and the same on the wall clock."""

    steady: Panel
    panel: Panel
    first: np.timedelta64  # what clocks were ahead of UTC at first

    @classmethod
    def of(cls, panel: Panel, h: int = 0) -> "Wall | None":
        """None where no clock is changed between the first observation and ``h`` steps after the
        last, or where steps are longer than what it is changed by."""
        if not panel.time_zone or not panel.utc or not panel.n_series or panel.covariates:
            return None
        first = utc_offset(panel.start.min()[None], panel.time_zone)[0]
        wall = cls(panel, panel, first)
        steps = [wall._turns(s, np.arange(n + h)) for s, n in enumerate(panel.lengths)]
        if all((turn == turn[:1]).all() for turn in steps):
            return None
        places = [
            np.arange(n) + turn[:n] - turn[:1]
            for n, turn in zip(panel.lengths, steps, strict=True)
        ]  # fmt: skip
        series = [_placed(panel.series(s), place) for s, place in enumerate(places)]
        begun = np.array([turn[:1].sum() for turn in steps]) * panel.freq.step
        return replace(
            wall,
            panel=replace(
                panel,
                y=np.concatenate(series),
                offsets=np.concatenate([[0], np.cumsum([len(y) for y in series])]),
                start=panel.start + first + begun.astype("m8[us]"),
                wall=True,
            ),
        )

    def _turns(self, s: int, steps: NDArray) -> NDArray[np.int64]:
        """By how many steps the wall clock is ahead of where it was at first; a half is none."""
        zone = self.steady.time_zone or "UTC"
        moved = utc_offset(self.steady.at(s, steps), zone) - self.first
        turn = moved.astype(np.int64) / self.steady.freq.step
        return (np.sign(turn) * np.ceil(np.abs(turn) - 0.5)).astype(np.int64)

    def ahead(self, drop: int, h: int) -> tuple[NDArray, NDArray, NDArray]:
        """Without the last ``drop`` steps of each series: (S,) how many there are on the wall;
        (S, h) where the next ones are, counted from these; (S, h) how far clocks are put forward
        until then."""
        known, where, turned = [], [], []
        for s, n in enumerate(np.maximum(self.steady.lengths - drop, 1)):
            turn = self._turns(s, np.append(0, np.arange(n - 1, n + h)))
            known.append(n + turn[1] - turn[0])
            turned.append(turn[2:] - turn[1])
            where.append(np.arange(h) + turned[-1])
        return np.array(known), np.array(where), np.array(turned)


def _placed(y: NDArray, place: NDArray) -> NDArray:
    """Values at their places, the first of two that are there; up to the place of the last."""
    out = np.full(place[-1] + 1 if len(place) else 0, np.nan, y.dtype)
    there = np.flatnonzero(np.isfinite(y) & (place < len(out)))[::-1]
    out[place[there]] = y[there]
    return out
