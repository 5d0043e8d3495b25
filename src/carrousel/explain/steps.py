"""One level and direction of a recorded layer as steps: forward again, and exactly backward.

Everything is in float64 and in order of processing. ``Steps.back`` multiplies covectors by one
step's Jacobian in closed form from the recorded gates (the equations of backpropagation through
time); ``Steps.advance`` is the cell itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..conventions import place_of
from ..ops.cells import CELLS, GRU, LSTM, RECORDED, RNN, name_of, nonlinearity
from ..ops.reference import step
from ..ops.reference.cells import Hand, untouched
from ..record.record import Record
from .by_hand import ByHand, derived
from .order import Order, at_step, shifted


@dataclass(frozen=True)
class Weights:
    """The parameters of one level and direction, float64; biases are None without bias."""

    w_ih: Tensor  # (GH, I)
    w_hh: Tensor  # (GH, P), P = proj_size or H
    b_ih: Tensor | None  # (GH,)
    b_hh: Tensor | None
    w_hr: Tensor | None  # (P, H), projection of the hidden state
    nonlinearity: str

    @classmethod
    def of(cls, layer: nn.Module, index: int) -> "Weights":
        directions = 2 if getattr(layer, "bidirectional", False) else 1
        cell = isinstance(layer, nn.RNNCellBase)
        suffix = "" if cell else place_of(index // directions, index % directions)

        def weight(name: str) -> Any:
            found = getattr(layer, name + suffix, None)
            return None if found is None else found.detach().double().cpu()

        return cls(
            w_ih=weight("weight_ih"),
            w_hh=weight("weight_hh"),
            b_ih=weight("bias_ih"),
            b_hh=weight("bias_hh"),
            w_hr=weight("weight_hr"),
            nonlinearity=getattr(layer, "nonlinearity", "tanh"),
        )

    def blocks(self, gates: int) -> tuple[Tensor, ...]:
        """The recurrent matrix of each gate, in torch's order."""
        return self.w_hh.chunk(gates)


