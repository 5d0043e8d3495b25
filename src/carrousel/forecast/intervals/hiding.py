"""How much wider intervals must be where little is known, measured by hiding values.

A network that was trained forecasts what followed some windows of its own series: once as they
are, and again with their last values hidden (a gap), or all but the last (a new series). Intervals
must hold as often as without that; how much wider they must be is what ``doubt.doubted`` applies.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ...ops.constants import COUNTS, GAPS
from ..network.distribution import QUANTILES, SIDE
from ..network.network import Network
from ..network.shape import Shape
from ..network.windows import Sampler, Windows, less_last
from .doubt import stepped_over, widened

DRAWN = 1024  # windows, of which ...
MEASURED = 256  # ... so many have values hidden, real ones if there are enough
LEAST = 16  # windows that say something
POWERS = torch.linspace(0, 1.2, 25, dtype=torch.float64)
NARROWEST, WIDEST = 0.25, 16.0  # factors
INTERVAL = SIDE - QUANTILES.index(0.025)  # quantiles from the median to the end of 95 %


@torch.inference_mode()
def measure_doubt(network: Network, sampler: Sampler, real: int, seed: int) -> None:
    """Set ``network.wander`` and ``network.factors`` to what windows of the sampler say. ``real``:
    how many of its series, the first, are not made up."""
    if sampler.windows.grouped or not sampler.total:
        return
    series, end = sampler.pick(DRAWN, torch.Generator().manual_seed(seed))
    hiding = _Hiding(network, sampler.windows, series, end, real)
    network.wander.copy_(hiding.wander())
    network.factors.copy_(torch.stack([hiding.few(), hiding.ended(network.wander)]))


@dataclass(frozen=True)
class _Hiding:
    """Forecasts of what followed the positions ``end`` (B,) of ``series`` (B,)."""

    network: Network
    windows: Windows
    series: Tensor
    end: Tensor
    real: int
    plain: dict[int, Tensor] = field(
        default_factory=dict
    )  # how far off those of whole windows were

    def wander(self) -> Tensor:
        """(len(GAPS),) the smallest powers with which intervals hold after a gap of whole seasons.

        Few windows that do not overlap have room for a long gap: each is the mean with all of
        shorter ones. No interval is narrower after a longer gap.
        """
        wander, powers = self.network.wander.clone(), []
        for k, gap in enumerate(GAPS):
            over = _whole(gap, self.network.shape)
            which = self._long(over)
            if len(which) >= LEAST:
                wanted = self._reached_plainly(which)
                quantiles, target = self._forecast(which, over=over)
                powers.append(_smallest_power(quantiles, target, over, wanted))
            if powers:
                wander[k] = float(np.mean(powers))
        for k, (one, longer) in enumerate(pairwise(GAPS)):
            least = wander[k] * np.log1p(one) / np.log1p(longer)
            wander[k + 1] = torch.maximum(wander[k + 1], least)
        return wander

    def few(self) -> Tensor:
        """(len(COUNTS),) factors where only the last values are known."""
        factors = torch.ones(len(COUNTS), dtype=torch.float64)
        which = self._long(0)
        if len(which) < LEAST:
            return factors
        wanted = self._reached_plainly(which)
        for k, count in enumerate(COUNTS):
            if count <= self.windows.history // 2:
                factors[k] = _reached(*self._forecast(which, known=count)) / wanted
        return factors.clamp(NARROWEST, WIDEST)

    def ended(self, wander: Tensor) -> Tensor:
        """(len(COUNTS),) factors where the last values of the window are missing."""
        factors = torch.ones(len(COUNTS), dtype=torch.float64)
        factor = 1.0
        for k, gap in enumerate(COUNTS):
            which = self._long(gap)
            if not int(stepped_over(torch.tensor(gap), self.network.shape)) and len(which) >= LEAST:
                wanted = self._reached_plainly(which)
                quantiles, target = self._forecast(which, gap=gap)
                wide = widened(quantiles, torch.full((len(which),), gap), wander)
                factor = _reached(wide, target) / wanted
            factors[k] = factor
        return factors.clamp(NARROWEST, WIDEST)

    def _long(self, gap: int) -> Tensor:
        """Windows with enough values before a gap; real ones if there are enough."""
        known = max(self.windows.history // 2, 2 * self.network.shape.patch + 1)
        long = self.end - gap - self.windows.start[self.series] >= known
        own = long & (self.series < self.real)
        return torch.nonzero(own if int(own.sum()) >= 2 * LEAST else long)[:MEASURED, 0]

    def _reached_plainly(self, which: Tensor) -> float:
        """``_reached`` of windows as they are, each forecast once."""
        new = [window for window in which.tolist() if window not in self.plain]
        if new:
            self.plain.update(zip(new, _sides(*self._forecast(torch.tensor(new))), strict=True))
        return _most(torch.stack([self.plain[window] for window in which.tolist()]))

    def _forecast(
        self, which: Tensor, over: int = 0, gap: int = 0, known: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, h, Q) quantiles, of windows ``over`` steps earlier, of which the last ``gap`` values
        and those before the last ``known`` are hidden; and (B, h) what came."""
        windows, history = self.windows, self.windows.history
        series, end = self.series[which], self.end[which]
        target = torch.add(*windows.gather(series, end))[:, history:]
        window, offset = windows.gather(series, end - over)
        shown = window[:, :history].double() + offset
        shown[:, history - gap :] = torch.nan
        shown[:, : history - (history if known is None else known)] = torch.nan
        relative, offset = less_last(shown)
        extra = windows.extra(series, end)
        forecast = self.network(relative, last=True, extra=extra, offset=offset)
        return forecast.quantiles()[:, 0], target


def _whole(gap: int, shape: Shape) -> int:
    """A gap of whole seasons that is stepped over: what is stepped over of ``gap``, or the
    shortest one."""
    over = int(stepped_over(torch.tensor(gap), shape))
    while not over:
        gap += shape.seasons[0] - gap % shape.seasons[0]
        over = int(stepped_over(torch.tensor(gap), shape))
    return over


def _smallest_power(quantiles: Tensor, target: Tensor, gap: int, wanted: float) -> float:
    gaps = torch.full((len(target),), gap)
    for power in POWERS:
        wander = power.expand(len(GAPS))
        if _reached(widened(quantiles, gaps, wander), target) <= wanted:
            return float(power)
    return float(POWERS[-1])


def _reached(quantiles: Tensor, target: Tensor) -> float:
    """How far from the median 95 % of what came was, in sides of the 95 % interval."""
    return _most(_sides(quantiles, target))


def _sides(quantiles: Tensor, target: Tensor) -> Tensor:
    """(B, h) how far from the median each was, in sides of the 95 % interval."""
    median = quantiles[..., SIDE]
    above = quantiles[..., SIDE + INTERVAL] - median
    below = median - quantiles[..., SIDE - INTERVAL]
    side = torch.where(target > median, above, below)
    return (target - median).abs() / side.clamp_min(1e-300)


def _most(sides: Tensor) -> float:
    """95 % of all that are known are not above it."""
    known = sides[sides.isfinite()]
    return max(float(known.quantile(0.95)), 1e-9) if len(known) else 1.0
