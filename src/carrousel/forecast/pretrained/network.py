"""The network: LSTM layers over the history, a decoder that answers for any step ahead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..network.distribution import SIDE
from ..network.tiles import FilledLinear
from .history import FEATURES, History, history
from .query import ANCHORS, NUMBERS, Question, ask

LONG = 24  # first seasons from which on four observations are read at once


@dataclass(frozen=True)
class Shape:
    """Everything that fixes a network's parameters; saved beside them."""

    patch: int  # observations read in one step of the recurrence
    read: int  # observations that the layers read at most; the decoder's lags reach further
    hidden: int = 160
    layers: int = 2
    decoder: int = 320
    blocks: int = 2

    def __post_init__(self) -> None:
        if self.patch < 1 or self.read < self.patch or self.read % self.patch:
            raise ValueError(f"read must be a multiple of patch, got {self.read} and {self.patch}")
        for name in ("hidden", "layers", "decoder", "blocks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class Answer(NamedTuple):
    """Quantiles in units from the value at the origin, and what they were made of."""

    quantiles: Tensor  # (B, O, J, Q)
    question: Question
    past: History

    def absolute(self) -> Tensor:
        """(B, O, J, Q) float64 in the units of the series."""
        q = self.quantiles.double() * self.question.unit[..., None].double()
        return q + self.question.origin[..., None] + self.past.base[:, :, None, None].double()


class Remembered(NamedTuple):
    """What the layers keep of B windows of T steps."""

    past: History
    memory: Tensor  # (B, P, hidden) after each patch of the steps that were read


class Block(nn.Module):
    """x + W_2 silu(W_1 norm(x))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = FilledLinear(width, width)
        self.down = FilledLinear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(F.silu(self.up(self.norm(x))))


class Network(nn.Module):
    """(B, T) values, NaN where missing, to quantiles of any step after any patch.

    Layers of LSTM, each of which adds to what it read, keep the memory of the past; the decoder
    reads that memory and a ``Question``, which holds what the step ahead asks of the values
    themselves. The middle of a forecast is a weighted mean of simple forecasts plus a correction,
    the other quantiles lie outwards from it by positive steps, so that they cannot cross.

    Args:
        shape: Sizes.
        layer: Makes one recurrent layer: ``carrousel.LSTM``, or ``torch.nn.LSTM`` on a GPU; the
            parameters are the same.
    """

    def __init__(self, shape: Shape, layer: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.shape = shape
        hidden, width = shape.hidden, shape.decoder
        self.embed = FilledLinear(shape.patch * FEATURES, hidden)
        self.layers = nn.ModuleList(
            layer(hidden, hidden, batch_first=True) for _ in range(shape.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(shape.layers))
        self.state = FilledLinear(hidden, width)
        self.question = FilledLinear(NUMBERS, width, bias=False)
        self.blocks = nn.ModuleList(Block(width) for _ in range(shape.blocks))
        self.norm = nn.LayerNorm(width)
        self.head = FilledLinear(width, len(ANCHORS) + 1 + 2 * SIDE)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def encode(self, features: Tensor, state: list[Any] | None = None) -> tuple[Tensor, list[Any]]:
        """(B, T, F) features, T a multiple of the patch, to (B, P, hidden), the memory after each
        patch, from a state (zeros if None) to the next."""
        x, after = self.embed(features.unflatten(1, (-1, self.shape.patch)).flatten(2)), []
        for k, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            out, last = layer(norm(x), None if state is None else state[k])
            x = x + out
            after.append(last)
        return x, after

    def decode(self, memory: Tensor, question: Question) -> Tensor:
        """(B, O, J, Q) quantiles in units from the value at the origin; memory (B, O, hidden)."""
        weights, median, steps = self._heads(memory, question)
        middle = (weights.softmax(-1) * question.anchors).sum(-1, keepdim=True) + median
        below, above = F.softplus(steps).unflatten(-1, (2, SIDE)).cumsum(-1).unbind(-2)
        return torch.cat([middle - below.flip(-1), middle, middle + above], -1)

    def middle(self, memory: Tensor, question: Question) -> tuple[Tensor, Tensor]:
        """The weights (B, O, J, K) of the simple forecasts and the correction (B, O, J, 1)."""
        weights, median, _ = self._heads(memory, question)
        return weights.softmax(-1), median

    def _heads(self, memory: Tensor, question: Question) -> tuple[Tensor, Tensor, Tensor]:
        x = F.silu(self.state(memory)[:, :, None] + self.question(question.numbers))
        for block in self.blocks:
            x = block(x)
        weights, median, steps = self.head(self.norm(x)).split([len(ANCHORS), 1, 2 * SIDE], -1)
        return weights, median, steps

    def forward(self, y: Tensor, seasons: Tensor, origin: Tensor, ahead: Tensor) -> Answer:
        """Forecasts from within a history.

        Args:
            y: (B, T) values, T a multiple of the patch; float64 where they lie far from zero.
            seasons: (B, 2) lags, the longer second; 1 for none.
            origin: (B, O) steps after which is forecast: last ones of patches, among the last
                ``read`` steps.
            ahead: (B, O, J) how many steps ahead, from 1 on.
        """
        return self.answer(self.remember(y, seasons), origin, ahead)

    def remember(self, y: Tensor, seasons: Tensor, before: int = 0) -> Remembered:
        """What the layers keep of (B, T) values, T a multiple of the patch. ``before`` steps, a
        multiple of it too, were left out in front: none of them held a value, and their memory is
        that of ``resting``."""
        read = min(self.shape.read, y.shape[1] + before)
        left_out = max(read - y.shape[1], 0) // self.shape.patch  # patches
        past = history(y, seasons, read, before)
        state = self.resting(left_out, len(y)) if left_out else None
        return Remembered(past, self.encode(past.features, state)[0])

    def resting(self, patches: int, windows: int) -> list[Any]:
        """The state of the layers after patches without any value, the same in all windows."""
        nothing = self.embed.weight.new_zeros(1, patches * self.shape.patch, FEATURES)
        state = self.encode(nothing)[1]
        return [tuple(x.expand(-1, windows, -1).contiguous() for x in layer) for layer in state]

    def answer(self, found: Remembered, origin: Tensor, ahead: Tensor) -> Answer:
        """Forecasts from origins (B, O) of what was remembered, as ``forward``."""
        past, memory = found
        place = (origin - past.value.shape[1]) // self.shape.patch + memory.shape[1]
        memory = memory.gather(1, place[..., None].expand(-1, -1, memory.shape[-1]))
        question = ask(past, origin, ahead)
        return Answer(self.decode(memory, question), question, past)

    def following(self, y: Tensor, seasons: Tensor, ahead: Tensor, before: int = 0) -> Answer:
        """The steps ``ahead`` (B, 1, J) after (B, T) values, T of any length; ``before`` as in
        ``remember``."""
        y = F.pad(y, (-y.shape[1] % self.shape.patch, 0), value=torch.nan)
        origin = torch.full((len(y), 1), y.shape[1] - 1, device=y.device)
        return self.answer(self.remember(y, seasons, before), origin, ahead)
