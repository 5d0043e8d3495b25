"""What a network sees of a window: each step in units of what came before it.

A window is cut into steps of ``step`` observations (a day of hours, a year of months). Every
step has a *level*, the mean of its observations, and a *scale*, the mean absolute change from
one step to the next over the last few steps. Both look backwards only: the network may forecast
from any step of the window, and a longer window changes nothing that was said before.

Missing values are filled by the value one step before (the same hour of the day before) and
marked in a mask; the fill feeds differences and simple forecasts, never the level or the scale.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

FLOOR = 1e-4  # smallest scale, relative to the size of the values: a constant series
RECENT = 8  # steps over which the scale is measured


@dataclass(frozen=True)
class Scaled:
    """A batch of windows; all values are relative to ``origin``."""

    values: Tensor  # (B, T, step) gaps filled
    mask: Tensor  # (B, T, step) 1 where there was a value
    level: Tensor  # (B, T, 1)
    scale: Tensor  # (B, T, 1) > 0
    size: Tensor  # (B, T, 1) mean absolute value so far, in the units of y
    origin: Tensor  # (B, 1)
    age: Tensor  # (B, T) steps since the first value; negative before it

    def last(self) -> "Scaled":
        """The last step alone."""
        return self.part(slice(-1, None))

    def part(self, which: slice) -> "Scaled":
        """Some of the steps."""
        return Scaled(
            self.values[:, which], self.mask[:, which], self.level[:, which],
            self.scale[:, which], self.size[:, which], self.origin, self.age[:, which],
        )  # fmt: skip


def scale_steps(history: Tensor, step: int) -> Scaled:
    """Cut ``history`` (B, T*step), NaN where missing, into steps and measure them."""
    present = history.isfinite()
    complete = bool(present.all())  # then some steps have nothing to do
    # float32 holds a small movement on a large offset only once the offset is gone.
    origin = history[:, -1:] if complete else _last_value(history, present)
    raw = history.unflatten(1, (-1, step))  # (B, T, step)
    mask = present.unflatten(1, (-1, step))
    values = (raw - origin[:, :, None]).masked_fill_(~mask, 0.0)
    count = mask.sum(-1)  # (B, T)
    valid = count > 0
    level = _carry(values.sum(-1) / count.clamp_min(1), valid)
    paired = mask if complete else mask & (mask.cumsum(1) > 1)  # with the step before
    if not complete:
        values = _filled(values, mask, level)
    so_far = count.cumsum(1).clamp_min(1)
    size = raw.abs().masked_fill(~mask, 0.0).sum(-1).cumsum(1) / so_far
    scale = _scale(values, paired, level, count, size)
    age = torch.arange(mask.shape[1]) - _first(valid)
    mask = mask.to(values.dtype)
    return Scaled(values, mask, level[..., None], scale, size[..., None], origin, age)


def scale_last(history: Tensor, step: int) -> Scaled:
    """``scale_steps`` where only the last step is asked for: ``values`` and ``level`` are of all
    steps, the rest of the last alone. A few passes over the window instead of some fifteen."""
    raw = history.unflatten(1, (-1, step))
    total = history.abs().sum(1)  # (B)
    if not total.isfinite().all():
        scaled = scale_steps(history, step)
        return replace(scaled.last(), values=scaled.values, level=scaled.level)
    origin = history[:, -1:]
    values = raw - origin[:, :, None]
    level = values.mean(-1, keepdim=True)
    size = total / history.shape[1]
    if raw.shape[1] == 1:
        scale = (values - level).abs().mean((1, 2))
    else:
        change = (raw[:, 1:] - raw[:, :-1]).abs_().mean(-1)  # (B, T-1)
        scale = torch.maximum(change[:, -RECENT:].mean(1), 0.1 * change.mean(1))
    scale = torch.maximum(scale, FLOOR * size).clamp_min(1e-30)[:, None, None]
    age = torch.full((len(history), 1), raw.shape[1] - 1)
    return Scaled(
        values, torch.ones_like(values[:, -1:]), level, scale, size[:, None, None], origin, age
    )


def _scale(values: Tensor, paired: Tensor, level: Tensor, count: Tensor, size: Tensor) -> Tensor:
    """(B, T, 1) mean absolute change between steps: recent, but never far below all so far."""
    change = torch.zeros_like(level)
    change[:, 1:] = ((values[:, 1:] - values[:, :-1]).abs() * paired[:, 1:]).sum(-1)
    pairs = paired.sum(-1)
    pairs[:, 0] = 0
    ever = _running_mean(change, pairs)
    recent = _recent_mean(change, pairs)
    spread = _running_mean((values - level[..., None]).abs().mean(-1) * count, count)
    measured = pairs.cumsum(1) > 0
    scale = torch.where(measured, torch.maximum(recent, 0.1 * ever), spread)
    return torch.maximum(scale, FLOOR * size).clamp_min(1e-30)[..., None]


def _last_value(history: Tensor, present: Tensor) -> Tensor:
    """(B, 1) the last value that is there; 0 where there is none."""
    last = (present * torch.arange(history.shape[1])).amax(1, keepdim=True)
    return history.gather(1, last).nan_to_num()


def _filled(values: Tensor, mask: Tensor, level: Tensor) -> Tensor:
    """(B, T, step) with the last value of the same phase, or else the level, where missing."""
    known = _last_present(mask)
    return torch.where(known >= 0, values.gather(1, known.clamp_min(0)), level[..., None])


def _last_present(present: Tensor) -> Tensor:
    """Index along dimension 1 of the last True so far; -1 before the first."""
    shape = [1, -1] + [1] * (present.ndim - 2)
    index = torch.arange(present.shape[1]).view(shape)
    return torch.where(present, index, -1).cummax(1).values


def _carry(values: Tensor, valid: Tensor) -> Tensor:
    """(B, T): the last valid value so far; before the first, the first (nothing looks there)."""
    if valid.all():
        return values
    index = torch.maximum(_last_present(valid), _first(valid))
    return values.gather(1, index.clamp(max=valid.shape[1] - 1))


def _first(valid: Tensor) -> Tensor:
    """(B, 1) index of the first True; T where there is none."""
    return (valid.cumsum(1) == 0).sum(1, keepdim=True)


def _running_mean(total: Tensor, count: Tensor) -> Tensor:
    return total.cumsum(1) / count.cumsum(1).clamp_min(1)


def _recent_mean(total: Tensor, count: Tensor) -> Tensor:
    """Mean over the last RECENT steps, summed afresh each time: a difference of two cumulative
    sums would keep the rounding error of an outlier long gone."""
    window = [
        torch.nn.functional.pad(x.to(total.dtype), (RECENT - 1, 0)).unfold(1, RECENT, 1).sum(-1)
        for x in (total, count)
    ]
    return window[0] / window[1].clamp_min(1)
