"""Layers of cells that torch has no layer for: MinGRU, MinLSTM and SLSTM; and a stack of any.

What the inputs bring is one product for all steps; what is left to do step by step runs on a kernel
of its own (csrc/recurrence.inl.h), by the equations (ops/reference/recurrences.py) on other devices
and dtypes and under torch's transforms.

References: Feng et al. 2024, "Were RNNs all we needed?" (minGRU, minLSTM); Beck et al. 2024,
"xLSTM: Extended Long Short-Term Memory" (sLSTM).
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .conventions import Conventional, offsets_of, place_of
from .machinery import Torchlike, as_leaf
from .ops import changed_layer, gate, recurrence, rules
from .ops.changes import changes
from .ops.inside import Inside
from .ops.products import linear
from .ops.recurrence import Call, Given
from .ops.reference.recurrences import RuleStep
from .ops.rules import Rule
from .ops.tape import watch
from .states import states_of
from .wording import no_option, one_of


class Newer(Conventional, Torchlike):
    """From torch's calling conventions to the recurrences of each level and direction."""

    _heads = 1
    _beyond = True  # of what torch's own layers are

    def _beyond_torch(self) -> list[str]:
        return [type(self).__name__]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: Any,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        for name, size in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("num_layers", num_layers),
        ):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                more = "; give carrousel.nn.Stack a layer for each" * isinstance(size, list | tuple)
                raise ValueError(f"{name} must be a whole number above 0, got {size!r}{more}")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, _dropout(dropout)
        self.bidirectional = bidirectional
        how = {"device": device, "dtype": dtype}
        for level in range(num_layers):
            inputs = input_size if level == 0 else hidden_size * self._directions
            for d in range(self._directions):
                for name, shape in self._shapes(inputs).items():
                    parameter = nn.Parameter(torch.empty(shape, **how))
                    self.register_parameter(name + place_of(level, d), parameter)
        self.reset_parameters()

    @property
    def _rule(self) -> Rule:
        raise NotImplementedError

    @property
    def mode(self) -> str:
        """What kind of layer it is, as torch's layers say it."""
        return self._rule.cell.modes[0]

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Of the parameters of a level that reads ``inputs`` values."""
        wide, hidden = self._rule.gates * self.hidden_size, self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (wide, inputs)}
        if self._rule.product:
            shapes["weight_hh"] = (wide, hidden // self._heads)
        return shapes | ({"bias": (wide,)} if self.bias else {})

    def reset_parameters(self) -> None:
        """Uniform up to 1 / sqrt(H), as torch's recurrent layers begin."""
        limit = self.hidden_size**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -limit, limit)

    def forward(self, input, hx=None, return_states=False):
        leaf = as_leaf(self, input, hx)
        if leaf is not None:
            return leaf
        if gate.autocast():
            return self._in_own_dtype(input, hx, return_states)
        run = self._with_states if return_states else self._carrousel_forward
        looking = watch()
        return run(input, hx) if looking is None else looking.show(self, run, input, hx)

    def _carrousel_forward(self, input, hx=None):
        return self._run(input, hx, None)

    def _with_states(self, input, hx=None):
        insides: list[Inside] = []
        output, states = self._run(input, hx, insides)
        return output, states, states_of(input, insides, self.batch_first)

    def _run(self, input, hx, insides):
        packed = isinstance(input, PackedSequence)
        x, batch, offsets = self._rows(input)
        count = self.num_layers * self._directions
        states = self._initial(hx, x, batch, packed or input.dim() == 3, count)
        if not batch:
            return self._of_no_sequence(input, x, states, insides)
        if packed and input.sorted_indices is not None:
            states = states.index_select(2, input.sorted_indices)
        asked, last = changes() or {}, []
        for level in range(self.num_layers):
            own = [asked.get((level, d), ()) for d in range(self._directions)]
            calls = []
            for d in range(self._directions):
                call = Call(self._rule, offsets, self._heads, d == 1)
                start = states[:, level * self._directions + d]
                calls.append((call, *self._given(x, start, place_of(level, d), insides)))
            if any(own):
                x, ends = changed_layer.of_rules(calls, own, insides)
                last += ends
            else:
                made = [_run(*one, insides) for one in calls]
                x = made[0][0] if len(made) == 1 else torch.cat([y for y, _ in made], -1)
                last += [end for _, end in made]
            if self.dropout and self.training and level < self.num_layers - 1:
                x = torch.dropout(x, self.dropout, True)
        y = x if packed else x.unflatten(0, (-1, batch))
        return self._as_given(input, y, torch.stack(last, 1).unbind(0))

    def _of_no_sequence(self, input: Tensor, x: Tensor, states: Tensor, insides: Any) -> Any:
        """As torch's layers do: nothing comes of it, and gradients are zeros."""
        if insides is not None:
            raise ValueError(
                f"input must have a sequence with return_states=True, got {tuple(input.shape)}"
            )
        steps = input.size(1 if self.batch_first else 0)
        bond = torch.stack([p.sum() for p in self.parameters()]).sum() + x.sum()
        y = x.new_zeros(steps, 0, self.hidden_size * self._directions) + bond
        return self._as_given(input, y, states.unbind(0))

    def flatten_parameters(self) -> None:
        """For code that asks torch's layers to: nothing lies apart here."""

    def _given(self, x: Tensor, start: Tensor, place: str, insides) -> tuple[Given, str]:
        """What one level reads in one direction over rows (N, I), and who computes it."""
        own = {name: getattr(self, name + place) for name in self._shapes(0)}
        wide = (self._rule.gates * self.hidden_size, x.size(-1))
        if own["weight_ih"].shape != wide:
            shape = tuple(own["weight_ih"].shape)
            raise RuntimeError(f"weight_ih{place} must be {wide}, got {shape}")
        tensors = [x, start, *own.values()]
        way = recurrence.way(tensors) if insides is None else gate.EQUATIONS
        sums = linear(x, own["weight_ih"], own.get("bias"), way)
        return (sums, start, self._by_heads(own.get("weight_hh")), None, None), way

    def _by_heads(self, weight_hh: Tensor | None) -> Tensor | None:
        """(G*H, D) to (heads, G, D, D)."""
        if weight_hh is None:
            return None
        weight = weight_hh.unflatten(0, (self._rule.gates, self._heads, -1))
        return weight.transpose(0, 1).contiguous()

    def one_step(self, index: int, dtype: torch.dtype) -> RuleStep:
        """How level and direction ``index`` make a step, on the CPU and in this dtype."""
        place = place_of(index // self._directions, index % self._directions)
        own = {
            name: getattr(self, name + place).detach().to("cpu", dtype) for name in self._shapes(0)
        }
        weight = self._by_heads(own.get("weight_hh"))
        return RuleStep(self._rule, own["weight_ih"], own.get("bias"), weight)

    def passed_on(self, level: int, below: Tensor, y: Tensor) -> Tensor:
        """What the level above is given: all that the level gives."""
        return y

    def _rows(self, input) -> tuple[Tensor, int, Tensor | None]:
        """Rows (N, I) time-major, how many sequences, and where each step begins if packed."""
        x = input.data if isinstance(input, PackedSequence) else input
        if not isinstance(x, Tensor):
            raise TypeError(f"input must be a tensor or a PackedSequence, got {type(x).__name__}")
        packed = x is not input
        if x.dim() not in ((2,) if packed else (2, 3)) or x.size(-1) != self.input_size:
            accepted = "(N, I)" if packed else "(T, B, I), (B, T, I) with batch_first, or (T, I)"
            raise ValueError(
                f"input must be {accepted} with I = {self.input_size}, got {tuple(x.shape)}"
            )
        first = next(self.parameters())
        if x.dtype is not first.dtype or x.device != first.device:
            raise TypeError(
                f"input must be {first.dtype} on {first.device} as the weights are, got {x.dtype} "
                f"on {x.device}"
            )
        if packed:
            sizes = input.batch_sizes
            if not gate.packs(sizes, x):
                raise ValueError("batch_sizes must be those of the rows of data, never growing")
            return x, int(sizes[0]), offsets_of(sizes)
        x = x.unsqueeze(1) if x.dim() == 2 else x.transpose(0, 1) if self.batch_first else x
        if not x.size(0):
            raise ValueError(f"input must have at least one step, got {tuple(input.shape)}")
        return x.reshape(-1, x.size(-1)), x.size(1), None

    def _initial(self, hx, x: Tensor, batch: int, batched: bool, count: int) -> Tensor:
        """The states before the first step, (S, L*D, B, H)."""
        states, shape = self._rule.states, (count, batch, self.hidden_size)
        if hx is None:
            return x.new_zeros(states, *shape)
        given = (hx,) if states == 1 else hx
        if not isinstance(given, tuple | list) or len(given) != states:
            raise ValueError(f"hx must be {_NAMES[states]}, got {type(hx).__name__}")
        wanted = shape if batched else (count, self.hidden_size)
        for name, state in zip(_STATES, given, strict=False):
            if not isinstance(state, Tensor) or state.shape != wanted or state.dtype != x.dtype:
                found = (
                    f"{state.dtype} {tuple(state.shape)}"
                    if isinstance(state, Tensor)
                    else type(state).__name__
                )
                raise ValueError(f"{name} of hx must be {x.dtype} {wanted}, got {found}")
        return torch.stack(list(given)).view(states, *shape)

    def extra_repr(self) -> str:
        words = [f"{self.input_size}, {self.hidden_size}"]
        plain = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        for name, usual in (plain | {"bidirectional": False}).items():
            if getattr(self, name) != usual:
                words.append(f"{name}={getattr(self, name)}")
        return ", ".join(words)


def _run(call: Call, given: Given, way: str, insides: list[Inside] | None) -> Any:
    """One level in one direction: y (N, H), last (S, B, H)."""
    if insides is not None:
        return recurrence.opened(call, given, insides)
    return recurrence.run(call, given, way)


_STATES = ("h", "c", "n", "m")
_NAMES = {1: "one tensor, h", 4: "four tensors, (h, c, n, m)"}


def _dropout(share: float) -> float:
    if isinstance(share, bool) or not 0 <= share <= 1:
        raise ValueError(f"dropout must be a probability from 0 to 1, got {share!r}")
    return float(share)


def _refuse(kind: type, options: dict[str, Any]) -> None:
    """``TypeError`` for options, which these layers have none of beyond their arguments."""
    if options:
        names = [name for name in signature(kind).parameters if name != "options"]
        raise TypeError(no_option(kind.__name__, options, names))


class _Minimal(Newer):
    """Gates that see the inputs alone."""

    _rules: tuple[Rule, Rule]  # with linear candidates and with positive ones

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        candidate: str = "linear",
        **options: Any,
    ) -> None:
        _refuse(type(self), options)
        one_of("candidate", candidate, ("linear", "positive"))
        self.candidate = candidate
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device, dtype,
        )  # fmt: skip

    @property
    def _rule(self) -> Rule:
        return self._rules[self.candidate == "positive"]

    def extra_repr(self) -> str:
        more = f", candidate={self.candidate!r}" if self.candidate != "linear" else ""
        return super().extra_repr() + more


