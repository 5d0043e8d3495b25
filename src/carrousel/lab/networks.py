"""The contestants: a network without memory and three with, all of one size."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .. import nn as layers
from ..nn import LAYERS
from ..ops import cells
from ..wording import one_of
from .tasks import Task

Kind = str  # "ann", "elman", or a name in ops/cells.py
KINDS = ("ann", *reversed(cells.NAMES), "elman")
CELLS = cells.CELLS | {"elman": cells.RNN}


@dataclass(frozen=True)
class Network:
    """Which network: its kind and, for gated ones, how the gate that keeps the memory begins.

    ``ann`` sees the current input only. ``elman`` is ``rnn`` learning as Elman (1990) did: the
    error goes back one step only. ``forget_bias`` is the initial bias of the LSTM's forget gate
    (None: as torch draws it, near 0). ``chrono`` draws the biases so that memories last up to the
    length of the task (Tallec & Ollivier 2018).
    """

    kind: Kind
    forget_bias: float | None = None
    chrono: bool = False

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)
        cell = CELLS.get(self.kind)
        if self.forget_bias is not None and not (cell and cell.forget_bias):
            raise ValueError(f"forget_bias is for lstm; {self.kind} has no forget gate")
        if self.chrono and not (cell and cell.keeps):
            raise ValueError(f"chrono is for lstm and gru; {self.kind} has no gates")

    @property
    def label(self) -> str:
        if self.chrono:
            return f"{self.kind}, chrono"
        if self.forget_bias is not None:
            return f"{self.kind}, forget bias {self.forget_bias:g}"
        return self.kind


def count(kind: Kind, inputs: int, hidden: int, outputs: int) -> int:
    """Trainable numbers of a network with one hidden layer, output layer included."""
    into = (
        hidden * (inputs + 1)
        if kind == "ann"
        else CELLS[kind].blocks * hidden * (inputs + hidden + 2)
    )
    return into + outputs * (hidden + 1)


def hidden_for(kind: Kind, inputs: int, outputs: int, parameters: int) -> int:
    """The largest hidden size with which a network has at most ``parameters`` trainable numbers.

    >>> hidden_for("lstm", 2, 1, 1000), hidden_for("gru", 2, 1, 1000), hidden_for("rnn", 2, 1, 1000)
    (13, 16, 29)
    """
    hidden = 0
    while count(kind, inputs, hidden + 1, outputs) <= parameters:
        hidden += 1
    if hidden == 0:
        raise ValueError(f"parameters is {parameters}, too few for one unit of {kind}")
    return hidden


class Reader(nn.Module):
    """One hidden layer and a linear answer: after the last step (B, O) or at each one (T, B, O)."""

    def __init__(self, hidden: nn.Module, size: int, outputs: int, every_step: bool) -> None:
        super().__init__()
        self.hidden = hidden
        self.answer = nn.Linear(size, outputs)
        self.every_step = every_step

    @property
    def recurrent(self) -> nn.RNNBase:
        """The hidden layer of a network that has a memory."""
        assert isinstance(self.hidden, nn.RNNBase)
        return self.hidden

    def forward(self, inputs: Tensor) -> Tensor:
        if isinstance(self.hidden, Memoryless) and not self.every_step:
            inputs = inputs[-1:]  # what came before cannot change the answer
        states = self.hidden(inputs)[0]
        return self.answer(states if self.every_step else states[-1])


class Memoryless(nn.Module):
    """tanh(W x_t + b): a hidden layer without a state."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, hidden)

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        return (self.linear(inputs).tanh(),)


class Elman(layers.RNN):
    """An RNN whose error goes back one step: h_(t-1) is an input like any other (Elman 1990)."""

    def forward(self, inputs: Tensor) -> tuple[Tensor]:  # type: ignore[override]
        with torch.no_grad():
            states, _ = super().forward(inputs)
        before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
        w_ih, w_hh, b_ih, b_hh = self.parameters()
        linear = nn.functional.linear
        return ((linear(inputs, w_ih, b_ih) + linear(before, w_hh, b_hh)).tanh(),)


def build(network: Network, task: Task, parameters: int, seed: int) -> Reader:
    """The network for a task, initialized as torch does, from ``seed``; no global state changes."""
    size = hidden_for(network.kind, task.inputs, task.outputs, parameters)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hidden = _hidden(network, task, size)
        return Reader(hidden, size, task.outputs, task.every_step)


def _hidden(network: Network, task: Task, size: int) -> nn.Module:
    inputs, chrono = task.inputs, max(3, task.span) if network.chrono else None
    match network.kind:
        case "ann":
            return Memoryless(inputs, size)
        case "elman":
            return Elman(inputs, size)
    cell = CELLS[network.kind]
    if cell.forget_bias:
        biases = {"forget_bias": network.forget_bias, "chrono": chrono}
        return LAYERS[cell.name](inputs, size, **biases)
    layer = LAYERS[cell.name](inputs, size)
    if chrono is not None:
        set_chrono(layer, chrono, cell.gates.index(str(cell.keeps)))
    return layer


@torch.no_grad()
def set_chrono(layer: nn.RNNBase, longest: int, block: int) -> None:
    """Chrono initialization of a GRU: b_z ~ ln U(1, longest - 1), as torch's z is what is kept.

    block: the place of the gate that keeps among the gates of the weights.
    """
    update = slice(block * layer.hidden_size, (block + 1) * layer.hidden_size)
    layer.get_parameter("bias_ih_l0")[update].uniform_(1, longest - 1).log_()
    layer.get_parameter("bias_hh_l0")[update] = 0
