"""Two forecasts by exponential smoothing of what a short window holds, beside the network's.

Few values leave a network little to read, and the old methods little to get wrong. Of the last
values, without their season, these are taken:

- a level and a damped slope (Gardner & McKenzie 1985);
- a level, and half of the slope of the line through all values (Theta; Assimakopoulos &
  Nikolopoulos 2000, as Hyndman & Billah 2003 wrote it).

Parameters come from a grid: those with the smallest absolute errors one step ahead.
"""

from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

SHORT = 320  # steps of a window that may hold few values
# Of the middle of a forecast that both together are: a fifth of many values, half of few.
LEAST, MORE, MOST = 0.2, 5.0, 0.5
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


def beside(quantiles: Tensor, window: Tensor, season: int, ahead: Tensor) -> Tensor:
    """(B, J, Q) quantiles of the steps ``ahead`` (B, J) after windows (B, T), moved by the share of
    what smoothing forecasts, where that is sensible."""
    found = smoothed(window, season, ahead)
    part = share(window, found)[:, None, None].to(quantiles)
    middle = quantiles[..., quantiles.shape[-1] // 2, None]
    return quantiles + part * (found.mean(-1, keepdim=True).nan_to_num() - middle)


def share(window: Tensor, found: Tensor) -> Tensor:
    """(B,) of a forecast of windows (B, T) that what was ``found`` by smoothing is; nothing where
    there was nothing to smooth or it cannot be written."""
    known = window.isfinite().sum(1)
    sensible = (known >= FEWEST) & found.isfinite().flatten(1).all(1)
    return (LEAST + MORE / known.clamp_min(1)).clamp(max=MOST) * sensible


def smoothed(window: Tensor, season: int, ahead: Tensor) -> Tensor:
    """(B, J, 2) forecasts of the steps ``ahead`` (B, J) after windows (B, T) float64, NaN where
    missing."""
    y = F.pad(window, (max(KEPT - window.shape[1], 0), 0), value=torch.nan)[:, -KEPT:]
    steps, seen = torch.arange(KEPT), y.isfinite()
    first = torch.where(seen, steps, KEPT - 1).amin(1, keepdim=True)
    last = torch.where(seen, steps, -1).cummax(1).values
    y, age = y.gather(1, torch.maximum(last, first)).nan_to_num(), steps - first
    profile, times = _profile(y, age, season)
    phase = profile[:, steps % season]
    y = torch.where(times, y / phase, y - phase)
    found = torch.stack(_forecasts(y, age, ahead), -1)
    coming = profile.gather(1, (KEPT - 1 + ahead) % season)[..., None]
    return torch.where(times[..., None], found * coming, found + coming)


def _forecasts(y: Tensor, age: Tensor, ahead: Tensor) -> tuple[Tensor, Tensor]:
    """(B, J) by a damped slope, and by half a slope, of values (B, KEPT) that begin at age 0."""
    old = age[:, -1:]
    place = (KEPT - 1 - old).clamp_min(0)
    early = old.clamp(1, EARLY)
    start = y.gather(1, place)
    first = (y.gather(1, (place + early).clamp(max=KEPT - 1)) - start) / early
    level, slope, error = _smooth(y, age, start, first)
    slopes = len(GRID) - len(LEVELS)
    best = error[:, :slopes].argmin(1, keepdim=True)
    damped = GRID[:, 2][best]
    reach = damped * (1 - damped**ahead) / (1 - damped)
    one = level.gather(1, best) + slope.gather(1, best) * reach
    best = slopes + error[:, slopes:].argmin(1, keepdim=True)
    t = (age - 0.5 * old) * (age >= 0)
    line = (t * y).sum(1, keepdim=True) / (t * t).sum(1, keepdim=True).clamp_min(1)
    share = GRID[:, 0][best]
    older = (1 - (1 - share) ** (old + 1)) / share
    return one, level.gather(1, best) + 0.5 * line * (ahead - 1 + older)


def _smooth(y: Tensor, age: Tensor, start: Tensor, first: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, G) level and slope at the end and sum of absolute errors, for each row of ``GRID``."""
    share, of_slope, damped = GRID.T
    level, slope = start.expand(-1, len(GRID)), first * (damped > 0)
    total = torch.zeros_like(level)
    for t in range(KEPT - int(age[:, -1].max()), KEPT):
        now = age[:, t, None] > 0
        ahead = level + damped * slope
        error = torch.where(now, y[:, t, None] - ahead, 0.0)
        level = torch.where(now, ahead + share * error, level)
        slope = torch.where(now, damped * slope + of_slope * error, slope)
        total = total + error.abs()
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