class MinGRU(_Minimal):
    """minGRU (Feng et al. 2024): a GRU whose gate and candidate do not read the hidden state.

    With z = sigmoid(W_z x_t + b_z), the update gate in the variant of torch's GRU (what stays; the
    paper's z is 1 - z)::

        n_t = W_n x_t + b_n
        h_t = z * h_{t-1} + (1 - z) * n_t

    All arguments but one, shapes and calls are those of :class:`torch.nn.GRU`. Parameters of level
    k: ``weight_ih_lk`` (2H, I), z before n, and ``bias_lk`` (2H).

    candidate:
        "positive": g(W_n x_t + b_n) with g(v) = v + 1/2 from 0 on and sigmoid(v) below, as the
        paper's appendix has it.

    >>> import torch, carrousel
    >>> output, h_n = carrousel.MinGRU(3, 5)(torch.zeros(7, 2, 3))
    >>> output.shape, h_n.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]))
    """

    _rules = (rules.MIN_GRU, rules.MIN_GRU_POSITIVE)


class MinLSTM(_Minimal):
    """minLSTM (Feng et al. 2024): forget and input gate of the inputs alone, which add up to one.

    With f, i = sigmoid(W x_t + b)::

        n_t = W_n x_t + b_n
        h_t = f / (f + i) * h_{t-1} + i / (f + i) * n_t

    Arguments and calls as of :class:`MinGRU`. Parameters of level k: ``weight_ih_lk`` (3H, I), the
    rows of f, i and n, and ``bias_lk`` (3H). A trace records the gates divided by their sum.

    >>> import torch, carrousel
    >>> output, h_n = carrousel.MinLSTM(3, 5, batch_first=True)(torch.zeros(2, 7, 3))
    >>> output.shape, h_n.shape
    (torch.Size([2, 7, 5]), torch.Size([1, 2, 5]))
    """

    _rules = (rules.MIN_LSTM, rules.MIN_LSTM_POSITIVE)