@dataclass(frozen=True)
class Steps:
    """One level and direction of a record: states, gates and weights."""

    kind: str
    order: Order
    weights: Weights
    inputs: Tensor  # (T, B, I)
    gates: dict[str, Tensor]  # (T, B, H)
    hidden: Tensor  # (T, B, P)
    cell: Tensor | None  # (T, B, H)
    hidden_before: Tensor  # (T, B, P) the state that each step found
    cell_before: Tensor | None
    by_hand: ByHand | None = None  # where the run was changed

    @classmethod
    def of(cls, record: Record, index: int, layer: nn.Module | None = None) -> "Steps":
        """Raises ``ValueError`` if the layer is gone, its weights are not those of the record, or
        the run was changed in a way that is not known any more."""
        if record.kind not in CELLS:
            raise ValueError(
                f"the steps of {RECORDED[record.kind].title} ({record.name!r}) have no derivatives "
                "here; ledger(record) accounts for its memory"
            )
        layer = record.module if layer is None else layer
        if layer is None:
            raise ValueError(
                f"the layer of record {record.name!r} is gone (or the record was read from a "
                "file); pass it as layer="
            )
        _check_layer(layer, record)
        order = Order.of(record, index)

        def entered(array: Tensor) -> Tensor:
            return order.enter(array.double())

        hidden = entered(record.hidden[index])
        cell = None if record.cell is None else entered(record.cell[index])
        steps = cls(
            kind=record.kind,
            order=order,
            weights=Weights.of(layer, index),
            inputs=entered(_level_inputs(record, index)),
            gates={name: entered(gate[index]) for name, gate in record.gates.items()},
            hidden=hidden,
            cell=cell,
            hidden_before=shifted(hidden, record.initial_hidden[index]),
            cell_before=None if cell is None else shifted(cell, record.initial_cell[index]),  # type: ignore[index]
            by_hand=ByHand.of(record, index, order),
        )
        if steps.by_hand is not None:
            steps.by_hand.check_frozen(record.name)
        steps._check(record.name)
        return steps

    def until(self, end: int) -> "Steps":
        """The steps up to number ``end`` in the order of processing."""
        part = slice(end + 1)
        order = replace(self.order, steps=end + 1, lengths=self.order.lengths.clamp_max(end + 1))
        return replace(
            self,
            order=order,
            inputs=self.inputs[part],
            gates={name: gate[part] for name, gate in self.gates.items()},
            hidden=self.hidden[part],
            cell=None if self.cell is None else self.cell[part],
            hidden_before=self.hidden_before[part],
            cell_before=None if self.cell_before is None else self.cell_before[part],
        )

    def advance(
        self, inputs: Tensor, hidden: Tensor, cell: Tensor | None, hand: Hand = untouched
    ) -> tuple[Tensor, Tensor | None]:
        """One step of the cell: inputs (..., I), hidden (..., P), cell (..., H)."""
        w = self.weights
        parameters = (w.w_ih, w.w_hh, w.b_ih, w.b_hh)
        hidden, cell, _ = step(self._mode, inputs, hidden, cell, parameters, hand)
        return (hidden if w.w_hr is None else hidden @ w.w_hr.T), cell

    @property
    def _mode(self) -> str:
        modes = CELLS[self.kind].modes
        named = {nonlinearity(mode): mode for mode in modes}
        return modes[0] if len(modes) == 1 else named[self.weights.nonlinearity]

    def go(self, at: Tensor, hidden: Tensor, cell: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Each sequence's own step (B,) from states (K, B, P) and (K, B, H), as it was changed."""
        place = at.clamp(0, len(self.inputs) - 1)
        inputs = at_step(self.inputs, place).expand(len(hidden), -1, -1)
        new_h, new_c = self.advance(inputs, hidden, cell)
        for s, position, own in self._changed(place):
            parts = [
                self._hands.step(self, s, position, h, None if cell is None else cell[k])
                for k, h in enumerate(hidden)
            ]
            new_h = torch.where(own[:, None], torch.stack([h for h, _ in parts]), new_h)
            if new_c is not None:
                changed = torch.stack([c for _, c in parts if c is not None])
                new_c = torch.where(own[:, None], changed, new_c)
        return new_h, new_c

    @property
    def _hands(self) -> ByHand:
        assert self.by_hand is not None
        return self.by_hand

    def _changed(self, at: Tensor) -> Iterator[tuple[int, int, Tensor]]:
        """(step, position, which sequences) that were changed, of each sequence's own step (B,)."""
        if self.by_hand is None:
            return
        for s in at.unique().tolist():
            for position, own in self.by_hand.of_step(s):
                if (own & (at == s)).any():
                    yield s, position, own & (at == s)

    def back(self, t: int, dh: Tensor, dc: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Covectors (K, B, P) and (K, B, H) on the state after step t to those on the one before.

        Sequences that have no step t pass theirs through.
        """
        new_dh, new_dc = _BACK.get(CELLS[self.kind], Steps._back_by_autograd)(self, t, dh, dc)
        for s, position, own in self._changed(torch.full_like(self.order.lengths, t)):
            cell = None if self.cell_before is None else self.cell_before[s]
            again = partial(self._hands.step, self, s, position)
            found = derived(again, (self.hidden_before[s], cell), (dh, dc))
            new_dh = torch.where(own[:, None], found[0], new_dh)
            new_dc = None if new_dc is None else torch.where(own[:, None], found[1], new_dc)
        present = self.order.present[t][:, None]
        dh = torch.where(present, new_dh, dh)
        return dh, None if dc is None or new_dc is None else torch.where(present, new_dc, dc)

    def _back_lstm(self, t: int, dh: Tensor, dc: Tensor | None) -> tuple[Tensor, Tensor | None]:
        assert dc is not None
        assert self.cell is not None
        assert self.cell_before is not None
        i, f, g, o = (self.gates[k][t] for k in ("input", "forget", "candidate", "output"))
        w, squashed = self.weights, self.cell[t].tanh()
        if w.w_hr is not None:
            dh = dh @ w.w_hr
        dc = self._through_output(t, dh, dc)
        before_gates = torch.cat(
            [
                dc * g * i * (1 - i),
                dc * self.cell_before[t] * f * (1 - f),
                dc * i * (1 - g**2),
                dh * squashed * o * (1 - o),
            ],
            -1,
        )
        return before_gates @ w.w_hh, dc * f

    def total_cell(self, t: int, dh: Tensor, dc: Tensor | None) -> Tensor:
        """The covector on c_t that also counts h_t = o_t tanh(c_t), at steps that exist."""
        assert dc is not None
        if self.weights.w_hr is not None:
            dh = dh @ self.weights.w_hr
        total = self._through_output(t, dh, dc)
        assert self.cell is not None
        for s, position, own in self._changed(torch.full_like(self.order.lengths, t)):
            again = partial(self._shown, s, position)
            total = torch.where(own[:, None], dc + derived(again, (self.cell[s],), (dh,))[0], total)
        return torch.where(self.order.present[t][:, None], total, dc)

    def _shown(self, s: int, position: int, cell: Tensor) -> tuple[Tensor]:
        return (self._hands.shown(self, s, position, cell),)

    def exposed(self, t: Tensor, cell: Tensor) -> Tensor:
        """h = o_t tanh(c), projected, for cells (..., B, H) and each sequence's step t (B,)."""
        output = self.gates[str(CELLS[self.kind].exposes)]
        hidden = at_step(output, t) * cell.tanh()
        for s, position, own in self._changed(t):
            shown = [self._hands.shown(self, s, position, c) for c in cell]
            hidden = torch.where(own[:, None], torch.stack(shown), hidden)
        return hidden if self.weights.w_hr is None else hidden @ self.weights.w_hr.T

    def _through_output(self, t: int, dh: Tensor, dc: Tensor) -> Tensor:
        assert self.cell is not None
        output = self.gates[str(CELLS[self.kind].exposes)][t]
        return dc + dh * output * (1 - self.cell[t].tanh() ** 2)

    def _back_gru(self, t: int, dh: Tensor, dc: Tensor | None) -> tuple[Tensor, Tensor | None]:
        r, z, n = (self.gates[k][t] for k in ("reset", "update", "candidate"))
        dn = dh * (1 - z) * (1 - n**2)
        dz = dh * (self.hidden_before[t] - n) * z * (1 - z)
        dr = dn * self.candidate_hidden(t) * r * (1 - r)
        return dh * z + torch.cat([dr, dz, dn * r], -1) @ self.weights.w_hh, None

    def _back_by_autograd(self, t: int, dh: Tensor, dc: Tensor | None) -> Any:
        """Of a cell whose derivative nobody has written down."""
        before = (self.hidden_before, self.cell_before)
        leaves = [s[t].detach().requires_grad_() for s in before if s is not None]
        with torch.enable_grad():
            out = self.advance(self.inputs[t], leaves[0], leaves[1] if len(leaves) == 2 else None)
        ends = [(o, d) for o, d in zip(out, (dh, dc), strict=True) if o is not None]
        slopes = [
            torch.autograd.grad([o for o, _ in ends], leaves, [d[k] for _, d in ends], True)  # type: ignore[index]
            for k in range(len(dh))
        ]
        found = [torch.stack(one) for one in zip(*slopes, strict=True)]
        return found[0], found[1] if len(found) == 2 else None

    def _back_rnn(self, t: int, dh: Tensor, dc: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return (dh * self.slope(t)) @ self.weights.w_hh, None

    def candidate_hidden(self, t: int) -> Tensor:
        """GRU: W_hn h + b_hn, what the reset gate multiplies, (B, H)."""
        product = self.hidden_before[t] @ self.weights.blocks(3)[2].T
        return product if self.weights.b_hh is None else product + self.weights.b_hh.chunk(3)[2]

    def slope(self, t: int) -> Tensor:
        """RNN: the derivative of the nonlinearity at step t, (B, H)."""
        if self.weights.nonlinearity == "tanh":
            return 1 - self.hidden[t] ** 2
        return (self.hidden[t] > 0).double()

    def _check(self, name: str) -> None:
        """The weights now must give the states that were recorded."""
        hidden, _ = self.advance(self.inputs, self.hidden_before, self.cell_before)
        known = self.order.present
        if self.by_hand is not None:
            known = known & ~self.by_hand.is_changed()
        off = (hidden - self.hidden).abs().masked_fill(~known[..., None], 0)
        if off.numel() and not off.max() < 1e-2:
            raise ValueError(
                f"the weights of {name!r} do not give the recorded states (off by "
                f"{off.max():.2g}): they have changed since, dropout was on, or the run was "
                "changed by hand; trace again"
            )


def _check_layer(layer: nn.Module, record: Record) -> None:
    """Whether a layer of such a kind and size can have left the record."""
    if not isinstance(layer, nn.RNNBase | nn.RNNCellBase):
        raise TypeError(f"layer must be a recurrent layer or cell, got {type(layer).__name__}")
    if getattr(layer, "_beyond", False):
        raise ValueError(
            f"layer: the derivatives of a {type(layer).__name__} with "
            f"{layer._beyond_torch()[0]} are not known step by step; give a layer without"  # type: ignore[operator]
        )
    sizes = (layer.input_size, getattr(layer, "proj_size", 0) or layer.hidden_size)
    found = (record.inputs.shape[-1], record.hidden.shape[-1])
    if record.kind != name_of(layer) or sizes != found:
        raise ValueError(
            f"layer: a {type(layer).__name__} of {sizes[0]} inputs and {sizes[1]} units cannot "
            f"have left the record of {record.name!r}, a {record.kind} of {found[0]} and {found[1]}"
        )


_BACK = {LSTM: Steps._back_lstm, GRU: Steps._back_gru, RNN: Steps._back_rnn}


def _level_inputs(record: Record, index: int) -> Tensor:
    """What the level of entry ``index`` was given: the layer's input or the level below."""
    directions = record.info.num_directions
    level = index // directions
    if level == 0:
        return record.inputs
    below = record.hidden[(level - 1) * directions : level * directions]
    return torch.cat(list(below), -1)
