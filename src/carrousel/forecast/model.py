"""The network: recurrent layers over the steps of a window, one head for all that follows."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import nn as layers
from .anchors import Anchors
from .scaling import Scaled, scale_steps

CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.RNN}
QUANTILES = (0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995)


@dataclass(frozen=True)
class Shape:
    """Everything that fixes the network's parameters; saved beside them."""

    h: int
    cell: str  # "lstm" | "gru" | "rnn" | "ann"
    step: int  # observations read in one step of the recurrence
    steps: int  # steps of history read before a forecast
    seasons: tuple[int, ...]  # lags of the seasonal anchors, in observations
    hidden: int
    layers: int

    @property
    def history(self) -> int:
        """Observations of history read before a forecast."""
        return self.step * self.steps


class Dense(nn.Module):
    """A recurrent layer without its loop: h_t = tanh(W x_t + b). It sees one step and forgets."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(input_size, hidden_size)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.linear(x).tanh(), None


class Forecast(NamedTuple):
    """Quantiles of the ``h`` values after each step: centre + scale * quantiles + origin."""

    centre: Tensor  # (B, T, h) relative to the origin
    scale: Tensor  # (B, T, 1)
    quantiles: Tensor  # (B, T, h, Q) around the centre, in units of the scale, increasing
    scaled: Scaled


class Network(nn.Module):
    """(B, history) values, NaN where missing, to quantiles of the next ``h`` after every step.

    The centre is a weighted mean of simple forecasts (see ``anchors``), with weights between 0
    and 1 that the network chooses for each window and each step of the horizon; around it lie
    the median (free) and, outwards from it, the other quantiles by positive increments, so that
    they cannot cross. Before training, this is the mean of the anchors with a wide interval.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.anchors = Anchors(shape.step, shape.h, shape.seasons)
        kinds, hidden = len(self.anchors.names), shape.hidden
        self.embed = nn.Linear(_features(shape), hidden)
        self.layers = nn.ModuleList(_layer(shape.cell, hidden) for _ in range(shape.layers))
        self.head = nn.Linear(hidden, shape.h * (kinds + 2) + len(QUANTILES) - 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, history: Tensor, last: bool = False) -> Forecast:
        """Forecasts from every step, or only from the last (T = 1)."""
        scaled = scale_steps(history, self.shape.step)
        x = self.embed(features(scaled, self.shape))  # (B, T, hidden)
        for layer in self.layers:
            x = x + layer(x)[0]
        anchors = self.anchors(scaled, last)
        if last:
            x, scaled = x[:, -1:], scaled.last()
        return self._read(self.head(x), anchors, scaled)

    def _read(self, out: Tensor, anchors: Tensor, scaled: Scaled) -> Forecast:
        h, kinds = self.shape.h, len(self.anchors.names)
        weights, median, spread, tails = out.split([h * kinds, h, h, len(QUANTILES) - 1], -1)
        weights = weights.unflatten(-1, (kinds, h)).softmax(-2)
        centre = (weights * anchors).sum(-2)  # (B, T, h)
        quantiles = spread_out(median, spread, tails)
        return Forecast(centre, scaled.scale, quantiles, scaled)


def spread_out(median: Tensor, spread: Tensor, tails: Tensor) -> Tensor:
    """(..., h) median and width, (..., Q-1) log increments to (..., h, Q) increasing quantiles.

    The distribution's form (increments between neighbouring quantiles) is shared by the steps of
    the horizon, which differ in centre and width: few numbers, each with much evidence.
    """
    width = F.softplus(spread + 0.5)[..., None]  # (..., h, 1)
    increments = F.softplus(tails - 1.0)[..., None, :] * width  # (..., h, Q-1)
    below, above = increments.split(increments.shape[-1] // 2, -1)
    below = -below.flip(-1).cumsum(-1).flip(-1)
    offsets = torch.cat([below, torch.zeros_like(width), above.cumsum(-1)], -1)
    return median[..., None] + offsets


def features(scaled: Scaled, shape: Shape) -> Tensor:
    """(B, T, F) what a step shows the network; everything in units of its own scale.

    Values are squashed by asinh, so that an outlier is large but not overwhelming.
    """
    values, scale, level = scaled.values, scaled.scale, scaled.level
    changes = [_change(values, back) for back in _backs(shape)]
    moved = _change(level, 1)
    parts = [(values - level) / scale, *(change / scale for change in changes), moved / scale]
    relative = (scale / scaled.size.clamp_min(1e-30)).clamp(FLOOR_LOG, 10).log()
    seen = torch.cat(parts, -1).asinh() * (scaled.age >= 0)[..., None]
    return torch.cat([seen, relative, scaled.mask], -1)


FLOOR_LOG = 1e-4


def _backs(shape: Shape) -> list[int]:
    """Steps back at which values are compared: the step before, and each longer season."""
    longer = [s // shape.step for s in shape.seasons if s % shape.step == 0]
    return sorted({1, *(back for back in longer if back < shape.steps)})


def _change(values: Tensor, back: int) -> Tensor:
    """Values minus those ``back`` steps before; 0 where there were none."""
    before = torch.cat([values[:, :1].expand(-1, back, -1), values[:, :-back]], 1)
    return values - before if back < values.shape[1] else torch.zeros_like(values)


def _features(shape: Shape) -> int:
    return shape.step * (2 + len(_backs(shape))) + 2


def _layer(cell: str, hidden: int) -> nn.Module:
    if cell == "ann":
        return Dense(hidden, hidden)
    if cell not in CELLS:
        raise ValueError(f"cell must be 'lstm', 'gru', 'rnn' or 'ann', got {cell!r}")
    return CELLS[cell](hidden, hidden, batch_first=True)
