"""Covariates in the network: what is known beside the values, in the past and ahead.

Past covariates are shown to the recurrence with each step. Those that are known ahead also enter a
small network for each step of the horizon, which sees what the memory gave, the covariates of that
step, and how they differ from those at the steps that the seasonal forecasts are copied from; it
adds to the weights of the simple forecasts, to the median and to the width.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...data.panel import Panel
from .groups import Members, Together
from .shape import Shape
from .tiles import Linear

FAR = 8.0  # standard deviations at which a covariate is cut
WIDEST = 64  # of the network for a step of the horizon


class Extra(NamedTuple):
    """The covariates of a batch of windows, as they are: NaN where missing, codes of categories."""

    futr: Tensor  # (B, history + h, F) known ahead
    hist: Tensor  # (B, history, P) known of the past only
    static: Tensor  # (B, K)
    together: Together | None = None

    def rows(self, which: slice) -> "Extra":
        found = None if self.together is None else Together(*(p[which] for p in self.together))
        return Extra(self.futr[which], self.hist[which], self.static[which], found)

    def part(self, which: slice) -> "Extra":
        """Some of the observations of all windows."""
        return self._replace(futr=self.futr[:, which], hist=self.hist[:, which])


@dataclass(frozen=True)
class Exogenous:
    """Covariates beside ``Windows``, gathered by the same index."""

    values: Tensor  # (N, F + P)
    known: int  # F
    static: Tensor  # (S, K)
    start: Tensor  # (S,) where each series begins and ends
    stop: Tensor
    ahead: Tensor | None = None  # (S, h, F) after the end of each series
    members: Members | None = None

    @classmethod
    def of(cls, panel: Panel, known: int) -> "Exogenous | None":
        """None for a panel without covariates."""
        if panel.exog is None or panel.static is None:
            return None
        offsets = torch.from_numpy(panel.offsets.astype("int64"))
        values, static = torch.from_numpy(panel.exog), torch.from_numpy(panel.static)
        return cls(values, known, static, offsets[:-1], offsets[1:], members=Members.of(panel))

    def following(self, ahead: Tensor | None) -> "Exogenous":
        """With the values after the end of each series."""
        return replace(self, ahead=ahead)

    def gather(self, series: Tensor, end: Tensor, history: int, h: int) -> Extra:
        """Around the positions ``end`` (B,) of ``series`` (B,); see ``Windows.gather``."""
        index = end[:, None] + torch.arange(-history, h)  # (B, history + h)
        start, stop = self.start[series, None], self.stop[series, None]
        values = self.values[index.clamp(0, max(len(self.values) - 1, 0))]
        outside = (index < start) | (index >= stop)
        values = values.masked_fill(outside[..., None], torch.nan)
        futr, hist = values.split([self.known, values.shape[-1] - self.known], -1)
        if self.ahead is not None and self.known:
            later = index - stop  # 0 is the first step after the end
            there = (later >= 0) & (later < self.ahead.shape[1])
            found = self.ahead[series[:, None], later.clamp(0, self.ahead.shape[1] - 1)]
            futr = torch.where(there[..., None], found, futr)
        together = None if self.members is None else self.members.together(series, end)
        return Extra(futr, hist[:, :history], self.static[series], together)


class Columns(nn.Module):
    """(..., C) columns to (..., width): numbers in standard deviations, categories embedded."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, sizes: tuple[int, ...]) -> None:
        """``sizes``: for each column its number of categories, 0 for numbers."""
        super().__init__()
        self.sizes = sizes
        self.numbers = [k for k, size in enumerate(sizes) if not size]
        self.register_buffer("mean", torch.zeros(len(self.numbers)))
        self.register_buffer("deviation", torch.ones(len(self.numbers)))
        kinds = [size for size in sizes if size]
        self.embeddings = nn.ModuleList(
            nn.Embedding(size + 1, _embedded(size)) for size in kinds  # 0: unknown
        )  # fmt: skip
        self.width = len(self.numbers) + sum(_embedded(size) for size in kinds)

    @property
    def kinds(self) -> list[nn.Embedding]:
        """The embeddings of the categories, in the order of their columns."""
        return [part for part in self.embeddings if isinstance(part, nn.Embedding)]

    def measure(self, values: Tensor) -> None:
        """Take mean and standard deviation from (N, C) values, NaN where missing."""
        found = values[:, self.numbers].double()
        mean = found.nanmean(0).nan_to_num()
        deviation = (found - mean).square().nanmean(0).sqrt().nan_to_num()
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, values: Tensor) -> Tensor:
        numbers = (values[..., self.numbers] - self.mean) / self.deviation
        parts = [numbers.nan_to_num(0.0).clamp(-FAR, FAR)]
        kinds = [k for k, size in enumerate(self.sizes) if size]
        for k, embedding in zip(kinds, self.embeddings, strict=True):
            parts.append(embedding((values[..., k] + 1).nan_to_num(0.0).long()))
        return torch.cat(parts, -1)


