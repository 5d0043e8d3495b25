"""The steps of a record that were changed by hand, made and derived once more.

A record of a changed run holds what gates and states became; how they follow from the state before
is no longer the cell's equation there. Here is what is: the equation with the changes in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..ops.cells import CELLS, Cell
from ..ops.changes import Change, Freeze, Hands, Memory
from ..ops.reference import step
from ..record.record import Record
from .order import Order

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
        cell = CELLS[record.kind]
        for change in found[0]:
            if isinstance(change.rule, Freeze) and change.name in cell.gates:
                raise ValueError(
                    f"{change.name!r} of {record.name!r} was frozen: the step depends on more than "
                    "the state before it; set the gate instead"
                )
        return cls(cell, found[0], record.info.first_step, order, found[1])

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
        w = entry.weights
        h, c, _ = step(
            entry.mode, entry.inputs[s][rows], known["hidden"], known.get("cell"),
            (w.w_ih, w.w_hh, w.b_ih, w.b_hh), hand=hands,
        )  # fmt: skip
        h = h if w.w_hr is None else h @ w.w_hr.T
        return hidden.index_copy(0, rows, h), None if cell is None else cell.index_copy(0, rows, c)

    def shown(self, entry: Any, s: int, position: int, cell: Tensor) -> Tensor:
        """h = o tanh(c), (B, H), as it was changed, for cells (B, H) at ``position``."""
        rows = self._rows(position)
        hidden = entry.gates[str(self.cell.exposes)][s] * cell.tanh()
        before = {"hidden": entry.hidden_before[s][rows]}
        hands = Hands(self.cell, self.changes, position + self.first, before)
        return hidden.index_copy(0, rows, hands("hidden", hidden[rows]))

    def exposure(self, entry: Any) -> tuple[Tensor, Tensor]:
        """(T, B, H) each, in order of processing: hidden = share * o tanh(c) + put there by hand."""
        share = torch.ones_like(entry.cell)
        more = torch.zeros_like(share)
        for s in range(self.order.steps):
            for position, own in self.of_step(s):
                rows, n = self._rows(position), len(self._rows(position))
                old = (entry.gates[str(self.cell.exposes)][s] * entry.cell[s].tanh())[rows]
                memory = Memory(torch.ones_like(old), torch.zeros_like(old))
                for change in self.changes:
                    part = change.at(position + self.first, n) if change.name == "hidden" else None
                    if part is None:
                        continue
                    new = part.changed(old, entry.hidden_before[s][rows])
                    memory = part.memory(memory, old, new)
                    if isinstance(change.rule, Freeze):  # of the step before, no share of this one
                        memory = Memory(part.into(memory.kept, 0 * part.of(new)),
                                        part.into(memory.written, part.of(new)))  # fmt: skip
                    old = new
                for whole, found in ((share, memory.kept), (more, memory.written)):
                    put = whole[s].index_copy(0, rows, found)
                    whole[s] = torch.where(own[:, None], put, whole[s])
        return share, more

    def _rows(self, position: int) -> Tensor:
        """The sequences that have this position, in the order of the call's rows."""
        lengths = self.order.whole_lengths[self.rows]
        return self.rows[lengths > position]


def derived(
    function: Callable[..., Sequence[Tensor | None]],
    states: Sequence[Tensor | None],
    covectors: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Covectors (K, B, ...) on what ``function`` of the states gives, to covectors on the states."""
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
    stacked = iter([torch.stack(one) for one in zip(*found, strict=True)])
    return [None if leaf is None else next(stacked) for leaf in leaves]
