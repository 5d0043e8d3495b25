"""The gate in front of the kernels: which tensors may reach them, and what serves all others.

Tensors reach C++ as addresses, so nothing may pass whose memory is not what its shape says: one
dtype, on the CPU, strided, every weight of its size, no sign or zero that torch keeps in a flag.
And kernels are invisible to torch's dispatcher, so nothing may pass while a mode, a transform or a
tracer of torch's looks on: those get the operator, which has a rule for each, or the equations,
which are ordinary torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from itertools import chain, pairwise
from typing import NoReturn

import torch
from torch import Tensor
from torch._C import (
    _functorch,
    _get_tracing_state,
    _is_any_autocast_enabled,
    _len_torch_dispatch_stack,
    _len_torch_function_stack,
)
from torch._subclasses import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor
from torch.autograd import forward_ad

from .. import _core

KERNELS = "kernels"
OPERATOR = "operator"  # carrousel::layer, through the dispatcher
EQUATIONS = "equations"  # ops/reference/
TRITON = "triton"  # ops/gpu, where a record is asked for
TORCH = "torch"  # torch.nn's own layer: other dtypes and devices, and every error

_PLAIN = frozenset({Tensor, torch.nn.Parameter})
_TRACED = (FakeTensor, FunctionalTensor)  # subclasses that the operator knows
_DTYPES = (torch.float32, torch.float64)
_ON_GPU = (torch.float32, torch.bfloat16)
_GPUS = ("cuda",)
_MOST_UNITS = 4096  # of which a program holds one row of every gate


def way(tensors: list[Tensor]) -> str:
    """Where a call with these tensors (input, states and weights, in their right shapes) goes."""
    if torch.compiler.is_compiling():
        return _way_when_compiling(tensors)
    if converted():
        return TORCH
    if plain(tensors) and quiet():
        return KERNELS
    if not alike(tensors):
        return TORCH
    if transformed(tensors):
        return EQUATIONS
    known = all(type(t) in _PLAIN or isinstance(t, _TRACED) for t in tensors)
    return OPERATOR if known and not any(map(_without_memory, tensors)) else TORCH


def plain(tensors: list[Tensor]) -> bool:
    """Whether the memory of each is what its shape says, float32 or float64, all alike."""
    return _core.plain(tensors)


def on_gpu(tensors: list[Tensor]) -> bool:
    """Whether the kernels in Triton take them: plain, alike, on one GPU, nothing of torch's near.

    The first is the input, the second a state.
    """
    first = tensors[0]
    if first.device.type not in _GPUS or first.dtype not in _ON_GPU or not quiet():
        return False
    if _get_tracing_state() is not None or torch.is_autocast_enabled(first.device.type):
        return False
    if tensors[1].size(-1) > _MOST_UNITS:
        return False
    return has_triton(first.device) and all([_plain_beside(t, first) for t in tensors])


def _plain_beside(t: Tensor, first: Tensor) -> bool:
    return (
        type(t) in _PLAIN
        and (t.dtype, t.device, t.layout) == (first.dtype, first.device, torch.strided)
        and not (t.is_neg() or t._is_zerotensor() or _without_memory(t))
        and not _functorch.is_legacy_batchedtensor(t)
    )


@cache
def has_triton(device: torch.device) -> bool:
    """Whether Triton is installed and makes kernels for this GPU."""
    if torch.version.cuda is None or find_spec("triton") is None:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


def converted() -> bool:
    """Whether autocast or torch.jit's tracer is at work, which only torch's own layers know."""
    return (
        _is_any_autocast_enabled() and torch.is_autocast_enabled("cpu")
    ) or _get_tracing_state() is not None


def autocast() -> bool:
    """Whether autocast is at work on any device."""
    return _is_any_autocast_enabled()


_HALF = ContextVar("carrousel_half", default=False)


def halves() -> bool:
    """Whether autocast wants products of bfloat16 of the CPU, and nothing else looks on."""
    return (
        not torch.compiler.is_compiling()
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") is torch.bfloat16
        and _get_tracing_state() is None
        and quiet()
    )


def in_half() -> bool:
    """Whether a call inside :func:`half` is running."""
    return not torch.compiler.is_compiling() and _HALF.get()


@contextmanager
def half() -> Iterator[None]:
    """Autocast is off in here, and what it asked for is done by the layers themselves."""
    token = _HALF.set(True)
    try:
        with torch.autocast("cpu", enabled=False):
            yield
    finally:
        _HALF.reset(token)


def quiet() -> bool:
    """Whether nothing of torch's looks on: no mode, transform or forward AD."""
    return (
        _functorch.peek_interpreter_stack() is None
        and forward_ad._current_level < 0
        and not _len_torch_dispatch_stack()
        and not _len_torch_function_stack()
    )


def in_transform() -> bool:
    """Whether a transform of torch.func or forward-mode AD is at work."""
    return _functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0


def transformed(tensors: list[Tensor]) -> bool:
    """The same, or whether the tensors belong to one, or are a batch of gradients."""
    return (
        in_transform()
        or any(map(_functorch.is_functorch_wrapped_tensor, tensors))
        or any(map(_functorch.is_legacy_batchedtensor, tensors))
    )


def fits(weights: list[Tensor], gates: int, inputs: int, hidden: int, proj: int = 0) -> bool:
    """Whether the weights of one direction have the sizes of its layer.

    They are w_ih, w_hh, both biases or none, and where ``proj`` is not 0 the projection.
    """
    rows, biases = gates * hidden, weights[2:]
    if proj:
        *biases, w_hr = biases
        if w_hr.shape != (proj, hidden):
            return False
    return (
        weights[0].shape == (rows, inputs)
        and weights[1].shape == (rows, proj or hidden)
        and (not biases or biases[0].shape == biases[1].shape == (rows,))
    )


