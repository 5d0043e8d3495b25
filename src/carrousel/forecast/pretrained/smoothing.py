"""Two forecasts by exponential smoothing of what a short window holds, beside the network's.

Few values leave a network little to read, and the old methods little to get wrong. Of the last
values, without their season, these are taken:

- a level and a damped slope (Gardner & McKenzie 1985);
- a level, and half of the slope of the line through all values (Theta; Assimakopoulos &
  Nikolopoulos 2000, as Hyndman & Billah 2003 wrote it).

Parameters come from a grid: those with the smallest absolute errors one step ahead. Where the
network checks itself (``checks``), they are checked, too: the one that erred less counts for more,
and both for nothing where they err twice as much as the network; if there are values enough.
"""

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .checks import Missed

SHORT = 320  # steps of a window that may hold few values
# Of the middle of a forecast that both together are: a fifth of many values, half of few.
LEAST, MORE, MOST = 0.2, 5.0, 0.5
CHECKS = 8  # earlier origins that are looked at, the nearest
POWER = 4.0  # of the sum of the errors, to which weights are inverse
FEW, ENOUGH = 44, 60  # values up to which that teaches nothing, and from which on it is believed
# Logarithms of their errors beside those of the network, from where on their share falls, and to
# where nothing is left of it.
WORSE, NOTHING = 0.4, 0.8
SMALL = 1e-30
KEPT = 128  # last values that are smoothed
FEWEST = 4  # values without which there is nothing to smooth
LEVELS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
SLOPES = (0.0, 0.1, 0.3, 0.6)  # times the share of the level
DAMPED = (0.8, 0.9, 0.98)
CYCLES = 3  # seasons that a window must hold, for its profile to be taken off
EARLY = 4  # changes that the first slope is the mean of
# Shares of level and slope, and how much of a slope is left a step later; then levels alone.
GRID = torch.tensor(
    [(a, a * b, damped) for a, b, damped in product(LEVELS, SLOPES, DAMPED)]
    + [(a, 0.0, 0.0) for a in LEVELS],
    dtype=torch.double,
)


class Fit(NamedTuple):
    """Windows as both smooth them."""

    level: Tensor  # (B, 2) of either, at the end
    slope: Tensor  # (B, 1) of the first
    damped: Tensor  # (B, 1) what is left of it a step later
    half: Tensor  # (B, 1) of the slope of the line, of the second
    older: Tensor  # (B, 1) steps by which its level lags behind
    profile: Tensor  # (B, season)
    times: Tensor  # (B, 1) bool, whether the profile multiplies

    def forecast(self, ahead: Tensor) -> Tensor:
        """(B, J, 2) of the steps ``ahead`` (B, J) after the windows, NaN where missing."""
        reach = self.damped * (1 - self.damped**ahead) / (1 - self.damped)
        ways = self.slope * reach, self.half * (ahead - 1 + self.older)
        found = self.level[:, None] + torch.stack(ways, -1)
        season = self.profile.shape[1]
        coming = self.profile.gather(1, (KEPT - 1 + ahead) % season)[..., None]
        return torch.where(self.times[..., None], found * coming, found + coming)


