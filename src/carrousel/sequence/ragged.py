"""Sequences of unequal length as one tensor of rows; nothing is padded.

>>> import torch
>>> batch = Ragged.of([torch.tensor([1.0, 2.0]), torch.tensor([3.0])])
>>> batch.rows.tolist(), batch.lengths.tolist()
([1.0, 2.0, 3.0], [2, 1])
>>> batch[torch.tensor([1])].rows.tolist()
[3.0]
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """``rows`` (N, ...): the steps of the first sequence, then those of the second, and so on;
    ``lengths`` (B,): how many steps each has, at least one."""

    rows: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, parts: Sequence[Tensor]) -> "Ragged":
        """Sequences (T, ...) side by side."""
        return cls(torch.cat(list(parts)), torch.tensor([len(part) for part in parts]))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, which: Tensor) -> "Ragged":
        """The sequences with these numbers (K,), in this order."""
        lengths = self.lengths[which]
        shifts = self.starts[which] - (lengths.cumsum(0) - lengths)
        index = torch.arange(int(lengths.sum())) + shifts.repeat_interleave(lengths)
        return Ragged(self.rows[index], lengths)

    def windows(self, first: Tensor, lengths: Tensor) -> "Ragged":
        """Of each sequence ``lengths`` steps (B,) from its step number ``first`` (B,) on."""
        shifts = self.starts + first - (lengths.cumsum(0) - lengths)
        index = torch.arange(int(lengths.sum())) + shifts.repeat_interleave(lengths)
        return Ragged(self.rows[index], lengths)

    @cached_property
    def starts(self) -> Tensor:
        """(B,) the row of each sequence's first step."""
        return self.lengths.cumsum(0) - self.lengths

    @cached_property
    def owner(self) -> Tensor:
        """(N,) the number of the sequence that each row belongs to."""
        return torch.arange(len(self)).repeat_interleave(self.lengths)

    @cached_property
    def equal(self) -> bool:
        """Whether all sequences have the same length."""
        return len(self.rows) == len(self) * int(self.lengths[0]) and bool(
            (self.lengths == self.lengths[0]).all()
        )

    @cached_property
    def ends(self) -> Tensor:
        """(B,) the row of each sequence's last step."""
        return self.lengths.cumsum(0) - 1

    def parts(self) -> Iterable[Tensor]:
        """Each sequence, (T, ...)."""
        return self.rows.split(self.lengths.tolist())

    def portions(self, steps: int) -> "list[Ragged]":
        """The same sequences in batches of about so many steps."""
        numbers = torch.arange(len(self)).split(portion_sizes(self.lengths, steps))
        return [self[which] for which in numbers]

    def like(self, rows: Tensor) -> "Ragged":
        """Other rows for the same steps."""
        made = type(self)(rows, self.lengths)
        for name in ("starts", "owner", "equal", "ends", "order", "packing"):
            if name in self.__dict__:
                made.__dict__[name] = self.__dict__[name]
        return made

    @cached_property
    def order(self) -> Tensor:
        """(N,) the place of each row, were sequences to follow one another."""
        return torch.arange(len(self.rows))

    def in_line(self, rows: Tensor) -> Tensor:
        """Rows (N, ...) of these steps, sequence by sequence."""
        return rows

    def scaled(self, rows: Tensor, factors: Tensor) -> Tensor:
        """Rows (N, F) of which those of each sequence are multiplied by its factors (B, F)."""
        if self.equal:
            return (rows.unflatten(0, (len(self), -1)) * factors[:, None]).flatten(0, 1)
        return rows * factors.index_select(0, self.owner)

    def grouped(self, rows: Tensor) -> tuple[Tensor, int]:
        """Rows (N, ...) of sequences of one length with an axis for each of them and one for their
        steps, and which of the two is that of the steps."""
        return rows.unflatten(0, (len(self), -1)), 1

    @cached_property
    def for_layers(self) -> "Ragged":
        """The same sequences with their rows as recurrent layers read them best: of one length,
        all first steps come first, and nothing is moved on the way through the network."""
        return Abreast.of_equal(self) if self.equal else self

    def padded(self, value: float = 0.0) -> Tensor:
        """(T, B, ...), time first, with ``value`` behind the ends: for losses that ask for it."""
        longest = int(self.lengths.max())
        out = self.rows.new_full((longest, len(self), *self.rows.shape[1:]), value)
        step = torch.arange(len(self.rows)) - self.starts[self.owner]
        return out.index_put((step, self.owner), self.rows)

    @cached_property
    def packing(self) -> "Packing":
        """Where the rows lie in a packed batch."""
        return Packing.of(self)


