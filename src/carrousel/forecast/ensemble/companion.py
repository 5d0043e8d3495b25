"""The network that ships, beside those that were trained: one more member of the ensemble.

Few values teach a network little, and one that has seen many made-up series knows other things: the
mean of both forecasts, quantile by quantile, is mostly better than either. It reads the window that
the trained networks read. How much it counts is measured on the windows that training is validated
on; since series of one time share their luck, and training was stopped where it did well on these
very windows, they say no more than a few horizons do, and the share is drawn towards a usual one.

It speaks for ordinary windows only. What it was not made for keeps the forecast of the trained
networks: windows that end in a gap or hold few values, whose doubt was measured; that never moved;
in which one outlier is all there is to see. Windows far from zero are shown nearer to it. And it is
kept within limits (see ``mixed``).
"""

import hashlib
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ..network.distribution import QUANTILES, SIDE
from ..network.loss import LARGEST, MEDIAN_WEIGHT
from ..network.network import Network
from ..pretrained.network import Network as Shipped
from ..pretrained.storage import halves
from ..pretrained.zero_shot import AT_ONCE, LENGTHS, ZeroShot
from .validation import Both, Validation

SHARES = tuple(k / 8 for k in range(9))
USUAL = 0.5  # where nothing can be measured
DOUBT = 7  # horizons held out at which what they say counts as much as what is usual
MOST_HORIZONS = 12  # as which those of many series count
MOST_WINDOWS = 512  # that the share is measured on
LEAST = 0.02  # less than that is not worth a second network
OUTLIER = 10.0  # times as far from the median as nine in ten values
FAR = 30.0  # times the same from zero: few made-up series were so still beside their size
FINE = 12  # binary digits of what is taken off, below that
LOW = QUANTILES.index(0.025)
NARROWEST, WIDEST = 0.5, 2.0


