"""The steps of a record that were changed by hand, made and derived once more.

A record of a changed run holds what gates and states became; how they follow from the state before
is no longer the cell's equation there. Here is what is: the equation with the changes in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..ops.cells import Cell
from ..ops.changes import Change, Freeze, Hands, Memory
from ..ops.written import of_kind
from ..record.record import Record
from .order import Order, shifted


@dataclass(frozen=True)
class ByHand:
    """The changes of one level and direction of a record."""

    cell: Cell
    changes: Sequence[Change]
    first: int  # the position of the record's first step in the call
    order: Order
    rows: Tensor  # (B,) which sequence stands at each row of the call

    @classmethod
    def of(cls, record: Record, index: int, order: Order) -> "ByHand | None":
        """None if nothing was changed; ``ValueError`` if what was is not known any more."""
        if not record.changed:
            return None
        found = record.changes(index)
        if found is None:
            raise ValueError(
                f"the run of {record.name!r} was changed by hand, and a file does not hold how; "
                "trace again"
            )
        return cls(of_kind(record.kind), found[0], record.info.first_step, order, found[1])

    def check_frozen(self, name: str) -> None:
        """``ValueError`` where a step depends on more than the state before it."""
        for change in self.changes:
            if isinstance(change.rule, Freeze) and change.name in self.cell.gates:
                raise ValueError(
                    f"{change.name!r} of {name!r} was frozen: the step depends on more than the "
                    "state before it; set the gate instead"
                )

    @classmethod
    def is_known(cls, record: Record, index: int) -> bool:
        """Whether the steps of a record can be made once more."""
        try:
            found = cls.of(record, index, Order.of(record, index))
            if found is not None:
                found.check_frozen(record.name)
        except ValueError:
            return False
        return True

    def of_step(self, s: int) -> Iterator[tuple[int, Tensor]]:
        """The changed positions that sequences have as step ``s`` of processing, and which (B,)."""
        positions, present = self.order.positions[s], self.order.present[s]
        for position in positions[present].unique().tolist():
            if any(position + self.first in change.places for change in self.changes):
                yield position, present & (positions == position)

    def is_changed(self) -> Tensor:
        """(T, B) bool, in order of processing."""
        found = torch.zeros_like(self.order.present)
        for s in range(self.order.steps):
            for _, own in self.of_step(s):
                found[s] |= own
        return found

    def step(self, entry: Any, s: int, position: int, states: Sequence[Tensor]) -> list[Tensor]:
        """Step ``s`` from states (B, ...), for the sequences that are at ``position``."""
        rows = self._rows(position)
        own = [state[rows] for state in states]
        known = dict(zip(self.cell.state_names, own, strict=True))
        hands = Hands(self.cell, self.changes, position + self.first, known)
        after = entry.advance(entry.inputs[s][rows], own, hands)
        return [old.index_copy(0, rows, new) for old, new in zip(states, after, strict=True)]

    def shown(self, entry: Any, s: int, position: int, cell: Tensor) -> list[Tensor]:
        """What is shown (B, P), as it was changed, of cells (B, H) at ``position``; and the states
        beside these two."""
        rows = self._rows(position)
        own = [state[s][rows] for state in entry.before]
        known = dict(zip(self.cell.state_names, own, strict=True))
        hands = Hands(self.cell, self.changes, position + self.first, known)

        def put(name: str, value: Tensor) -> Tensor:
            return cell[rows] if name == "cell" else hands(name, value)

        after = zip(entry.states, entry.advance(entry.inputs[s][rows], own, put), strict=True)
        whole = [old[s].index_copy(0, rows, new) for old, new in after]
        return [whole[0], *whole[2:]]

    def exposure(self, shown: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Of o tanh(c) and the hidden state before, (T, B, H) each: see :func:`exposure`."""
        share, put = torch.ones_like(shown), torch.zeros_like(shown)
        for s in range(self.order.steps):
            for position, own in self.of_step(s):
                rows = self._rows(position)
                memory = self._exposed(position, shown[s][rows], before[s][rows])
                for whole, found in ((share, memory.kept), (put, memory.written)):
                    whole[s] = torch.where(
                        own[:, None], whole[s].index_copy(0, rows, found), whole[s]
                    )
        return share, put

    def _exposed(self, position: int, old: Tensor, before: Tensor) -> Memory:
        """hidden = kept * old + written, of the rows at ``position``."""
        memory = Memory(torch.ones_like(old), torch.zeros_like(old))
        for change in self.changes:
            part = change.at(position + self.first, len(old)) if change.name == "hidden" else None
            if part is None:
                continue
            new = part.changed(old, before)
            memory = part.memory(memory, old, new)
            if isinstance(change.rule, Freeze):  # it is the step before's, and no share of this one
                nothing, all_of_it = torch.zeros_like(part.of(new)), part.of(new)
                memory = Memory(
                    part.into(memory.kept, nothing), part.into(memory.written, all_of_it)
                )
            old = new
        return memory

    def _rows(self, position: int) -> Tensor:
        """The sequences that have this position, in the order of the call's rows."""
        return self.rows[self.order.lengths[self.rows] > position]


