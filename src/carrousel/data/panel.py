"""Many regular series in one contiguous array."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..wording import some
from .clock import local_time, nominal_time, utc_time, wall_time
from .frequency import DAY, Frequency
from .mapped import pieces
from .reading import ReadOptions


@dataclass(frozen=True)
class Panel:
    """Series one after the other; times are regular, so that only the first of each is kept.

    >>> panel = Panel(
    ...     y=np.array([1.0, 2, 3, 4, 5]),
    ...     offsets=np.array([0, 2, 5]),
    ...     ids=["a", "b"],
    ...     start=np.array(["2024-01-01", "2024-01-02"], "M8[us]"),
    ...     freq=Frequency.parse("1d"),
    ... )
    >>> panel.series(1)
    array([3., 4., 5.])
    >>> panel.times(0, 1, 3).astype("M8[D]")
    array(['2024-01-02', '2024-01-03'], dtype='datetime64[D]')
    """

    y: np.ndarray  # (N,) NaN = missing; float32 if that holds every value, else float64
    offsets: np.ndarray  # (S+1,) int64: series s owns y[offsets[s]:offsets[s+1]]
    ids: list[Any]  # (S) as they came in
    start: np.ndarray  # (S,) datetime64[us] or int64
    freq: Frequency
    id_col: str | None = "unique_id"  # None: one series that came without a name
    time_col: str = "ds"
    target_col: str = "y"
    time_zone: str | None = None  # see `utc`
    wall: bool = False  # with a time zone, below a day: steps are those of the clock on the wall
    exog: np.ndarray | None = None  # (N, C) float32: covariates beside y, codes of categories
    static: np.ndarray | None = None  # (S, K) float32: covariates of each series
    covariates: Any = None  # what their columns are: ``carrousel.data.covariates.Spec``
    reading: ReadOptions | None = None  # how its table was written, as far as that was open
    day: np.ndarray | None = None  # (S,) of the month, if not that of start: see Frequency.advance

    @property
    def n_series(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:
        """(S,) number of time steps of each series, missing values included."""
        return np.diff(self.offsets)

    @property
    def known(self) -> int:
        """How many values are not missing."""
        return sum(int(np.isfinite(part).sum()) for part in pieces(self.y))

    @property
    def ends(self) -> np.ndarray:
        """(S,) the last time of each series."""
        return self.at(slice(None), self.lengths - 1)

    @property
    def days(self) -> np.ndarray | None:
        """(S,) the day of the month that each series is counted from; None unless in months."""
        if self.day is not None or self.freq.unit != "month":
            return self.day
        return self.freq.day(self.start)

    @property
    def utc(self) -> bool:
        """With a time zone: whether times are kept in UTC (below a day) or as wall time."""
        return self.freq.unit == "us" and self.freq.step < DAY and not self.wall

    def local(self, times: np.ndarray) -> np.ndarray:
        """Times of this panel as people read them: as clocks in its zone show them."""
        return local_time(times, self.time_zone) if self.time_zone and self.utc else times

    def instants(self, times: np.ndarray) -> np.ndarray:
        """Times of this panel in UTC, where it has a time zone."""
        return times if self.utc or not self.time_zone else utc_time(times, self.time_zone)

    def never_was(self, times: np.ndarray) -> np.ndarray:
        """Whether no moment of a step exists, for each of some times: the days, or steps of the
        clock, that a zone left out when it crossed the date line or put its clocks forward."""
        unit = self.freq.unit
        if not self.time_zone or self.utc or unit not in ("us", "business"):
            return np.zeros(times.shape, bool)
        width = np.timedelta64(self.freq.step if unit == "us" else DAY, "us")
        return utc_time(times, self.time_zone) == utc_time(times + width, self.time_zone)

    def own(self, time: np.ndarray, series: np.ndarray) -> np.ndarray:
        """UTC times of rows of some ``series`` (N,), as this panel, which has a zone, counts them:
        the inverse of ``instants``."""
        time = time.astype("M8[us]", copy=False)  # pandas before 3 counts nanoseconds
        if self.utc or not self.time_zone:
            return time
        start = self.start[series]
        if not self.wall:
            return nominal_time(time, self.time_zone, start - start.astype("M8[D]"))
        local, earlier = local_time(time, self.time_zone), wall_time(time, self.time_zone)
        fits = (local - start).astype(np.int64) % self.freq.step == 0
        return np.where(fits, local, earlier)

    def series(self, s: int) -> np.ndarray:
        """The values of series ``s``: a view."""
        return self.y[self.offsets[s] : self.offsets[s + 1]]

    def at(self, series: Any, steps: Any) -> np.ndarray:
        """Times ``steps`` steps after the first of ``series``; positions, which broadcast."""
        day = None if self.day is None else self.day[series]
        return self.freq.advance(self.start[series], steps, day)

    def times(self, s: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Times of positions start..stop-1 of series ``s``; ``stop`` may lie in the future."""
        stop = int(self.lengths[s]) if stop is None else stop
        return self.at(s, np.arange(start, stop))

    def future(self, h: int) -> dict[str, np.ndarray]:
        """Columns of the ``h`` steps after each series: (S*h,) names and times."""
        steps = self.lengths[:, None] + np.arange(h)  # (S, h)
        return self.columns(self.at(np.arange(self.n_series)[:, None], steps))

    def columns(self, times: np.ndarray) -> dict[str, np.ndarray]:
        """Name and time columns for ``times`` (S, k), flattened series by series."""
        named = {self.time_col: times.reshape(-1)}
        if self.id_col is None:
            return named
        return {self.id_col: np.repeat(np.asarray(self.ids), times.shape[1]), **named}

    def head(self, drop: int) -> "Panel":
        """Every series without its last ``drop`` steps; empty ones stay, with length 0."""
        rows, offsets = self._between(0, np.maximum(self.lengths - drop, 0))
        exog = None if self.exog is None else self.exog[rows]
        return replace(self, y=self.y[rows], offsets=offsets, day=self.days, exog=exog)

    def tail(self, keep: int | np.ndarray) -> "Panel":
        """The last ``keep`` steps of every series; (S,) or one number for all."""
        first = np.maximum(self.lengths - keep, 0)
        rows, offsets = self._between(first, self.lengths)
        return replace(
            self,
            y=self.y[rows],
            offsets=offsets,
            start=self.at(slice(None), first),
            day=self.days,
            exog=None if self.exog is None else self.exog[rows],
        )

    def split(self, h: int) -> tuple["Panel", "Panel"]:
        """(all but the last ``h`` steps, the last ``h`` steps) of every series."""
        return self.head(h), self.tail(h)

    def select(self, which: Any) -> "Panel":
        """The panel of some series, by position, in that order."""
        which = np.asarray(which, np.int64)
        parts = [self.series(s) for s in which]
        return replace(
            self,
            y=np.concatenate(parts) if parts else self.y[:0],
            offsets=np.concatenate([[0], np.cumsum(self.lengths[which])]),
            ids=[self.ids[s] for s in which],
            start=self.start[which],
            exog=None if self.exog is None else self.exog[self._rows(which)],
            static=None if self.static is None else self.static[which],
            day=None if self.day is None else self.day[which],
        )

    def _rows(self, which: np.ndarray) -> np.ndarray:
        """Positions of all values of some series."""
        parts = [np.arange(self.offsets[s], self.offsets[s + 1]) for s in which]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def require(self, length: int, purpose: str) -> None:
        """Raise ValueError, naming the series shorter than ``length`` steps."""
        short = np.flatnonzero(self.lengths < length)
        if len(short):
            names = some([f"{self.ids[s]!r} has {self.lengths[s]}" for s in short])
            raise ValueError(f"{purpose} needs {length} steps per series, but {names}")

    def _between(self, start: int | np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the values at steps start..stop (S,) of every series, and the offsets that
        these values have."""
        length = stop - start
        offsets = np.concatenate([[0], np.cumsum(length)])
        shift = np.repeat(self.offsets[:-1] + start - offsets[:-1], length)
        return shift + np.arange(offsets[-1]), offsets
