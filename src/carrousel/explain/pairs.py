"""How much of step s is in the state at step t: a table of all pairs."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..ops.written import of_kind
from ..plottable import Plottable
from ..record.record import Record
from ..record.table import from_columns, grid
from .accounting import Books
from .by_hand import tanh_ratio
from .flow import jacobians
from .order import Order, check_record
from .steps import Steps


@dataclass(frozen=True)
class Influence(Plottable, picture="carrousel.plots:plot_influence"):
    """Tables (L*D, T, T, B), float64; [:, t, s] is what step s means for the state at t.

    ``carried``: the share of the memory at t that step s wrote, |what is left of its write| summed
    over the units, of the sum over all steps and the initial state; ``initial`` (L*D, T, B) is the
    initial state's. ``output``: the same of the output at t, h = o tanh(c), in which each unit's
    writes count as h/c of what they are in its memory c; a GRU's memory is its output.
    ``jacobian``: the norm of ∂state_t/∂state_s, None if it was not asked for.
    ``error``: by how much the writes do not add up to the states, relative, at worst.
    """

    carried: Tensor
    initial: Tensor
    output: Tensor
    jacobian: Tensor | None
    error: float
    steps: tuple[int, ...]

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per level and direction, sequence, and pair of steps."""
        entries, _, _, batch = self.carried.shape
        axes = grid(
            entry=range(entries), step=self.steps, of_step=self.steps, sequence=range(batch)
        )
        columns = {name: axes[name] for name in ("entry", "sequence", "step", "of_step")}
        columns["carried"] = self.carried.flatten().numpy()
        columns["output"] = self.output.flatten().numpy()
        if self.jacobian is not None:
            columns["jacobian"] = self.jacobian.flatten().numpy()
        return from_columns(columns, backend).to_native()


def influence(
    record: Record, *, jacobian: bool = False, layer: nn.Module | None = None
) -> Influence:
    """How much of each step is in the state after each later one, and in the output there.

    The carry is exact: an LSTM's cell state (a GRU's hidden state) is the sum of what earlier steps
    wrote, each times the gates since (:func:`ledger`), here for every step and not only the last.
    It is an accounting: the gates that kept a write depend on the past, too. With
    ``jacobian=True`` the Frobenius norms of the full derivatives stand beside it, which go through
    every path and take time with the square of the steps; ``layer`` as in :func:`half_life`.

    Raises ``ValueError`` for a plain RNN without gates to account for, and, with ``jacobian``, for
    the record of a run of which a gate was frozen, or that was changed and comes from a file.

    >>> import torch, carrousel
    >>> from carrousel.explain import influence
    >>> lstm = carrousel.LSTM(3, 4)
    >>> with carrousel.trace(lstm) as trace:
    ...     _ = lstm(torch.randn(6, 1, 3))
    >>> table = influence(trace[-1])
    >>> table.carried.shape, table.error < 1e-6
    (torch.Size([1, 6, 6, 1]), True)
    >>> torch.allclose(table.carried.sum(2) + table.initial, torch.ones(1, 6, 1).double())
    True
    """
    check_record(record)
    found = [_carried(record, index) for index in range(record.hidden.shape[0])]
    carried, initial, output = (torch.stack(part) for part in list(zip(*found, strict=True))[:3])
    error = max(off for *_, off in found)
    slopes = None
    if jacobian:
        entries = range(record.hidden.shape[0])
        slopes = torch.stack([_jacobian(record, index, layer) for index in entries])
    steps = tuple(record.steps)
    return Influence(carried, initial, output, slopes, error, steps)


def _carried(record: Record, index: int) -> tuple[Tensor, Tensor, Tensor, float]:
    """(T, T, B), (T, B), (T, T, B) of the output, and the error, by position in the sequence."""
    books = Books.of(record, index)
    states = record.hidden if record.cell is None else record.cell
    expected = books.order.enter(states[index].double())
    shown = books.order.enter(record.hidden[index].double())
    if shown.shape == expected.shape:
        told = torch.where(expected == 0, 0.0, shown / torch.where(expected == 0, 1.0, expected))
    else:  # projected: what each unit showed before
        gate = record.gates[str(of_kind(record.kind).exposes)][index]
        told = books.order.enter(gate.double()) * tanh_ratio(expected)
    steps, batch, _ = expected.shape
    terms, first = torch.zeros_like(books.written), books.initial
    table = expected.new_zeros(steps, steps, batch)
    output = torch.zeros_like(table)
    begun, error = expected.new_zeros(steps, batch), 0.0
    size = books.initial.abs()
    for t in range(steps):
        terms, first = terms * books.kept[t], first * books.kept[t]
        terms[t] = books.written[t]
        size = size * books.kept[t].abs() + books.size[t]
        amounts, start = terms.abs().sum(-1), first.abs().sum(-1)
        whole = (amounts.sum(0) + start).clamp_min(1e-300)
        here = books.order.present[t]
        table[t] = torch.where(here, amounts / whole, 0.0)
        parts, rest = (terms * told[t]).abs().sum(-1), (first * told[t]).abs().sum(-1)
        output[t] = torch.where(here, parts / (parts.sum(0) + rest).clamp_min(1e-300), 0.0)
        begun[t] = torch.where(here, start / whole, 0.0)
        off = (terms.sum(0) + first - expected[t]).abs() / size.clamp_min(1e-30)
        error = max(error, float(off[here].max()) if here.any() else 0.0)
    return (
        _by_position(books.order, table),
        books.order.leave(begun),
        _by_position(books.order, output),
        error,
    )


def _jacobian(record: Record, index: int, layer: nn.Module | None) -> Tensor:
    entry = Steps.of(record, index, layer)
    of = "hidden" if entry.cell is None else "cell"
    total, batch = entry.hidden.shape[:2]
    table = torch.zeros(total, total, batch, dtype=torch.float64)
    for end in range(total):
        for s, matrix in jacobians(entry.until(end), of):
            table[end, s] = torch.linalg.matrix_norm(matrix.transpose(0, 1))
    present = entry.order.present
    table *= present[:, None] & present[None]
    return _by_position(entry.order, table)


def _by_position(order: Order, table: Tensor) -> Tensor:
    """(T, T, B) by the order of processing to positions in the sequence, rows and columns."""
    rows = order.leave(table.movedim(2, 1))  # (T, B, T)
    return order.leave(rows.permute(2, 1, 0)).permute(2, 0, 1)
