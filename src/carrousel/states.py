"""What ``layer(x, return_states=True)`` gives third."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from .ops.inside import Inside, places


class States(NamedTuple):
    """Every step's states and gates, as ``layer(x, return_states=True)`` gives them third.

    All are ``(L*D, T, B, H)``, whether or not the layer is ``batch_first``: level and direction as
    in ``h_n``, step, sequence, unit; ``(L*D, T, H)`` for an input without a batch. Step 0 is the
    first of the sequence in either direction. Of packed sequences, in the caller's order, the steps
    that a shorter one lacks are 0. Gradients flow through all, also under ``torch.compile``.
    """

    hidden: Tensor  # after each step, before any dropout between levels
    cell: Tensor | None  # likewise; None where there is no cell state
    gates: dict[str, Tensor]  # after their sigmoid or tanh; and states beside those two


class Padding(NamedTuple):
    """Where the rows of a packed sequence stand in a padded batch."""

    steps: int
    batch: int
    place: Tensor  # (N,) step * B + sequence

    @classmethod
    def of(cls, packed: PackedSequence) -> Padding:
        data, sizes = packed.data, packed.batch_sizes
        steps, batch = sizes.size(0), int(sizes[0])
        step, sequence = places(sizes, packed.sorted_indices, data.size(0), data.device)
        return cls(steps, batch, step * batch + sequence)

    def fill(self, rows: Tensor) -> Tensor:
        """(L*D, N, H) -> (L*D, T, B, H)"""
        padded = rows.new_zeros(rows.size(0), self.steps * self.batch, rows.size(2))
        return padded.index_copy(1, self.place, rows).unflatten(1, (self.steps, self.batch))


def states_of(input: Tensor | PackedSequence, insides: list[Inside], batch_first: bool) -> States:
    """Of what a call left of each level and direction, in the form in which the input came."""
    names = tuple(insides[0].gates)
    padding = Padding.of(input) if isinstance(input, PackedSequence) else None

    def whole(pick: Callable[[Inside], Tensor]) -> Tensor:
        rows = torch.stack([pick(one) for one in insides])  # (L*D, N, H)
        if padding is not None:
            return padding.fill(rows)
        assert isinstance(input, Tensor)
        if input.dim() == 2:
            return rows
        return rows.unflatten(1, (input.size(1 if batch_first else 0), -1))

    gates = {name: whole(lambda one, name=name: one.gates[name]) for name in names}  # type: ignore[misc]
    memory = None if insides[0].cell is None else whole(lambda one: one.cell)  # type: ignore[arg-type,return-value]
    return States(whole(lambda one: one.hidden), memory, gates)
