"""The calls into the kernels: tensors in, addresses down, tensors out; no autograd.

Shapes: T steps, B sequences, I inputs, H hidden, D directions (1 or 2), G gates, N rows in all
(T*B padded, the sum of the batch sizes packed), S saved values per unit (LSTM 4, GRU 4, RNN 0; with
layer normalization 12 and 10), K rows of gains and biases of layer normalization (LSTM 10, GRU 6).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from .. import _core
from . import checks
from .cells import BY_MODE, MODES
from .constants import NORM_EPSILON
from .tape import Run

SAVED = tuple(BY_MODE[mode].saved_by(mode) for mode in MODES)  # values saved per unit and step
GATES = tuple(BY_MODE[mode].blocks for mode in MODES)  # rows of the weights per unit
HAS_CELL = tuple(BY_MODE[mode].has_cell for mode in MODES)
NORM = tuple(BY_MODE[mode].norm_rows(mode) for mode in MODES)  # of layer normalization, per unit
_WHOLE = frozenset(mode for mode, norm in enumerate(NORM) if not norm)  # one call into C++ each
_HUGE = 4 << 20  # bytes


def isa() -> str:
    """Name of the instruction set in use: the widest available, or what CARROUSEL_ISA asks for."""
    return _core.isa()


def available_isas() -> list[str]:
    """Names that CARROUSEL_ISA can take on this processor, widest first."""
    return _core.available_isas()


def elementwise(name: str, x: Tensor) -> Tensor:
    """The kernels' own exp, tanh or sigmoid, for their accuracy tests; x float32 or float64."""
    checks.tensor("x", x, x.shape, checks.floating("x", x))
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
# How to look at tensors, and to make some, without a line of torch's headers: csrc/tensors.h.
_core.use_tensors(Tensor.__dlpack_c_exchange_api__, Tensor, torch.nn.Parameter, torch.empty_like)


def _rows(tensor: Tensor | None, column: int = 0) -> tuple[int, int, int]:
    """(address, stride of a step, stride of a row) of a (T, B, K) or packed (N, K) tensor."""
    if tensor is None:
        return 0, 0, 0
    step = tensor.stride(0) if tensor.dim() == 3 else 0
    return tensor.data_ptr() + column * tensor.element_size(), step, tensor.stride(-2)


def _dense_rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.stride(-1) == 1 or tensor.size(-1) == 1 else tensor.contiguous()


def _slices(tensor: Tensor | None, directions: int) -> list[int]:
    """Address of each direction's part of a contiguous (D, ...) tensor; 0 where it is absent."""
    if tensor is None:
        return [0] * directions
    if directions == 1:
        return [tensor.data_ptr()]
    part = tensor.numel() // directions * tensor.element_size()
    return [tensor.data_ptr() + d * part for d in range(directions)]


def _addresses(mode: int, weights: list[Tensor], directions: int) -> list[tuple[int, ...]]:
    """Per direction w_ih, w_hh, b_ih, b_hh, norm; 0 for what is not there."""
    if not weights:
        return [(0, 0, 0, 0, 0)] * directions
    flat, per = [w.data_ptr() for w in weights], len(weights) // directions
    if not NORM[mode]:
        return [(*flat[d * per : (d + 1) * per], *[0] * (5 - per)) for d in range(directions)]
    rows = [flat[d * per : (d + 1) * per] for d in range(directions)]
    return [(*row[:-1], *[0] * (5 - per), row[-1]) for row in rows]


def parted(mode: int, weights: Sequence[Tensor], directions: int) -> tuple[list, list]:
    """The weights that every layer has, and apart, where there is layer normalization, its own."""
    if not NORM[mode] or not directions:
        return list(weights), []
    per = len(weights) // directions
    whole = range(len(weights))
    usual = [weights[i] for i in whole if (i + 1) % per]
    return usual, [weights[i] for i in whole if not (i + 1) % per]


