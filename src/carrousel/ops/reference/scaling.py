"""What a network sees of a window: each step in units of what came before it.

A window is cut into steps of ``step`` observations (a day of hours, a year of months). Every
step has a *level*, the mean of its observations, and a *scale*, the mean absolute change from
one step to the next over the last few steps that could be compared. Both look backwards only: the
network may forecast from any step of the window, and a longer window changes nothing that was said
before.

- Missing values are filled by the value one step before (the same hour of the day before) and
  marked in a mask; the fill feeds differences and simple forecasts, never the level or the scale.
- *Outliers* are cut: a value counts no more than ``far`` scales beyond everything that it may be
  compared with. A level that has shifted is an outlier once; the next value, which has the first
  beside it, is followed wherever it goes.
- Where less than ``few`` values could be compared, the scale is partly the *usual* one, of the
  other series (``prior``), and where there was nothing to compare wholly that: what was not
  measured is no reason to be sure. A series that never moved has a small scale, but not none.

The kernel ``csrc/windows.inl.h`` does the same in one pass, the explorer's ``scaling.js`` in the
page; ``carrousel.ops.windows`` picks. The numbers are ``carrousel.ops.constants.WINDOW``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..constants import WINDOW


class Prior(NamedTuple):
    """The scale of a series of which nothing was measured."""

    relative: float = 0.1  # of the size of its values
    absolute: float = 0.0  # but at least this


@dataclass(frozen=True)
class Scaled:
    """A batch of windows; values and levels are relative to ``origin``."""

    values: Tensor  # (B, T, step) gaps filled, outliers cut
    mask: Tensor  # (B, T, step) 1 where there was a value
    level: Tensor  # (B, T, 1)
    scale: Tensor  # (B, T, 1) > 0
    size: Tensor  # (B, T, 1) mean absolute value so far, in the units of y
    origin: Tensor  # (B, 1) the last value of the window as it was given
    age: Tensor  # (B, T) steps since the first value; negative before it
    offset: Tensor  # (B, 1) float64: what had been taken off the window before

    def last(self) -> "Scaled":
        """The last step alone."""
        return self.part(slice(-1, None))

    def part(self, which: slice) -> "Scaled":
        """Some of the steps."""
        return Scaled(
            self.values[:, which], self.mask[:, which], self.level[:, which],
            self.scale[:, which], self.size[:, which], self.origin, self.age[:, which],
            self.offset,
        )  # fmt: skip

    def absolute(self) -> Tensor:
        """(B, 1) float64: where the zero of ``values`` lies, in the units of y."""
        return self.origin.double() + self.offset


def no_offset(history: Tensor) -> Tensor:
    """(B, 1) for windows from which nothing was taken off."""
    return torch.zeros(len(history), 1, dtype=torch.float64)


def scale_steps(
    history: Tensor,
    step: int,
    seasons: Sequence[int] = (),
    *,
    offset: Tensor | None = None,
    prior: Prior | None = None,
) -> Scaled:
    """Cut ``history`` (B, T*step), NaN where missing, into steps and measure them.

    Args:
        history: The values less ``offset`` (B, 1).
        step: Observations in a step.
        seasons: Lags at which a value has others to be compared with.
        offset: float64; None: nothing was taken off. float32 holds a small movement on a large
            offset only once the offset is gone.
        prior: The usual scale; None: what little was measured must do.
    """
    present = history.isfinite()
    offset = no_offset(history) if offset is None else offset
    origin = _last_value(history, present)
    raw = (history - origin).masked_fill(~present, torch.nan)
    window = _Window(raw, present, step, tuple(seasons), origin.double() + offset, prior)
    for t in range(raw.shape[1] // step):
        window.take(t)
    steps = (torch.stack(parts, 1) for parts in (window.values, window.levels, window.scales))
    values, level, scale = steps
    size, mask = torch.stack(window.sizes, 1), window.mask
    first = _first(mask.any(-1))  # (B, 1)
    age = torch.arange(mask.shape[1]) - first
    before = age < 0  # nothing is asked there: the first level stands in
    ahead = level.gather(1, first.clamp(max=level.shape[1] - 1))
    level = torch.where(before, ahead, level)
    values = torch.where(before[..., None], ahead[..., None], values)
    return Scaled(
        values, mask.to(values.dtype), level[..., None], scale[..., None], size[..., None],
        origin, age, offset,
    )  # fmt: skip


class _Window:
    """B windows on their way from the first step to the last; see ``scale_steps``."""

    def __init__(
        self, raw: Tensor, present: Tensor, step: int, seasons: tuple[int, ...], base: Tensor,
        prior: Prior | None,
    ) -> None:  # fmt: skip
        self.raw, self.present, self.step, self.prior, self.base = raw, present, step, prior, base
        self.mask = present.unflatten(1, (-1, step))  # (B, T, step)
        self.lags = (1, step, 2 * step, *seasons)
        self.enough = _enough_steps(step, seasons)
        self.values: list[Tensor] = []  # (B, step) each
        self.levels: list[Tensor] = []  # (B) each
        self.scales: list[Tensor] = []
        self.sizes: list[Tensor] = []
        self.changes: list[Tensor] = []  # between the values of neighboring steps, summed
        self.pairs: list[Tensor] = []  # how many there were
        batch = len(raw)
        self.known = torch.zeros(batch, step, dtype=torch.bool)
        self.spread, self.counted, self.total = (raw.new_zeros(batch) for _ in range(3))
        self.far = torch.full((batch,), torch.inf, dtype=raw.dtype)

    def take(self, t: int) -> None:
        """Step t: its values, level and scale."""
        mask = self.mask[:, t]
        values = self._cut(t).masked_fill(~mask, 0.0)
        count = mask.sum(-1)
        size = (values + self.base).abs().masked_fill(~mask, 0.0).sum(-1)
        level = values.sum(-1) / count.clamp_min(1)
        if t:
            level = torch.where(count > 0, level, self.levels[-1])
        before = self.values[-1] if t else torch.zeros_like(values)
        values = torch.where(mask, values, torch.where(self.known, before, level[:, None]))
        paired = mask & self.known
        self.changes.append(((values - before).abs() * paired).sum(-1))
        self.pairs.append(paired.sum(-1).to(values.dtype))
        self.known = self.known | mask
        self.spread = self.spread + (values - level[:, None]).abs().mean(-1) * count
        self.counted, self.total = self.counted + count, self.total + size.to(self.total.dtype)
        self.values.append(values)
        self.levels.append(level)
        self.sizes.append(self.total / self.counted.clamp_min(1))
        measured, scale = self._scale()
        self.far = torch.where(measured >= self.enough, WINDOW.far * scale, torch.inf)
        self.scales.append(scale.clamp_min(WINDOW.least))

    def _cut(self, t: int) -> Tensor:
        """(B, step) no further than ``far`` from all that there is to compare with. A rise from
        nothing is not cut: zero says nothing about the size of what will come."""
        values = self.raw[:, t * self.step : (t + 1) * self.step]
        if not self.far.isfinite().any():
            return values
        near = torch.stack([self._back(t, lag) for lag in self.lags], -1)  # (B, step, lags)
        there = near.isfinite()
        low = near.masked_fill(~there, torch.inf).amin(-1) - self.far[:, None]
        high = near.masked_fill(~there, -torch.inf).amax(-1) + self.far[:, None]
        zero = WINDOW.zero * self.sizes[-1][:, None, None]
        nothing = ((near + self.base[..., None]).abs() <= zero).any(-1)
        compared = there[..., 1:].any(-1) & ~nothing & self.far.isfinite()[:, None]
        return torch.where(compared, torch.minimum(torch.maximum(values, low), high), values)

    def _back(self, t: int, lag: int) -> Tensor:
        """(B, step) the values ``lag`` before those of step t; NaN before the first."""
        first = t * self.step - lag
        if first >= 0:
            return self.raw[:, first : first + self.step]
        missing = self.raw.new_full((len(self.raw), min(-first, self.step)), torch.nan)
        return torch.cat([missing, self.raw[:, : max(first + self.step, 0)]], 1)

    def _scale(self) -> tuple[Tensor, Tensor]:
        """(B,) how many steps could be compared with others, and the scale."""
        size, few = self.sizes[-1], self.spread / self.counted.clamp_min(1)
        changes, pairs = torch.stack(self.changes, 1), torch.stack(self.pairs, 1)  # (B, t)
        compared = pairs.sum(1)
        scale = torch.where(compared > 0, _recent_change(changes, pairs), few)
        prior = Prior(WINDOW.floor) if self.prior is None else self.prior
        scale = torch.where(
            scale <= WINDOW.still * size, min(WINDOW.floor, prior.relative) * size, scale
        )
        if self.prior is not None:
            compared = torch.where(compared > 0, compared, (self.counted - 1).clamp_min(0))
            usual = (prior.relative * size).clamp_min(prior.absolute)
            scale = scale + (1 - compared / WINDOW.few).clamp_min(0.0) * (usual - scale)
        return (pairs > 0).sum(1), scale


def _enough_steps(step: int, seasons: Sequence[int]) -> int:
    """Measured steps after which outliers are told from seasons: those of a whole season."""
    longest = seasons[-1] if seasons else 1
    return min(WINDOW.recent, max(-(-WINDOW.seen // step), -(-longest // step) + 1))


def _recent_change(changes: Tensor, pairs: Tensor) -> Tensor:
    """(B,) mean change over the last ``recent`` measured steps, but never far below all so far;
    there, a change of ``far`` times the usual one counts no more than that."""
    measured = pairs > 0
    recent = measured & (measured.flip(1).cumsum(1).flip(1) <= WINDOW.recent)
    now = (changes * recent).sum(1) / (pairs * recent).sum(1).clamp_min(1)
    every = pairs.sum(1).clamp_min(1)
    moved = (changes > 0) & measured
    each = (changes / pairs.clamp_min(1)).masked_fill(~moved, torch.inf).sort(1).values
    middle = ((moved.sum(1) - 1).clamp_min(0) // 2)[:, None]
    limit = (WINDOW.far * each.gather(1, middle)).nan_to_num(posinf=0.0) * pairs
    ever = torch.minimum(changes, limit).sum(1) / every
    further = WINDOW.ever * changes.sum(1) / every > now
    return torch.where(further, torch.maximum(now, WINDOW.ever * ever), now)


def _last_value(history: Tensor, present: Tensor) -> Tensor:
    """(B, 1) the last value that is there; 0 where there is none."""
    last = (present * torch.arange(history.shape[1])).amax(1, keepdim=True)
    return history.gather(1, last).nan_to_num()


def _first(valid: Tensor) -> Tensor:
    """(B, 1) index of the first True; T where there is none."""
    return (valid.cumsum(1) == 0).sum(1, keepdim=True)