class Covariates(nn.Module):
    """What covariates add to what a network reads (``past``) and says (``ahead``)."""

    def __init__(self, shape: Shape, kinds: int) -> None:
        super().__init__()
        self.shape = shape
        self.futr, self.hist, self.static = (
            Columns(sizes) for sizes in (shape.futr, shape.hist, shape.static)
        )
        self.shown = _linear(shape.patch * (self.futr.width + self.hist.width), shape.hidden)
        self.constant = _linear(self.static.width, shape.hidden)
        self.coming = Coming(shape, self.futr.width, kinds) if shape.futr else None

    def measure(self, exogenous: Exogenous) -> None:
        """Means and deviations of all columns."""
        self.futr.measure(exogenous.values[:, : exogenous.known])
        self.hist.measure(exogenous.values[:, exogenous.known :])
        self.static.measure(exogenous.static)

    def past(self, extra: Extra) -> Tensor:
        """(B, T or 1, hidden) to be added to what each step shows."""
        parts = []
        if self.shown is not None:
            futr = extra.futr[:, : extra.hist.shape[1]]
            seen = torch.cat([self.futr(futr), self.hist(extra.hist)], -1)
            steps = seen.unflatten(1, (-1, self.shape.patch)).flatten(2)  # (B, T, step * width)
            parts.append(self.shown(steps))
        if self.constant is not None:
            parts.append(self.constant(self.static(extra.static))[:, None])
        return sum(parts[1:], parts[0])

    def ahead(self, x: Tensor, extra: Extra) -> Tensor | None:
        """(B, T, K*h + 2h) to be added to the head, from (B, T, hidden) of the last T steps; None
        if nothing is known ahead."""
        return None if self.coming is None else self.coming(x, self.futr(extra.futr))


class Coming(nn.Module):
    """The network for a step of the horizon: at first it says nothing."""

    def __init__(self, shape: Shape, known: int, kinds: int) -> None:
        super().__init__()
        self.shape = shape
        width = min(WIDEST, max(32, shape.hidden))
        self.remembered = Linear(shape.hidden, width)
        self.known = Linear(known * (1 + len(shape.seasons)), width, bias=False)
        self.place = nn.Parameter(torch.zeros(shape.h, width))
        self.mixed = Linear(width, width)
        self.said = Linear(width, kinds + 2)
        nn.init.zeros_(self.said.weight)
        nn.init.zeros_(self.said.bias)

    def forward(self, x: Tensor, futr: Tensor) -> Tensor:
        """(B, T, hidden) and (B, history + h, W) to (B, T, K*h + 2h), kinds first as the head's."""
        target, *sources = _places(self.shape, x.shape[1])
        there = futr[:, target]  # (B, T, h, W)
        known = torch.cat([there, *(there - futr[:, source] for source in sources)], -1)
        z = self.known(known) + self.remembered(x)[:, :, None] + self.place
        said = self.said(self.mixed(z.relu()).relu())  # (B, T, h, K + 2)
        return said.transpose(-1, -2).flatten(-2)


def _embedded(size: int) -> int:
    """Numbers that stand for one of ``size`` categories."""
    return min(8, 1 + size // 2)


def _linear(inputs: int, outputs: int) -> Linear | None:
    return Linear(inputs, outputs, bias=False) if inputs else None


@lru_cache(maxsize=32)
def _places(shape: Shape, steps: int) -> tuple[Tensor, ...]:
    """(T, h) positions in a window of the steps that are forecast from each of the last ``steps``,
    and for each season of those that a seasonal forecast copies."""
    end = torch.arange(shape.steps - steps + 1, shape.steps + 1)[:, None] * shape.patch
    ahead = torch.arange(shape.h)
    target = end + ahead
    lags = [season * (ahead // season + 1) for season in shape.seasons]
    return target, *((target - lag).clamp_min(0) for lag in lags)
