"""The steps of a record that were changed by hand, made and derived once more.

A record of a changed run holds what gates and states became; how they follow from the state before
is no longer the cell's equation there. Here is what is: the equation with the changes in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..ops.cells import RECORDED, Cell
from ..ops.changes import Change, Freeze, Hands, Memory
from ..record.record import Record
from .order import Order, shifted

States = tuple[Tensor, Tensor | None]


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
        return cls(RECORDED[record.kind], found[0], record.info.first_step, order, found[1])

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

    def step(
        self, entry: Any, s: int, position: int, hidden: Tensor, cell: Tensor | None
    ) -> States:
        """Step ``s`` from states (B, P) and (B, H), for the sequences that are at ``position``."""
        rows = self._rows(position)
        known = {"hidden": hidden[rows]} | ({} if cell is None else {"cell": cell[rows]})
        hands = Hands(self.cell, self.changes, position + self.first, known)
        h, c = entry.advance(entry.inputs[s][rows], known["hidden"], known.get("cell"), hands)
        return hidden.index_copy(0, rows, h), None if cell is None else cell.index_copy(0, rows, c)

    def shown(self, entry: Any, s: int, position: int, cell: Tensor) -> Tensor:
        """h = o tanh(c), (B, H), as it was changed, for cells (B, H) at ``position``."""
        rows = self._rows(position)
        hidden = entry.gates[str(self.cell.exposes)][s] * cell.tanh()
        before = {"hidden": entry.hidden_before[s][rows]}
        hands = Hands(self.cell, self.changes, position + self.first, before)
        return hidden.index_copy(0, rows, hands("hidden", hidden[rows]))

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
    """Whether h = o * tanh(c), as everything that shares out h supposes; with layer normalization
    it is o * tanh(LN(c)). Asked of the numbers, which a file has, too."""
    exposes = RECORDED[record.kind].exposes
    if exposes is None:
        return record.cell is None  # then h is the memory; the sLSTM's is o * c / n
    if record.cell is None or record.changed:
        return True
    hidden, cell = record.hidden[index], record.cell[index]
    if hidden.shape != cell.shape:
        return True  # projected
    gap = (record.gates[exposes][index].double() * cell.double().tanh() - hidden.double()).abs()
    return bool((gap.nan_to_num() <= 100 * torch.finfo(hidden.dtype).eps).all())


NOT_SHOWN = (
    "the hidden state of this layer is not o * tanh(c), which is what is shared out among the "
    "steps: it was made with layer_norm or zoneout, or by an sLSTM; ledger(record) accounts for "
    "the cell state c"
)


def exposure(record: Record, index: int, order: Order) -> tuple[Tensor, Tensor]:
    """(T, B, H) each, as processed: hidden = share * o tanh(c) + what was put there by hand."""
    cell, exposes = record.cell, RECORDED[record.kind].exposes
    assert cell is not None
    if not shows_memory(record, index):
        raise ValueError(NOT_SHOWN)
    shown = record.gates[str(exposes)][index].double() * cell[index].double().tanh()
    shown, hands = order.enter(shown), ByHand.of(record, index, order)
    if hands is None or not any(change.name == "hidden" for change in hands.changes):
        return torch.ones_like(shown), torch.zeros_like(shown)
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