def forward(
    mode: int,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
    record: bool,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """One layer. x (T, B, I) with any strides but the last, or packed (N, I) with offsets (T+1).

    h0, c0 (D, B, H); weights per direction: w_ih (G*H, I), w_hh (G*H, H), maybe b_ih and b_hh, and
    with layer normalization norm (K*H): gains of W_ih x and W_hh h, G*H each, then, of the LSTM's
    cell state, gain and bias.
    All of one dtype, float32 or float64. -> y (T, B, D*H) or (N, D*H), h_n, c_n (D, B, H) and, if
    ``record``, the saved gates (D, N, S*H) and cell states (D, N, H); None for what there is not.
    Raises TypeError or ValueError for tensors that do not make a layer.
    """
    if mode in _WHOLE:
        threads = torch.get_num_threads()
        made = _core.layer_forward(mode, threads, x, offsets, h0, c0, weights, record)
        if made is not None:
            return made
    _check_layer(mode, x, offsets, h0, c0, weights)
    directions, batch, hidden = h0.shape
    x, h0, weights = _dense_rows(x), h0.contiguous(), [w.contiguous() for w in weights]
    y = fresh(x, *x.shape[:-1], directions * hidden)
    n = x.numel() // x.size(-1)
    h_n, c_n, saved, cells = torch.empty_like(h0), None, None, None
    if c0 is not None:
        c0, c_n = c0.contiguous(), torch.empty_like(h0)
        cells = kept(x, directions, n, hidden) if record else None
    if record and SAVED[mode]:
        saved = kept(x, directions, n, SAVED[mode] * hidden)
    run = _core.forward_f32 if x.dtype is torch.float32 else _core.forward_f64
    steps = x.size(0) if offsets is None else offsets.numel() - 1
    offsets = None if offsets is None else offsets.contiguous()
    size = (steps, batch, 0 if offsets is None else offsets.data_ptr(), n, x.size(-1), hidden)
    rows, parameters = _rows(x), _addresses(mode, weights, directions)
    h, c, *out = (_slices(t, directions) for t in (h0, c0, saved, cells, h_n, c_n))
    for d in range(directions):
        run(
            torch.get_num_threads(),
            (mode, *size, d == 1, NORM_EPSILON),
            (*parameters[d], h[d], c[d]),
            rows,
            _rows(y, d * hidden),
            tuple([part[d] for part in out]),
        )
    return y, h_n, c_n, saved, cells


def backward(
    mode: int,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
    record: tuple[Tensor, Tensor | None, Tensor | None],
    grads: tuple[Tensor | None, Tensor | None, Tensor | None],
    need_x: bool,
    need_weights: bool,
    runs: list[Run | None],
    inside: tuple[Tensor | None, Tensor | None] = (None, None),
) -> tuple[Tensor | None, Tensor, Tensor | None, list[Tensor]]:
    """Gradients of what :func:`forward` took, given its ``record`` (y, saved, cells).

    grads: dL/dy, dL/dh_n, dL/dc_n, None for zero -> dL/dx, dL/dh0, dL/dc0, dL/dweights. Where
    ``runs`` of a tape are given, each receives the gradient of every step's states.
    inside: dL/dsaved and dL/dcells of what reads gates and cell states themselves.
    """
    if mode in _WHOLE and inside[0] is inside[1] is None:
        watched = [run is not None for run in runs]
        found = _core.layer_gradients(
            mode, torch.get_num_threads(), x, offsets, h0, c0, weights, tuple(record),
            tuple(grads), need_x, need_weights, watched,
        )  # fmt: skip
        if found is not None:
            *gradients, totals = found
            for run, total in zip(runs, totals, strict=True):
                if run is not None:
                    run.grad_hidden, run.grad_cell = total
            return tuple(gradients)
    dy, dh_n, dc_n = [None if grad is None else resolved(grad) for grad in grads]
    _check_layer(mode, x, offsets, h0, c0, weights)
    _check_record(mode, x, h0, record, (dy, dh_n, dc_n))
    d_saved, d_cells = _checked_inside(record, inside)
    directions, batch, hidden = h0.shape
    x, h0, weights = _dense_rows(x), h0.contiguous(), [w.contiguous() for w in weights]
    y, saved, cells = (
        _dense_rows(record[0]),
        *[None if t is None else t.contiguous() for t in record[1:]],
    )
    dy = None if dy is None else _dense_rows(dy)
    dx = _like_rows(x) if need_x else None
    dh0, dc0 = _start(h0, dh_n), None  # the kernels turn dL/dh_n into dL/dh_0 in place
    if c0 is not None:
        c0, dc0 = c0.contiguous(), _start(h0, dc_n)
    dweights = [torch.empty_like(w) for w in weights] if need_weights else []
    run = _core.backward_f32 if x.dtype is torch.float32 else _core.backward_f64
    steps = x.size(0) if offsets is None else offsets.numel() - 1
    offsets = None if offsets is None else offsets.contiguous()
    n = x.numel() // x.size(-1)
    size = (steps, batch, 0 if offsets is None else offsets.data_ptr(), n, x.size(-1), hidden)
    parameters, out = (_addresses(mode, w, directions) for w in (weights, dweights))
    h, c, s, cell, dh, dc, ds, d_cell = (
        _slices(t, directions) for t in (h0, c0, saved, cells, dh0, dc0, d_saved, d_cells)
    )
    for d in range(directions):
        run(
            torch.get_num_threads(),
            (mode, *size, d == 1, NORM_EPSILON),
            (*parameters[d], h[d], c[d]),
            _rows(x),
            _rows(y, d * hidden),
            _rows(dy, d * hidden),
            _rows(dx),
            d > 0,
            (s[d], cell[d], ds[d], d_cell[d]),
            (dh[d], dc[d], *out[d], *(_totals(runs[d], y, c0, hidden) if runs else (0, 0))),
        )
    return dx, dh0, dc0, dweights


def _check_layer(mode: int, x, offsets, h0, c0, weights) -> None:
    if mode not in range(len(MODES)):
        raise ValueError(f"mode must be 0 to {len(MODES) - 1}, got {mode!r}")
    usual: Sequence[Tensor] = weights
    norms: list[Tensor] = []
    if NORM[mode]:
        usual, norms = parted(mode, weights, checks.dims("h0", h0, (3,))[0])
    dtype = checks.layer(GATES[mode], x, offsets, h0, c0, usual, has_cell=HAS_CELL[mode])
    for norm in norms:
        checks.tensor("norm", norm, (NORM[mode] * h0.size(2),), dtype)


def _check_record(mode: int, x: Tensor, h0: Tensor, record, grads) -> None:
    """What forward left, and the gradients: whoever kept them may hand back something else."""
    directions, _, hidden = h0.shape
    n, lead, dtype = x.numel() // x.size(-1), x.shape[:-1], x.dtype
    wide, cell = SAVED[mode] * hidden, HAS_CELL[mode]
    y, saved, cells = record
    checks.tensor("y", y, (*lead, directions * hidden), dtype)
    if wide:
        checks.tensor("saved", saved, (directions, n, wide), dtype)
    if cell:
        checks.tensor("cells", cells, (directions, n, hidden), dtype)
    shapes = ((*lead, directions * hidden), h0.shape, h0.shape)
    for name, grad, shape in zip(("dy", "dh_n", "dc_n"), grads, shapes, strict=True):
        if grad is not None:
            checks.tensor(name, grad, shape, dtype)


def _checked_inside(record, inside) -> list[Tensor | None]:
    found: list[Tensor | None] = []
    for name, grad, own in zip(("d_saved", "d_cells"), inside, record[1:], strict=True):
        if grad is not None and own is not None:
            grad = resolved(grad)
            checks.tensor(name, grad, own.shape, own.dtype)
            found.append(grad.contiguous())
        else:
            found.append(None)
    return found


def resolved(grad: Tensor) -> Tensor:
    """A gradient whose sign, or being zero, torch may keep in a flag, as plain memory."""
    if grad._is_zerotensor():
        return torch.zeros(grad.shape, dtype=grad.dtype)
    return grad.resolve_neg()


def fresh(like: Tensor, *shape: int) -> Tensor:
    """An empty tensor, on huge pages where it is large enough to have any."""
    tensor = like.new_empty(shape)
    if tensor.numel() * tensor.element_size() >= _HUGE:
        _core.prefer_huge_pages(tensor.data_ptr(), tensor.numel() * tensor.element_size())
    return tensor


def kept(like: Tensor, *shape: int) -> Tensor:
    """An empty tensor of ours alone, a record: the next step takes its memory again.

    The system's pages cost as much when they are first touched as filling them does. Whoever
    holds on to the tensor keeps it; it cannot be resized, which is why outputs are none of these.
    """
    return _core.kept_tensor(like.dtype is torch.float64, shape)


def _like_rows(x: Tensor) -> Tensor:
    dx = torch.empty_like(x)
    return dx if dx.stride(-1) == 1 or dx.size(-1) == 1 else x.new_empty(x.shape)


def _start(state: Tensor, final: Tensor | None) -> Tensor:
    grad = torch.empty_like(state)
    return grad.zero_() if final is None else grad.copy_(final)


def _totals(run: Run | None, y: Tensor, c0: Tensor | None, hidden: int) -> tuple[int, int]:
    """Room in the run, if it still lives, for the gradients of its states."""
    if run is None:
        return 0, 0
    n = y.numel() // y.size(-1)
    run.grad_hidden = kept(y, n, hidden)
    if c0 is None:
        return run.grad_hidden.data_ptr(), 0
    run.grad_cell = kept(y, n, hidden)
    return run.grad_hidden.data_ptr(), run.grad_cell.data_ptr()
