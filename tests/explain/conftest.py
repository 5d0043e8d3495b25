"""Records to explain."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

import carrousel
from carrousel.record import Record

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


@pytest.fixture
def make_layer() -> Callable[..., nn.RNNBase]:
    def make(kind: str, hidden: int = 5, dtype=torch.float64, scale: float = 1.0, **options):
        torch.manual_seed(11)
        layer = KINDS[kind](3, hidden, **options).to(dtype)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.mul_(scale)
        return layer

    return make


@pytest.fixture
def record_of() -> Callable[..., Record]:
    """A record of a layer run over random sequences of these lengths, from random states."""

    def make(layer: nn.RNNBase, lengths=(9, 9), initial: bool = True) -> Record:
        torch.manual_seed(5)
        dtype = layer.weight_hh_l0.dtype
        packed = pack_sequence(
            [torch.randn(n, 3, dtype=dtype) for n in lengths], enforce_sorted=False
        )
        shape = (layer.num_layers * (2 if layer.bidirectional else 1), len(lengths))
        states = [torch.randn(*shape, layer.hidden_size, dtype=dtype) for _ in range(2)]
        hx = tuple(states) if layer.mode == "LSTM" else states[0]
        with torch.no_grad(), carrousel.trace(layer) as trace:
            layer(packed, hx if initial else None)
        return trace[-1]

    return make
