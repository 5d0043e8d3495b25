"""One level and direction of a recorded layer as steps: forward again, and exactly backward.

Everything is in float64 and in order of processing. ``Steps.back`` multiplies covectors by one
step's Jacobian: of torch's own cells in closed form from the recorded gates (the equations of
backpropagation through time), of all others by autograd through the step, which ``Steps.advance``
is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..adoption import BASES
from ..conventions import place_of
from ..ops.cells import GRU, LSTM, RNN, name_of
from ..ops.reference.cells import Hand, untouched
from ..ops.reference.loops import OneStep
from ..ops.reference.recurrences import RuleStep
from ..ops.written import of_kind
from ..record.record import Record
from ..watching import stand_in
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


States = tuple[Tensor, ...]  # hidden first, in the order of the cell's state_names


@dataclass(frozen=True)
class Steps:
    """One level and direction of a record: states, gates and weights."""

    kind: str
    order: Order
    one: OneStep | RuleStep
    weights: Weights | None  # of torch's own cells, without options that change a step
    inputs: Tensor  # (T, B, I)
    gates: dict[str, Tensor]  # (T, B, H)
    states: States  # (T, B, P) hidden, (T, B, H) all others
    before: States  # what each step found
    by_hand: ByHand | None = None  # where the run was changed

    @property
    def hidden(self) -> Tensor:
        return self.states[0]

    @property
    def cell(self) -> Tensor | None:
        return self.states[1] if of_kind(self.kind).has_cell else None

    @classmethod
    def of(cls, record: Record, index: int, layer: nn.Module | None = None) -> "Steps":
        """Raises ``ValueError`` if the layer is gone, its weights are not those of the record, or
        the run was changed in a way that is not known any more."""
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

        own: Any = layer if isinstance(layer, BASES) else stand_in(layer)
        one, cell = own.one_step(index, torch.float64), of_kind(record.kind)
        states = tuple(entered(record.state(name)[index]) for name in cell.state_names)
        initial = [record.initial(name)[index] for name in cell.state_names]
        steps = cls(
            kind=record.kind,
            order=order,
            one=one,
            weights=Weights.of(layer, index) if _plain(one) else None,
            inputs=entered(_level_inputs(record, index, own)),
            gates={name: entered(record.gates[name][index]) for name in cell.gates},
            states=states,
            before=tuple(map(shifted, states, initial)),
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
            states=tuple(state[part] for state in self.states),
            before=tuple(state[part] for state in self.before),
        )

    def advance(self, inputs: Tensor, states: Sequence[Tensor], hand: Hand = untouched) -> States:
        """One step of the cell: inputs (..., I), states (..., P) and (..., H)."""
        sizes = inputs.shape[:-1]
        flat = [state.reshape(-1, state.size(-1)) for state in states]
        after, _ = self.one(0, inputs.reshape(-1, inputs.size(-1)), flat, hand)
        return tuple(state.view(*sizes, -1) for state in after)

    def go(self, at: Tensor, states: Sequence[Tensor]) -> States:
        """Each sequence's own step (B,) from states (K, B, ...), as it was changed."""
        place = at.clamp(0, len(self.inputs) - 1)
        inputs = at_step(self.inputs, place).expand(len(states[0]), -1, -1)
        new = self.advance(inputs, states)
        for s, position, own in self._changed(place):
            parts = [
                self._hands.step(self, s, position, [state[k] for state in states])
                for k in range(len(states[0]))
            ]
            changed = [torch.stack(one) for one in zip(*parts, strict=True)]
            new = _where(own, changed, new)
        return new

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

    def back(self, t: int, slopes: Sequence[Tensor]) -> States:
        """Covectors (K, B, ...) on the states after step t to those on the states before it.

        Sequences that have no step t pass theirs through.
        """
        closed = _BACK.get(of_kind(self.kind)) if self.weights is not None else None
        new = (closed or Steps._back_by_autograd)(self, t, slopes)
        for s, position, own in self._changed(torch.full_like(self.order.lengths, t)):

            def again(*states: Tensor, s: int = s, position: int = position) -> Any:
                return self._hands.step(self, s, position, states)

            new = _where(own, derived(again, [state[s] for state in self.before], slopes), new)
        return _where(self.order.present[t], new, slopes)

    def _back_lstm(self, t: int, slopes: Sequence[Tensor]) -> States:
        w, (dh, dc) = self._plain, slopes
        i, f, g, o = (self.gates[k][t] for k in ("input", "forget", "candidate", "output"))
        squashed = self.states[1][t].tanh()
        if w.w_hr is not None:
            dh = dh @ w.w_hr
        dc = self._through_output(t, dh, dc)
        before_gates = torch.cat(
            [
                dc * g * i * (1 - i),
                dc * self.before[1][t] * f * (1 - f),
                dc * i * (1 - g**2),
                dh * squashed * o * (1 - o),
            ],
            -1,
        )
        return before_gates @ w.w_hh, dc * f

    @property
    def _plain(self) -> Weights:
        assert self.weights is not None
        return self.weights

    def total_cell(self, t: int, slopes: Sequence[Tensor]) -> Tensor:
        """The covector on c_t that also counts what the other states have of it, at steps that
        exist."""
        (dh, dc), others = slopes[:2], (slopes[0], *slopes[2:])
        if self.weights is not None:
            shown = dh if self.weights.w_hr is None else dh @ self.weights.w_hr
            total = self._through_output(t, shown, dc)
        else:
            cell = self.states[1][t].expand_as(dc).clone().requires_grad_()
            with torch.enable_grad():
                beside = self._shown(torch.full_like(self.order.lengths, t), cell)
            ends = [(s, d) for s, d in zip(beside, others, strict=True) if s.requires_grad]
            total = dc
            if ends:  # not where equations keep the cell state to themselves until they are done
                total = (
                    dc + torch.autograd.grad([s for s, _ in ends], cell, [d for _, d in ends])[0]
                )
        for s, position, own in self._changed(torch.full_like(self.order.lengths, t)):

            def again(cell: Tensor, s: int = s, position: int = position) -> list[Tensor]:
                return self._hands.shown(self, s, position, cell)

            total = torch.where(
                own[:, None], dc + derived(again, (self.states[1][s],), others)[0], total
            )
        return torch.where(self.order.present[t][:, None], total, dc)

    def exposed(self, t: Tensor, cell: Tensor) -> list[Tensor]:
        """The states after each sequence's step t (B,) that leaves cells (..., B, H), all else as
        it was."""
        shown = self._shown(t, cell)
        for s, position, own in self._changed(t):
            by_hand = [self._hands.shown(self, s, position, c) for c in cell]
            changed = [torch.stack(one) for one in zip(*by_hand, strict=True)]
            shown = list(_where(own, changed, shown))
        return [shown[0], cell, *shown[1:]]

    def _shown(self, t: Tensor, cell: Tensor) -> list[Tensor]:
        """All but the cell state, of a run that nobody changed."""
        flat = cell.reshape(-1, *cell.shape[-2:])  # (K, B, H)

        def at(array: Tensor) -> Tensor:
            return at_step(array, t).expand(len(flat), -1, -1)

        if self.weights is not None:
            hidden = at(self.gates[str(of_kind(self.kind).exposes)]) * flat.tanh()
            w_hr = self.weights.w_hr
            shown = [hidden if w_hr is None else hidden @ w_hr.T]
        else:
            # Gates but those of the cell state itself are made of the states before, as they were.
            put = flat.reshape(-1, flat.size(-1))
            before = [at(state) for state in self.before]
            hidden, _, *further = self.advance(at(self.inputs), before, _Put("cell", put))
            shown = [hidden, *further]
        return [one.view(*cell.shape[:-1], -1) for one in shown]

    def _through_output(self, t: int, dh: Tensor, dc: Tensor) -> Tensor:
        output = self.gates[str(of_kind(self.kind).exposes)][t]
        return dc + dh * output * (1 - self.states[1][t].tanh() ** 2)

    def _back_gru(self, t: int, slopes: Sequence[Tensor]) -> States:
        (dh,) = slopes
        r, z, n = (self.gates[k][t] for k in ("reset", "update", "candidate"))
        dn = dh * (1 - z) * (1 - n**2)
        dz = dh * (self.before[0][t] - n) * z * (1 - z)
        dr = dn * self.candidate_hidden(t) * r * (1 - r)
        return (dh * z + torch.cat([dr, dz, dn * r], -1) @ self._plain.w_hh,)

    def _back_by_autograd(self, t: int, slopes: Sequence[Tensor]) -> States:
        """Of a step whose derivative nobody has written down: one for each covector, at once."""
        count = len(slopes[0])
        leaves = [s[t].expand(count, -1, -1).clone().requires_grad_() for s in self.before]
        with torch.enable_grad():
            after = self.advance(self.inputs[t].expand(count, -1, -1), leaves)
        found = torch.autograd.grad(after, leaves, slopes, allow_unused=True)
        pairs = zip(found, leaves, strict=True)
        return tuple(torch.zeros_like(leaf) if g is None else g for g, leaf in pairs)

    def _back_rnn(self, t: int, slopes: Sequence[Tensor]) -> States:
        return ((slopes[0] * self.slope(t)) @ self._plain.w_hh,)

    def recurrent_matrices(self) -> dict[str, tuple[Tensor, ...]]:
        """By which each gate reads the hidden state, one for each head; none where none does."""
        cell = of_kind(self.kind)
        if isinstance(self.one, RuleStep):
            heads = self.one.weight
            if heads is None:
                return {}
            return dict(zip(cell.gates, heads.transpose(0, 1), strict=True))
        w_hh, names = self.one.weights[1], cell.gates or ("hidden",)
        count = len(w_hh) // self.states[-1].shape[-1]
        if count == len(names) - 1:  # coupled: the input gate has no weights
            names = names[1:]
        if count != len(names):
            return {}
        return {name: (one,) for name, one in zip(names, w_hh.chunk(count), strict=True)}

    def candidate_hidden(self, t: int) -> Tensor:
        """GRU: W_hn h + b_hn, what the reset gate multiplies, (B, H)."""
        w = self._plain
        product = self.before[0][t] @ w.blocks(3)[2].T
        return product if w.b_hh is None else product + w.b_hh.chunk(3)[2]

    def slope(self, t: int) -> Tensor:
        """RNN: the derivative of the nonlinearity at step t, (B, H)."""
        if self._plain.nonlinearity == "tanh":
            return 1 - self.hidden[t] ** 2
        return (self.hidden[t] > 0).double()

    def _check(self, name: str) -> None:
        """The weights now must give the states that were recorded."""
        hidden = self.advance(self.inputs, self.before)[0]
        known = self.order.present
        if self.by_hand is not None:
            known = known & ~self.by_hand.is_changed()
        off = (hidden - self.hidden).abs().masked_fill(~known[..., None], 0)
        if off.numel() and not off.max() < 1e-2:
            raise ValueError(
                f"the weights of {name!r} do not give the recorded states (off by "
                f"{off.max():.2g}): they have changed since, dropout or zoneout drew masks, or the "
                "run was changed by hand; trace again, in eval mode"
            )


