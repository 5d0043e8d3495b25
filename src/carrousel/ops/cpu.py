"""The kernels as torch operators: one layer, one direction or both, forward and backward.

``layer`` is what :mod:`carrousel.nn` calls. It goes through the operator ``carrousel::layer``,
which autograd, ``torch.compile`` and ``torch.export`` understand; double backward recomputes the
layer by :mod:`carrousel.ops.reference`.

Shapes: T steps, B sequences, I inputs, H hidden, D directions (1 or 2), G gates, N rows in all
(T*B padded, the sum of the batch sizes packed), S saved values per unit (LSTM 4, GRU 4, RNN 0).
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from carrousel import _core
from carrousel.ops import reference
from carrousel.ops.tape import Run, tape

MODES = ("RNN_TANH", "RNN_RELU", "LSTM", "GRU")  # in the order of the kernels' enum
_SAVED = {"RNN_TANH": 0, "RNN_RELU": 0, "LSTM": 4, "GRU": 4}
_GATES = {
    "LSTM": ("input", "forget", "candidate", "output"),
    "GRU": ("reset", "update", "candidate"),
}


def isa() -> str:
    """Name of the instruction set in use: the widest available, or what CARROUSEL_ISA asks for."""
    return _core.isa()


def available_isas() -> list[str]:
    """Names that CARROUSEL_ISA can take on this processor, widest first."""
    return _core.available_isas()


def elementwise(name: str, x: Tensor) -> Tensor:
    """The kernels' own exp, tanh or sigmoid, for their accuracy tests; x float32 or float64."""
    x = x.contiguous()
    out = torch.empty_like(x)
    run = _core.elementwise_f32 if x.dtype == torch.float32 else _core.elementwise_f64
    run(name, x.numel(), x.data_ptr(), out.data_ptr())
    return out


def _lend_threads() -> None:
    """Give the kernels torch's own thread pool; without it they run on the calling thread."""
    folder = Path(torch.__file__).parent / "lib"
    for name in ("libtorch_cpu.so", "libtorch_cpu.dylib", "torch_cpu.dll"):
        if (folder / name).exists():
            function = getattr(ctypes.CDLL(str(folder / name)), "torch_parallel_for", None)
            if function is not None:
                _core.use_parallel_for(ctypes.cast(function, ctypes.c_void_p).value)


_lend_threads()

_LIBRARY = torch.library.Library("carrousel", "DEF")
_LIBRARY.define(
    "layer(int mode, Tensor x, Tensor? offsets, Tensor h0, Tensor? c0, Tensor[] weights, "
    "bool record) -> (Tensor y, Tensor h_n, Tensor c_n, Tensor saved, Tensor cells)"
)
_LIBRARY.define(
    "layer_backward(int mode, Tensor x, Tensor? offsets, Tensor h0, Tensor? c0, Tensor[] weights, "
    "Tensor y, Tensor saved, Tensor cells, Tensor? dy, Tensor? dh_n, Tensor? dc_n, "
    "bool need_x, bool need_weights) -> (Tensor dx, Tensor dh0, Tensor dc0, Tensor[] dweights)"
)


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None or tensor.numel() == 0 else tensor.data_ptr()


def _rows(tensor: Tensor | None, column: int = 0) -> tuple[int, int, int]:
    """(address, stride of a step, stride of a row) of a (T, B, K) or packed (N, K) tensor."""
    if tensor is None:
        return 0, 0, 0
    step = tensor.stride(0) if tensor.dim() == 3 else 0
    return tensor.data_ptr() + column * tensor.element_size(), step, tensor.stride(-2)


def _dense_rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.stride(-1) == 1 or tensor.size(-1) == 1 else tensor.contiguous()


def _shape(mode: int, x: Tensor, offsets: Tensor | None, h0: Tensor, d: int) -> tuple:
    steps = x.size(0) if offsets is None else offsets.numel() - 1
    return mode, steps, h0.size(1), _address(offsets), x.size(-1), h0.size(2), d == 1


def _inputs(weights: list[Tensor], h0: Tensor, c0: Tensor | None, d: int) -> tuple:
    per = len(weights) // h0.size(0)
    own = [_address(w) for w in weights[d * per : (d + 1) * per]]
    c = 0 if c0 is None else c0[d].data_ptr()
    return (*own, *[0] * (4 - per), h0[d].data_ptr(), c)


def _layer(mode, x, offsets, h0, c0, weights, record):
    name, (directions, batch, hidden) = MODES[mode], h0.shape
    x, h0 = _dense_rows(x), h0.contiguous()
    c0 = None if c0 is None else c0.contiguous()
    weights = [w.contiguous() for w in weights]
    y = x.new_empty(*x.shape[:-1], directions * hidden)
    n = y.numel() // (directions * hidden)
    h_n = x.new_empty(directions, batch, hidden)
    c_n = x.new_empty((directions, batch, hidden) if c0 is not None else 0)
    saved = x.new_empty((directions, n, _SAVED[name] * hidden) if record and _SAVED[name] else 0)
    cells = x.new_empty((directions, n, hidden) if record and c0 is not None else 0)
    run = _core.forward_f32 if x.dtype == torch.float32 else _core.forward_f64
    for d in range(directions):
        out = tuple(_address(t[d] if t.numel() else None) for t in (saved, cells, h_n, c_n))
        run(
            torch.get_num_threads(),
            _shape(mode, x, offsets, h0, d),
            _inputs(weights, h0, c0, d),
            _rows(x),
            _rows(y, d * hidden),
            out,
        )
    return y, h_n, c_n, saved, cells


