"""What the network is shown of a history: everything relative, so that units do not matter.

All numbers after step t come from the values up to t alone. Values are taken off a base in the
precision in which they came, then kept in float32.
"""

from typing import NamedTuple

import torch
from torch import Tensor

FEATURES = 25
SHORTEST = 32  # steps over which a mean forgets, at least
SMALL = 1e-30


class History(NamedTuple):
    """B windows of T steps, after the first of which that has a value nothing is missing."""

    value: Tensor  # (B, T) relative to the base, holes filled
    seen: Tensor  # (B, T) bool: observed, not filled
    first: Tensor  # (B, 1) the first step with a value
    unit: Tensor  # (B, T) how much the series usually moves, > 0
    near: Tensor  # (B, T) the level, over a few steps
    far: Tensor  # (B, T) the level, over a few seasons
    regular: Tensor  # (B, T, 3) how well each season foretells, and both: logarithms, 0 for none
    total: Tensor  # (B, T + 1) float64 sums of the values, for means
    base: Tensor  # (B, 1) what was taken off, in the precision of the input
    seasons: Tensor  # (B, 2) int64
    features: Tensor  # (B, T, FEATURES)

    def at(self, position: Tensor) -> Tensor:
        """Values at (B, K) positions; before the first step, the first."""
        low = self.first.clamp(max=self.value.shape[1] - 1)
        return self.value.gather(1, torch.maximum(position, low))


def history(y: Tensor, seasons: Tensor) -> History:
    """y (B, T) float32 or float64, NaN where missing; seasons (B, 2) lags, 1 for none."""
    steps = torch.arange(y.shape[1], device=y.device)
    seen = y.isfinite()
    last = torch.where(seen, steps, -1).cummax(1).values
    first = torch.where(seen, steps, len(steps)).amin(1, keepdim=True)
    base = y.gather(1, last[:, -1:].clamp_min(0)).nan_to_num(0.0)
    value, lag, lag2 = (y - base).float().nan_to_num(0.0), seasons[:, :1], seasons[:, 1:]
    value = _filled(value, seen, last, first, lag, steps)
    started = steps >= first

    def back(lag: Tensor) -> tuple[Tensor, Tensor]:
        place = steps - lag
        there = place >= first
        return value.gather(1, torch.where(there, place, first.clamp(max=len(steps) - 1))), there

    before, has = back(torch.ones_like(lag))
    season_ago, has_season = back(lag)
    week_ago, has_week = back(lag2)
    has_week &= lag2 > 1
    change = value - before
    seasonal = value - season_ago
    memory = (3.0 * lag).clamp_min(SHORTEST).double()
    rough = _mean(change.abs().sqrt(), seen & has, memory) ** 2
    periodic = _mean(seasonal.abs().sqrt(), seen & has_season, memory) ** 2
    turned = seasonal - (week_ago - back(lag + lag2)[0])
    weekly = _mean((value - week_ago).abs().sqrt(), seen & has_week, memory) ** 2
    both = _mean(turned.abs().sqrt(), seen & has_week, memory) ** 2
    regular = torch.stack(
        [
            _ratio(periodic, rough) * has_season,
            *(_ratio(x, rough) * has_week for x in (weekly, both)),
        ],
        -1,
    )
    usual = (change.abs() * has).double().cumsum(1) / (has.cumsum(1)).clamp_min(1)
    unit = torch.where(periodic > 0, torch.minimum(rough, periodic), rough)
    unit = torch.maximum(unit, torch.maximum(0.03 * rough, 1e-3 * usual.float()))
    size = (value.double() + base).abs().float()
    count = (seen & started).cumsum(1).clamp_min(1)
    unit = torch.where(unit > SMALL, unit, 0.1 * (size + (size == 0)) / count)
    near = _mean(value, started, torch.full_like(memory, 3.0))
    far = _mean(value, started, memory)
    whole = (y == y.round()) & seen
    numbers = [
        torch.asinh(change / unit),
        torch.asinh(seasonal / unit) * has_season,
        torch.asinh((value - week_ago) / unit) * has_week,
        torch.asinh((value - near.roll(1, 1)) / unit) * has,
        torch.asinh((value - far.roll(1, 1)) / unit) * has,
        torch.asinh((seasonal - (before - season_ago.roll(1, 1))) / unit) * has_season,
        torch.asinh((near - far) / unit),
        seen.float() * started,
        has_season.float(),
        has_week.float(),
        *phases(steps, lag),
        *phases(steps, lag2),
        (lag.float().log() / 4).expand_as(value),
        (lag2.float().log() / 6).expand_as(value),
        *regular.unbind(-1),
        (unit / (size + unit)).log().clamp_min(-16) / 4,
        (steps - first + 1).clamp_min(1).log() / 4,
        _mean((y == 0).float(), seen, memory),
        _mean(whole.float(), seen, memory),
        (torch.where(seen, y, torch.inf).cummin(1).values >= 0).float(),
        (unit / unit.roll(1, 1)).log().clamp(-4, 4) * has,
    ]
    features = torch.stack(numbers, -1) * started[..., None]
    total = torch.nn.functional.pad(value.double().cumsum(1), (1, 0))
    return History(value, seen, first, unit, near, far, regular, total, base, seasons, features)


def _filled(
    value: Tensor, seen: Tensor, last: Tensor, first: Tensor, lag: Tensor, steps: Tensor
) -> Tensor:
    """Holes take the value of one or two seasons ago, else the last; the start takes the first."""
    out, known = value, seen
    for k in (1, 2):
        place = (steps - k * lag).clamp_min(0)
        there = ~known & seen.gather(1, place) & (lag > 1) & (steps >= k * lag)
        out, known = torch.where(there, value.gather(1, place), out), known | there
    place = torch.where(known, steps, -1).cummax(1).values
    place = torch.maximum(place, first).clamp(max=value.shape[1] - 1)
    return out.gather(1, place)


def _mean(x: Tensor, counts: Tensor, memory: Tensor) -> Tensor:
    """(B, T) means of x where it counts, that forget over ``memory`` (B, 1) steps; 0 before."""
    grow = (torch.arange(x.shape[1], device=x.device) / memory).exp()
    grow = torch.where(counts, grow, 0.0)
    weight = grow.cumsum(1)
    return ((grow * x).cumsum(1) / weight.clamp_min(1e-300)).float()


def _ratio(x: Tensor, y: Tensor) -> Tensor:
    return ((x + SMALL) / (y + SMALL)).log().clamp(-6, 6) / 3


def phases(steps: Tensor, lag: Tensor) -> list[Tensor]:
    """Where steps lie in a season, as sine and cosine; zeros where there is none."""
    angle = (steps % lag) * (2 * torch.pi / lag)
    return [angle.sin() * (lag > 1), angle.cos() * (lag > 1)]
