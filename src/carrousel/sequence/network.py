"""The network: numbers or tokens in, recurrent layers (convolutions beside them), answers out.

One family for all tasks. What it gives is one row for each sequence, pooled over its steps, or one
row for each step. Sequences are ragged rows all the way: no step is computed that is not there,
and what stands beside a sequence in a batch changes nothing of its answer.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..limits import whole
from ..nn import LAYERS
from ..ops.cells import CELLS, NAMES
from ..wording import one_of
from .layers.convolution import Convolution
from .layers.entry import Numbers, Tokens
from .layers.pooling import POOLINGS, Pooling
from .ragged import Abreast, Ragged


@dataclass(frozen=True)
class Shape:
    """Everything that fixes the parameters; saved beside them."""

    outputs: int  # numbers in an answer
    channels: int = 0  # numbers in a step; 0: steps are tokens
    masked: bool = False  # whether numbers may be missing
    tokens: int = 0  # kinds of tokens
    embedding: int = 0  # numbers that stand for a token
    cell: str = "lstm"
    hidden: int = 64
    layers: int = 1
    bidirectional: bool = False
    filters: int = 0  # of the convolutions beside the recurrent layers; 0: none
    pooling: str = ""  # "": an answer for each step
    scaled: bool = False  # whether answers are numbers on a scale of their own

    def __post_init__(self) -> None:
        one_of("cell", self.cell, NAMES)
        one_of("pooling", self.pooling, ("", *POOLINGS))
        for name in ("outputs", "hidden", "layers"):
            whole(name, getattr(self, name))
        for name in ("channels", "tokens", "embedding", "filters"):
            whole(name, getattr(self, name), 0)
        if self.entry < 1:
            raise ValueError("a step must have numbers or be a token, got neither")

    @property
    def entry(self) -> int:
        """Numbers that the first layer reads of a step."""
        return self.embedding if self.tokens else self.channels * (2 if self.masked else 1)

    @property
    def width(self) -> int:
        """Numbers that the last recurrent layer says of a step."""
        return self.hidden * (2 if self.bidirectional else 1)


class Dropout:
    """What one pass of training does not see: the same units of a sequence at all its steps
    (variational: Gal & Ghahramani 2016)."""

    def __init__(self, share: float, generator: torch.Generator) -> None:
        self.share, self.generator = share, generator

    def __call__(self, batch: Ragged, rows: Tensor) -> Tensor:
        """Rows (N, F) of the batch with units of each sequence hidden."""
        if not self.share:
            return rows
        return batch.scaled(rows, self.mask(len(batch), rows.shape[1]).to(rows))

    def mask(self, *size: int) -> Tensor:
        """1 / (1 - share), or 0 with the probability ``share``."""
        kept = torch.empty(size).bernoulli_(1 - self.share, generator=self.generator)
        return kept.div_(1 - self.share)


class Network(nn.Module):
    """``network(batch)`` for a :class:`Ragged` of numbers (N, C) or tokens (N,): answers (B, K),
    or a Ragged of them, (N, K), where the shape has no pooling."""

    entry: Any  # a module that turns rows into numbers for the first layer
    offset: Tensor
    spread: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        if shape.tokens:
            self.entry = Tokens(shape.tokens, shape.embedding)
        else:
            self.entry = Numbers(shape.channels, shape.masked)
        widths = [shape.entry, *[shape.width] * (shape.layers - 1)]
        self.layers = nn.ModuleList(_layer(shape, inputs) for inputs in widths)
        self.convolution = Convolution(shape.entry, shape.filters) if shape.filters else None
        beside = 0 if self.convolution is None else self.convolution.width
        self.pooling = None
        if shape.pooling:
            self.pooling = Pooling(shape.pooling, shape.width, beside, shape.bidirectional)
        features = shape.width + beside if self.pooling is None else self.pooling.width
        self.head = nn.Linear(features, shape.outputs)
        if shape.scaled:
            self.register_buffer("offset", torch.zeros(shape.outputs, dtype=torch.float64))
            self.register_buffer("spread", torch.ones(shape.outputs, dtype=torch.float64))

    def forward(self, batch: Ragged, dropout: Dropout | None = None) -> Tensor | Ragged:
        steps = batch.for_layers
        rows, beside = self.read(steps, dropout)
        if self.pooling is not None:
            return self.answer(self.pooling(steps, rows, beside, dropout))
        each = [one for one in (rows, beside) if one is not None]
        if dropout is not None:
            each = [dropout(steps, one) for one in each]
        said = self.answer(torch.cat(each, 1) if len(each) > 1 else each[0])
        return batch.like(steps.in_line(said))

    def answer(self, features: Tensor) -> Tensor:
        """(B, K) answers in their own units."""
        said = self.head(features)
        return said * self.spread + self.offset if self.shape.scaled else said

    def read(self, batch: Ragged, dropout: Dropout | None = None) -> tuple[Tensor, Tensor | None]:
        """What the recurrent layers (N, F) and the convolutions beside them (N, G) say of steps;
        nothing of it is hidden yet."""
        entered = self.entry(batch, dropout)
        rows = self.recur(batch, entered, dropout)
        return rows, None if self.convolution is None else self.convolution(batch, entered)

    def recur(self, batch: Ragged, rows: Tensor, dropout: Dropout | None) -> Tensor:
        """The recurrent layers, step by step: sequences of one length side by side, others in the
        packed order, of which kernels make the most."""
        for number, layer in enumerate(self.layers):
            if number and dropout is not None:
                rows = dropout(batch, rows)
            if isinstance(batch, Abreast):
                rows = layer(batch.grouped(rows)[0])[0].flatten(0, 1)
            else:
                packing = batch.packing
                packed = PackedSequence(packing.pack(rows), packing.batch_sizes)
                rows = packing.unpack(layer(packed)[0].data)
        return rows


def _layer(shape: Shape, inputs: int) -> nn.Module:
    """A layer whose units hear their input and each other from the start.

    Each gate's recurrent matrix is orthogonal (Saxe, McClelland & Ganguli 2014), its input matrix
    drawn as Glorot & Bengio 2010 propose, and an LSTM's memory is open (Gers et al. 2000).
    """
    options = {"forget_bias": 1.0} if CELLS[shape.cell].forget_bias else {}
    layer = LAYERS[shape.cell](inputs, shape.hidden, bidirectional=shape.bidirectional, **options)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            if name.startswith("weight"):
                draw = nn.init.orthogonal_ if "_hh" in name else nn.init.xavier_uniform_
                for gate in weight.split(shape.hidden):
                    draw(gate)
    return layer


def new_network(shape: Shape, seed: int) -> Network:
    """A network drawn from ``seed``; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(shape)