class SLSTM(Newer):
    """sLSTM (Beck et al. 2024): an LSTM with exponential gates and a memory for each head.

    With z = tanh(W x_t + R h_{t-1} + b), o the sigmoid and i, f of the same sums themselves::

        m_t = max(log f + m_{t-1}, i)                        log f = log sigmoid(f), or f itself
        c_t = exp(log f + m_{t-1} - m_t) * c_{t-1} + exp(i - m_t) * z
        n_t = exp(log f + m_{t-1} - m_t) * n_{t-1} + exp(i - m_t)
        h_t = o * c_t / n_t

    All arguments but two, shapes and calls are those of :class:`torch.nn.LSTM`, with states
    (h, c, n, m). Parameters of level k: ``weight_ih_lk`` (4H, I), ``weight_hh_lk`` (4H, H / heads),
    the rows of i, f, z and o, each of which reads the units of its own head, and ``bias_lk`` (4H).

    num_heads:
        of which each reads its own part of h; must divide ``hidden_size``.
    forget_gate:
        "sigmoid" or "exponential".

    >>> import torch, carrousel
    >>> output, (h, c, n, m) = carrousel.SLSTM(3, 6, num_heads=2)(torch.zeros(7, 2, 3))
    >>> output.shape, m.shape
    (torch.Size([7, 2, 6]), torch.Size([1, 2, 6]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        num_heads: int = 1,
        forget_gate: str = "sigmoid",
        **options: Any,
    ) -> None:
        _refuse(type(self), options)
        one_of("forget_gate", forget_gate, ("sigmoid", "exponential"))
        whole = isinstance(num_heads, int) and num_heads >= 1
        if not whole or (isinstance(hidden_size, int) and hidden_size % num_heads):
            raise ValueError(f"num_heads must divide hidden_size={hidden_size}, got {num_heads!r}")
        self.num_heads = self._heads = num_heads
        self.forget_gate = forget_gate
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device, dtype,
        )  # fmt: skip

    @property
    def _rule(self) -> Rule:
        return rules.SLSTM_EXPONENTIAL if self.forget_gate == "exponential" else rules.SLSTM

    def extra_repr(self) -> str:
        more = f", num_heads={self.num_heads}" if self.num_heads > 1 else ""
        more += f", forget_gate={self.forget_gate!r}" if self.forget_gate != "sigmoid" else ""
        return super().extra_repr() + more


class Stack(nn.Module):
    """Layers called one after the other, as the levels of one layer with ``num_layers`` are.

    Every layer has its own options, kind and hidden size, which the levels of one layer share. It
    takes what its first layer takes, padded, packed or without a batch, and gives the output of the
    last one and the states of each in a tuple, which it also takes as ``hx``. A trace, and
    :func:`carrousel.intervene`, see the layers by their names "layers.0", "layers.1", ...

    dropout:
        of what each layer but the last gives, while it trains.

    >>> import torch, carrousel
    >>> stack = carrousel.nn.Stack(carrousel.LSTM(3, 8, layer_norm=True), carrousel.GRU(8, 5))
    >>> output, (of_lstm, of_gru) = stack(torch.zeros(7, 2, 3))
    >>> output.shape, of_lstm[0].shape, of_gru.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 8]), torch.Size([1, 2, 5]))
    """

    def __init__(self, *layers: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        if not layers:
            raise ValueError("layers must be at least one recurrent layer, got none")
        for number, layer in enumerate(layers):
            if not all(
                hasattr(layer, name) for name in ("input_size", "hidden_size", "batch_first")
            ):
                kind = type(layer).__name__
                raise TypeError(f"layers[{number}] must be a recurrent layer, got {kind}")
        for number, (below, above) in enumerate(pairwise(layers), 1):
            if above.input_size != _width(below):
                raise ValueError(
                    f"layers[{number}] must have input_size={_width(below)}, what the layer below "
                    f"gives, got {above.input_size}"
                )
            if above.batch_first is not layers[0].batch_first:
                raise ValueError(f"layers[{number}] must have the batch_first of the first one")
        self.layers, self.dropout = nn.ModuleList(layers), _dropout(dropout)

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Sequence[Any] | None = None,
        return_states: bool = False,
    ) -> tuple[Any, ...]:
        """The output of the last layer, and the states of each; with ``return_states`` third a
        tuple of every layer's :class:`States`, which torch's own do not give."""
        for number, layer in enumerate(self.layers if return_states else ()):
            if not hasattr(layer, "_with_states"):
                raise TypeError(
                    f"return_states must be False with layers[{number}], a "
                    f"{type(layer).__name__} that hands out no states; give one of carrousel's"
                )
        given = [None] * len(self.layers) if hx is None else hx
        if not isinstance(given, list | tuple) or len(given) != len(self.layers):
            raise ValueError(f"hx must be the states of {len(self.layers)} layers, got {hx!r:.60}")
        states, x = [], input
        opened: list[Any] = []
        more = {"return_states": True} if return_states else {}
        for number, (layer, state) in enumerate(zip(self.layers, given, strict=True)):
            x, last, *inside = layer(x, state, **more)
            states.append(last)
            opened += inside
            if self.dropout and self.training and number < len(self.layers) - 1:
                x = self._dropped(x)
        return (x, tuple(states), tuple(opened)) if return_states else (x, tuple(states))

    def flatten_parameters(self) -> None:
        """Of every layer that has the method, as torch's have."""
        for layer in self.layers:
            getattr(layer, "flatten_parameters", lambda: None)()

    def _dropped(self, x: Tensor | PackedSequence) -> Tensor | PackedSequence:
        if isinstance(x, PackedSequence):
            return x._replace(data=torch.dropout(x.data, self.dropout, True))
        return torch.dropout(x, self.dropout, True)

    def extra_repr(self) -> str:
        return f"dropout={self.dropout}" if self.dropout else ""


def _width(layer: Any) -> int:
    """Of what the layer gives at a step."""
    return (getattr(layer, "proj_size", 0) or layer.hidden_size) * (1 + layer.bidirectional)
