"""Gates and states of every step of a layer, as tensors that gradients flow through.

The tape keeps copies for whoever looks; these belong to the graph of whoever asked for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .cells import BY_MODE, Cell


class Inside(NamedTuple):
    """One layer in one direction, rows time-major as in :class:`carrousel.ops.tape.Run`."""

    hidden: Tensor  # (N, H), or (N, P) projected
    cell: Tensor | None  # (N, H), where there is a cell state
    gates: dict[str, Tensor]  # name -> (N, H)


def from_record(
    cell: Cell, y: Tensor, saved: Tensor | None, cells: Tensor | None, directions: int
) -> list[Inside]:
    """Of what the kernels left: y (T, B, D*H) or (N, D*H), saved (D, N, S*H), cells (D, N, H)."""
    hidden = y.reshape(-1, y.size(-1)).chunk(directions, -1)  # (N, H) each
    found = []
    for d in range(directions):
        gates: Sequence[Tensor] = ()
        if cell.gates and saved is not None:
            gates = saved[d].unflatten(-1, (-1, hidden[d].size(-1))).unbind(-2)
        own = cells[d] if cell.has_cell and cells is not None else None
        # There may be more values than gates: what the GRU's reset gate multiplies, what layer
        # normalization was given.
        found.append(Inside(hidden[d], own, dict(zip(cell.gates, gates, strict=False))))
    return found


def as_record(mode: str, insides: Sequence[Inside]) -> tuple[Tensor | None, Tensor | None]:
    """(saved, cells) as the kernels lay them out, zeros for values that are no gate's."""
    saved = cells = None
    cell = BY_MODE[mode]
    if cell.saved:
        rows = []
        for inside in insides:
            gates = [inside.gates[name] for name in cell.gates]
            rest = [torch.zeros_like(gates[0])] * (cell.saved_by(mode) - len(gates))
            rows.append(torch.cat([*gates, *rest], -1))
        saved = torch.stack(rows)
    if cell.has_cell:
        cells = torch.stack([one.cell for one in insides if one.cell is not None])
    return saved, cells


def joined(insides: Sequence[Inside]) -> Inside:
    """Consecutive steps as one."""
    memories = [one.cell for one in insides if one.cell is not None]
    return Inside(
        torch.cat([one.hidden for one in insides]),
        torch.cat(memories) if memories else None,
        {name: torch.cat([one.gates[name] for one in insides]) for name in insides[0].gates},
    )


def reordered(inside: Inside, turn: Tensor | None) -> Inside:
    """Its rows in another order; None: as they are."""
    if turn is None:
        return inside
    memory = None if inside.cell is None else inside.cell[turn]
    gates = {name: rows[turn] for name, rows in inside.gates.items()}
    return Inside(inside.hidden[turn], memory, gates)


def places(
    batch_sizes: Tensor, order: Tensor | None, rows: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The step and the sequence (N,) of each of the ``rows`` of a packed sequence.

    ``order`` holds, for each packed position, the sequence that stands there (the
    ``sorted_indices`` of a PackedSequence).
    """
    steps, sizes = torch.arange(len(batch_sizes), device=device), batch_sizes.to(device)
    step = torch.repeat_interleave(steps, sizes, output_size=rows)
    position = torch.arange(rows, device=device) - (sizes.cumsum(0) - sizes)[step]
    return step, position if order is None else order.to(device)[position]
