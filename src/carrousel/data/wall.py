"""Hours of a zone as the clock on the wall counts them: seasons live there, steps do not.

A rush hour at eight stays at eight when clocks are put forward, 23 hours after that of the day
before. Series of steps below a day are therefore learned from, and forecast, on the wall clock: an
hour that is left out is a missing value, and of an hour that comes twice the first counts. The same
holds for covariates; those of an hour that is left out are those of the hour before, and what the
calendar says is that of the clock.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .clock import clock_changes, utc_offset
from .covariates import Spec, filled_forward, from_times
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
        if not panel.time_zone or not panel.utc or not panel.n_series:
            return None
        if not clock_changed(panel, h):
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
        shown = replace(
            panel,
            y=np.concatenate(series),
            offsets=np.concatenate([[0], np.cumsum([len(y) for y in series])]),
            start=panel.start + first + begun.astype("m8[us]"),
            wall=True,
        )
        if panel.exog is not None:
            beside = [
                _beside(panel.exog[slice(*panel.offsets[s : s + 2])], place, shown, s)
                for s, place in enumerate(places)
            ]
            shown = replace(shown, exog=np.concatenate(beside))
        return replace(wall, panel=shown)

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

    def cut(self, known: NDArray, missing: int, coming: list[NDArray]) -> Panel:
        """The first ``known`` (S,) steps of each series on the wall and so many missing ones, with
        what is ``coming`` beside these; fewer than none: without the last of them."""
        panel, kept = self.panel, np.maximum(known + min(missing, 0), 1)
        gap = max(missing, 0)
        y = [
            np.append(panel.series(s)[:n], np.full(gap, np.nan, panel.y.dtype))
            for s, n in enumerate(kept)
        ]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in y])])
        shown = replace(panel, y=np.concatenate(y), offsets=offsets)
        if panel.exog is None:
            return shown
        exog = np.full((len(shown.y), panel.exog.shape[1]), np.nan, panel.exog.dtype)
        for s, n in enumerate(kept):
            exog[offsets[s] : offsets[s] + n] = panel.exog[panel.offsets[s] :][:n]
        exog = filled_forward(exog, offsets)
        for s, n in enumerate(kept):
            part = coming[s][n : n + gap]
            exog[offsets[s] + n :][: len(part), : part.shape[1]] = part
        return replace(shown, exog=exog)

    def coming(self, ahead: NDArray | None) -> list[NDArray]:
        """For each series what is known ahead of its steps on the wall, (P, F): as far as the
        panel knows it, then ``ahead`` (S, h, F), if that is given, of the steps of time after."""
        steady, spec = self.steady, self.steady.covariates
        if steady.exog is None or not spec:
            return []
        found = []
        for s, n in enumerate(steady.lengths):
            values = steady.exog[steady.offsets[s] :][:n, : len(spec.ahead)]
            if ahead is not None:
                values = np.concatenate([values, ahead[s]])
            turn = self._turns(s, np.arange(len(values)))
            found.append(_beside(values, np.arange(len(values)) + turn - turn[:1], self.panel, s))
        return found

    def following(self, coming: list[NDArray], ends: NDArray, h: int) -> NDArray | None:
        """(S, h, F) what ``coming`` says of the steps from ``ends`` (S,) on; NaN after its end."""
        if not coming:
            return None
        out = np.full((len(ends), h, coming[0].shape[1]), np.nan, np.float32)
        for s, end in enumerate(ends):
            part = coming[s][end : end + h]
            out[s, : len(part)] = part
        return out


def clock_changed(panel: Panel, h: int = 0) -> bool:
    """Whether clocks are changed between the first observation of all series and ``h`` steps after
    the last."""
    steps = panel.at(np.arange(panel.n_series), panel.lengths + h)
    ends = np.array([panel.start.min(), steps.max()])
    first, last = (int(year) + 1970 for year in ends.astype("M8[Y]").astype(np.int64))
    when, _ = clock_changes(panel.time_zone or "UTC", first, last)
    return bool(((when > ends[0]) & (when <= ends[1])).any())


def _beside(values: NDArray, place: NDArray, panel: Panel, s: int) -> NDArray[np.float32]:
    """(P, C) covariates of steps (N, C) at their places on the wall in series ``s`` of ``panel``;
    ``values`` are the first columns of ``Panel.exog``."""
    columns = [_placed(column, place) for column in values.T]
    count = len(columns[0]) if columns else int(place[-1]) + 1 if len(place) else 0
    out = np.stack(columns, 1) if columns else np.zeros((count, 0), np.float32)
    out = filled_forward(out, np.array([0, count]))
    spec: Spec = panel.covariates
    made = from_times(panel.at(s, np.arange(count)), panel, spec)
    out[:, len(spec.futr) : len(spec.ahead)] = made
    return out.astype(np.float32, copy=False)


def _placed(y: NDArray, place: NDArray) -> NDArray:
    """Values at their places, the first of two that are there; up to the place of the last."""
    out = np.full(place[-1] + 1 if len(place) else 0, np.nan, y.dtype)
    there = np.flatnonzero(np.isfinite(y) & (place < len(out)))[::-1]
    out[place[there]] = y[there]
    return out
