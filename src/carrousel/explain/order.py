"""Sequences in the order in which a layer ran through them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..record.record import Record


@dataclass(frozen=True)
class Order:
    """The order of processing of one direction, up to a last step.

    A reverse run begins at the end of each sequence, so that its "last" step is the first one.
    ``lengths`` counts the steps that are processed; padding comes behind them.
    """

    reverse: bool
    first: int  # steps before this one belong to no sequence (reverse runs stopped early)
    steps: int
    lengths: Tensor  # (B,)

    @classmethod
    def of(cls, record: Record, index: int, at: int | None = None) -> "Order":
        """The steps that entry ``index`` had processed after the step at position ``at``."""
        kept = record.steps
        if not kept:
            raise ValueError(f"the record of {record.name!r} holds no step to look at")
        if at is not None and at not in kept:
            raise ValueError(f"at must be a recorded step, {kept[0]} to {kept[-1]}, got {at}")
        lengths, reverse = record.lengths, record.reverse(index)
        if at is None:
            return cls(reverse, 0, len(kept), lengths)
        if reverse:
            first = at - kept.start
            return cls(True, first, len(kept), (lengths - first).clamp_min(0))
        return cls(False, 0, len(kept), lengths.clamp_max(at - kept.start + 1))

    @property
    def positions(self) -> Tensor:
        """(T, B): where in the record each step that is processed lies."""
        return self._source()

    @property
    def present(self) -> Tensor:
        """(T, B) bool, in order of processing: whether the sequence has this step."""
        return torch.arange(self.steps)[:, None] < self.lengths

    def enter(self, array: Tensor) -> Tensor:
        """(T, B, ...) by position to (T, B, ...) by order of processing, 0 where there is none."""
        array = array.cpu()
        source = self._source()
        ordered = array.gather(0, _like(source, array))
        return ordered.masked_fill(_like(~self.present, array), 0)

    def leave(self, array: Tensor) -> Tensor:
        """The inverse of ``enter``: back to positions, 0 where nothing was processed."""
        present = _like(self.present, array)
        out = torch.zeros_like(array)
        return out.scatter_add_(0, _like(self._source(), array), array.masked_fill(~present, 0))

    def last(self, array: Tensor) -> Tensor:
        """(T, B, H) by order of processing to (B, H): the entry of each last step."""
        return at_step(array, self.lengths - 1)

    def _source(self) -> Tensor:
        steps = torch.arange(self.steps)[:, None].expand(-1, len(self.lengths))
        if self.reverse:
            steps = self.first + self.lengths - 1 - steps
        return steps.clamp(0, max(self.steps - 1, 0))


def check_record(record: object) -> None:
    """``TypeError`` for what is no record."""
    if not isinstance(record, Record):
        raise TypeError(
            f"record must be a Record, such as trace['rnn'], got {type(record).__name__}"
        )


def _like(index: Tensor, array: Tensor) -> Tensor:
    """(T, B) broadcast to (T, B, ...)."""
    extra = array.dim() - 2
    return index.reshape(*index.shape, *[1] * extra).expand(*index.shape, *array.shape[2:])


def at_step(array: Tensor, step: Tensor) -> Tensor:
    """(T, B, K) to (B, K): each sequence's own step (B,), or the nearest that there is."""
    step = step.clamp(0, len(array) - 1)
    return array.gather(0, _like(step[None], array))[0]


def shifted(states: Tensor, initial: Tensor) -> Tensor:
    """(T, B, H) in order of processing: the state before each step, from those after each."""
    return torch.cat([initial.double().cpu()[None], states[:-1]])
