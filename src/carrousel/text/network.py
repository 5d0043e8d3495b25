"""The network: an embedding, recurrent layers, and a score for every token that may follow."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ..nn import LAYERS
from ..ops.cells import CELLS

State = list[Any]  # of each layer what carrousel.nn gives: h (1, B, H), or (h, c)


@dataclass(frozen=True)
class Shape:
    """Everything that fixes the parameters; saved beside them."""

    tokens: int
    cell: str
    embedding: int
    hidden: int
    layers: int
    tied: bool

    @property
    def widths(self) -> list[int]:
        """Numbers that go into each layer and come out of the last."""
        last = self.embedding if self.tied else self.hidden
        return [self.embedding, *[self.hidden] * (self.layers - 1), last]


@dataclass
class Masks:
    """What one batch does not see; each is 0 where something is hidden, 1 / (1 - p) elsewhere."""

    tokens: Tensor | None = None  # (V, 1)
    units: list[Tensor] = field(default_factory=list)  # embedding, then layers: (B, width)
    weights: list[Tensor] = field(default_factory=list)  # of each layer: like weight_hh_l0


class Network(nn.Module):
    """Scores (B, T, V) of the token after each of (B, T), and the state after the last."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = shape.widths
        self.embedding = nn.Embedding(shape.tokens, shape.embedding)
        self.layers = nn.ModuleList(_layer(shape.cell, i, h) for i, h in pairwise(widths))
        self.decoder = nn.Linear(widths[-1], shape.tokens)
        nn.init.zeros_(self.decoder.bias)
        if shape.tied:
            nn.init.normal_(self.embedding.weight, std=shape.embedding**-0.5)
            self.decoder.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """tokens (B, T) int64; state: what an earlier call gave, None for none."""
        hidden, state = self.read(tokens.T, state)
        return self.decoder(hidden).transpose(0, 1), state

    def read(
        self, tokens: Tensor, state: State | None = None, masks: Masks | None = None
    ) -> tuple[Tensor, State]:
        """(T, B) tokens to what the last layer says, (T, B, H), and the state after them."""
        masks = masks or Masks()
        x, after = self._embed(tokens, masks), []
        for k, layer in enumerate(self.layers):
            before = None if state is None else state[k]
            x, now = _run(layer, x, before, masks.weights[k] if masks.weights else None)
            if masks.units:
                x = x * masks.units[k + 1]
            after.append(now)
        return x, after

    def _embed(self, tokens: Tensor, masks: Masks) -> Tensor:
        weight = self.embedding.weight
        if masks.tokens is not None:
            weight = weight * masks.tokens
        x = nn.functional.embedding(tokens, weight)
        return x * masks.units[0] if masks.units else x


def _run(layer: nn.Module, x: Tensor, state: Any, mask: Tensor | None) -> tuple[Tensor, Any]:
    if mask is None:
        return layer(x, state)
    dropped = {"weight_hh_l0": layer.get_parameter("weight_hh_l0") * mask}
    return torch.func.functional_call(layer, dropped, (x, state))


def _layer(cell: str, inputs: int, hidden: int) -> nn.Module:
    """A layer whose units hear their input and each other from the start.

    Each gate's recurrent matrix is orthogonal (Saxe, McClelland & Ganguli 2014), its input matrix
    drawn as Glorot & Bengio 2010 propose. With torch's smaller weights a model of characters stays
    for hundreds of updates at what the last character alone tells.
    """
    options = {"forget_bias": 1.0} if CELLS[cell].forget_bias else {}
    layer = LAYERS[cell](inputs, hidden, **options)
    with torch.no_grad():
        for gate in layer.weight_hh_l0.split(hidden):
            nn.init.orthogonal_(gate)
        for gate in layer.weight_ih_l0.split(hidden):
            nn.init.xavier_uniform_(gate)
    return layer
