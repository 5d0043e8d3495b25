"""A linear forecast of hours, learned from the window that is read, beside the network's.

Once with the day and once with the week as the season s, what the steps ahead of t are beside a
mean of the last seasons before t,

    y_{t+j} = D_s(t, j) + sum_i b_ij x_i(t),

is regressed on x: what each hour of the last day was beside the same mean a season earlier, and
the mean of these. There is one regression for each step ahead, from all earlier t of the window, by
ridge (Hoerl & Kennard 1970) with the penalty that foretells parts of the window from the others
best. Both forecasts are weighed by the errors of that, and count the more beside the network's, the
smaller these are beside those of the better of two seasonal naive forecasts.

Constants were chosen on the ends of training parts (docs/pretrained.md).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .history import filled

TAKEN = (3, 2)  # days and weeks whose mean is taken off
LEAST = 4  # of the longer season that a window must hold
BELOW = 48  # steps of a season that is a day of hours
# Of the middle of a forecast up to a week ahead (from two weeks on nothing): the more, the smaller
# errors are than an eighth less than those of the better seasonal naive forecast, by logarithms.
BETTER, STEEP, MOST = 0.13, 1.5, 0.8
APART = 4  # steps between the origins that are learned from
BLOCK, PARTS = 12, 4  # origins in a row that belong to one of the parts
PENALTIES = (0.01, 0.1)  # times the mean square of what is regressed on
POWER = 4.0  # of the mean squared errors, to which weights are inverse
SMALL = 1e-30


class Lines(NamedTuple):
    """What was learned from B windows with the day and with the week."""

    seasons: tuple[int, int]
    slopes: tuple[Tensor, Tensor]  # (B, m + 1, J) of the m values of a day and their mean
    weight: Tensor  # (B, 2) of either
    share: Tensor  # (B, 1) of the whole forecast that both have


def beside(quantiles: Tensor, window: Tensor, seasons: tuple[int, int], ahead: Tensor) -> Tensor:
    """(B, J, Q) quantiles of the steps ``ahead`` (B, J) after windows (B, T), changed in place:
    moved by the share of what the regressions forecast, where a window is long enough."""
    rows = torch.nonzero(enough(window, seasons))[:, 0]
    if len(rows):
        window, ahead = window[rows], ahead[rows]
        lines = learned(window, seasons, ahead[:, -1:])
        quantiles[rows] = moved(quantiles[rows], window, lines, ahead)
    return quantiles


def moved(quantiles: Tensor, window: Tensor, lines: Lines, ahead: Tensor) -> Tensor:
    """Quantiles (B, J, Q), as ``beside``, with what was learned; where the forecast cannot be
    written, they stay."""
    forecast = (forecasts(window, lines, ahead) * lines.weight[:, None]).sum(-1)
    way = share(ahead, lines) * (forecast - quantiles[..., quantiles.shape[-1] // 2])
    # In float32: sums in double precision differ in the last bit by what else is in a batch.
    way = way.float()
    sensible = way.isfinite().all(1, keepdim=True)
    return quantiles + torch.where(sensible, way, 0.0)[..., None]


def enough(window: Tensor, seasons: tuple[int, int]) -> Tensor:
    """(B,) which of the windows (B, T) are of hours and hold enough of the longer season."""
    day, week = seasons
    begins = window.shape[1] - LEAST * week + 1
    if week == 1 or day >= BELOW or begins < 1:
        return torch.zeros(len(window), dtype=torch.bool)
    return window[:, :begins].isfinite().any(1)


def share(ahead: Tensor, lines: Lines) -> Tensor:
    """(B, J) of a forecast of the steps ``ahead`` (B, J)."""
    return lines.share * (2 - ahead.double() / lines.seasons[1]).clamp(0, 1)


def learned(window: Tensor, seasons: tuple[int, int], reach: Tensor) -> Lines:
    """What windows (B, T), long enough, teach about up to ``reach`` (B, 1) steps ahead."""
    y, first, _ = _whole(window, seasons[0])
    y = y / y.abs().amax(1, keepdim=True).clamp_min(SMALL)
    reach = reach.clamp(max=seasons[1])
    by_day, by_week = (
        _regressed(y, first, season, taken, seasons[0], reach)
        for season, taken in zip(seasons, TAKEN, strict=True)
    )
    wrong = torch.stack([by_day[1], by_week[1]], 1).clamp_min(SMALL)
    weight = (wrong.amin(1, keepdim=True) / wrong) ** POWER
    weight = weight / weight.sum(1, keepdim=True)
    naive = torch.stack([_repeated(y, first + seasons[1], season) for season in seasons], 1)
    better = ((weight * wrong).sum(1) / naive.amin(1).clamp_min(SMALL)).log() / -2
    part = (STEEP * (better - BETTER)).clamp(0, MOST)[:, None]
    return Lines(seasons, (by_day[0], by_week[0]), weight, part)


def forecasts(window: Tensor, lines: Lines, ahead: Tensor) -> Tensor:
    """(B, J, 2) of the steps ``ahead`` (B, J) after windows (B, T); beyond what was learned, what
    the last day says stays as it is."""
    end, day = torch.tensor([window.shape[1] - 1]), lines.seasons[0]
    y, _, origin = _whole(window, day)
    found = []
    for season, taken, slopes in zip(lines.seasons, TAKEN, lines.slopes, strict=True):
        usual = _usual(y, season, taken)
        same = _same(usual, season, end, int(ahead.max()))[:, 0]
        away = (_numbers(y, usual, season, day, end) @ slopes)[:, 0]
        away = away.gather(1, ahead.clamp(max=slopes.shape[2]) - 1)
        found.append(same.gather(1, ahead - 1) + away + origin)
    return torch.stack(found, -1)


def _whole(window: Tensor, day: int) -> tuple[Tensor, Tensor, Tensor]:
    """(B, T) float64 beside the last value, holes filled; where values begin and the last value,
    (B, 1)."""
    steps, seen = torch.arange(window.shape[1]), window.isfinite()
    last = torch.where(seen, steps, -1).cummax(1).values
    first = torch.where(seen, steps, window.shape[1] - 1).amin(1, keepdim=True)
    origin = window.gather(1, last[:, -1:].clamp_min(0)).nan_to_num()
    lag = torch.full_like(first, day)
    return filled((window - origin).nan_to_num(), seen, last, first, lag, steps), first, origin


def _repeated(y: Tensor, first: Tensor, season: int) -> Tensor:
    """(B,) mean squared error when each step from ``first`` on is as it was a season before."""
    counts = torch.arange(season, y.shape[1]) >= first
    change = (y[:, season:] - y[:, :-season]).square() * counts
    return change.sum(1) / counts.sum(1).clamp_min(1)


def _regressed(
    y: Tensor, first: Tensor, season: int, taken: int, day: int, reach: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, m + 1, J) slopes, and (B,) how wrong they are about parts that they were not learned
    from."""
    length, furthest = y.shape[1], int(reach.max())
    usual = _usual(y, season, taken)
    origins = torch.arange(length - 1 - APART, taken * season + day - 2, -APART)
    known = (origins - day + 1 >= first + taken * season) & (origins + reach < length)
    x = _numbers(y, usual, season, day, origins) * known[..., None]
    coming = F.pad(y, (0, furthest)).unfold(1, furthest, 1)[:, origins + 1]
    coming = (coming - _same(usual, season, origins, furthest)) * known[..., None]
    count = known.sum(1).clamp_min(1)
    size = (x.square().sum((1, 2)) / (count * x.shape[2])).sqrt().clamp_min(SMALL)[:, None, None]
    x, coming = _parts(x / size), _parts(coming)  # (B, PARTS, n, .)
    gram, side, square = x.mT @ x, x.mT @ coming, coming.square().sum((2, 3))
    held = _parts(known[..., None]).sum((2, 3))  # (B, PARTS)
    others = gram.sum(1, keepdim=True) - gram, side.sum(1, keepdim=True) - side
    errors = []
    for penalty in PENALTIES:
        b = _ridge(*others, penalty * (count[:, None] - held))
        errors.append((square + (b * (gram @ b - 2 * side)).sum((2, 3))).sum(1))
    error, best = torch.stack(errors, 1).min(1)
    b = _ridge(gram.sum(1), side.sum(1), torch.tensor(PENALTIES)[best] * count)
    return b / size, error / (count * furthest)


