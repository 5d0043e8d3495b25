"""Recurrent layers on top of each other, each of its own kind and width."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence


class Stack(nn.Module):
    """Layers called one after the other, as the levels of one layer with ``num_layers`` are.

    Every layer has its own options, kind and hidden size, which the levels of one layer share. It
    takes what its first layer takes, padded, packed or without a batch, and gives the output of the
    last one and the states of each in a tuple, which it also takes as ``hx``. A trace, and
    :func:`carrousel.intervene`, see the layers by their names "layers.0", "layers.1", ...

    dropout:
        of what each layer but the last gives, while it trains.

    >>> import torch, carrousel
    >>> stack = carrousel.nn.Stack(carrousel.LSTM(3, 8, layer_norm=True), carrousel.GRU(8, 5))
    >>> output, (of_lstm, of_gru) = stack(torch.zeros(7, 2, 3))
    >>> output.shape, of_lstm[0].shape, of_gru.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 8]), torch.Size([1, 2, 5]))
    """

    def __init__(self, *layers: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        if not layers:
            raise ValueError("layers must be at least one recurrent layer, got none")
        for number, layer in enumerate(layers):
            if not all(
                hasattr(layer, name) for name in ("input_size", "hidden_size", "batch_first")
            ):
                kind = type(layer).__name__
                raise TypeError(f"layers[{number}] must be a recurrent layer, got {kind}")
        for number, (below, above) in enumerate(pairwise(layers), 1):
            if above.input_size != _width(below):
                raise ValueError(
                    f"layers[{number}] must have input_size={_width(below)}, what the layer below "
                    f"gives, got {above.input_size}"
                )
            if above.batch_first is not layers[0].batch_first:
                raise ValueError(f"layers[{number}] must have the batch_first of the first one")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(f"dropout must be a probability from 0 to 1, got {dropout!r}")
        self.layers, self.dropout = nn.ModuleList(layers), float(dropout)

    def forward(
        self, input: Tensor | PackedSequence, hx: Sequence[Any] | None = None
    ) -> tuple[Any, tuple[Any, ...]]:
        """The output of the last layer, and the states of each."""
        given = [None] * len(self.layers) if hx is None else hx
        if not isinstance(given, list | tuple) or len(given) != len(self.layers):
            raise ValueError(f"hx must be the states of {len(self.layers)} layers, got {hx!r:.60}")
        states, x = [], input
        for number, (layer, state) in enumerate(zip(self.layers, given, strict=True)):
            x, last = layer(x) if state is None else layer(x, state)
            states.append(last)
            if self.dropout and self.training and number < len(self.layers) - 1:
                x = self._dropped(x)
        return x, tuple(states)

    def _dropped(self, x: Tensor | PackedSequence) -> Tensor | PackedSequence:
        if isinstance(x, PackedSequence):
            return x._replace(data=torch.dropout(x.data, self.dropout, True))
        return torch.dropout(x, self.dropout, True)

    def extra_repr(self) -> str:
        return f"dropout={self.dropout}" if self.dropout else ""


def _width(layer: Any) -> int:
    """Of what the layer gives at a step."""
    return (getattr(layer, "proj_size", 0) or layer.hidden_size) * (1 + layer.bidirectional)