def shows_memory(record: Record, index: int) -> bool:
    """Whether h = o * tanh(c) (of an sLSTM o * c / n), as everything that shares out h supposes;
    with layer normalization it is o * tanh(LN(c)). Asked of the numbers, which a file has, too."""
    if record.cell is not None and of_kind(record.kind).exposes is None:
        return False  # somebody's equations show the memory in their own way
    if record.cell is None or record.changed:
        return True
    hidden, cell = record.hidden[index], record.cell[index]
    if hidden.shape != cell.shape:
        return True  # projected
    gap = (shown_share(record, index) * cell.double() - hidden.double()).abs()
    return bool((gap.nan_to_num() <= 100 * torch.finfo(hidden.dtype).eps).all())


NOT_SHOWN = (
    "the hidden state of this layer is not o * tanh(c), which is what is shared out among the "
    "steps: it was made with layer_norm, zoneout or equations; ledger(record) accounts for the "
    "cell state c"
)


def shown_share(record: Record, index: int) -> Tensor:
    """(T, B, H), by position: what h shows of each unit's memory, h = share * c before projection.

    o tanh(c) / c, and of a cell that normalizes o / n, which is 0 where nothing has been written.
    """
    cell = of_kind(record.kind)
    gate = record.gates[str(cell.exposes)][index].double()
    if cell.normalizes is None:
        assert record.cell is not None
        return gate * tanh_ratio(record.cell[index].double())
    normalizer = record.gates[cell.normalizes][index].double()
    return torch.where(normalizer == 0, 0.0, gate / torch.where(normalizer == 0, 1.0, normalizer))


def tanh_ratio(x: Tensor) -> Tensor:
    """tanh(x) / x, and 1 at 0."""
    small = x.abs() < 1e-8
    return torch.where(small, 1.0, x.tanh() / torch.where(small, 1.0, x))


def exposure(record: Record, index: int, order: Order) -> tuple[Tensor, Tensor]:
    """(T, B, H) each, as processed: hidden = share * o tanh(c) + what was put there by hand."""
    cell = record.cell
    assert cell is not None
    if not shows_memory(record, index):
        raise ValueError(NOT_SHOWN)
    shown = shown_share(record, index) * cell[index].double()
    shown, hands = order.enter(shown), ByHand.of(record, index, order)
    if hands is None or not any(change.name == "hidden" for change in hands.changes):
        return torch.ones_like(shown), torch.zeros_like(shown)
    if record.hidden.shape != cell.shape:
        raise ValueError(
            f"the hidden state of {record.name!r} was changed behind its projection, where it is "
            "no unit's own: nothing says which unit's share was; change gates or the cell state"
        )
    hidden = order.enter(record.hidden[index].double())
    return hands.exposure(shown, shifted(hidden, record.initial_hidden[index]))


def derived(
    function: Callable[..., Sequence[Tensor | None]],
    states: Sequence[Tensor | None],
    covectors: Sequence[Tensor | None],
) -> list[Tensor]:
    """Covectors (K, B, ...) on what ``function`` of the states gives, to those on the states."""
    leaves = [None if one is None else one.detach().requires_grad_() for one in states]
    with torch.enable_grad():
        given = function(*leaves)
    ends = [(out, d) for out, d in zip(given, covectors, strict=True) if out is not None]
    wanted = [leaf for leaf in leaves if leaf is not None]
    count = len(next(d for _, d in ends if d is not None))
    found = []
    for k in range(count):
        outs = [(out, d[k]) for out, d in ends if d is not None and out.requires_grad]
        slopes: Any = [None] * len(wanted)
        if outs:
            slopes = torch.autograd.grad(
                [out for out, _ in outs], wanted, [d for _, d in outs], True, allow_unused=True
            )
        found.append(
            [torch.zeros_like(w) if g is None else g for g, w in zip(slopes, wanted, strict=True)]
        )
    return [torch.stack(one) for one in zip(*found, strict=True)]