class Abreast(Ragged):
    """Sequences of one length side by side: all their first steps, all second steps ..."""

    @classmethod
    def of_equal(cls, batch: Ragged) -> "Abreast":
        """The sequences of a batch, all of one length."""
        rows, _ = batch.grouped(batch.rows)
        return cls(rows.transpose(0, 1).flatten(0, 1), batch.lengths)

    def in_line(self, rows: Tensor) -> Tensor:
        return self.grouped(rows)[0].transpose(0, 1).flatten(0, 1)

    @cached_property
    def starts(self) -> Tensor:  # type: ignore[override]
        return torch.arange(len(self))

    @cached_property
    def owner(self) -> Tensor:  # type: ignore[override]
        return torch.arange(len(self)).repeat(int(self.lengths[0]))

    @cached_property
    def equal(self) -> bool:  # type: ignore[override]
        return True

    @cached_property
    def ends(self) -> Tensor:  # type: ignore[override]
        return torch.arange(len(self.rows) - len(self), len(self.rows))

    @cached_property
    def order(self) -> Tensor:  # type: ignore[override]
        length = int(self.lengths[0])
        return (torch.arange(length)[:, None] + length * torch.arange(len(self))).flatten()

    def scaled(self, rows: Tensor, factors: Tensor) -> Tensor:
        return (self.grouped(rows)[0] * factors).flatten(0, 1)

    def grouped(self, rows: Tensor) -> tuple[Tensor, int]:
        return rows.unflatten(0, (-1, len(self))), 0


def portion_sizes(lengths: Tensor, steps: int) -> list[int]:
    """How many consecutive sequences each batch has that is cut where there are steps enough."""
    portion = (lengths.cumsum(0) - 1) // steps
    return list(portion.unique_consecutive(return_counts=True)[1].tolist())


class _Moved(torch.autograd.Function):
    """Rows in another order. Gradients go back by the opposite order: torch does not know that no
    row comes twice, and adds them up one by one."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, order: Tensor, opposite: Tensor) -> Tensor:
        ctx.orders = order, opposite
        return rows.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        order, opposite = ctx.orders
        return _Moved.apply(grads[0], opposite, order), None, None


@dataclass(frozen=True)
class Packing:
    """The order in which ``torch.nn.utils.rnn.PackedSequence`` holds rows: all first steps, all
    second steps ...; longer sequences come first."""

    batch_sizes: Tensor  # (T,) sequences that have a step t
    into: Tensor  # (N,) the row that stands at each place of the packed order
    back: Tensor  # (N,) the place of each row

    def pack(self, rows: Tensor) -> Tensor:
        """Rows (N, ...) of a batch in the packed order."""
        return _Moved.apply(rows, self.into, self.back)

    def unpack(self, rows: Tensor) -> Tensor:
        """And back."""
        return _Moved.apply(rows, self.back, self.into)

    @classmethod
    def of(cls, batch: Ragged) -> "Packing":
        order = batch.lengths.argsort(descending=True, stable=True)
        longest = int(batch.lengths.max())
        ended = batch.lengths.bincount(minlength=longest + 1).cumsum(0)[:longest]
        batch_sizes = len(batch) - ended
        step = torch.arange(longest).repeat_interleave(batch_sizes)
        first = batch_sizes.cumsum(0) - batch_sizes
        number = torch.arange(len(step)) - first[step]  # of the sequence, in that order
        into = batch.starts[order][number] + step
        back = torch.empty_like(into)
        back[into] = torch.arange(len(into))
        return cls(batch_sizes, into, back)
