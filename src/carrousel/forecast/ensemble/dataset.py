"""What the networks learn from, and what they are judged by.

That is the series of the panel; where these hold few values, made-up series stand beside them
(see ``synthetic``). The fewer values, the more of a batch is made up, and the more the made-up
series say on when to stop and how wide intervals must be.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from ...data.panel import Panel
from ..intervals.doubt import in_units_of
from ..network.windows import Sampler, Windows
from ..plan import Plan
from ..synthetic import intermittent, most_alike, synthetic_series
from .validation import Both, Validation

DRAWN = 6  # times as many series are made up as are used: those that are most like the real ones
VALUES = 2_000_000  # but no more than these in all
COMPARED = 20  # real series that they are compared with
JUDGED = 256  # made-up series that are validated on


@dataclass(frozen=True)
class Lessons:
    """Windows of the real series, the first ``real``, and of the made-up ones."""

    windows: Windows
    real: int
    plan: Plan
    validation: Validation | Both

    @classmethod
    def of(cls, panel: Panel, plan: Plan) -> "Lessons":
        shape = plan.shape
        windows = Windows.of(panel, shape.history, shape.h, len(shape.futr))
        validation = Validation(windows, plan)
        if not plan.synthetic:
            return cls(windows, panel.n_series, plan, validation)
        # Full histories and whole horizons, before what is held out.
        length = shape.history + 2 * shape.h + plan.holdout
        y = _made_up(panel, plan, length)
        stop = len(windows.y) + length * torch.arange(1, len(y) + 1)
        both = replace(
            windows,
            y=torch.cat([windows.y, torch.from_numpy(y.reshape(-1))]),
            start=torch.cat([windows.start, stop - length]),
            stop=torch.cat([windows.stop, stop]),
        )
        some = stop[:: max(len(stop) // JUDGED, 1)]
        made_up = replace(both, start=some - length, stop=some)
        judged = Validation(made_up, replace(plan, holdout=shape.h, origins=1))
        return cls(both, panel.n_series, plan, Both(validation, judged))

    def sampler(self, hidden: int) -> Sampler:
        """Draws windows, without the last ``hidden`` values of each series."""
        sampler = Sampler(self.windows.hiding(hidden), self.plan.shape.patch)
        if len(self.windows.start) > self.real:
            _favor(sampler, self.real, self.plan.share)
        return sampler


def _made_up(panel: Panel, plan: Plan, length: int) -> NDArray[np.float64]:
    """(plan.synthetic, length) those of several times as many that are most like the real ones,
    in their units."""
    many = plan.synthetic * int(np.clip(VALUES // (plan.synthetic * length), 1, DRAWN))
    y = _drawn(many, length, plan.shape.seasons, intermittent(panel.y), plan.train.seed)
    order = np.argsort(-panel.lengths, kind="stable")[:COMPARED]
    real = [_without_end_gap(panel.series(s)) for s in order]
    real = [y for y in real if np.isfinite(y[-length:]).sum() > 3]
    alike = most_alike(y, real, plan.shape.seasons, plan.synthetic).astype(np.float64)
    return in_units_of(panel, alike, plan.shape, plan.train.seed)


@lru_cache(maxsize=2)
def _drawn(
    count: int, length: int, seasons: tuple[int, ...], counts: float, seed: int
) -> NDArray[np.float32]:
    """Series that no panel has a part in: learning again, as backtests do, draws them once."""
    y = synthetic_series(count, length, seasons, counts, seed)
    y.setflags(write=False)
    return y


def _without_end_gap(y: NDArray) -> NDArray:
    """As far as there are values."""
    return y[: np.flatnonzero(np.isfinite(y)).max(initial=-1) + 1]


def _favor(sampler: Sampler, first: int, share: float) -> None:
    """Let ``sampler`` draw one of the first series with this probability, if it can draw any."""
    total, own = float(sampler.cumulative[-1]), float(sampler.cumulative[first - 1])
    if 0 < own < total:
        rest = (sampler.cumulative[first:] - own) * ((1 - share) / (total - own))
        sampler.cumulative[:first] *= share / own
        sampler.cumulative[first:] = rest + share
