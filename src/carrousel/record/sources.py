"""Where a record's arrays come from: runs on the tape, or a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..ops.changes import Change
from ..ops.tape import BOOKS, Run, books
from .rows import crop, crop_rows, lengths_of, to_padded

PER_STEP = ("hidden", "cell", "grad_hidden", "grad_cell")


@dataclass
class Excerpt:
    """One run as it is kept: perhaps only some steps of it, perhaps on another device.

    ``whole`` is the run that backward will write its gradients to; they are fetched from there.
    """

    run: Run
    whole: Run
    start: int
    stop: int
    device: str | None
    own: bool  # nobody else reads ``whole``

    @classmethod
    def of(cls, whole: Run, start: int, stop: int, device: str | None, own: bool) -> "Excerpt":
        """Keep ``[start, stop)``, and free what ``whole`` holds beyond if nobody else reads it."""
        part = stop - start < len(whole.batch_sizes)
        run = crop(whole, start, stop) if part else whole
        if device is not None:
            run = _moved(run, device)
        if own and run is not whole:
            whole.hidden, whole.gates = _shell(whole.hidden), {}
            whole.cell = None if whole.cell is None else _shell(whole.cell)
        return cls(run, whole, start, stop, device, own)

    def fetch_gradients(self) -> None:
        """Take over what backward has left since."""
        if self.run is self.whole:
            return
        for name in ("grad_hidden", "grad_cell"):
            rows = getattr(self.whole, name)
            if rows is not None:
                setattr(self.run, name, self._kept(rows))
                if self.own:
                    setattr(self.whole, name, None)

    def _kept(self, rows: Tensor) -> Tensor:
        if self.stop - self.start < len(self.whole.batch_sizes):
            rows = crop_rows(rows, self.whole.batch_sizes, self.start, self.stop)
        return rows if self.device is None else rows.to(self.device)


def _shell(tensor: Tensor) -> Tensor:
    """As large to look at, without the memory: backward goes by the shapes."""
    return tensor.new_zeros(1).expand(tensor.shape)


def _moved(run: Run, device: str) -> Run:
    def to(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(device)

    return replace(
        run,
        hidden=run.hidden.to(device),
        cell=to(run.cell),
        gates={name: rows.to(device) for name, rows in run.gates.items()},
        h0=run.h0.to(device),
        c0=to(run.c0),
        starts={name: state.to(device) for name, state in run.starts.items()},
    )


@dataclass
class TapeSource:
    """Arrays put together, when first asked for, from the runs of one call of a layer."""

    excerpts: list[Excerpt]
    input_rows: Tensor  # (N, I), the layer's own input
    batch: int
    order: Tensor | None  # sorted_indices of a PackedSequence
    _made: dict[str, tuple[list[Tensor], Tensor]] = field(default_factory=dict)

    def lengths(self) -> Tensor:
        return lengths_of(self.excerpts[0].run.batch_sizes, self.batch, self.order)

    def array(self, name: str) -> Tensor | None:
        if name == "inputs":
            return self._padded(self.input_rows)
        for excerpt in self.excerpts:
            excerpt.fetch_gradients()
        if name in BOOKS and not self.rewritten():
            return None
        parts = [_part(excerpt.run, name) for excerpt in self.excerpts]
        present = [part for part in parts if part is not None]
        if not present or len(present) < len(parts):
            return None
        return self._stacked(name, present)

    @property
    def changed(self) -> bool:
        """Whether any gate or state was changed by hand."""
        return any(excerpt.run.changed for excerpt in self.excerpts)

    def changes(self, index: int) -> tuple[Sequence[Change], Tensor] | None:
        """Of one level and direction, in rows of the call, and which sequence stands at each."""
        rows = torch.arange(self.batch) if self.order is None else self.order.cpu()
        return self.excerpts[index].run.changes, rows

    def rewritten(self) -> bool:
        """Whether the memory itself, and not only gates, was changed at some step."""
        return any("kept" in excerpt.run.gates for excerpt in self.excerpts)

    def books(self, name: str) -> Tensor:
        """What was kept or written, as changed or by the gates."""
        return self._stacked(name, [books(excerpt.run, name) for excerpt in self.excerpts])

    def _stacked(self, name: str, parts: list[Tensor]) -> Tensor:
        known = self._made.get(name)
        if known is None or any(a is not b for a, b in zip(known[0], parts, strict=True)):
            shape = self._reordered if name.startswith("initial") else self._padded
            self._made[name] = (parts, _stack(parts, shape))
        return self._made[name][1]

    def _padded(self, rows: Tensor) -> Tensor:
        sizes = self.excerpts[0].run.batch_sizes
        return to_padded(rows.detach(), sizes, self.batch, self.order)

    def _reordered(self, state: Tensor) -> Tensor:
        if self.order is None:
            return state.detach()
        return torch.empty_like(state).index_copy_(0, self.order.to(state.device), state.detach())


@dataclass(frozen=True)
class ChainSource:
    """The steps of a cell, one call after the other."""

    links: list[TapeSource]

    @property
    def changed(self) -> bool:
        return any(link.changed for link in self.links)

    def changes(self, index: int) -> tuple[Sequence[Change], Tensor] | None:
        """Each call's, at its step of the chain."""
        found = []
        for step, link in enumerate(self.links):
            for change in link.excerpts[index].run.changes:
                found.append(replace(change, places={step: change.places[0]}))
        return found, torch.arange(self.links[0].batch)

    def lengths(self) -> Tensor:
        return torch.full((self.links[0].batch,), len(self.links))

    def array(self, name: str) -> Tensor | None:
        if name.startswith("initial"):
            return self.links[0].array(name)
        if name in BOOKS:
            changed = any(link.rewritten() for link in self.links)
            return torch.cat([link.books(name) for link in self.links], 1) if changed else None
        parts = [link.array(name) for link in self.links]
        present = [part for part in parts if part is not None]
        if len(present) < len(parts):
            return None
        return torch.cat(present, 0 if name == "inputs" else 1)


@dataclass(frozen=True)
class StoredSource:
    """Arrays that are already there, as read from a file."""

    arrays: dict[str, Tensor]

    @property
    def changed(self) -> bool:
        return "kept" in self.arrays

    def changes(self, index: int) -> tuple[Sequence[Change], Tensor] | None:
        """A file does not hold them."""
        return None

    def lengths(self) -> Tensor:
        return self.arrays["lengths"]

    def array(self, name: str) -> Tensor | None:
        return self.arrays.get(name)


Source = TapeSource | ChainSource | StoredSource


def _part(run: Run, name: str) -> Tensor | None:
    if name in PER_STEP:
        return getattr(run, name)
    if name in BOOKS:
        return books(run, name)
    if name == "initial_hidden":
        return run.h0
    if name.startswith("initial_"):
        return run.c0 if name == "initial_cell" else run.starts.get(name.removeprefix("initial_"))
    return run.gates.get(name)


def _stack(parts: list[Tensor], shape: Callable[[Tensor], Tensor]) -> Tensor:
    if len(parts) == 1:
        return shape(parts[0])[None]  # a view
    return torch.stack([shape(part) for part in parts])
