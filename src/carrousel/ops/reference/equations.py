"""Cells as somebody wrote them, in the place of a layer's own equations; two from papers.

The peephole LSTM (Gers & Schmidhuber 2000) and coupled input and forget gates (Greff et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from torch import Tensor

from ..cells import Cell
from ..written import NAME, check_names, kind_of, of_kind
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

    A cell with gates or states of its own says how they are called; ``step`` is given all states
    in this order, and gives them and a dictionary of its gates (if it has any), (B, H) each.

    blocks:
        G, rows of the weights for a unit; None: as many as there are ``gates``, or as the layer has
    vectors:
        further parameters, name -> k
    gates:
        names, in the order of their rows in the weights; None: the layer's own
    states:
        names, "hidden" first, which is what the layer gives; second "cell", if what is remembered
        is another one; then any. None: the layer's own
    memory:
        how the memory ("cell", or without one "hidden") is a sum: "cell = keep * cell + write *
        new", a gate times the state before, plus what is written: gates, or (1 - gate), multiplied.
        ``explain.ledger`` and all that goes by it hold it to that. None: nothing keeps its books

    >>> import torch, carrousel
    >>> def step(x, h, w):  # an RNN that changes by half at most
    ...     new = torch.tanh(x @ w.weight_ih.T + h @ w.weight_hh.T + w.bias_ih)
    ...     return (h + new) / 2
    >>> layer = carrousel.RNN(3, 5, equations=carrousel.nn.Equations(step))
    >>> layer(torch.zeros(7, 2, 3))[0].shape
    torch.Size([7, 2, 5])
    """

    step: Callable[..., Any]
    blocks: int | None = None
    vectors: Mapping[str, int] = field(default_factory=dict)
    gates: Sequence[str] | None = None
    states: Sequence[str] | None = None
    memory: str | None = None

    def __post_init__(self) -> None:
        if not callable(self.step):
            raise TypeError(
                f"step must be a function of x, h and w, got {type(self.step).__name__}"
            )
        for name, rows in (("blocks", self.blocks), *self.vectors.items()):
            whole = isinstance(rows, int) and not isinstance(rows, bool)
            if rows is not None and not (whole and rows > 0):
                raise ValueError(f"{name} must be a whole number above 0, got {rows!r}")
        for name in self.vectors:
            if NAME.fullmatch(name) is None or name in _WEIGHTS or hasattr(Parameters, name):
                raise ValueError(f"vectors must have names of their own, got {name!r}")
        for kind, names in (("gates", self.gates), ("states", self.states)):
            if isinstance(names, str):
                raise TypeError(f"{kind} must be a sequence of names, got {names!r}")

    def cell(self, own: Cell) -> Cell:
        """The row of the table, in the place of the layer's ``own``."""
        if self.gates is None and self.states is None and self.memory is None:
            return own
        gates = own.gates if self.gates is None else self.gates
        states = own.state_names if self.states is None else self.states
        check_names(gates, states)
        name = getattr(self.step, "__name__", "written")
        return of_kind(kind_of(name, gates, states, self.memory))

    def rows(self, own: Cell) -> int:
        """G."""
        if self.blocks is not None:
            return self.blocks
        return own.blocks if self.gates is None else max(len(self.gates), 1)

    def check(self, cell: Cell) -> None:
        """``ValueError`` for a step that cannot be called with the states of the cell."""
        names = ["x", *map(_short, cell.state_names), "w"]
        try:
            signature(self.step).bind(*names)
        except TypeError:
            found = ", ".join(signature(self.step).parameters)
            raise ValueError(
                f"equations must have a step of ({', '.join(names)}), got one of ({found})"
            ) from None
        except ValueError:  # a function that does not tell
            return


@dataclass(frozen=True)
class Written:
    """Equations in a layer: of which cell, and how the weights are called in their order."""

    equations: Equations
    cell: Cell
    names: Sequence[str]

    def __call__(
        self, x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], hand: Hand = untouched
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The states and gates after one step, checked."""
        w = Parameters(self.names, weights, hand)
        found = self.equations.step(x, *states, w)
        new, gates = self._parted(found)
        self._check_states(new, states, w.has_handed("hidden"))
        self._check_gates(gates, states[-1])
        gates = {name: gates[name] for name in self.cell.gates}
        # The cell state first: what is done behind the equations looks at it before the hidden one.
        named = dict(zip(reversed(self.cell.state_names), reversed(new), strict=True))
        return w.rest(named, gates)[::-1], gates

    def _parted(self, found: Any) -> tuple[Sequence[Any], dict[str, Any]]:
        """States and gates of what a step gave."""
        count, names = self.cell.states, [*map(_short, self.cell.state_names)]
        if self.cell.gates:
            names.append("gates")
            if isinstance(found, tuple) and len(found) == count + 1 and isinstance(found[-1], dict):
                return found[:-1], found[-1]
        elif count == 1:
            return (found,), {}
        elif isinstance(found, tuple) and len(found) == count:
            return found, {}
        wanted = f"{', '.join(names[:-1])} and {names[-1]}"
        got = f"{len(found)} of them" if isinstance(found, tuple) else type(found).__name__
        raise ValueError(f"equations must give {wanted}, got {got}")

    def _check_states(
        self, new: Sequence[Any], before: Sequence[Tensor], is_projected: bool
    ) -> None:
        # As wide as h before it is projected.
        shown = before[0] if is_projected or not self.cell.has_cell else before[1]
        for name, state, old in zip(self.cell.state_names, new, [shown, *before[1:]], strict=True):
            if not isinstance(state, Tensor) or state.shape != old.shape:
                shape = getattr(state, "shape", type(state).__name__)
                wanted = f"{_short(name)} {tuple(old.shape)}"
                raise ValueError(f"equations must give {wanted}, got {shape}")
            if state.dtype != old.dtype:
                wanted = f"{_short(name)} in {old.dtype}"
                raise ValueError(f"equations must give {wanted}, got {state.dtype}")

    def _check_gates(self, gates: dict[str, Any], like: Tensor) -> None:
        if set(gates) != set(self.cell.gates):
            raise ValueError(f"equations must give the gates {self.cell.gates}, got {tuple(gates)}")
        for name, gate in gates.items():
            if not isinstance(gate, Tensor) or gate.shape != like.shape:
                shape = getattr(gate, "shape", type(gate).__name__)
                raise ValueError(
                    f"equations must give the gate {name!r} {tuple(like.shape)}, got {shape}"
                )


def _short(state: str) -> str:
    """As a step's arguments are called."""
    return {"hidden": "h", "cell": "c"}.get(state, state)


_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr", "h_0", "c_0")


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