def refuse(names, weights, gates: int, inputs: int, hidden: int, proj: int = 0) -> NoReturn:
    """Say which weight does not fit; the type of error is torch's."""
    rows = gates * hidden
    shapes = [(rows, inputs), (rows, proj or hidden), (rows,), (rows,)][: len(names) - bool(proj)]
    for name, weight, shape in zip(names, weights, [*shapes, (proj, hidden)], strict=False):
        if weight.shape != shape:
            raise RuntimeError(f"{name} must be {shape}, got {tuple(weight.shape)}")
    raise RuntimeError(f"weights {list(names)} do not fit the layer")


def check_alike(names, weights) -> None:
    """Raise where weights differ in dtype or device, which torch's LSTM does not notice always."""
    first = weights[0][0]
    for name, weight in zip(chain(*names), chain(*weights), strict=True):
        if weight.dtype is not first.dtype or weight.device != first.device:
            raise RuntimeError(
                f"{name} must be {first.dtype} on {first.device} like {names[0][0]}, "
                f"got {weight.dtype} on {weight.device}"
            )


def packs(batch_sizes: Tensor, x: Tensor) -> bool:
    """Whether these are the batch sizes of a packed x (N, I); compiled code asks later."""
    if torch.compiler.is_compiling():
        return True
    right = batch_sizes.dtype is torch.int64 and batch_sizes.is_cpu and batch_sizes.dim() == 1
    return right and _descend(batch_sizes.tolist(), len(x))


def _descend(sizes: list[int], rows: int) -> bool:
    return (
        len(sizes) > 0
        and sizes[-1] > 0
        and sum(sizes) == rows
        and sizes == sorted(sizes, reverse=True)
    )


def check(gates: int, x: Tensor, offsets, h0: Tensor, c0, weights: list[Tensor]) -> None:
    """Raise where the operator was given tensors that do not make a layer."""
    directions, batch, hidden = h0.shape
    named = {"x": x, "h0": h0} | ({} if c0 is None else {"c0": c0})
    named |= {f"weights[{i}]": w for i, w in enumerate(weights)}
    for name, t in named.items():
        if t.dtype not in _DTYPES or t.dtype is not x.dtype or not t.is_cpu:
            raise TypeError(
                f"{name} must be a CPU tensor of x's dtype, float32 or float64, "
                f"got {t.dtype} on {t.device} and x {x.dtype}"
            )
    per = len(weights) // directions
    if per not in (2, 4) or directions * per != len(weights):
        raise ValueError(f"weights must be 2 or 4 for each direction, got {len(weights)}")
    for d in range(directions):
        if not fits(weights[d * per : (d + 1) * per], gates, x.size(-1), hidden):
            shapes = [tuple(w.shape) for w in weights[d * per : (d + 1) * per]]
            rows = gates * hidden
            raise ValueError(
                f"weights must be ({rows}, {x.size(-1)}), ({rows}, {hidden}) and biases ({rows},) "
                f"for each direction, got {shapes}"
            )
    if c0 is not None and c0.shape != h0.shape:
        raise ValueError(f"c0 must be {tuple(h0.shape)} like h0, got {tuple(c0.shape)}")
    if offsets is None:
        if x.dim() != 3 or x.size(1) != batch:
            raise ValueError(f"x must be (steps, {batch}, inputs), got {tuple(x.shape)}")
    elif x.dim() != 2 or not _are_offsets(offsets, len(x), batch):
        raise ValueError(f"offsets must be those of the {len(x)} rows of a packed x, got {offsets}")


def check_record(per_unit: int, x: Tensor, h0: Tensor, c0, y: Tensor, saved: Tensor, cells) -> None:
    """Raise where the operator was given a record that is not that of the layer."""
    directions, _, hidden = h0.shape
    rows = x.shape[:-1].numel()
    wanted = {"y": (*x.shape[:-1], directions * hidden)}
    wanted["saved"] = (directions, rows, per_unit * hidden) if per_unit else (0,)
    wanted["cells"] = (0,) if c0 is None else (directions, rows, hidden)
    for (name, shape), t in zip(wanted.items(), (y, saved, cells), strict=True):
        if t.shape != shape or t.dtype is not x.dtype or not t.is_cpu:
            raise ValueError(
                f"{name} must be {shape}, {x.dtype} on the CPU, "
                f"got {tuple(t.shape)}, {t.dtype} on {t.device}"
            )


def _are_offsets(offsets: Tensor, rows: int, batch: int) -> bool:
    if offsets.dtype is not torch.int64 or offsets.dim() != 1 or not offsets.is_cpu:
        return False
    places = offsets.tolist()
    sizes = [b - a for a, b in pairwise(places)]
    return places[0] == 0 and _descend(sizes, rows) and sizes[0] == batch


def _way_when_compiling(tensors: list[Tensor]) -> str:
    if torch.onnx.is_in_onnx_export() or torch.is_autocast_enabled("cpu"):
        return TORCH
    return OPERATOR if alike(tensors) else TORCH


def alike(tensors: list[Tensor]) -> bool:
    """Whether all are strided CPU tensors of one dtype, float32 or float64."""
    dtype = tensors[0].dtype
    return dtype in _DTYPES and all(
        [t.dtype is dtype and t.is_cpu and t.layout is torch.strided for t in tensors]
    )


def _without_memory(tensor: Tensor) -> bool:
    """A tensor whose storage was freed, as sharded training does between two uses."""
    return type(tensor) in _PLAIN and not tensor._is_zerotensor() and not tensor.data_ptr()
