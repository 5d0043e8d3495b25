"""Cells as somebody wrote them, in the place of a layer's own equations; two from papers.

The peephole LSTM (Gers & Schmidhuber 2000) and coupled input and forget gates (Greff et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..cells import Cell
from .cells import Hand, untouched


class Parameters:
    """Of one level and direction, as attributes; and :meth:`hand`."""

    def __init__(
        self, names: Sequence[str], weights: Sequence[Tensor], hand: Hand = untouched
    ) -> None:
        self._hand = hand
        self._handed: set[str] = set()
        for name, weight in zip(names, weights, strict=True):
            setattr(self, name, weight)

    def hand(self, name: str, value: Tensor) -> Tensor:
        """A gate or state as it comes about: as it is, or as :func:`carrousel.intervene` wants."""
        self._handed.add(name)
        return self._hand(name, value)

    def has_handed(self, name: str) -> bool:
        """Whether the step has called :meth:`hand` with this name."""
        return name in self._handed

    def rest(self, states: Mapping[str, Tensor], gates: Mapping[str, Tensor]) -> list[Tensor]:
        """The states, those that the equations kept to themselves handed now; gates cannot be."""
        for name, value in gates.items():
            if name not in self._handed and self._hand(name, value) is not value:
                raise ValueError(
                    f"equations must hand out {name!r} where it is to be changed: write "
                    f"w.hand({name!r}, ...) around it in the step"
                )
        return [s if n in self._handed else self._hand(n, s) for n, s in states.items()]


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

    def take(
        self,
        cell: Cell,
        names: list[str],
        x: Tensor,
        h: Tensor,
        c: Any,
        weights: Any,
        hand: Hand = untouched,
    ) -> Any:
        """h, c and gates after one step, checked."""
        w = Parameters(names, weights, hand)
        found = self.step(x, h, c, w) if cell.has_cell else self.step(x, h, w)
        if not cell.gates:
            found = (found, {})
        states, wanted = cell.states, "h, c and gates" if cell.has_cell else "h and gates"
        if not isinstance(found, tuple) or len(found) != states + 1:
            raise ValueError(f"equations must give {wanted}, got {type(found).__name__}")
        *new, gates = found
        shown = h if w.has_handed("hidden") else _wide(h, c)
        for name, state, before in zip(("h", "c"), new, (shown, c), strict=False):
            if not isinstance(state, Tensor) or state.shape != before.shape:
                shape = getattr(state, "shape", type(state).__name__)
                raise ValueError(f"equations must give {name} {tuple(before.shape)}, got {shape}")
        if set(gates) != set(cell.gates):
            raise ValueError(f"equations must give the gates {cell.gates}, got {tuple(gates)}")
        gates = {name: gates[name] for name in cell.gates}
        # The cell state first: what is done behind the equations looks at it before the hidden one.
        named = dict(zip(reversed(cell.state_names), reversed(new), strict=True))
        *memory, h = w.rest(named, gates)
        return h, memory[0] if memory else None, gates


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
    i, f = w.hand("input", (i + p_i * c).sigmoid()), w.hand("forget", (f + p_f * c).sigmoid())
    g = w.hand("candidate", g.tanh())
    c = w.hand("cell", f * c + i * g)
    o = w.hand("output", (o + p_o * c).sigmoid())
    return o * c.tanh(), c, {"input": i, "forget": f, "candidate": g, "output": o}


def coupled_step(x: Tensor, h: Tensor, c: Tensor, w: Any) -> Any:
    """What is forgotten is what is written (Greff et al. 2017): i = 1 - f; weights of f, g, o."""
    f, g, o = _sums(x, h, w).chunk(3, -1)
    f, g, o = w.hand("forget", f.sigmoid()), w.hand("candidate", g.tanh()), o.sigmoid()
    i, o = w.hand("input", 1 - f), w.hand("output", o)
    c = w.hand("cell", f * c + i * g)
    return o * c.tanh(), c, {"input": i, "forget": f, "candidate": g, "output": o}


def coupled_peephole_step(x: Tensor, h: Tensor, c: Tensor, w: Any) -> Any:
    """Both; w.peephole (2H) = p_f, p_o."""
    f, g, o = _sums(x, h, w).chunk(3, -1)
    p_f, p_o = w.peephole.chunk(2)
    f, g = w.hand("forget", (f + p_f * c).sigmoid()), w.hand("candidate", g.tanh())
    i = w.hand("input", 1 - f)
    c = w.hand("cell", f * c + i * g)
    o = w.hand("output", (o + p_o * c).sigmoid())
    return o * c.tanh(), c, {"input": i, "forget": f, "candidate": g, "output": o}


VARIANTS = {  # by peepholes, coupled
    (True, False): Equations(peephole_step, vectors={"peephole": 3}),
    (False, True): Equations(coupled_step, blocks=3),
    (True, True): Equations(coupled_peephole_step, blocks=3, vectors={"peephole": 2}),
}
