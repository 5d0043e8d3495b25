"""Weights of 8 bits for inference: a quarter of the memory, and products of integers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import PackedSequence

from . import nn as ours
from .adoption import is_recurrent, refuse_scripted
from .conventions import Conventional, offsets_of, place_of
from .layer_forward import Recurrent
from .ops import quantized
from .ops.cells import BY_MODE, CELLS
from .ops.gate import autocast, packs, quiet

_LAYERS = {nn.RNN, nn.LSTM, nn.GRU, ours.RNN, ours.LSTM, ours.GRU,
           ours.AdoptedRNN, ours.AdoptedLSTM, ours.AdoptedGRU}  # fmt: skip
_CELLS = {nn.RNNCell, nn.LSTMCell, nn.GRUCell, ours.RNNCell, ours.LSTMCell, ours.GRUCell}
_IDLE = ("input_dropout", "recurrent_dropout", "output_dropout", "weight_dropout")  # in inference
_HEEDED = ("learn_initial_state", "residual")


def quantize(model: nn.Module) -> Any:
    """A copy of ``model`` for inference whose recurrent layers and cells have weights of 8 bits.

    Each row of their weights becomes integers and a scale; inputs and hidden states are rounded in
    the same way at each step, by the largest value of each sequence; gates, cell states and results
    stay float32. The copy is in ``eval()`` mode, has no gradients of its own, and saves and loads
    its integers and scales by ``state_dict``. All other modules are copied as they are.

    Args:
        model: a module with carrousel's or torch's RNN, LSTM or GRU layers or cells, on the CPU.

    Raises:
        TypeError: ``model`` is no module.
        ValueError: it has no recurrent layer, or one that no such kernel knows, and which.

    >>> import torch, carrousel
    >>> small = carrousel.quantize(carrousel.LSTM(16, 64))
    >>> y, (h_n, c_n) = small(torch.zeros(7, 2, 16))
    >>> y.shape, small.weight_ih_l0.dtype
    (torch.Size([7, 2, 64]), torch.int8)
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    small: dict[int, nn.Module] = {}  # by what they are of: a layer may be in two places
    for name, layer in model.named_modules():
        if not isinstance(layer, _Quantized) and is_recurrent(layer):
            try:
                small[id(layer)] = _made_of(layer)
            except ValueError as reason:
                place = name or "the model itself"
                raise ValueError(f"model must have layers to quantize: {place} {reason}") from None
    if not small:
        raise ValueError(f"model must have a recurrent layer, got {type(model).__name__} without")
    # What is copied is found in the memo first: layers are not copied, but replaced.
    return copy.deepcopy(model, dict(small)).eval()


def _made_of(layer: nn.Module) -> nn.Module:
    """The quantized twin; ``ValueError`` with the reason where there is none."""
    refuse_scripted(layer)
    kind = type(layer).__bases__[0] if parametrize.is_parametrized(layer) else type(layer)
    if kind in _CELLS:
        for option in getattr(layer, "_beyond_torch", list)():
            raise ValueError(f"has {option}, which only float cells know")
        return QuantizedCell(layer)
    if kind not in _LAYERS:
        raise ValueError(f"is a {kind.__name__}, whose own forward pass would be lost")
    beyond = layer._beyond_torch() if isinstance(layer, Recurrent) else []
    for option in beyond:
        if not option.startswith((*_IDLE, *_HEEDED)):
            raise ValueError(f"has {option}, which only float layers know")
    if layer.proj_size:
        raise ValueError(f"has proj_size={layer.proj_size}, which only float layers know")
    return QuantizedLayer(layer)


