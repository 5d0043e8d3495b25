"""The forward pass of RNNCell, LSTMCell and GRUCell: one step, the layer's kernel with T = 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .layer_forward import as_torch
from .machinery import Torchlike, as_leaf
from .ops import cell, cells, changed_layer, gate, layer
from .ops.cells import BY_MODE, NUMBER
from .ops.changes import CHANGES, changes
from .ops.reference.loops import OneStep
from .ops.tape import TAPE, watch

_GATES = {mode: one.blocks for mode, one in BY_MODE.items()}  # rows of the weights per unit
_PLAIN = frozenset({Tensor, nn.Parameter})
_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a cell


class OneStepCell(Torchlike, nn.RNNCellBase):
    """What the three cells share: from torch's calling conventions to a step."""

    _cell: cells.Cell
    _kind: Any  # our layer of the same cell
    _whole: Any = None  # a layer of one level with the cell's options, and parameters of its own

    def _mode(self) -> str:
        return self._cell.modes[0]

    @property
    def _beyond(self) -> bool:
        return self._whole is not None

    def _beyond_torch(self) -> list[str]:
        return self._whole._beyond_torch() if self._beyond else []

    def _set_options(self, **options: Any) -> None:
        """Take the layer's options, and of its parameters those that they change or add."""
        first = self.weight_ih
        if len(self._cell.modes) > 1:
            options["nonlinearity"] = cells.nonlinearity(self._mode())
        sizes = (self.input_size, self.hidden_size)
        whole = self._kind(*sizes, bias=self.bias, device="meta", dtype=first.dtype, **options)
        if not whole._beyond:
            return
        object.__setattr__(self, "_whole", whole)  # no module of this one
        for name, parameter in whole.named_parameters():
            own = nn.Parameter(first.new_empty(parameter.shape))
            self.register_parameter(name.removesuffix("_l0"), own)
        self.reset_parameters()

    def _layer(self) -> Any:
        """The layer with this cell's parameters in it, which nobody else sees."""
        layer, own = object.__new__(type(self._whole)), dict(self._whole.__dict__)
        names = self._whole._parameters
        own["_parameters"] = {name: getattr(self, name.removesuffix("_l0")) for name in names}
        own["training"] = self.training
        object.__setattr__(layer, "__dict__", own)
        return layer

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self._beyond:
            self._layer()._reset_norms()

    def extra_repr(self) -> str:
        return ", ".join([super().extra_repr(), *self._beyond_torch()])

    def _with_options(self, input, hx):
        """One step as the layer makes it."""
        leaf = as_leaf(self, input, hx)
        if leaf is not None:
            return leaf
        tensor, size = isinstance(input, Tensor), self.input_size
        if not tensor or input.dim() not in (1, 2) or input.size(-1) != size:
            got = tuple(input.shape) if tensor else type(input).__name__
            raise ValueError(f"input must be (B, {size}) or ({size},), got {got}")
        shape, states = (*input.shape[:-1], self.hidden_size), None
        if hx is not None:
            given = hx if self._cell.has_cell else (hx,)
            if (
                not isinstance(given, (tuple, list))
                or [getattr(s, "shape", None) for s in given] != [shape] * self._cell.states
            ):
                wanted = f"two tensors {shape}, h and c" if self._cell.has_cell else f"{shape}"
                found = [tuple(getattr(s, "shape", [type(s).__name__])) for s in given]
                raise ValueError(f"hx must be {wanted}, got {found}")
            states = tuple([state[None] for state in given])
        state = states if states is None or self._cell.has_cell else states[0]
        _, last = self._layer().forward(input[None], state)
        return last[0] if isinstance(last, Tensor) else tuple([state[0] for state in last])

    def forward(self, input, hx=None):  # type: ignore[override]
        looking = watch()
        if looking is not None:
            return looking.show(self, self._carrousel_forward, input, hx)
        return self._carrousel_forward(input, hx)

    def _carrousel_forward(self, input, hx=None):
        if self._beyond:
            return self._with_options(input, hx)
        plain = not torch.compiler.is_compiling() and TAPE.get() is CHANGES.get() is None
        if plain and gate.quiet() and not gate.converted():
            stepped = self._step(input, hx)
            if stepped is not None:
                return stepped
        states = self._states(input, hx)
        leaf = as_leaf(self, input, hx) if states is None else None
        if leaf is not None:
            return leaf
        weights: list = [self.weight_ih, self.weight_hh]
        if self.bias:
            weights += [self.bias_ih, self.bias_hh]
        names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"][: len(weights)]
        gates = _GATES[self._mode()]
        if not gate.fits(weights, gates, self.input_size, self.hidden_size):
            gate.refuse(names, weights, gates, self.input_size, self.hidden_size)
        if states is None:
            way = gate.TORCH
        elif self._mode() not in NUMBER:
            way = gate.EQUATIONS
        else:
            way = gate.way([input, *states, *weights])
        if way is gate.TORCH and changes() is not None:
            way = gate.EQUATIONS
        if way is gate.TORCH:
            if not gate.converted():
                gate.check_alike([names], [weights])
            return as_torch(super().forward, input, hx)
        x, mode = input.reshape(1, -1, self.input_size), self._mode()
        own = (changes() or {}).get((0, 0), ())
        after: Any
        if own:
            _, after = changed_layer.of_layer((mode, x, None, states, weights, way, None), [own])
        else:
            _, *after = layer.run(mode, x, None, *layer.as_two(states), weights, way)
        last = [state.reshape(*input.shape[:-1], -1) for state in after if state is not None]
        return last[0] if len(last) == 1 else tuple(last)

    def one_step(self, index: int, dtype: torch.dtype) -> OneStep:
        """How the cell makes its step, on the CPU and in this dtype."""
        if self._beyond:
            return self._layer().one_step(0, dtype)
        names = _WEIGHTS if self.bias else _WEIGHTS[:2]
        weights = [getattr(self, name).detach().to("cpu", dtype) for name in names]
        return OneStep(self._mode(), weights)

    def passed_on(self, level: int, below: Tensor, y: Tensor) -> Tensor:
        """A cell has no level above."""
        return y

    def _step(self, x, hx):
        """One step without detours; None where it is not a plain one."""
        number = NUMBER.get(self._mode())
        if number is None or type(x) not in _PLAIN or x.dim() != 2:
            return None
        has_cell = self._cell.has_cell
        if hx is None:
            h0 = x.new_zeros(x.size(0), self.hidden_size)
            c0 = h0 if has_cell else None
        elif not has_cell:
            h0, c0 = hx, None
        elif type(hx) in (tuple, list) and len(hx) == 2:
            h0, c0 = hx
        else:
            return None
        if type(h0) not in _PLAIN or (has_cell and type(c0) not in _PLAIN):
            return None
        names = _WEIGHTS if self.bias else _WEIGHTS[:2]
        out = cell.run(number, self, names, x, h0, c0)
        return out if out is None or has_cell else out[0]

    def _states(self, input, hx):
        """h0 (and c0) as (1, B, H), or None where torch must run."""
        if not isinstance(input, Tensor) or input.dim() not in (1, 2) or input.numel() == 0:
            return None
        if input.size(-1) != self.input_size:
            return None
        shape = (*input.shape[:-1], self.hidden_size)
        count = self._cell.states
        given = [input.new_zeros(shape)] * count if hx is None else hx if count == 2 else (hx,)
        if not isinstance(given, (tuple, list)) or len(given) != count:
            return None
        if not all(isinstance(s, Tensor) and s.shape == shape for s in given):
            return None
        return [s.reshape(1, -1, self.hidden_size) for s in given]
