"""The simple forecasts that the network starts from, at every step of a window.

The network does not learn the value of tomorrow but how to weigh these forecasts, and what to
add. They are what a careful person would write down first: as now, as last season, as the season
before in the mean, as last season plus the trend; and where a day lies in a week, as the week's
profile plus what yesterday was beside it.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ..constants import WINDOW
from .scaling import Scaled

SEASONAL = ("last", "mean", "form")  # forecasts made from one season


@dataclass(frozen=True)
class Anchors:
    """Which simple forecasts to make; ``seasons`` are lags in observations, shortest first."""

    step: int
    h: int
    seasons: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """One name for each forecast, in order."""
        names = ["last"] if self.step == 1 else ["last", "level"]
        for season in self.seasons:
            names += ["mean 1"] if season == 1 else [f"{k} {season}" for k in SEASONAL]
        for season in self._outer():
            names += [f"{self.seasons[0]} in {k} {season}" for k in ("last", "mean")]
        return [*names, "half trend", "trend"]

    def _outer(self) -> tuple[int, ...]:
        """The longer seasons within which the shortest one repeats."""
        return tuple(s for s in self.seasons[1:] if s % self.seasons[0] == 0)

    def __call__(self, scaled: Scaled, only_last: bool = False) -> Tensor:
        """(B, T, K, h) forecasts from the end of every step (or only the last: T = 1), relative
        to the origin.

        Nearly all of them are values that are there, or their means over the same phase of some
        seasons: these are put side by side and the forecasts gathered from them at once.
        """
        steps, names = scaled.values.shape[1], self.names
        first = steps - 1 if only_last else 0
        flat, level = scaled.values.flatten(1), scaled.level  # (B, T*step), (B, T, 1)
        parts, around = [flat, level.flatten(1), torch.zeros_like(flat[:, :1])], {}
        for season in self.seasons:
            mean = _season_mean(flat, season)
            parts.append(mean)
            if season > 1:
                level_ = _rolling_mean(level, max(season // self.step, 1))  # (B, T, 1)
                parts.append(_season_mean((scaled.values - level_).flatten(1), season))
                around[f"form {season}"] = level_[:, first:]
            if season in self._outer():
                parts += [_beside(flat, flat, season), _beside(flat, mean, season)]
        index, more = _index(self, steps, first)
        table = torch.cat(parts, 1)
        out = table.index_select(1, index.flatten()).view(-1, *index.shape)  # (B, T, K, h)
        if len(more):
            within = table.index_select(1, more.flatten()).view(-1, *more.shape)
            out[:, :, -2 - more.shape[1] : -2] += within
        for name, mean in around.items():
            out[:, :, names.index(name)] += mean
        slope, ahead = self._slope(scaled)[:, first:], torch.arange(self.h) // self.seasons[0] + 1
        out[:, :, -2].addcmul_(slope, ahead, value=0.5)
        out[:, :, -1].addcmul_(slope, ahead)
        return out

    def _slope(self, scaled: Scaled) -> Tensor:
        """(B, T, 1) mean change of level from season to season over the last few."""
        level = scaled.level
        span = min(WINDOW.seasons, level.shape[1] - 1)
        past = torch.cat([level[:, :1].expand(-1, span, -1), level[:, : level.shape[1] - span]], 1)
        steps = scaled.age.clamp(1, max(span, 1))[..., None]  # a young series has fewer
        return (level - past) / steps * (self.seasons[0] / self.step)


@lru_cache(maxsize=32)
def _index(anchors: Anchors, steps: int, first: int) -> tuple[Tensor, Tensor]:
    """(T, K, h) columns of the table that ``Anchors`` puts together, and (T, K', h) what is added
    to those of one season within another.

    Step t of the horizon is found one season earlier, or as many as it takes; where the history
    does not reach so far back, the level stands in (for a form or a deviation: nothing).
    """
    length, ahead = steps * anchors.step, torch.arange(anchors.h)
    end = torch.arange(first + 1, steps + 1)[:, None] * anchors.step  # (T, 1)
    level = (length + end // anchors.step - 1).expand(-1, anchors.h)
    nothing, column = length + steps, length + steps + 1
    last = (end - 1).expand_as(level)
    parts, within, more = [last] if anchors.step == 1 else [last, level], [], []
    nearest, before = last, end - 1
    for season in anchors.seasons:
        position = end + ahead - season * (ahead // season + 1)  # (T, h)
        there = position >= 0
        latest = torch.where(there, position, level)
        mean = torch.where(there, position + column, level)
        form = torch.where(there, position + column + length, nothing)
        parts += [mean] if season == 1 else [latest, mean, form]
        column += length if season == 1 else 2 * length
        if season == anchors.seasons[0]:
            nearest, before = latest, position
        elif season in anchors._outer():
            known = before >= season
            for profile in (latest, mean):
                within.append(torch.where(known, profile, nearest))
                more.append(torch.where(known, before + column, nothing))
                column += length
    added = torch.stack(more, 1) if more else torch.empty(0)
    return torch.stack([*parts, *within, nearest, nearest], 1), added


def _beside(flat: Tensor, profile: Tensor, season: int) -> Tensor:
    """(B, N) what each value is more than ``profile`` was one season before; 0 at first."""
    out = torch.zeros_like(flat)
    if season < flat.shape[1]:
        out[:, season:] = flat[:, season:] - profile[:, :-season]
    return out


def _season_mean(x: Tensor, season: int) -> Tensor:
    """(B, N): at each position the mean of it and of the same phase of the seasons before, up to
    WINDOW.seasons in all; the oldest is repeated where there are fewer."""
    if season >= x.shape[1]:
        return x
    padded = torch.cat([*[x[:, :season]] * (WINDOW.seasons - 1), x], 1)
    return padded.unfold(1, x.shape[1], season).mean(1)


def _rolling_mean(level: Tensor, steps: int) -> Tensor:
    """(B, T, 1) mean of the last ``steps`` levels; the first is repeated before the beginning."""
    if steps == 1:
        return level
    padded = torch.cat([level[:, :1].expand(-1, steps - 1, -1), level], 1)
    return padded.unfold(1, steps, 1).mean(-1)
