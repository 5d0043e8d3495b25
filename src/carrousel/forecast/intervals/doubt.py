"""How sure a forecast may be where little or nothing was measured.

- ``usual_scale``: how much the series of a panel move, for those of which little is known.
- ``gaps_before``: missing values before a window's end. A gap of whole seasons is stepped over: the
  forecast is made from what came before it, in phase.
- ``doubted``: intervals as wide as was measured, of ``Doubt``, by hiding values from a network that
  was trained (see ``hiding``). After a gap an interval is wider by a power of how much longer ago
  the last value is than it would be without the gap: 0.5 for a random walk, 0 for a series that
  always comes back. Where few values are known, or a gap begins inside a season, the network reads
  what it seldom learned from: there its intervals are multiplied by a factor.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.mapped import give_back
from ...data.panel import Panel
from ...ops.constants import COUNTS, GAPS, WINDOW
from ...ops.reference.scaling import Prior
from ...wording import some
from ..network.distribution import QUANTILES, SIDE
from ..network.network import Network
from ..network.shape import Shape

Array = NDArray[np.float64]
LOOKED_AT = 256  # mapped series at a time: the system maps much around each place that is read
LATEST = 1000  # values of each series that are measured
MOST_SERIES = 2000  # that are measured
LAGS = 8  # at which changes are measured
KEPT = 0.98  # of the changes: the largest may be outliers
MEAN_TO_SCALE = 1.25  # standard deviations in a mean absolute value of a normal


def usual_scale(panel: Panel, shape: Shape) -> tuple[Prior, str | None]:
    """What the series of a panel usually move, and a sentence where none shows it: from one step to
    the next if that is one observation, else within a horizon, since the season is not known then.

    The median over the series, relative to the size of each, and in units of y what nine in ten of
    them exceed. Where no series is long enough to show how it moves, ten percent of its size.
    """
    swings, sizes, pairs = _movement(panel, shape)
    enough = pairs >= WINDOW.few
    moved = swings[enough & (sizes > 0)] / sizes[enough & (sizes > 0)]
    if not len(moved):
        typical = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
        sentence = "no series shows yet how much it moves: a tenth of its size is taken for that"
        return Prior(Prior().relative, Prior().relative * typical), sentence
    relative = float(np.median(moved))
    relative = relative if relative > WINDOW.still else WINDOW.floor  # nothing moved
    return Prior(relative, float(np.quantile(swings[enough], 0.1))), None


def in_units_of(panel: Panel, made_up: Array, shape: Shape, seed: int) -> Array:
    """Made-up series (N, n), each times the factor with which it moves as one of a panel does.

    What a network sees of a series is the same in any unit, but for the usual scale of which little
    is known: that is the panel's, and would say of the beginning of a series in other units that
    it hardly moves, or that nothing else ever moved so much.
    """
    swings, sizes, pairs = _movement(panel, shape)
    known = (pairs > 0) & (swings > WINDOW.still * sizes)
    if not known.any():
        return made_up
    lags = _lags(shape)
    changes = [np.abs(made_up[:, lag:] - made_up[:, :-lag]) for lag in lags if lag < len(made_up.T)]
    swing = _unit(shape) * np.mean([_mean_known(change) for change in changes], 0)
    size = _mean_known(np.abs(made_up))
    like = np.random.default_rng(seed).choice(np.flatnonzero(known), len(made_up))
    still = swing <= WINDOW.still * size
    ours, theirs = np.where(still, size, swing), np.where(still, sizes[like], swings[like])
    factor = np.where((ours > 0) & (theirs > 0), theirs / np.maximum(ours, 1e-300), 1.0)
    return made_up * factor[:, None]


def _mean_known(values: Array) -> Array:
    """(N,) means of what is not missing; 0 where nothing is there."""
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(1) / np.maximum(known.sum(1), 1)


def _movement(panel: Panel, shape: Shape) -> tuple[Array, Array, NDArray[np.int64]]:
    """Of some series: what they usually move, their size, and how many changes show it."""
    which = np.linspace(0, panel.n_series - 1, min(panel.n_series, MOST_SERIES)).astype(int)
    lags, found = _lags(shape), []
    for at in range(0, len(which), LOOKED_AT):
        for s in which[at : at + LOOKED_AT]:
            found.append(_swing(np.asarray(panel.series(s)[-LATEST:], np.float64), lags))
        give_back(panel.y)
    swings, sizes, pairs = (np.array(part) for part in zip(*found, strict=True))
    return _unit(shape) * swings, sizes, pairs


def _lags(shape: Shape) -> NDArray[np.int64]:
    longest = 1 if shape.patch == 1 else max(shape.h, 1)
    return np.unique(np.linspace(1, longest, LAGS).astype(int))


def _unit(shape: Shape) -> float:
    return 1.0 if shape.patch == 1 else MEAN_TO_SCALE


def _swing(y: Array, lags: NDArray[np.int64]) -> tuple[float, float, int]:
    """Mean absolute change over some lags, mean absolute value, and how many changes there were."""
    means, pairs = [], 0
    for lag in lags:
        change = np.abs(y[lag:] - y[:-lag])
        change = np.sort(change[np.isfinite(change)])[: int(np.ceil(KEPT * len(change)))]
        if len(change):
            means.append(change.mean())
            pairs = max(pairs, len(change))
    known = np.abs(y[np.isfinite(y)])
    size = float(known.mean()) if len(known) else 0.0
    return float(np.mean(means)) if means else 0.0, size, pairs


def gaps_before(y: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """(B,) missing values of y (N,) right before each of ``end`` (B,); -1 where there is no value
    from ``start`` (B,) on."""
    present = y.isfinite()
    if bool(present.all()):
        return torch.where(end > start, 0, -1)
    last = torch.where(present, torch.arange(len(y)), -1).cummax(0).values
    known = last[(end - 1).clamp_min(0)]
    return torch.where((end > start) & (known >= start), end - 1 - known, -1)


def trailing_gaps(panel: Panel) -> NDArray[np.int64]:
    """(S,) missing values at the end of each series."""
    gap = np.zeros(panel.n_series, np.int64)
    there = np.flatnonzero(panel.lengths > 0)
    for at in range(0, len(there), LOOKED_AT):
        some_of_them = there[at : at + LOOKED_AT]
        last = panel.y[panel.offsets[some_of_them + 1] - 1]
        for s in some_of_them[~np.isfinite(last)]:
            known = np.flatnonzero(np.isfinite(panel.series(s)))
            gap[s] = panel.lengths[s] - 1 - known[-1] if len(known) else 0
        give_back(panel.y)
    return gap


def gap_notes(panel: Panel, shape: Shape) -> list[str]:
    """Sentences on what a forecast of the panel rests on where little is known."""
    notes, gap = [], trailing_gaps(panel)
    long = np.flatnonzero(gap >= max(shape.seasons[0], shape.patch))
    if len(long):
        names = some([f"{panel.ids[s]!r} ({gap[s]:,})" for s in long])
        notes.append(
            f"no value in the last steps of series {names}: the forecast rests on what came before "
            "them, and is less sure"
        )
    _, sentence = usual_scale(panel, shape)
    return notes if sentence is None else [*notes, sentence]


def stepped_over(gap: Tensor, shape: Shape) -> Tensor:
    """(B,) how much of each gap is stepped over: whole longest seasons; of the rest whole shortest
    ones, where it would fill half of the window."""
    gap = gap.clamp_min(0)
    shortest, longest = shape.seasons[0], shape.seasons[-1]
    over = gap // longest * longest if longest % shortest == 0 else torch.zeros_like(gap)
    rest = gap - over
    return torch.where(rest > shape.history // 2, over + rest // shortest * shortest, over)


def doubted(quantiles: Tensor, gap: Tensor, known: Tensor, network: Network) -> Tensor:
    """(B, h, Q) quantiles (float64) as wide as was measured after gaps (B,) where the window that
    was read holds ``known`` (B,) values."""
    gap = gap.clamp_min(0)
    rest = gap - stepped_over(gap, network.shape)
    few, ended = network.factors
    factor = torch.where(rest > 0, _between(rest, COUNTS, ended), 1.0)
    measured = (known > 0) & (known <= network.shape.history // 2)
    factor = factor * torch.where(measured, _between(known, COUNTS, few), 1.0)
    median = quantiles[..., SIDE : SIDE + 1]
    return widened(median + (quantiles - median) * factor[:, None, None], gap, network.wander)


def widened(quantiles: Tensor, gap: Tensor, wander: Tensor) -> Tensor:
    """(B, h, Q) quantiles (float64) after gaps (B,), see the module; ``wander`` (len(GAPS),)."""
    ahead = torch.arange(1, quantiles.shape[1] + 1, dtype=torch.float64)
    factor = _factor(gap.double().clamp_min(0)[:, None], ahead, wander)  # (B, h)
    median = quantiles[..., SIDE : SIDE + 1]
    away = (quantiles - median) * factor[..., None]
    # It is not less sure of tomorrow than of the day after, however long ago the last value is.
    grown = away.abs().cummax(1).values.copysign(away)
    return median + torch.where((gap > 0)[:, None, None], grown, away)


def _factor(gap: Tensor, ahead: Tensor, wander: Tensor) -> Tensor:
    """((gap + ahead) / ahead) to the power measured for such a gap."""
    return ((gap + ahead) / ahead) ** _between(gap, GAPS, wander)


def _between(count: Tensor, counts: Sequence[int], measured: Tensor) -> Tensor:
    """What was ``measured`` at ``counts``, and between them on a line by the logarithm."""
    place = np.log2(count.double().clamp_min(1).numpy())
    return torch.from_numpy(np.interp(place, np.log2(counts), measured.numpy()))


def never_moved(history: Tensor) -> Tensor:
    """(B,) whether windows (B, n), less their offset, hold one value again and again."""
    return ((history == 0) | history.isnan()).all(1) & (history.isfinite().sum(1) >= WINDOW.few)


def steady(quantiles: Tensor, still: Tensor, offset: Tensor) -> Tensor:
    """(B, h, Q) quantiles with the median of windows that are ``still`` (B,) where they always
    were, at their ``offset`` (B, 1)."""
    moved = offset[..., None] - quantiles[..., SIDE : SIDE + 1]
    return torch.where(still[:, None, None], quantiles + moved, quantiles)


def of_the_panel(quantiles: Tensor, known: Tensor) -> Tensor:
    """(B, h, Q) quantiles of series of which nothing was ever seen: where the others, the rows
    ``known`` (B,), will be; all of their quantiles, equally likely."""
    if not known.any():
        raise ValueError("no series has a value before the forecast begins")
    pooled = quantiles[known].transpose(0, 1).flatten(1)  # (h, others * Q)
    each = torch.tensor(QUANTILES, dtype=torch.float64)
    weight = torch.diff(each, prepend=torch.zeros(1), append=torch.ones(1))
    weight = ((weight[1:] + weight[:-1]) / 2).repeat(int(known.sum()))
    order = pooled.argsort(1)
    share = weight[order].cumsum(1) / weight.sum()
    place = torch.searchsorted(share, each.repeat(len(share), 1)).clamp(max=share.shape[1] - 1)
    out = quantiles.clone()
    out[~known] = pooled.gather(1, order).gather(1, place)
    return out