def _layer_fake(mode, x, offsets, h0, c0, weights, record):
    name, (directions, batch, hidden) = MODES[mode], h0.shape
    y = x.new_empty(*x.shape[:-1], directions * hidden)
    n = y.numel() // (directions * hidden)
    h_n = x.new_empty(directions, batch, hidden)
    c_n = x.new_empty((directions, batch, hidden) if c0 is not None else (0,))
    keep = record and _SAVED[name] > 0
    saved = x.new_empty((directions, n, _SAVED[name] * hidden) if keep else (0,))
    cells = x.new_empty((directions, n, hidden) if record and c0 is not None else (0,))
    return y, h_n, c_n, saved, cells


def _backward_outputs(x, h0, c0, weights, need_x, need_weights):
    """Empty tensors for dx, dh0, dc0 and the weights' gradients."""
    dx = torch.empty_like(x) if need_x else x.new_empty(0)
    dh0 = h0.new_empty(h0.shape)
    dc0 = h0.new_empty(h0.shape if c0 is not None else (0,))
    dweights = [w.new_empty(w.shape) for w in weights] if need_weights else []
    return dx, dh0, dc0, dweights


def _start(grad: Tensor, final: Tensor | None) -> None:
    """The kernels turn dL/dh_n into dL/dh_0 in place."""
    if grad.numel():
        grad.zero_() if final is None else grad.copy_(final)


def _layer_backward(
    mode, x, offsets, h0, c0, weights, y, saved, cells, dy, dh_n, dc_n, need_x, need_weights,
    runs=(),
):  # fmt: skip
    x, h0 = _dense_rows(x), h0.contiguous()
    c0 = None if c0 is None else c0.contiguous()
    weights = [w.contiguous() for w in weights]
    dx, dh0, dc0, dweights = _backward_outputs(x, h0, c0, weights, need_x, need_weights)
    if need_x and dx.stride(-1) != 1 and dx.size(-1) > 1:
        dx = x.new_empty(x.shape)
    _start(dh0, dh_n)
    _start(dc0, dc_n)
    dy = None if dy is None else _dense_rows(dy)
    run = _core.backward_f32 if x.dtype == torch.float32 else _core.backward_f64
    directions, hidden, per = h0.size(0), h0.size(2), len(weights) // h0.size(0)
    for d in range(directions):
        own = [_address(w) for w in dweights[d * per : (d + 1) * per]]
        totals = _totals(runs[d]) if runs else (0, 0)
        run(
            torch.get_num_threads(),
            _shape(mode, x, offsets, h0, d),
            _inputs(weights, h0, c0, d),
            _rows(x),
            _rows(y, d * hidden),
            _rows(dy, d * hidden),
            _rows(dx) if need_x else _rows(None),
            d > 0,
            tuple(_address(t[d] if t.numel() else None) for t in (saved, cells)),
            (
                dh0[d].data_ptr(),
                _address(dc0[d]) if c0 is not None else 0,
                *own,
                *[0] * (4 - len(own)),
                *totals,
            ),
        )
    return dx, dh0, dc0, dweights


def _layer_backward_fake(
    mode, x, offsets, h0, c0, weights, y, saved, cells, dy, dh_n, dc_n, need_x, need_weights
):
    return _backward_outputs(x, h0, c0, weights, need_x, need_weights)


def _totals(run: Run) -> tuple[int, int]:
    run.grad_hidden = torch.empty_like(run.hidden, memory_format=torch.contiguous_format)
    run.grad_cell = None if run.cell is None else torch.empty_like(run.cell)
    return _address(run.grad_hidden), _address(run.grad_cell)


_LIBRARY.impl("layer", _layer, "CPU")
_LIBRARY.impl("layer_backward", _layer_backward, "CPU")
torch.library.register_fake("carrousel::layer", _layer_fake, lib=_LIBRARY)
torch.library.register_fake("carrousel::layer_backward", _layer_backward_fake, lib=_LIBRARY)


def _setup_context(ctx, inputs, output):
    mode, x, offsets, h0, c0, weights, _ = inputs
    y, _, _, saved, cells = output
    ctx.mode, ctx.runs = mode, _record(mode, offsets, h0, c0, output, x)
    ctx.has_offsets, ctx.has_cell = offsets is not None, c0 is not None
    ctx.set_materialize_grads(False)
    extra = [t for t in (offsets, c0) if t is not None]
    ctx.save_for_backward(x, h0, y, saved, cells, *extra, *weights)


