"""The simple forecasts that the network starts from, at every step of a window.

The network does not learn the value of tomorrow but how to weigh these forecasts, and what to
add. They are what a careful person would write down first: as now, as last season, as the season
before in the mean, as last season plus the trend.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .scaling import Scaled

SEASONS = 4  # of which a seasonal mean is made
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
        return [*names, "half trend", "trend"]

    def __call__(self, scaled: Scaled, only_last: bool = False) -> Tensor:
        """(B, T, K, h) forecasts from the end of every step (or only the last: T = 1), relative
        to the origin."""
        first = scaled.values.shape[1] - 1 if only_last else 0
        level = scaled.level[:, first:].expand(-1, -1, self.h)
        forecasts = [scaled.values[:, first:, -1:].expand(-1, -1, self.h)]
        if self.step > 1:
            forecasts.append(level)
        for season in self.seasons:
            forecasts += self._seasonal(scaled, season, first)
        seasonal = forecasts[len(forecasts) - len(SEASONAL) * len(self.seasons)]
        if self.seasons[0] == 1:
            seasonal = forecasts[0]
        trend = self._trend(scaled)[:, first:]
        return torch.stack([*forecasts, seasonal + 0.5 * trend, seasonal + trend], 2)

    def _seasonal(self, scaled: Scaled, season: int, first: int) -> list[Tensor]:
        """The last season, the mean of the last few, and their mean form at today's level."""
        flat, level = scaled.values.flatten(1), scaled.level  # (B, T*step), (B, T, 1)
        lags = [self._lagged(flat, level[:, first:], season, back) for back in range(SEASONS)]
        if season == 1:
            return [torch.stack(lags).mean(0)]
        around = _rolling_mean(level, max(season // self.step, 1))  # (B, T, 1)
        form, zero = (scaled.values - around).flatten(1), torch.zeros_like(level[:, first:])
        forms = [self._lagged(form, zero, season, back) for back in range(SEASONS)]
        return [lags[0], torch.stack(lags).mean(0), around[:, first:] + torch.stack(forms).mean(0)]

    def _lagged(self, flat: Tensor, level: Tensor, season: int, back: int) -> Tensor:
        """(B, T, h): the same phase ``back`` seasons before the last; the oldest known season
        where there is none so far back, the level where there is none at all."""
        steps = flat.shape[1] // self.step
        ahead = torch.arange(self.h)
        end = torch.arange(steps - level.shape[1] + 1, steps + 1)[:, None] * self.step  # (T, 1)
        position = end + ahead - season * (ahead // season + 1)  # (T, h)
        further = position.div(season, rounding_mode="floor").clamp(0, back)
        position = position - season * further
        taken = flat[:, position.clamp_min(0).flatten()].unflatten(1, position.shape)
        return torch.where(position >= 0, taken, level)

    def _trend(self, scaled: Scaled) -> Tensor:
        """(B, T, h) mean change of level over the last seasons, once a season of the horizon."""
        level = scaled.level
        span = min(SEASONS, level.shape[1] - 1)
        past = torch.cat([level[:, :1].expand(-1, span, -1), level[:, : level.shape[1] - span]], 1)
        steps = scaled.age.clamp(1, max(span, 1))[..., None]  # a young series has fewer
        slope = (level - past) / steps * (self.seasons[0] / self.step)  # (B, T, 1)
        return slope * (torch.arange(self.h) // self.seasons[0] + 1)


def _rolling_mean(level: Tensor, steps: int) -> Tensor:
    """(B, T, 1) mean of the last ``steps`` levels; the first is repeated before the beginning."""
    padded = torch.cat([level[:, :1].expand(-1, steps - 1, -1), level], 1)
    return padded.unfold(1, steps, 1).mean(-1)
