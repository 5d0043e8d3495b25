"""How sure a forecast may be where little or nothing was measured.

- ``usual_scale``: how much the series of a panel move, for those of which little is known.
- ``gaps_before``: missing values before a window's end. A gap of whole seasons is stepped over: the
  forecast is made from what came before it, in phase.
- ``widened``: after a gap an interval is wider, by a power of how much longer ago the last value is
  than it would be without the gap: 0.5 for a random walk, 0 for a series that always comes back.
  ``measure_wander`` measures that power by hiding values from a network that was trained.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.panel import Panel, some
from .distribution import QUANTILES, SIDE
from .model import GAPS, Network, Shape
from .scaling import FEW, FLOOR, Prior
from .windows import Sampler, Windows, less_last

Array = NDArray[np.float64]
LATEST = 1000  # values of each series that are measured
MOST_SERIES = 2000  # that are measured
LAGS = 8  # at which changes are measured
KEPT = 0.98  # of the changes: the largest may be outliers
MEAN_TO_SCALE = 1.25  # standard deviations in a mean absolute value of a normal
DRAWN = 512  # windows, of which ...
MEASURED = 128  # ... so many have values hidden, real ones if there are enough
LEAST = 16  # windows that say something
POWERS = torch.linspace(0, 1.2, 25, dtype=torch.float64)
INTERVAL = SIDE - QUANTILES.index(0.025)  # quantiles from the median to the end of 95 %


def usual_scale(panel: Panel, shape: Shape) -> tuple[Prior, str | None]:
    """What the series of a panel usually move, and a sentence where none shows it: from one step to
    the next if that is one observation, else within a horizon, since the season is not known then.

    The median over the series, relative to the size of each, and in units of y what nine in ten of
    them exceed. Where no series is long enough to show how it moves, ten percent of its size.
    """
    which = np.linspace(0, panel.n_series - 1, min(panel.n_series, MOST_SERIES)).astype(int)
    longest, unit = (1, 1.0) if shape.step == 1 else (shape.h, MEAN_TO_SCALE)
    found = [_swing(np.asarray(panel.series(s)[-LATEST:], np.float64), longest) for s in which]
    sizes = np.array([size for _, size, _ in found])
    swings = unit * np.array([swing for swing, _, pairs in found if pairs >= FEW])
    moved = unit * np.array(
        [swing / size for swing, size, pairs in found if pairs >= FEW and size > 0]
    )
    if not len(moved):
        typical = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
        sentence = "no series shows yet how much it moves: a tenth of its size is taken for that"
        return Prior(Prior().relative, Prior().relative * typical), sentence
    return Prior(max(float(np.median(moved)), FLOOR), float(np.quantile(swings, 0.1))), None


def _swing(y: Array, h: int) -> tuple[float, float, int]:
    """Mean absolute change over 1 to ``h`` observations, mean absolute value, and how many changes
    there were."""
    means, pairs = [], 0
    for lag in np.unique(np.linspace(1, max(h, 1), LAGS).astype(int)):
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
    offsets = torch.from_numpy(panel.offsets.astype(np.int64))
    gap = gaps_before(torch.from_numpy(panel.y), offsets[:-1], offsets[1:])
    return gap.clamp_min(0).numpy()


def gap_notes(panel: Panel, shape: Shape) -> list[str]:
    """Sentences on what a forecast of the panel rests on where little is known."""
    notes, gap = [], trailing_gaps(panel)
    long = np.flatnonzero(gap >= max(shape.seasons[0], shape.step))
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
    place = np.log2(gap.clamp_min(1).numpy())
    power = np.interp(place, np.log2(GAPS), wander.numpy())
    return ((gap + ahead) / ahead) ** torch.from_numpy(power)


def steady(quantiles: Tensor, history: Tensor, offset: Tensor) -> Tensor:
    """(B, h, Q) quantiles with the median of series that never moved where they always were: of
    windows (B, n) less ``offset`` (B, 1), NaN where missing."""
    still = ((history == 0) | history.isnan()).all(1) & (history.isfinite().sum(1) >= FEW)
    if not still.any():
        return quantiles
    moved = offset[..., None] - quantiles[..., SIDE : SIDE + 1]
    return torch.where(still[:, None, None], quantiles + moved, quantiles)


def of_the_panel(quantiles: Tensor, known: Tensor) -> Tensor:
    """(B, h, Q) quantiles of series of which nothing was ever seen: where the others, the rows
    ``known`` (B,), will be; all of their quantiles, equally likely."""
    if known.all():
        return quantiles
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


@torch.inference_mode()
def measure_wander(network: Network, sampler: Sampler, real: int, seed: int) -> Tensor:
    """(len(GAPS),) the smallest powers with which intervals after a gap hold as often as without.

    Where too few windows are long enough, that of the next shorter gap; and no interval is narrower
    after a longer gap. ``real``: how many of the sampler's series are not made up.
    """
    wander, windows = network.wander.clone(), sampler.windows
    if windows.grouped or not sampler.total:
        return wander
    series, end = sampler.pick(DRAWN, torch.Generator().manual_seed(seed))
    known = max(windows.history // 2, 2 * network.shape.step + 1)
    ahead = torch.arange(1, network.shape.h + 1, dtype=torch.float64)
    power = float(wander[0])
    for k, gap in enumerate(GAPS):
        long = end - gap - windows.start[series] >= known
        own = long & (series < real)
        chosen = torch.nonzero(own if int(own.sum()) >= 2 * LEAST else long)[:MEASURED, 0]
        if len(chosen) >= LEAST:
            plain = _scores(network, windows, series[chosen], end[chosen], 0)
            after = _scores(network, windows, series[chosen], end[chosen], gap)
            ratio = torch.log((gap + ahead) / ahead)
            power = _smallest_power(plain, after, ratio, power)
        wander[k] = power
    for k, (one, longer) in enumerate(pairwise(GAPS)):
        least = wander[k] * np.log1p(one) / np.log1p(longer)
        wander[k + 1] = torch.maximum(wander[k + 1], least)
    return wander


def _smallest_power(plain: Tensor, after: Tensor, ratio: Tensor, otherwise: float) -> float:
    known = plain.isfinite() & after.isfinite()
    if not known.any():
        return otherwise
    wanted = plain[known].quantile(0.95)
    for power in POWERS:
        if (after / torch.exp(power * ratio))[known].quantile(0.95) <= wanted:
            return float(power)
    return float(POWERS[-1])


def _scores(network: Network, windows: Windows, series: Tensor, end: Tensor, gap: int) -> Tensor:
    """(B, h) distances of what came from the median, in sides of the 95 % interval, of forecasts
    without the last ``gap`` values."""
    history, shape = windows.history, network.shape
    target = torch.add(*windows.gather(series, end))[:, history:]
    over = int(stepped_over(torch.tensor(gap), shape))
    window, offset = windows.gather(series, end - over)
    shown = window[:, :history].double() + offset
    shown[:, history - (gap - over) :] = torch.nan
    relative, offset = less_last(shown)
    forecast = network(relative, last=True, extra=windows.extra(series, end), offset=offset)
    quantiles = forecast.quantiles()[:, 0]
    median = quantiles[..., SIDE]
    above = quantiles[..., SIDE + INTERVAL] - median
    below = median - quantiles[..., SIDE - INTERVAL]
    side = torch.where(target > median, above, below)
    return (target - median).abs() / side.clamp_min(1e-300)
