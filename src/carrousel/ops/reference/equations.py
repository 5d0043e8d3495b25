"""Cells as somebody wrote them, in the place of a layer's own equations; two from papers.

The peephole LSTM (Gers & Schmidhuber 2000) and coupled input and forget gates (Greff et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..cells import Cell


class Parameters:
    """Of one level and direction, as attributes."""

    def __init__(self, names: Sequence[str], weights: Sequence[Tensor]) -> None:
        for name, weight in zip(names, weights, strict=True):
            setattr(self, name, weight)


@dataclass(frozen=True)
class Equations:
    """One step of a cell, written in torch.

    ``step(x, h, c, w)`` of an LSTM gives h, c and its gates by their names, ``step(x, h, w)`` of a
    GRU h and its gates, of an RNN h alone. x (B, I); h, c (B, H); ``w`` holds the parameters of the
    level and direction: ``w.weight_ih`` (G*H, I), ``w.weight_hh`` (G*H, H), with ``bias=True``
    ``w.bias_ih`` and ``w.bias_hh`` (G*H), and one of k*H for each of ``vectors``.

    >>> import torch, carrousel
    >>> def step(x, h, w):  # an RNN that changes by half at most
    ...     new = torch.tanh(x @ w.weight_ih.T + h @ w.weight_hh.T + w.bias_ih)
    ...     return (h + new) / 2
    >>> layer = carrousel.RNN(3, 5, equations=carrousel.nn.Equations(step))
    >>> layer(torch.zeros(7, 2, 3))[0].shape
    torch.Size([7, 2, 5])
    """

    step: Callable[..., Any]
    blocks: int | None = None  # G, rows of the weights for a unit; None: as the layer's own
    vectors: Mapping[str, int] = field(default_factory=dict)  # name -> k

    def take(self, cell: Cell, names: list[str], x: Tensor, h: Tensor, c: Any, weights: Any) -> Any:
        """h, c and gates after one step, checked."""
        w = Parameters(names, weights)
        found = self.step(x, h, c, w) if cell.has_cell else self.step(x, h, w)
        if not cell.gates:
            found = (found, {})
        states, wanted = cell.states, "h, c and gates" if cell.has_cell else "h and gates"
        if not isinstance(found, tuple) or len(found) != states + 1:
            raise ValueError(f"equations must give {wanted}, got {type(found).__name__}")
        *new, gates = found
        for name, state, before in zip(("h", "c"), new, (_wide(h, c), c), strict=False):
            if not isinstance(state, Tensor) or state.shape != before.shape:
                shape = getattr(state, "shape", type(state).__name__)
                raise ValueError(f"equations must give {name} {tuple(before.shape)}, got {shape}")
        if set(gates) != set(cell.gates):
            raise ValueError(f"equations must give the gates {cell.gates}, got {tuple(gates)}")
        return new[0], new[1] if cell.has_cell else None, {name: gates[name] for name in cell.gates}


def _wide(h: Tensor, c: Tensor | None) -> Tensor:
    """As wide as h before it is projected."""
    return h if c is None else c


def _sums(x: Tensor, h: Tensor, w: Any) -> Tensor:
    sums = x @ w.weight_ih.T + h @ w.weight_hh.T
    return sums + w.bias_ih + w.bias_hh if hasattr(w, "bias_ih") else sums


def peephole_step(x: Tensor, h: Tensor, c: Tensor, w: Any) -> Any:
    """Gates that see the cell state (Gers & Schmidhuber 2000), by w.peephole (3H) = p_i, p_f, p_o::

    i = sigmoid(... + p_i * c)        f = sigmoid(... + p_f * c)
    c' = f * c + i * g                o = sigmoid(... + p_o * c')
    """
    i, f, g, o = _sums(x, h, w).chunk(4, -1)
    p_i, p_f, p_o = w.peephole.chunk(3)
    i, f, g = (i + p_i * c).sigmoid(), (f + p_f * c).sigmoid(), g.tanh()
    c = f * c + i * g
    o = (o + p_o * c).sigmoid()
    return o * c.tanh(), c, {"input": i, "forget": f, "candidate": g, "output": o}


def coupled_step(x: Tensor, h: Tensor, c: Tensor, w: Any) -> Any:
    """What is forgotten is what is written (Greff et al. 2017): i = 1 - f; weights of f, g, o."""
    f, g, o = _sums(x, h, w).chunk(3, -1)
    f, g, o = f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + (1 - f) * g
    return o * c.tanh(), c, {"input": 1 - f, "forget": f, "candidate": g, "output": o}


def coupled_peephole_step(x: Tensor, h: Tensor, c: Tensor, w: Any) -> Any:
    """Both; w.peephole (2H) = p_f, p_o."""
    f, g, o = _sums(x, h, w).chunk(3, -1)
    p_f, p_o = w.peephole.chunk(2)
    f, g = (f + p_f * c).sigmoid(), g.tanh()
    c = f * c + (1 - f) * g
    o = (o + p_o * c).sigmoid()
    return o * c.tanh(), c, {"input": 1 - f, "forget": f, "candidate": g, "output": o}


VARIANTS = {  # by peepholes, coupled
    (True, False): Equations(peephole_step, vectors={"peephole": 3}),
    (False, True): Equations(coupled_step, blocks=3),
    (True, True): Equations(coupled_peephole_step, blocks=3, vectors={"peephole": 2}),
}