class _Quantized(nn.Module):
    """Buffers of integers, scales and biases, under the names of the weights that they are of."""

    mode: str
    input_size: int
    hidden_size: int
    bias: bool

    def _keep(self, layer: Any, place: str) -> None:
        for side in ("ih", "hh"):
            name = f"weight_{side}{place}"
            weight = getattr(layer, name).detach()
            if not weight.is_cpu or not weight.is_floating_point():
                raise ValueError(f"has {name} on {weight.device}; only the CPU multiplies bytes")
            if not weight.isfinite().all():
                raise ValueError(f"has values in {name} that are infinite or not numbers")
            q, scale = quantized.rounded(weight)
            self.register_buffer(name, q)
            self.register_buffer(f"scale_{side}{place}", scale)
            if self.bias:
                bias = getattr(layer, f"bias_{side}{place}").detach()
                self.register_buffer(f"bias_{side}{place}", bias.float().clone())

    def _of(self, place: str) -> list[Tensor]:
        kinds = ("weight", "scale", "bias") if self.bias else ("weight", "scale")
        return [getattr(self, f"{kind}_{side}{place}") for kind in kinds for side in ("ih", "hh")]

    def _packed(self, places: list[str]) -> list[Tensor]:
        """As the kernels read them: made once, and again where the buffers have changed."""
        now = [(id(t), t._version, t.data_ptr()) for t in self._buffers.values() if t is not None]
        state = (self.mode, now)
        found = self.__dict__.get("_ready")
        if found is None or found[0] != state:
            parts = [self._of(place) for place in places]
            made = [quantized.pack(self.mode, p[:2], p[2:4], p[4:] or None) for p in parts]
            found = self.__dict__["_ready"] = (state, made)
        return found[1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_ready"}

    def _load_from_state_dict(self, state_dict, prefix, *rest) -> None:
        for name, value in state_dict.items():
            if name.startswith(f"{prefix}weight_") and value.dtype is not torch.int8:
                rest[-1].append(
                    f"{name} must be int8, got {value.dtype}; load the float model and quantize it"
                )
                return
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _readable(self, name: str, given: Any) -> Tensor:
        """Float32 on the CPU, and nothing that a gradient is wanted of."""
        if self.training:
            raise RuntimeError(
                "a quantized layer does not train: call eval(), or train the original"
            )
        if not isinstance(given, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(given).__name__}")
        if given.requires_grad and torch.is_grad_enabled():
            raise RuntimeError(
                f"{name} must need no gradient, which quantized layers lack: call them inside "
                "torch.no_grad(), or train the original"
            )
        if autocast() and given.is_floating_point():
            given = given.float()
        if given.dtype is not torch.float32 or not given.is_cpu:
            raise TypeError(
                f"{name} must be float32 on the CPU, got {given.dtype} on {given.device}"
            )
        return given

    def extra_repr(self) -> str:
        return f"{self.mode}, {self.input_size}, {self.hidden_size}"


class QuantizedLayer(Conventional, _Quantized):
    """An RNN, LSTM or GRU with weights of 8 bits; called as the layer that it was made of.

    Made by :func:`quantize`. Input, states and results are float32; packed sequences, both
    directions, several layers and ``batch_first`` as in torch.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.mode, self.bias = layer.mode, layer.bias
        self.input_size, self.hidden_size = layer.input_size, layer.hidden_size
        self.num_layers, self.bidirectional = layer.num_layers, layer.bidirectional
        self.batch_first = layer.batch_first
        self.residual = getattr(layer, "residual", False)
        self.learn_initial_state = getattr(layer, "learn_initial_state", False)
        for place in self._places():
            self._keep(layer, place)
        for name in ("h_0", "c_0") if self.learn_initial_state else ():
            if hasattr(layer, name):
                self.register_buffer(name, getattr(layer, name).detach().float().clone())
        self.eval()

    def _places(self) -> list[str]:
        directions = range(2 if self.bidirectional else 1)
        return [place_of(level, d) for level in range(self.num_layers) for d in directions]

    def forward(self, input, hx=None):
        if hx is not None and not torch.compiler.is_compiling():
            stepped = self._step(input, hx)
            if stepped is not None:
                return stepped
        packed = isinstance(input, PackedSequence)
        x = self._readable("input", input.data if packed else input)
        if x.dim() not in ((2,) if packed else (2, 3)) or x.size(-1) != self.input_size:
            lead = "(N" if packed else "(B, T" if self.batch_first else "(T, B"
            raise ValueError(f"input must be {lead}, {self.input_size}), got {tuple(x.shape)}")
        if not x.numel():
            raise ValueError(f"input must not be empty, got {tuple(x.shape)}")
        sizes = order = None
        unbatched = not packed and x.dim() == 2
        if packed:
            sizes, order = input.batch_sizes, input.sorted_indices
            if not packs(sizes, x):
                raise ValueError("input must be packed by torch.nn.utils.rnn")
            batch = int(sizes[0])
        else:
            x = x.unsqueeze(1) if unbatched else x.transpose(0, 1) if self.batch_first else x
            batch = x.size(1)
        states = self._initial(hx, x, batch, unbatched, order)
        y, *after = self._run(x, sizes, states)
        return self._as_given(input, y, after)

    def _step(self, x, hx):
        """One step of streaming in one call; None where it is not one."""
        if self.training or self.bidirectional or self.residual or autocast() or not quiet():
            return None
        h0, c0 = hx if type(hx) is tuple and len(hx) == 2 else (hx, None)
        given = (x, h0) if c0 is None else (x, h0, c0)
        if any([type(t) is not Tensor or t.requires_grad for t in given]):
            return None
        packed, sizes = self._packed(self._places()), (self.input_size, self.hidden_size)
        found = quantized.step(self.mode, x, h0, c0, packed, sizes, self.batch_first)
        if found is None:
            return None
        y, h_n, c_n = found
        return y, h_n if c_n is None else (h_n, c_n)

    def _initial(self, hx, x, batch, unbatched, order) -> list[Tensor]:
        """States (L*D, B, H) in the order of the rows."""
        names = ("h_0", "c_0")[: BY_MODE[self.mode].states]
        shape = (len(self._places()), batch, self.hidden_size)
        if hx is None:
            if self.learn_initial_state:
                return [getattr(self, name).expand(shape) for name in names]
            return [x.new_zeros(shape)] * len(names)
        given = hx if len(names) == 2 else (hx,)
        if not isinstance(given, tuple | list) or len(given) != len(names):
            raise TypeError(f"hx must be {' and '.join(names)}, got {type(hx).__name__}")
        states = []
        for name, state in zip(names, given, strict=True):
            state = self._readable(name, state)
            wanted = (shape[0], shape[2]) if unbatched else shape
            if state.shape != wanted:
                raise ValueError(f"{name} must be {wanted}, got {tuple(state.shape)}")
            state = state.unsqueeze(1) if unbatched else state
            states.append(state if order is None else state.index_select(1, order))
        return states

    @torch.compiler.disable
    @torch.no_grad()
    def _run(self, x: Tensor, sizes: Tensor | None, states: list[Tensor]) -> list[Tensor]:
        """All levels -> y and the states after it, (L*D, B, H) each."""
        offsets = None if sizes is None else offsets_of(sizes)
        packed, directions = self._packed(self._places()), 2 if self.bidirectional else 1
        after: list[list[Tensor]] = [[] for _ in states]
        for first in range(0, len(packed), directions):
            own = slice(first, first + directions)
            h0, c0 = states[0][own], states[1][own] if len(states) == 2 else None
            below = x
            x, h_n, c_n = quantized.forward(self.mode, x, offsets, h0, c0, packed[own])
            if self.residual and first:
                x = x + below
            for level, end in zip(after, (h_n, c_n), strict=False):
                assert end is not None  # there are as many as there were states
                level.append(end)
        return [x, *(torch.cat(levels) for levels in after)]

    def extra_repr(self) -> str:
        names = ("num_layers", "bias", "batch_first", "bidirectional", "residual")
        usual = (1, True, False, False, False)
        own = [(name, getattr(self, name)) for name in names]
        said = [
            f"{name}={value}" for (name, value), at in zip(own, usual, strict=True) if value != at
        ]
        return ", ".join([super().extra_repr(), *said])


class QuantizedCell(_Quantized):
    """One step of an RNN, LSTM or GRU with weights of 8 bits; called as the cell it was made of."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        kind = next(
            one for one in CELLS.values() if isinstance(cell, getattr(nn, one.title + "Cell"))
        )
        which = kind.modes.index(f"RNN_{cell.nonlinearity.upper()}") if len(kind.modes) > 1 else 0
        self.mode, self.bias = kind.modes[which], cell.bias
        self.input_size, self.hidden_size = cell.input_size, cell.hidden_size
        self._keep(cell, "")
        self.eval()

    def forward(self, input, hx=None):
        x = self._readable("input", input)
        if x.dim() not in (1, 2) or x.size(-1) != self.input_size or not x.numel():
            raise ValueError(f"input must be (B, {self.input_size}), got {tuple(x.shape)}")
        count, shape = BY_MODE[self.mode].states, (*x.shape[:-1], self.hidden_size)
        given = [x.new_zeros(shape)] * count if hx is None else hx if count == 2 else (hx,)
        if not isinstance(given, tuple | list) or len(given) != count:
            raise TypeError(f"hx must be {count} states, got {type(hx).__name__}")
        states = [self._readable("hx", state) for state in given]
        for state in states:
            if state.shape != shape:
                raise ValueError(f"hx must be {shape}, got {tuple(state.shape)}")
        after = [s.reshape(shape) for s in self._run(x, states)]
        return after[0] if count == 1 else tuple(after)

    @torch.compiler.disable
    @torch.no_grad()
    def _run(self, x: Tensor, states: list[Tensor]) -> list[Tensor]:
        x = x.reshape(1, -1, self.input_size)
        h0, *c0 = (s.reshape(1, -1, self.hidden_size) for s in states)
        packed = self._packed([""])
        _, h, c = quantized.forward(self.mode, x, None, h0, c0[0] if c0 else None, packed)
        return [h] if c is None else [h, c]
