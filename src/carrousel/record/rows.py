"""From the tape's rows (time-major, packed) to arrays (T, B, H), and to a part of the steps."""

from dataclasses import replace

import torch
from torch import Tensor

from ..ops.inside import places
from ..ops.tape import Run


def to_padded(rows: Tensor, batch_sizes: Tensor, batch: int, order: Tensor | None) -> Tensor:
    """Rows (N, K) as (T, B, K), NaN where a sequence has no such step.

    ``order`` as of :func:`carrousel.ops.inside.places`. A full batch in its own order is a view.
    """
    steps = len(batch_sizes)
    if order is None and rows.shape[0] == steps * batch:
        return rows.unflatten(0, (steps, batch))
    step, sequence = places(batch_sizes, order, len(rows), rows.device)
    padded = rows.new_full((steps, batch, *rows.shape[1:]), float("nan"))
    padded[step, sequence] = rows
    return padded


def lengths_of(batch_sizes: Tensor, batch: int, order: Tensor | None) -> Tensor:
    """The number of steps of each sequence, (B,), in the caller's order."""
    present = batch_sizes.cpu()[:, None] > torch.arange(batch)  # (T, B)
    lengths = present.sum(0)
    if order is None:
        return lengths
    return torch.empty_like(lengths).index_copy_(0, order.cpu(), lengths)


def crop_rows(rows: Tensor, batch_sizes: Tensor, start: int, stop: int) -> Tensor:
    """A copy of the rows of steps ``start`` to ``stop``, so that the rest can be freed."""
    edges = [0, *batch_sizes.cumsum(0).tolist()]
    return rows[edges[start] : edges[stop]].clone()


def crop(run: Run, start: int, stop: int) -> Run:
    """The run from step ``start`` up to ``stop``; its initial state is the state before them."""
    sizes = run.batch_sizes

    def part(rows: Tensor) -> Tensor:
        return crop_rows(rows, sizes, start, stop)

    return replace(
        run,
        batch_sizes=sizes[start:stop],
        hidden=part(run.hidden),
        cell=None if run.cell is None else part(run.cell),
        gates={name: part(rows) for name, rows in run.gates.items()},
        h0=_state_before(run, run.hidden, run.h0, start, stop),
        c0=None if run.cell is None else _state_before(run, run.cell, run.c0, start, stop),
        starts={
            name: _state_before(run, run.gates[name], state, start, stop)
            for name, state in run.starts.items()
        },
        grad_hidden=None,
        grad_cell=None,
    )


def _state_before(run: Run, rows: Tensor, initial: Tensor | None, start: int, stop: int) -> Tensor:
    """The state (B, H) on entering the window; NaN for a sequence that ended before it."""
    assert initial is not None
    neighbor = stop if run.reverse else start - 1
    if neighbor < 0 or neighbor >= len(run.batch_sizes):
        return initial.clone()
    at = crop_rows(rows, run.batch_sizes, neighbor, neighbor + 1)
    # Reverse runs begin inside the window for the sequences that end in it.
    rest = initial if run.reverse else torch.full_like(initial, float("nan"))
    return torch.cat([at, rest[len(at) :]])