@dataclass(frozen=True)
class Companion:
    """A share of every forecast of an ordinary window.

    Args:
        zero_shot: The network, for the seasons of the trained ones.
        share: How much of a forecast is its, above 0 and below 1.
        h: The horizon.
    """

    zero_shot: ZeroShot
    share: float
    h: int

    @classmethod
    def beside(
        cls, network: Network, validation: Validation | Both, share: float | None
    ) -> "Companion | None":
        """With this share, or the one with which it and ``network``, which has not learned from
        what is held out, forecast that best; None where that is next to nothing."""
        zero_shot, h = ZeroShot(network.shape.seasons), network.shape.h
        if share is None:
            real = validation.real if isinstance(validation, Both) else validation
            share = _measured(network, cls(zero_shot, USUAL, h), real)
        return cls(zero_shot, share, h) if share >= LEAST else None

    @property
    def digest(self) -> str:
        """Of the weights of the network."""
        return _digest(self.zero_shot.network)

    def join(self, trained: Tensor, history: Tensor, offset: Tensor, gap: Tensor) -> None:
        """Give (B, h, Q) quantiles of the ``trained`` networks, in place, this one's share, of
        windows (B, n) less ``offset`` (B, 1) after which ``gap`` (B,) values are missing."""
        rows = torch.nonzero(ordinary(history) & (gap == 0))[:, 0]
        if not len(rows):
            return
        ours = self.quantiles(history[rows], offset[rows])
        there = ours.isfinite().flatten(1).all(1)  # values that float32 cannot hold
        rows, ours = rows[there], ours[there]
        trained[rows] = mixed(trained[rows], ours, self.share)

    @torch.no_grad()
    def quantiles(self, history: Tensor, offset: Tensor) -> Tensor:
        """(B, h, Q) float64 of what follows windows (B, n) less ``offset`` (B, 1)."""
        far = _far(history, offset)
        window = (history.double() + (offset - far))[:, -self.zero_shot.history :]
        size, patch = window.shape[1], self.zero_shot.network.shape.patch
        before = (_padded(size, self.zero_shot) - size) // patch * patch
        ahead = torch.arange(1, self.h + 1)
        found = [
            self.zero_shot.following(part, ahead.expand(len(part), -1), before)
            for part in window.split(max(AT_ONCE // size, 1))
        ]
        return torch.cat(found) + far[..., None]


def ordinary(history: Tensor) -> Tensor:
    """(B,) whether windows (B, n) are of the kind that the network was made for."""
    known = history.isfinite()
    away, usual = _away(history)
    largest = away.masked_fill(~known, 0.0).amax(1)
    enough = known.sum(1) > history.shape[1] // 2
    return enough & (usual > 0) & (largest <= OUTLIER * usual)


def _away(history: Tensor) -> tuple[Tensor, Tensor]:
    """(B, n) how far values are from the median of their window, and (B,) what nine in ten are at
    most."""
    away = (history - history.nanmedian(1, keepdim=True).values).abs()
    return away, away.nanquantile(0.9, 1)


def _far(history: Tensor, offset: Tensor) -> Tensor:
    """(B, 1) what is taken off windows that are far from zero beside what they move: a whole number
    of whole ones, so that they stay that, else a multiple of a fine power of two, so that nothing
    depends on the unit."""
    most = (FAR * _away(history)[1].double()[:, None]).nan_to_num()
    far = offset - offset.clamp(-most, most)
    step = torch.ldexp(torch.ones_like(most), torch.frexp(most).exponent - FINE)
    return torch.where(
        (offset == offset.round()) | (most == 0), far.trunc(), (far / step).trunc() * step
    )


def mixed(trained: Tensor, pretrained: Tensor, share: float) -> Tensor:
    """(..., Q) quantiles of which ``pretrained`` is this share: of the medians, as far as the other
    lies inside the 95 % interval of ``trained``, and of the distances from them, as far as it is
    between ``NARROWEST`` and ``WIDEST`` times as far."""
    median, theirs = trained[..., SIDE : SIDE + 1], pretrained[..., SIDE : SIDE + 1]
    low, high = (trained[..., end : end + 1] for end in (LOW, len(QUANTILES) - 1 - LOW))
    away, far = trained - median, pretrained - theirs
    still = away == 0  # the median itself; no slope comes from it
    ratio = torch.where(still, 1.0, far / away.masked_fill(still, 1.0)).clamp(NARROWEST, WIDEST)
    moved = share * (theirs.clamp(low, high) - median)
    return median + moved + (1 + share * (ratio - 1)) * away


def _padded(length: int, zero_shot: ZeroShot) -> int:
    """The length that windows are given: one of a few, as in training."""
    sizes = [size for size in LENGTHS[zero_shot.network.shape.patch] if size >= length]
    return sizes[0] if sizes else length


@torch.no_grad()
def _measured(network: Network, companion: Companion, validation: Validation) -> float:
    """The share that forecasts what is held out best, drawn towards the usual one."""
    if not validation:
        return USUAL
    history, target = validation.history[:, 0], validation.target[:, 0]
    some = torch.nonzero(ordinary(history) & history[:, -1].isfinite())[:, 0]
    some = some[:: -(-len(some) // MOST_WINDOWS) or 1]
    if not len(some):
        return USUAL
    history, offset, target = history[some], validation.offset[some], target[some]
    forecast = network(history, last=True, offset=offset)
    trained, scale = forecast.quantiles()[:, 0], forecast.scale[:, 0]
    ours = companion.quantiles(history, offset)
    y = target + offset
    losses = torch.stack([_loss(mixed(trained, ours, share), y, scale) for share in SHARES])
    if not losses.isfinite().all():
        return USUAL
    horizons = min(validation.horizons, MOST_HORIZONS)
    best = SHARES[int(losses.argmin())]
    believed = horizons**2 / (horizons**2 + DOUBT**2)  # a few overlap, and say less than their part
    return believed * best + (1 - believed) * USUAL


def _loss(quantiles: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """As in training: pinball over all quantiles and the error of the median, in scales (B, 1)."""
    error = ((y[..., None] - quantiles) / scale[..., None]).clamp(-LARGEST, LARGEST)
    probability = error.new_tensor(QUANTILES)
    pinball = torch.maximum(probability * error, (probability - 1) * error).mean(-1)
    return (pinball + MEDIAN_WEIGHT * error[..., SIDE].abs()).nanmean()


@cache
def _digest(network: Shipped) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(halves(network).items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()