def moved(quantiles: Tensor, found: Tensor, shares: Tensor) -> Tensor:
    """(B, J, Q) quantiles, moved so that of their middle what was ``found`` (B, J, 2) has its
    ``shares`` (B, 2), where it can be written."""
    way = found.nan_to_num() - quantiles[..., quantiles.shape[-1] // 2, None]
    return quantiles + (way * sensible(shares, found)[:, None]).sum(-1, keepdim=True)


def sensible(shares: Tensor, found: Tensor) -> Tensor:
    """(B, 2) shares: none of what was ``found`` (B, J, 2) and cannot be written."""
    return shares.double() * found.isfinite().flatten(1).all(1, keepdim=True)


def checked(window: Tensor, season: int, ahead: Tensor, missed: Missed) -> tuple[Tensor, Tensor]:
    """(B, J, 2) forecasts of the steps ``ahead`` (B, J) after windows (B, T), and (B, 2) shares of
    both in that of the network, which ``missed`` what followed earlier steps by so much."""
    origin, steps, error = (x[:, :CHECKS] for x in missed)
    # From the window and, in one batch, from what earlier steps of it knew.
    place = torch.arange(window.shape[1]) - (window.shape[1] - 1 - origin[..., None])  # (B, O, T)
    rows = torch.arange(len(window))[:, None, None]
    past = window[rows, place.clamp_min(0)].masked_fill(place < 0, torch.nan)
    fit = smoothed(torch.cat([window, past.flatten(0, 1)]), season)
    now, then = Fit(*(x[: len(window)] for x in fit)), Fit(*(x[len(window) :] for x in fit))
    target = (origin[..., None] + steps).clamp(max=window.shape[1] - 1)
    off = then.forecast(steps.flatten(0, 1)).unflatten(0, origin.shape)
    off = (window[rows, target][..., None] - off).abs()
    there = error.isfinite() & off.isfinite().all(-1)
    network = torch.where(there, error.abs(), 0.0).sum((1, 2))[:, None]
    both = torch.where(there[..., None], off, 0.0).sum((1, 2))
    known, count = window.isfinite().sum(1, keepdim=True), there.sum((1, 2))[:, None]
    return now.forecast(ahead), _shares(known, network, both, count)


def _shares(known: Tensor, network: Tensor, both: Tensor, count: Tensor) -> Tensor:
    """(B, 2) shares of both in the forecast, by sums of ``count`` (B, 1) absolute errors of the
    network (B, 1) and of ``both`` (B, 2), in windows of so many ``known`` (B, 1) values."""
    usual = (LEAST + MORE / known.clamp_min(1)).clamp(max=MOST) * (known >= FEWEST)
    both, network = both.clamp_min(SMALL), network.clamp_min(SMALL)
    weight = (both / both.amin(1, keepdim=True)) ** -POWER
    weight = weight / weight.sum(1, keepdim=True)
    sure = ((known - FEW) / (ENOUGH - FEW)).clamp(0, 1) * (count > 0)
    weight = 0.5 + (weight - 0.5) * sure
    worse = ((weight * both).sum(1, keepdim=True) / network).log()
    kept = ((NOTHING - worse) / (NOTHING - WORSE)).clamp(0, 1)
    # In float32: double precision differs in the last bit by what else is in a batch.
    return (usual * weight * (1 - (1 - kept) * sure)).float()


def smoothed(window: Tensor, season: int) -> Fit:
    """Windows (B, T) float64, NaN where missing."""
    y = F.pad(window, (max(KEPT - window.shape[1], 0), 0), value=torch.nan)[:, -KEPT:]
    steps, seen = torch.arange(KEPT), y.isfinite()
    first = torch.where(seen, steps, KEPT - 1).amin(1, keepdim=True)
    last = torch.where(seen, steps, -1).cummax(1).values
    y, age = y.gather(1, torch.maximum(last, first)).nan_to_num(), steps - first
    profile, times = _profile(y, age, season)
    phase = profile[:, steps % season]
    y = torch.where(times, y / phase, y - phase)
    old = age[:, -1:]
    place = (KEPT - 1 - old).clamp_min(0)
    early = old.clamp(1, EARLY)
    start = y.gather(1, place)
    slope = (y.gather(1, (place + early).clamp(max=KEPT - 1)) - start) / early
    level, slope, error = _smooth(y, age, start, slope)
    slopes = len(GRID) - len(LEVELS)
    best = error[:, :slopes].argmin(1, keepdim=True)
    other = slopes + error[:, slopes:].argmin(1, keepdim=True)
    t = (age - 0.5 * old) * (age >= 0)
    line = (t * y).sum(1, keepdim=True) / (t * t).sum(1, keepdim=True).clamp_min(1)
    share = GRID[:, 0][other]
    older = (1 - (1 - share) ** (old + 1)) / share
    levels = level.gather(1, torch.cat([best, other], 1))
    damped = GRID[:, 2][best]
    return Fit(levels, slope.gather(1, best), damped, 0.5 * line, older, profile, times)


def _smooth(y: Tensor, age: Tensor, start: Tensor, first: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, G) level and slope at the end and sum of absolute errors, for each row of ``GRID``."""
    share, of_slope, damped = GRID.T
    level, slope = start.expand(-1, len(GRID)), first * (damped > 0)
    total = torch.zeros_like(level)
    begin, begun = (KEPT - int(n) for n in (age[:, -1].max(), age[:, -1].min()))
    for t in range(begin, KEPT):
        left = damped * slope
        ahead = level + left
        error = y[:, t, None] - ahead
        after: tuple[Tensor, ...]
        after = ahead + share * error, left + of_slope * error, total + error.abs()
        if t < begun:  # some are where they start
            now, before = age[:, t, None] > 0, (level, slope, total)
            after = tuple(torch.where(now, *both) for both in zip(after, before, strict=True))
        level, slope, total = after
    return level, slope, total


def _profile(y: Tensor, age: Tensor, season: int) -> tuple[Tensor, Tensor]:
    """(B, season) what each phase (of the place in the window) adds, or where all values are
    positive multiplies (the second, (B, 1) bool): its mean beside the level around it, drawn
    towards nothing by how unsure that is (James & Stein 1961)."""
    known = age >= 0
    times = (torch.where(known, y, 1.0) > 0).all(1, keepdim=True)
    if season < 2 or CYCLES * season > KEPT:
        return times.to(y).expand(-1, season), times
    even = 1 - season % 2  # a mean over an even season is one of two, a step apart
    width = season + even
    weight = torch.full((1, 1, width), 1 / season, dtype=y.dtype)
    if even:
        weight[..., 0] = weight[..., -1] = 0.5 / season
    level = F.conv1d(y[:, None], weight)[:, 0]  # (B, KEPT - width + 1)
    half = width // 2
    inside = slice(half, KEPT - half)
    there = age[:, inside] >= half
    away = torch.where(times, y[:, inside] / level.clamp_min(1e-300) - 1, y[:, inside] - level)
    away = torch.where(there, away, 0.0)
    which = F.one_hot(torch.arange(KEPT)[inside] % season, season).to(y)
    count = (there.to(y) @ which).clamp_min(1)
    mean = (away @ which) / count
    rest = torch.where(there, away - mean @ which.T, 0.0).detach()
    unsure = (rest**2).sum(1, keepdim=True) / (there.sum(1, keepdim=True) - season).clamp_min(1)
    mean = mean - mean.mean(1, keepdim=True)
    size = (mean.detach() ** 2).mean(1, keepdim=True).clamp_min(1e-300)
    sure = (1 - (unsure / count).mean(1, keepdim=True) / size).clamp_min(0)
    sure = sure * (age[:, -1:] + 1 >= CYCLES * season)
    return torch.where(times, (1 + sure * mean).clamp_min(0.05), sure * mean), times
