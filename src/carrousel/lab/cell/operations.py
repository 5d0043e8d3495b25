"""``carrousel lab cell``: one step of one cell, operation by operation.

The equations are written out with plain tensor operations, one named value each, so that a page or
a terminal can show where every number comes from.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...ops import cells
from ...ops.cells import CELLS
from .weights import Weights


@dataclass(frozen=True)
class Operation:
    """One named value of a step: what it is called, how it comes about, its numbers.

    ``role`` is the key of :data:`carrousel.colors.COLORS` that this value is drawn in, or "".
    """

    name: str
    formula: str
    value: Tensor  # (..., size)
    role: str = ""


@dataclass(frozen=True)
class Step:
    """All operations of one step, in order; ``step["forget gate"]`` is the value of one."""

    kind: str
    operations: tuple[Operation, ...]

    def __getitem__(self, name: str) -> Tensor:
        for operation in self.operations:
            if operation.name == name:
                return operation.value
        names = ", ".join(operation.name for operation in self.operations)
        raise KeyError(f"no operation {name!r}; this step has: {names}")

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    @property
    def hidden(self) -> Tensor:
        return self["new hidden state"]

    @property
    def cell(self) -> Tensor | None:
        return self["new cell state"] if CELLS[self.kind].has_cell else None


def step(
    weights: Weights | nn.Module, x: Tensor, h: Tensor | None = None, c: Tensor | None = None
) -> Step:
    """One step with every intermediate value.

    ``x`` (..., I); ``h`` and ``c`` (..., H), zeros where None. ``weights`` may be a recurrent layer
    or cell. ``c`` is for the LSTM.

    >>> one = step(Weights.random("lstm", inputs=2, hidden=3), torch.tensor([1.0, -1.0]))
    >>> [operation.name for operation in one][:5]
    ['input', 'hidden state', 'cell state', 'concatenated', 'forget gate']
    >>> one.hidden.shape
    torch.Size([3])
    """
    w = weights if isinstance(weights, Weights) else Weights.of(weights)
    if x.shape[-1:] != (w.inputs,):
        raise ValueError(f"x has shape {tuple(x.shape)}, but its last dimension must be {w.inputs}")
    shape = (*x.shape[:-1], w.hidden)
    h = x.new_zeros(shape) if h is None else h
    c = x.new_zeros(shape) if c is None else c
    for name, state in (("h", h), ("c", c)):
        if state.shape != shape:
            raise ValueError(f"{name} has shape {tuple(state.shape)}, but must have {shape}")
    cell = cells.RNN if w.kind == "relu" else CELLS[w.kind]
    before = [Operation("input", "x", x, "series"), Operation("hidden state", "h", h, "hidden")]
    if cell.has_cell:
        before.append(Operation("cell state", "c", c, "cell"))
    operations = _OPERATIONS[cell](w, x, h, c)
    return Step(cell.name, (*before, *operations))


def _lstm(w: Weights, x: Tensor, h: Tensor, c: Tensor) -> Iterator[Operation]:
    joined = torch.cat([h, x], -1)
    # [W_hh | W_ih] [h; x] + b: one product with the concatenation, as the gates are drawn in papers
    i, f, g, o = (joined @ torch.cat([w.hh, w.ih], 1).T + w.bias_ih + w.bias_hh).chunk(4, -1)
    forget, enter, candidate = f.sigmoid(), i.sigmoid(), g.tanh()
    kept, added = forget * c, enter * candidate
    cell, leave = kept + added, o.sigmoid()
    yield Operation("concatenated", "[h, x]", joined, "series")
    yield Operation("forget gate", "f = σ(W_f [h, x] + b_f)", forget, "forget")
    yield Operation("input gate", "i = σ(W_i [h, x] + b_i)", enter, "input")
    yield Operation("candidate", "g = tanh(W_g [h, x] + b_g)", candidate, "candidate")
    yield Operation("kept memory", "f * c", kept, "forget")
    yield Operation("added memory", "i * g", added, "input")
    yield Operation("new cell state", "c' = f * c + i * g", cell, "cell")
    yield Operation("output gate", "o = σ(W_o [h, x] + b_o)", leave, "output")
    yield Operation("squashed cell state", "tanh(c')", cell.tanh(), "cell")
    yield Operation("new hidden state", "h' = o * tanh(c')", leave * cell.tanh(), "hidden")


def _gru(w: Weights, x: Tensor, h: Tensor, _c: Tensor) -> Iterator[Operation]:
    r_x, z_x, n_x = (x @ w.ih.T + w.bias_ih).chunk(3, -1)
    r_h, z_h, n_h = (h @ w.hh.T + w.bias_hh).chunk(3, -1)
    reset, update = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
    candidate = (n_x + reset * n_h).tanh()
    kept, added = update * h, (1 - update) * candidate
    yield Operation("concatenated", "[h, x]", torch.cat([h, x], -1), "series")
    yield Operation("reset gate", "r = σ(W_r [h, x] + b_r)", reset, "reset")
    yield Operation("update gate", "z = σ(W_z [h, x] + b_z)", update, "update")
    yield Operation("recalled state", "r * (W_hn h + b_hn)", reset * n_h, "reset")
    yield Operation("candidate", "n = tanh(W_in x + b_in + recalled)", candidate, "candidate")
    yield Operation("kept memory", "z * h", kept, "update")
    yield Operation("added memory", "(1 - z) * n", added, "candidate")
    yield Operation("new hidden state", "h' = (1 - z) * n + z * h", kept + added, "hidden")


def _rnn(w: Weights, x: Tensor, h: Tensor, _c: Tensor) -> Iterator[Operation]:
    joined = torch.cat([h, x], -1)
    summed = joined @ torch.cat([w.hh, w.ih], 1).T + w.bias_ih + w.bias_hh
    name = "relu" if w.kind == "relu" else "tanh"
    yield Operation("concatenated", "[h, x]", joined, "series")
    yield Operation("weighted sum", "a = W [h, x] + b", summed, "candidate")
    yield Operation("new hidden state", f"h' = {name}(a)", getattr(torch, name)(summed), "hidden")


_OPERATIONS = {cells.LSTM: _lstm, cells.GRU: _gru, cells.RNN: _rnn}