def _ridge(gram: Tensor, side: Tensor, penalty: Tensor) -> Tensor:
    """(gram + penalty I)^-1 side; a penalty for each."""
    some = penalty.clamp_min(PENALTIES[0]).to(gram)[..., None, None]
    return torch.linalg.solve_ex(gram + some * torch.eye(gram.shape[-1]).to(gram), side).result


def _parts(x: Tensor) -> Tensor:
    """(B, n, k) in blocks that belong to the parts in turn, (B, PARTS, n', k), zeros at the end."""
    x = F.pad(x, (0, 0, 0, -x.shape[1] % (BLOCK * PARTS)))
    return x.unflatten(1, (-1, PARTS, BLOCK)).transpose(1, 2).flatten(2, 3)


def _usual(y: Tensor, season: int, taken: int) -> Tensor:
    """(B, T) means of each value and those of the seasons before it."""
    length = y.shape[1]
    return torch.stack([F.pad(y, (k * season, 0))[:, :length] for k in range(taken)]).mean(0)


def _same(usual: Tensor, season: int, origins: Tensor, furthest: int) -> Tensor:
    """(B, O, J) of the last season before each origin, again and again."""
    last = F.pad(usual, (season, 0)).unfold(1, min(season, furthest), 1)[:, origins + 1]
    return last.repeat(1, 1, -(-furthest // season))[..., :furthest]


def _numbers(y: Tensor, usual: Tensor, season: int, day: int, origins: Tensor) -> Tensor:
    """(B, O, m + 1) what is regressed on after each origin."""
    away = y - F.pad(usual, (season, 0))[:, : y.shape[1]]
    x = F.pad(away, (day - 1, 0)).unfold(1, day, 1)[:, origins]
    return torch.cat([x, x.mean(2, keepdim=True)], 2)
