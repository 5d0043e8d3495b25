"""What teaches a forecast: pinball loss over all quantiles, and more weight on the median.

``forecast_loss`` is the formula; ``training_loss`` computes the same from the head's output in
one pass (``carrousel.ops.quantile_head``), which takes a tenth of the time.
"""

import torch
from torch import Tensor

from ...ops.quantile_head import QuantileLoss
from ...ops.reference.scaling import Scaled
from ...training.peers import PEERS, Peers
from .distribution import QUANTILES, SIDE, Forecast

LARGEST = 50.0  # errors beyond this many scales are outliers: their size teaches nothing more
MEDIAN_WEIGHT = 0.5  # of the absolute error of the median, beside the mean over all quantiles
RELATIVE = 0.5  # weight of errors relative to the size of the values
RESOLUTION = 1e-5  # of the level's distance: smaller scales are lost in the rounding of float32


def forecast_loss(forecast: Forecast, target: Tensor) -> Tensor:
    """Mean pinball loss over all quantiles, plus the absolute error of the median.

    Pinball (Koenker & Bassett 1978) of an error e = y - forecast of the quantile q is
    max(q e, (q-1) e). ``target`` (B, T, h) is NaN where there is nothing to learn. Errors are
    measured in units of the window's scale (as MASE does) and, with weight ``RELATIVE``, in units
    of the size of the values (as sMAPE does).
    """
    scaled = forecast.scaled
    weight = row_weights(scaled, target) * target.isfinite()
    error = (target - scaled.origin[..., None] - forecast.location) / forecast.scale
    error = error.nan_to_num(0.0).clamp(-LARGEST, LARGEST) - forecast.median
    rest = error[..., None] - forecast.width[..., None] * forecast.signed_offsets()[..., None, :]
    probability = rest.new_tensor(QUANTILES)
    pinball = torch.maximum(probability * rest, (probability - 1) * rest).mean(-1)
    return (weight * (pinball + MEDIAN_WEIGHT * error.abs())).sum()


def training_loss(out: Tensor, anchors: Tensor, scaled: Scaled, target: Tensor) -> Tensor:
    """``forecast_loss`` of the head's output (B, T, K*h + 2h + 2*SIDE), see ``model.Network``."""
    peers = PEERS.get()
    relative, share = (RELATIVE, 1.0) if peers is None else _among(peers, scaled, target)
    weights = 0.5 / len(QUANTILES) + MEDIAN_WEIGHT, 1 / len(QUANTILES)
    constants = LARGEST, *weights, relative, RESOLUTION
    outwards = torch.tensor([*QUANTILES[:SIDE][::-1], *QUANTILES[SIDE + 1 :]], dtype=out.dtype)
    loss: Tensor = QuantileLoss.apply(
        out, anchors, target, scaled.origin, scaled.scale, scaled.size, scaled.age,
        scaled.level, outwards, constants,
    )  # fmt: skip
    return loss if share == 1 else share * loss


def _among(peers: Peers, scaled: Scaled, target: Tensor) -> tuple[float, float]:
    """(RELATIVE, share) with which the rows of one process count as they do in the whole batch.

    A row weighs ((1 - R) + R ratio / typical) / known, where ``typical`` and ``known`` are of the
    whole batch; with those of its own rows, of which the loss is made, both terms are a factor off.
    """
    ratio, known = _ratio_and_known(scaled, target)
    counted = known > 0
    own = [float(x.double().sum()) for x in (ratio * counted, counted, known)]
    (ratios, rows, values), (all_ratios, all_rows, all_values) = own, peers.total(*own)
    typical, usual = ratios / max(rows, 1), all_ratios / max(all_rows, 1)
    part = values / max(all_values, 1)
    level, relative = (1 - RELATIVE) * part, RELATIVE * part * typical / max(usual, 1e-30)
    share = level + relative
    return (relative / share, share) if share else (RELATIVE, 0.0)


def row_weights(scaled: Scaled, target: Tensor) -> Tensor:
    """(B, T, 1) of every error from one step; over all that is known they sum to about 1.

    A step teaches nothing before the first value, or while all values are zero, or where they
    change too little to be seen beside what the series has become since: there is no unit then.
    """
    ratio, known = _ratio_and_known(scaled, target)
    counted = known > 0
    typical = (ratio * counted).sum() / counted.sum().clamp_min(1)
    weight = (1 - RELATIVE) + RELATIVE * ratio / typical.clamp_min(1e-30)
    return weight * counted / known.sum().clamp_min(1)


def _ratio_and_known(scaled: Scaled, target: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T, 1) scales relative to the size of the values, and how many errors count."""
    seen = (scaled.size > 0) & (scaled.scale > RESOLUTION * scaled.level.abs())
    seen &= (scaled.age >= 0)[..., None]
    known = (target.isfinite() & seen).sum(-1, keepdim=True)
    return (scaled.scale / scaled.size.clamp_min(1e-30)).clamp(0.0, 1.0), known