def _backward(ctx, dy, dh_n, dc_n, d_saved, d_cells):
    x, h0, y, saved, cells, *rest = ctx.saved_tensors
    offsets = rest.pop(0) if ctx.has_offsets else None
    c0 = rest.pop(0) if ctx.has_cell else None
    needs = ctx.needs_input_grad
    need_weights = any(needs[5]) if isinstance(needs[5], (list, tuple)) else bool(needs[5])
    if not ctx.has_cell:
        dc_n = None
    if torch.is_grad_enabled():  # create_graph: a derivative of this derivative may be asked for
        dx, dh0, dc0, dweights = _differentiable_backward(
            ctx.mode, x, offsets, h0, c0, rest, dy, dh_n, dc_n
        )
    elif ctx.runs:
        dx, dh0, dc0, dweights = _layer_backward(
            ctx.mode, x, offsets, h0, c0, rest, y, saved, cells, dy, dh_n, dc_n,
            needs[1], need_weights, ctx.runs,
        )  # fmt: skip
    else:
        dx, dh0, dc0, dweights = torch.ops.carrousel.layer_backward(
            ctx.mode, x, offsets, h0, c0, rest, y, saved, cells, dy, dh_n, dc_n,
            needs[1], need_weights,
        )  # fmt: skip
    return (
        None,
        dx if needs[1] else None,
        None,
        dh0 if needs[3] else None,
        dc0 if ctx.has_cell and needs[4] else None,
        list(dweights) if need_weights else [None] * len(rest),
        None,
    )


def _differentiable_backward(mode, x, offsets, h0, c0, weights, dy, dh_n, dc_n):
    """The gradients as a graph, through the reference."""
    inputs = [x, h0, *([c0] if c0 is not None else []), *weights]
    inputs = [t if t.requires_grad else t.detach().requires_grad_() for t in inputs]
    x_, h0_, *rest = inputs
    c0_ = rest.pop(0) if c0 is not None else None
    flat = x_.reshape(-1, x_.size(-1))
    y, h_n, c_n = reference.layer(
        MODES[mode], flat, _batch_sizes(x, offsets), h0_, c0_, rest
    )
    pairs = [(y.view(*x.shape[:-1], -1), dy), (h_n, dh_n), (c_n, dc_n)]
    outputs, grads = zip(*[(o, g) for o, g in pairs if o is not None and g is not None], strict=True)
    dx, dh0, *rest = torch.autograd.grad(outputs, inputs, grads, create_graph=True, allow_unused=True)
    dc0 = rest.pop(0) if c0 is not None else None
    return dx, dh0, dc0, rest


def _batch_sizes(x: Tensor, offsets: Tensor | None) -> list[int]:
    if offsets is None:
        return [x.size(1)] * x.size(0)
    return offsets.diff().tolist()


torch.library.register_autograd(
    "carrousel::layer", _backward, setup_context=_setup_context, lib=_LIBRARY
)


def _record(mode, offsets, h0, c0, output, x) -> list[Run]:
    """Append this layer's runs, one per direction, to the tape if one is on."""
    so_far = tape()
    if so_far is None:
        return []
    name, hidden = MODES[mode], h0.size(2)
    y, _, _, saved, cells = (t.detach() for t in output)
    y = y.reshape(-1, y.size(-1))
    runs = []
    for d in range(h0.size(0)):
        gates = saved[d].view(-1, 4, hidden).unbind(1) if saved.numel() else ()
        runs.append(
            Run(
                kind=name[:3].lower() if name != "LSTM" else "lstm",
                reverse=d == 1,
                batch_sizes=torch.tensor(_batch_sizes(x, offsets)),
                hidden=y[:, d * hidden : (d + 1) * hidden],
                cell=cells[d] if cells.numel() else None,
                gates=dict(zip(_GATES.get(name, ()), gates, strict=False)),
                h0=h0[d].detach(),
                c0=None if c0 is None else c0[d].detach(),
            )
        )
    so_far.extend(runs)
    return runs


def layer(
    mode: str,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
) -> tuple[Tensor, Tensor, Tensor | None]:
    """One layer over a padded x (T, B, I) or packed x (N, I) with offsets (T+1) of the steps' rows.

    h0, c0 (D, B, H); weights per direction: w_ih (G*H, I), w_hh (G*H, H) and, or not, b_ih, b_hh.
    All float32 or all float64, on the CPU -> y (T, B, D*H) or (N, D*H), h_n, c_n (D, B, H).
    """
    record = torch.is_grad_enabled() and (
        x.requires_grad
        or h0.requires_grad
        or (c0 is not None and c0.requires_grad)
        or any(w.requires_grad for w in weights)
    )
    number = MODES.index(mode)
    if record or tape() is None:
        y, h_n, c_n, _, _ = torch.ops.carrousel.layer(
            number, x, offsets, h0, c0, weights, record
        )
    else:
        output = _layer(number, x, offsets, h0, c0, weights, True)
        _record(number, offsets, h0, c0, output, x)
        y, h_n, c_n = output[:3]
    return y, h_n, c_n if c0 is not None else None