class _Put:
    """A hand that puts one value in its place."""

    def __init__(self, name: str, value: Tensor) -> None:
        self.name, self.value = name, value

    def __call__(self, name: str, value: Tensor) -> Tensor:
        return self.value if name == self.name else value


def _where(own: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> States:
    """Of the sequences (B,) that are meant the new states, of all others the old ones."""
    return tuple(torch.where(own[:, None], *pair) for pair in zip(new, old, strict=True))


def _plain(one: OneStep | RuleStep) -> bool:
    """Whether a step is that of torch's own cell."""
    if isinstance(one, RuleStep) or one.equations is not None or one.noise is not None:
        return False
    return one.mode != one.cell.normalized


def _check_layer(layer: nn.Module, record: Record) -> None:
    """Whether a layer of such a kind and size can have left the record."""
    if not isinstance(layer, (nn.RNNBase, nn.RNNCellBase, *BASES)):
        raise TypeError(f"layer must be a recurrent layer or cell, got {type(layer).__name__}")
    own: Any = layer
    sizes = (own.input_size, getattr(own, "proj_size", 0) or own.hidden_size)
    found = (record.inputs.shape[-1], record.hidden.shape[-1])
    if record.kind != name_of(layer) or sizes != found:
        raise ValueError(
            f"layer: a {type(layer).__name__} of {sizes[0]} inputs and {sizes[1]} units cannot "
            f"have left the record of {record.name!r}, a {record.kind} of {found[0]} and {found[1]}"
        )


_BACK = {LSTM: Steps._back_lstm, GRU: Steps._back_gru, RNN: Steps._back_rnn}


def _level_inputs(record: Record, index: int, layer: Any) -> Tensor:
    """What the level of entry ``index`` was given: the layer's input, or what passed from below."""
    directions, given = record.info.num_directions, record.inputs
    for level in range(index // directions):
        own = record.hidden[level * directions : (level + 1) * directions]
        y = torch.cat(list(own), -1)
        given = layer.passed_on(level, given, y)
    return given
