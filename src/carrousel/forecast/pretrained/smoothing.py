"""Two forecasts by exponential smoothing of what a short window holds, beside the network's.

Few values leave a network little to read, and the old methods little to get wrong. Of the last
values, without their season, these are taken:

- a level and a damped slope (Gardner & McKenzie 1985);
- a level, and half of the slope of the line through all values (Theta; Assimakopoulos &
  Nikolopoulos 2000, as Hyndman & Billah 2003 wrote it).

Parameters come from a grid: those with the smallest absolute errors one step ahead. Smoothing is
linear in the values, so that all parameters of the grid are tried in one product of matrices.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

SHORT = 320  # steps of a window that may hold few values
SHARE = 0.25  # of the middle of a forecast that both together are
KEPT = 128  # last values that are smoothed
FEWEST = 4  # values without which there is nothing to smooth
LEVELS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
SLOPES = (0.0, 0.1, 0.3, 0.6)  # times the share of the level
DAMPED = (0.8, 0.9, 0.98)
CYCLES = 3  # seasons that a window must hold, for its profile to be taken off
EARLY = 4  # changes that the first slope is the mean of


def beside(quantiles: Tensor, window: Tensor, season: int, ahead: Tensor) -> Tensor:
    """(B, J, Q) quantiles of the steps ``ahead`` (B, J) after windows (B, T), moved by the share of
    what smoothing forecasts, where that is sensible."""
    found = smoothed(window, season, ahead)
    share = SHARE * sensible(window, found)[:, None, None].to(quantiles)
    middle = quantiles[..., quantiles.shape[-1] // 2, None]
    return quantiles + share * (found.mean(-1, keepdim=True).nan_to_num() - middle)


def sensible(window: Tensor, found: Tensor) -> Tensor:
    """(B,) whether there was something to smooth in windows (B, T), and it can be written."""
    return (window.isfinite().sum(1) >= FEWEST) & found.isfinite().flatten(1).all(1)


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
    start = y.gather(1, first)
    x = torch.where(age >= 0, y - start, 0.0)
    found = torch.stack([_damped(x, age, ahead), _theta(x, age, ahead)], -1) + start[..., None]
    coming = profile.gather(1, (KEPT - 1 + ahead) % season)[..., None]
    return torch.where(times[..., None], found * coming, found + coming)


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


def _damped(x: Tensor, age: Tensor, ahead: Tensor) -> Tensor:
    """(B, J): the level at the end and its slope, damped more with every step."""
    grid = _grid(tuple(product(LEVELS, SLOPES, DAMPED)))
    early = age[:, -1:].clamp(1, EARLY)
    place = (KEPT - 1 - age[:, -1:] + early).clamp(max=KEPT - 1)
    slope = x.gather(1, place) / early  # of the first few changes
    end, best = _best(grid, x, slope, age)
    damped = grid.damped[best][:, None]
    reach = damped * (1 - damped**ahead) / (1 - damped)
    return end[:, :1] + end[:, 1:] * reach


def _theta(x: Tensor, age: Tensor, ahead: Tensor) -> Tensor:
    """(B, J): the level at the end and half of the slope of the line."""
    grid = _grid(tuple((level, 0.0, 0.0) for level in LEVELS))
    end, best = _best(grid, x, torch.zeros_like(x[:, :1]), age)
    known = (age >= 0).to(x)
    t = (age - 0.5 * age[:, -1:]) * known
    slope = (t * x).sum(1) / (t * t).sum(1).clamp_min(1)
    level = torch.tensor(LEVELS, dtype=x.dtype)[best]
    older = (1 - (1 - level) ** (age[:, -1] + 1)) / level
    return end[:, :1] + 0.5 * slope[:, None] * (ahead - 1 + older[:, None])


class Grid(NamedTuple):
    """What G choices of parameters make of values that begin at zero, and of a first slope."""

    error: Tensor  # (G, KEPT, KEPT) one step ahead, at each step, of the value at each
    of_slope: Tensor  # (G, KEPT) one step ahead, so many steps after the first
    end: Tensor  # (G, KEPT, 2) level and slope, of a value so many steps before the end
    end_of_slope: Tensor  # (G, KEPT, 2) level and slope, so many steps after the first
    damped: Tensor  # (G,)


def _best(grid: Grid, x: Tensor, slope: Tensor, age: Tensor) -> tuple[Tensor, Tensor]:
    """Level and slope (B, 2) at the end of windows (B, KEPT) by the best parameters, and which."""
    with torch.no_grad():
        error = (x @ grid.error.flatten(0, 1).T).unflatten(1, (-1, KEPT))  # (B, G, KEPT)
        error += grid.of_slope[:, age.clamp_min(0)].transpose(0, 1) * slope[..., None]
        best = (error.abs() * (age > 0)[:, None]).sum(-1).argmin(-1)
    end = torch.einsum("bt,btk->bk", x.flip(1), grid.end[best])
    return end + grid.end_of_slope[best, age[:, -1]] * slope, best


@cache
@torch.inference_mode(False)  # what is kept may be asked for slopes later
def _grid(parameters: Sequence[tuple[float, float, float]]) -> Grid:
    """For shares of level and slope, and how much of a slope is left a step later."""
    a, b, damped = torch.tensor(parameters, dtype=torch.double).T
    none, one = torch.zeros_like(a), torch.ones_like(a)
    error = torch.stack([one, none])  # of a value at the first step; of a first slope
    level, slope = torch.stack([a, none]), torch.stack([a * b, one])
    errors, ends = [error], [torch.stack([level, slope], -1)]
    for _ in range(1, KEPT):
        error = -level - damped * slope
        level, slope = level + damped * slope + a * error, damped * slope + a * b * error
        errors.append(error)
        ends.append(torch.stack([level, slope], -1))
    error, end = torch.stack(errors, -1), torch.stack(ends, 2)  # (2, G, KEPT), (2, G, KEPT, 2)
    back = torch.arange(KEPT)[:, None] - torch.arange(KEPT)
    matrix = torch.where(back >= 0, error[0][:, back.clamp_min(0)], 0.0)
    return Grid(matrix, error[1], end[0], end[1], damped)
