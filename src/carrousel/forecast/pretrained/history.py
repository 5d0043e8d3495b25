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
    features: Tensor  # (B, read, FEATURES)
    before: int = 0  # steps in front that hold nothing and were left out

    def at(self, position: Tensor) -> Tensor:
        """Values at (B, K) positions; before the first step, the first."""
        low = self.first.clamp(max=self.value.shape[1] - 1)
        return self.value.gather(1, torch.maximum(position, low))


def history(y: Tensor, seasons: Tensor, read: int | None = None, before: int = 0) -> History:
    """y (B, T) float32 or float64, NaN where missing; seasons (B, 2) lags, 1 for none.

    Features are made of the last ``read`` steps only, if it is given. ``before`` steps without a
    value were left out in front, for which nothing is computed: they say where a season begins.
    """
    length = y.shape[1]
    steps = torch.arange(length, device=y.device)
    seen = y.isfinite()
    last = torch.where(seen, steps, -1).cummax(1).values
    first = torch.where(seen, steps, length).amin(1, keepdim=True)
    base = y.gather(1, last[:, -1:].clamp_min(0)).nan_to_num(0.0)
    value, lag, lag2 = (y - base).float().nan_to_num_(0.0), seasons[:, :1], seasons[:, 1:]
    value = filled(value, seen, last, first, lag, steps)
    started = steps >= first

    def back(lag: Tensor) -> tuple[Tensor, Tensor]:
        place = steps - lag
        there = place >= first
        return value.gather(1, torch.where(there, place, first.clamp(max=length - 1))), there

    before_it, has = back(torch.ones_like(lag))
    season_ago, has_season = back(lag)
    week_ago, has_week = back(lag2)
    has_week &= lag2 > 1
    change, seasonal, weekly = value - before_it, value - season_ago, value - week_ago
    turned = seasonal - (week_ago - back(lag + lag2)[0])
    memory = (3.0 * lag).clamp_min(SHORTEST).double()
    moves = torch.stack([change, seasonal, weekly, turned]).abs_().sqrt_()
    counted = torch.stack([has, has_season, has_week, has_week]).logical_and_(seen)
    rough, periodic, by_week, both = _means(moves, counted, memory).square_()
    regular = torch.stack(
        [
            _ratio(periodic, rough) * has_season,
            *(_ratio(x, rough) * has_week for x in (by_week, both)),
        ],
        -1,
    )
    usual = (change.abs() * has).cumsum(1, dtype=torch.double) / has.cumsum(1).clamp_min(1)
    unit = torch.where(periodic > 0, torch.minimum(rough, periodic), rough)
    unit = torch.maximum(unit, torch.maximum(0.03 * rough, 1e-3 * usual.float()))
    size = (value.double() + base).abs().float()
    count = (seen & started).cumsum(1).clamp_min(1)
    unit = torch.where(unit > SMALL, unit, 0.1 * (size + (size == 0)) / count)
    (near,) = _means(value[None], started[None], torch.full_like(memory, 3.0))
    (far,) = _means(value[None], started[None], memory)

    # From here on, of the last ``read`` steps alone.
    now = slice(-min(read or length, length), None)
    step, lags = steps[now] + before, (lag, lag2)
    is_zero, whole = y == 0, (y == y.round()) & seen
    kinds = _means(torch.stack([is_zero, whole]).float(), seen.expand(2, -1, -1), memory)
    v, u, has = value[:, now], unit[:, now], has[:, now]
    has_season, has_week = has_season[:, now], has_week[:, now]
    seasonal_before = _previous(seasonal, now)
    moved = torch.stack(
        [
            change[:, now],
            seasonal[:, now] * has_season,
            weekly[:, now] * has_week,
            (v - _previous(near, now)) * has,
            (v - _previous(far, now)) * has,
            (seasonal[:, now] - seasonal_before) * has_season,
            near[:, now] - far[:, now],
        ],
        -1,
    )
    numbers = [
        (seen & started)[:, now].float(),
        has_season.float(),
        has_week.float(),
        *(wave for one in lags for wave in phases(step, one)),
        (lag.float().log() / 4).expand_as(v),
        (lag2.float().log() / 6).expand_as(v),
        *regular[:, now].unbind(-1),
        (u / (size[:, now] + u)).log().clamp_min(-16) / 4,
        (steps[now] - first + 1).clamp_min(1).log() / 4,
        *kinds[:, :, now],
        (torch.where(seen, y, torch.inf).cummin(1).values[:, now] >= 0).float(),
        (u / _previous(unit, now)).log().clamp(-4, 4) * has,
    ]
    features = torch.cat([squashed(moved / u[..., None]), torch.stack(numbers, -1)], -1)
    features *= started[:, now, None]
    total = torch.nn.functional.pad(value.cumsum(1, dtype=torch.double), (1, 0))
    return History(
        value, seen, first, unit, near, far, regular, total, base, seasons, features, before
    )


def filled(
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


def _means(x: Tensor, counts: Tensor, memory: Tensor) -> Tensor:
    """(K, B, T) means of x where it counts, that forget over ``memory`` (B, 1) steps; 0 before.

    Weights grow up to 1 at the end; far before it they are nothing, and so are means."""
    grow = (torch.arange(1 - x.shape[-1], 1, device=x.device) / memory).exp_()
    grow = torch.where(counts, grow, 0.0)
    weight = grow.cumsum(-1).clamp_min_(1e-300)
    return grow.mul_(x).cumsum(-1).div_(weight).float()


def _previous(x: Tensor, now: slice) -> Tensor:
    """What stood a step before each of the last steps; before the first, the first itself."""
    start = x.shape[1] + now.start
    return x[:, start - 1 : -1] if start else torch.cat([x[:, :1], x[:, :-1]], 1)


def squashed(x: Tensor) -> Tensor:
    """arcsinh, from operations that run on many numbers at once; to within 1e-7."""
    return x.abs().add_(torch.hypot(x, torch.ones((), dtype=x.dtype))).log_().copysign(x)


def _ratio(x: Tensor, y: Tensor) -> Tensor:
    return ((x + SMALL) / (y + SMALL)).log().clamp(-6, 6) / 3


def phases(steps: Tensor, lag: Tensor) -> list[Tensor]:
    """Where steps lie in a season, as sine and cosine; zeros where there is none."""
    angle = (steps % lag) * (2 * torch.pi / lag)
    return [angle.sin() * (lag > 1), angle.cos() * (lag > 1)]
