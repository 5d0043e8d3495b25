"""Windows of many series, gathered by index from one contiguous array."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.panel import Panel
from ...ops.windows import gather, pick
from .covariates import Exogenous, Extra


@dataclass(frozen=True)
class Windows:
    """The ``history`` values before a position and the ``h`` values from it on.

    Nothing is copied before a batch is asked for; a batch is one gather. Positions are counted in
    the whole array ``y``; what lies outside a series is NaN, like what is missing inside.
    """

    y: Tensor  # (N,) float32 or float64
    start: Tensor  # (S,) first position of each series
    stop: Tensor  # (S,) one past the last position that may be seen
    history: int
    h: int
    exogenous: Exogenous | None = None  # covariates

    @classmethod
    def of(cls, panel: Panel, history: int, h: int, known: int = 0) -> "Windows":
        """``known``: how many of the panel's covariates, the first, are known ahead."""
        offsets = torch.from_numpy(panel.offsets.astype("int64"))
        exogenous = Exogenous.of(panel, known)
        return cls(_shared(panel.y), offsets[:-1], offsets[1:], history, h, exogenous)

    def longer(self, more: int) -> "Windows":
        """The same windows with as many more values before them."""
        return replace(self, history=self.history + more)

    def hiding(self, last: int) -> "Windows":
        """The same series without their last ``last`` values."""
        stop = torch.maximum(self.stop - last, self.start)
        return replace(self, stop=stop)

    def following(self, ahead: NDArray[np.float32] | None) -> "Windows":
        """With the covariates (S, h, F) after the end of each series."""
        if self.exogenous is None or ahead is None:
            return self
        return replace(self, exogenous=self.exogenous.following(torch.from_numpy(ahead)))

    @property
    def grouped(self) -> bool:
        """Whether windows of a group must be in one batch."""
        return self.exogenous is not None and self.exogenous.members is not None

    @property
    def typical_group(self) -> int:
        """Series in a group, in the mean; 1 without groups."""
        if self.exogenous is None or self.exogenous.members is None:
            return 1
        return max(len(self.start) // max(len(self.exogenous.members.table), 1), 1)

    def together(self, series: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """The same windows, and those of the same times of all series in their groups."""
        if self.exogenous is None or self.exogenous.members is None:
            return series, end
        return self.exogenous.members.expand(series, end)

    def extra(self, series: Tensor, end: Tensor) -> Extra | None:
        """The covariates of the same windows; None if there are none."""
        if self.exogenous is None:
            return None
        return self.exogenous.gather(series, end, self.history, self.h)

    def gather(self, series: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """(B, history + h) values around the positions ``end`` (B,) of ``series`` (B,), float32,
        less the last value of each history; these (B, 1), float64."""
        return gather(self.y, self.start, self.stop, series, end, self.history, self.h)


def _shared(y: NDArray) -> Tensor:
    """The array as a tensor, not copied. Nothing writes to it: a mapped one could not bear it, and
    torch warns of that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(y)


def less_last(history: Tensor) -> tuple[Tensor, Tensor]:
    """(B, n) float64 windows to float32 less the last value of each, and these (B, 1) float64; 0
    where there is none. The same as ``Windows.gather``, of windows that are there already.

    >>> less_last(torch.tensor([[1e9, 1e9 + 1, torch.nan]], dtype=torch.float64))[0]
    tensor([[-1.,  0., nan]])
    """
    offset = history[:, -1:]
    if not offset.isfinite().all():
        known = history.isfinite() * torch.arange(history.shape[1])
        offset = history.gather(1, known.amax(1, keepdim=True)).nan_to_num()
    return (history - offset).float(), offset


class Sampler:
    """Draws windows for training: first a series, then where its history ends.

    A window may end at any position with a value before and after it; where the series is long
    enough, only full histories are drawn (a network that reads many steps is taught at each of
    them, so that short histories are seen inside the full ones). A series is drawn in proportion
    to the square root of its number of windows: between "each series counts the same", which
    would show one of ten values over and over, and "each window counts the same", which would
    let one long series outvote a hundred short ones.
    """

    def __init__(self, windows: Windows, season: int) -> None:
        length = windows.stop - windows.start
        full = torch.minimum(torch.tensor(windows.history), length - season).clamp_min(1)
        self.windows = windows
        self.count = (length - full).clamp_min(0)  # (S,) positions that may be drawn
        self.first = windows.start + full
        self.cumulative = self.count.double().sqrt().cumsum(0)

    @property
    def total(self) -> int:
        return int(self.count.sum())

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(size, history + h) random windows and what was taken off them (size, 1)."""
        return self.windows.gather(*self.pick(size, generator))

    def pick(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(size,) random series, and where in each of them the history ends."""
        uniform = torch.rand(2, size, generator=generator, dtype=torch.float64)
        return pick(uniform, self.first, self.count, self.cumulative)
