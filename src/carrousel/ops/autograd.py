"""One recurrent layer for autograd: the kernels, the tape, and double backward by the reference."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor

from . import gate, kernels, reference
from .cells import BY_MODE, MODES
from .inside import Inside, as_record
from .tape import Pieces, Run, SavedGates, copied, tape, taped

_EMPTY: dict[tuple[torch.dtype, torch.device], Tensor] = {}


class Layer(torch.autograd.Function):
    """``apply(mode, x, offsets, h0, c0, *weights)`` -> y, h_n, c_n."""

    @staticmethod
    def forward(ctx: Any, mode, x, offsets, h0, c0, *weights):
        out = kernels.of(x).forward(mode, x, offsets, h0, c0, list(weights), record=True)
        # Weakly: what is recorded lives as long as somebody reads it, not as long as the graph.
        ctx.runs = [weakref.ref(run) for run in record_runs(mode, x, offsets, h0, c0, out)]
        save(ctx, mode, x, offsets, h0, c0, weights, out, plain=True)
        return out[:3]

    @staticmethod
    def backward(ctx: Any, *grads):
        need_weights = any(ctx.needs_input_grad[5:])
        dx, dh0, dc0, dweights = gradients(
            ctx, grads, ctx.needs_input_grad[1], need_weights, ctx.runs
        )
        return None, dx, None, dh0, dc0, *(dweights or [None] * len(ctx.needs_input_grad[5:]))


class OpenLayer(torch.autograd.Function):
    """The same that also gives its record, saved and cells, with gradients -> five tensors."""

    @staticmethod
    def forward(ctx: Any, mode, x, offsets, h0, c0, *weights):
        out = kernels.of(x).forward(mode, x, offsets, h0, c0, list(weights), record=True)
        ctx.runs = [weakref.ref(run) for run in record_runs(mode, x, offsets, h0, c0, out)]
        save(ctx, mode, x, offsets, h0, c0, weights, out, plain=True)
        return out

    @staticmethod
    def backward(ctx: Any, *grads):
        need_weights = any(ctx.needs_input_grad[5:])
        dx, dh0, dc0, dweights = gradients(
            ctx, grads[:3], ctx.needs_input_grad[1], need_weights, ctx.runs, grads[3:]
        )
        return None, dx, None, dh0, dc0, *(dweights or [None] * len(ctx.needs_input_grad[5:]))


def save(ctx: Any, mode, x, offsets, h0, c0, weights, out, plain: bool) -> None:
    """Keep for backward what forward took and left.

    The output is the caller's, who may change it in place, as torch's own layers allow. So what is
    saved is an alias that torch does not guard, and beside it the count of changes at this moment:
    where it has moved on, backward computes the output anew.
    """
    y, _, _, saved, cells = out
    ctx.mode = mode
    ctx.set_materialize_grads(False)
    ctx.changes = counter(y, alone=plain)
    ctx.version = y._version
    ctx.offsets = offsets  # not saved: no hook has any business with them
    given = (x, h0, c0, y.data, saved, cells, *weights)
    ctx.shapes = [None if t is None else t.shape for t in given] if plain else None
    ctx.save_for_backward(*given)


def counter(tensor: Tensor, alone: bool) -> Tensor:
    """A tensor whose ``_version`` counts the changes in place of another.

    alone: without holding on to the other's memory; a mode that looks on would see how.
    """
    alias = tensor.detach()  # shares the count, and keeps it when its memory is swapped
    if alone:
        key = tensor.dtype, tensor.device
        if key not in _EMPTY:
            _EMPTY[key] = tensor.new_empty(0)
        alias.data = _EMPTY[key]
    return alias


def restored(ctx: Any) -> tuple[Any, ...]:
    """What :func:`save` saved; hooks on saved tensors may have given back others."""
    found = ctx.saved_tensors
    if ctx.shapes is not None:
        shapes = [None if t is None else t.shape for t in found]
        if shapes != ctx.shapes:
            raise RuntimeError(f"hooks on saved tensors gave back {shapes} for {ctx.shapes}")
    return found


def gradients(ctx: Any, grads, need_x: bool, need_weights: bool, runs=(), inside=(None, None)):
    """dL/dx, dL/dh0, dL/dc0 and [dL/dweight, ...]: by kernels, operator or reference."""
    if all([grad is None for grad in (*grads, *inside)]):
        return None, None, None, []
    offsets, (x, h0, c0, y, saved, cells, *weights) = ctx.offsets, restored(ctx)
    grads = grads if c0 is not None else (*grads[:2], None)
    if ctx.changes._version != ctx.version:
        again = kernels.of(x).forward if gate.on_gpu([x, h0]) else torch.ops.carrousel.layer
        y = again(ctx.mode, x, offsets, h0, c0, weights, False)[0]
    of_all = (x, h0, c0, y, saved, cells, *grads, *inside, *weights)
    tensors = [t for t in of_all if t is not None]
    graph = torch.is_grad_enabled()  # create_graph: this derivative may be derived again
    if not graph and ((gate.plain(tensors) and gate.quiet()) or gate.on_gpu(tensors)):
        # Hooks may give back other strides, and the kernels take the record for dense.
        record = (y.contiguous(), *(None if t is None else t.contiguous() for t in (saved, cells)))
        return kernels.of(x).backward(
            ctx.mode, x, offsets, h0, c0, weights, record, grads, need_x, need_weights,
            [run() for run in runs], inside,
        )  # fmt: skip
    if graph or not gate.alike(tensors) or gate.transformed(tensors):
        given = (ctx.mode, x, offsets, h0, c0, weights, grads, graph, runs, inside)
        return differentiable(*given)
    saved, cells = (x.new_empty(0) if t is None else t for t in (saved, cells))
    dx, dh0, dc0, dweights = torch.ops.carrousel.layer_backward(
        ctx.mode,
        x,
        offsets,
        h0,
        c0,
        weights,
        y,
        saved,
        cells,
        *grads,
        *inside,
        need_x,
        need_weights,
    )
    return dx if need_x else None, dh0, None if c0 is None else dc0, dweights


def differentiable(mode, x, offsets, h0, c0, weights, grads, graph, runs=(), inside=(None, None)):
    """The gradients by the reference; as functions of everything where a ``graph`` is wanted.

    They are derived by views of what forward took: an initial state may itself depend on the
    weights, and a derivative by the weights proper would run on through it.
    """
    given = [t for t in (x, h0, c0, *weights) if t is not None]

    def results(x, h0, *rest):
        c, weights = (None, rest) if c0 is None else (rest[0], rest[1:])
        insides: list[Inside] | None = [] if any(g is not None for g in inside) else None
        sizes = batch_sizes(x, offsets)
        out = reference.layer(MODES[mode], x, sizes, h0, c, weights, insides=insides)
        record = as_record(MODES[mode], insides) if insides else (None, None)
        every = zip((*out, *record), (*grads, *inside), strict=True)
        return tuple([t for t, grad in every if grad is not None])

    wanted = tuple([grad for grad in (*grads, *inside) if grad is not None])
    with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
        if gate.in_transform():
            with taped(None):
                found = torch.func.vjp(results, *given)[1](wanted)
        else:
            found = _derived(results, given, wanted, graph, runs)
    dx, dh0, *dweights = found
    return dx, dh0, None if c0 is None else dweights.pop(0), dweights


def _derived(results, given, grads, graph, runs):
    """Gradients by autograd, which also writes those of every step to the ``runs`` of a tape."""
    mirrored: list[Run] | None = [] if runs else None
    views = [t.view_as(t) if t.requires_grad else t.detach().requires_grad_() for t in given]
    with taped(mirrored):
        out = results(*views)
    found = torch.autograd.grad(out, views, grads, create_graph=graph, allow_unused=True)
    for run, mirror in zip(runs, mirrored or (), strict=True):
        if (own := run()) is not None:
            own.grad_hidden, own.grad_cell = mirror.grad_hidden, mirror.grad_cell
    return found


def batch_sizes(x: Tensor, offsets: Tensor | None) -> list[int]:
    """Rows of each step."""
    return [x.size(1)] * x.size(0) if offsets is None else offsets.diff().tolist()


def record_runs(mode, x, offsets, h0, c0, out) -> list[Run]:
    """Append this layer's runs, one per direction, to the tape if one is on."""
    so_far = tape()
    if so_far is None:
        return []
    kind, hidden = BY_MODE[MODES[mode]], h0.size(2)
    y, _, _, saved, cells = out
    # Copies of what is the caller's, who may write over it; what is between pieces is nobody's.
    kept = Tensor.detach if isinstance(so_far, Pieces) else copied
    y = kept(y).view(-1, y.size(-1))
    sizes = torch.full((x.size(0),), x.size(1)) if offsets is None else offsets.diff()
    runs = []
    for d in range(h0.size(0)):
        gates = {} if saved is None else SavedGates(kind.gates, saved[d], hidden)
        runs.append(
            Run(
                kind=kind.name,
                reverse=d == 1,
                batch_sizes=sizes,
                hidden=y if len(h0) == 1 else y[:, d * hidden : (d + 1) * hidden],
                cell=None if cells is None else cells[d],
                gates=gates,
                h0=kept(h0[d]),
                c0=None if c0 is None else kept(c0[d]),
            )
        )
    so_far.extend(runs)
    return runs
