"""RNN, LSTM and GRU: torch.nn's parameters, shapes, numbers and errors, on carrousel's kernels.

float32 and float64 on the CPU run on the kernels, also under autocast to bfloat16, where products
are of that; everything else (other dtypes and devices, other autocast, ONNX export, and every
wrong argument, for its error) takes torch's own path, or the reference equations while a trace
looks on (so do large layers with a small ``proj_size``). Under a transform of
``torch.func`` (grad, vmap, jvp, ...) and forward-mode AD the equations run, in
ordinary torch and at its speed.

The layers derive from ``torch.nn.RNNBase`` and not from ``torch.nn.LSTM``, since ``torch.compile``
refuses every instance of the latter. Layers that :func:`carrousel.adopt` swaps in are both.

References: Elman 1990 (RNN); Hochreiter & Schmidhuber 1997 and Gers et al. 2000 (LSTM);
Cho et al. 2014 (GRU); Tallec & Ollivier 2018 (chrono initialization).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .conventions import Conventional, offsets_of
from .layer_options import WithOptions
from .machinery import Torchlike, as_leaf
from .newer_layers import SLSTM, MinGRU, MinLSTM, Stack
from .ops import (
    cell,
    cells,
    changed_layer,
    gate,
    half,
    layer,
    projected,
    recurrence,
    streaming_step,
)
from .ops.cells import BY_MODE, NUMBER
from .ops.changes import CHANGES, changes
from .ops.inside import Inside
from .ops.noise import Noise
from .ops.reference.equations import Equations
from .ops.reference.loops import OneStep
from .ops.tape import TAPE, tape, watch
from .states import States, states_of
from .wording import one_of

__all__ = [
    "GRU", "LSTM", "RNN", "SLSTM", "Equations", "GRUCell", "LSTMCell", "MinGRU", "MinLSTM",
    "RNNCell", "Stack", "States",
]  # fmt: skip

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .layer_options import Options

    Two = tuple[Tensor, Tensor]  # of an LSTM: hidden and cell
    Device = torch.device | str | int | None

    class WithState(Protocol):
        """What RNN and GRU take and give."""

        @overload
        def __call__(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]: ...
        @overload
        def __call__(
            self, input: PackedSequence, hx: Tensor | None = None
        ) -> tuple[PackedSequence, Tensor]: ...
        @overload
        def __call__(
            self, input: Tensor, hx: Tensor | None = None, *, return_states: Literal[True]
        ) -> tuple[Tensor, Tensor, States]: ...
        @overload
        def __call__(
            self, input: PackedSequence, hx: Tensor | None = None, *, return_states: Literal[True]
        ) -> tuple[PackedSequence, Tensor, States]: ...

    class WithStates(Protocol):
        """What LSTM takes and gives."""

        @overload
        def __call__(self, input: Tensor, hx: Two | None = None) -> tuple[Tensor, Two]: ...
        @overload
        def __call__(
            self, input: PackedSequence, hx: Two | None = None
        ) -> tuple[PackedSequence, Two]: ...
        @overload
        def __call__(
            self, input: Tensor, hx: Two | None = None, *, return_states: Literal[True]
        ) -> tuple[Tensor, Two, States]: ...
        @overload
        def __call__(
            self, input: PackedSequence, hx: Two | None = None, *, return_states: Literal[True]
        ) -> tuple[PackedSequence, Two, States]: ...

    class Step(Protocol):
        """What RNNCell and GRUCell take and give."""

        def __call__(self, input: Tensor, hx: Tensor | None = None) -> Tensor: ...

    class StepOfTwo(Protocol):
        """What LSTMCell takes and gives."""

        def __call__(self, input: Tensor, hx: Two | None = None) -> Two: ...


_GATES = {mode: one.blocks for mode, one in BY_MODE.items()}  # rows of the weights per unit
_RNN_MODES = {cells.nonlinearity(mode): mode for mode in cells.RNN.modes}
_HAS_CELL = {mode: one.has_cell for mode, one in BY_MODE.items()}


def _exporting() -> bool:
    # Before 2.12 torch's own question has one answer in all that is compiled: yes.
    return torch.compiler.is_exporting() if _TELLS_EXPORTS else torch.compiler._is_exporting_flag


_TELLS_EXPORTS = torch.__version__ >= "2.12"  # compares versions, not texts


def _as_torch(forward, *args):
    """torch's own layer. Compiled code leaves its graph for it, as it does for any of torch's."""
    if torch.compiler.is_dynamo_compiling() and not _exporting():
        forward = torch.compiler.disable(forward)
    return forward(*args)


def _watched() -> bool:
    """Whether somebody looks into the call that is running, or changes what is in it."""
    return tape() is not None or changes() is not None


class _Recurrent(Conventional, Torchlike, WithOptions):
    """What the three layers share: the way from torch's calling conventions to one layer's run."""

    _torchs: type[nn.RNNBase]  # torch's layer of the same name

    # torch's older exporter to ONNX fills in every argument by its place.
    def forward(self, input, hx=None, return_states=False):  # type: ignore[override]
        if gate.autocast():
            done = self._under_autocast(input, hx, return_states)
            if done is not None:
                return done
        if return_states:
            looking = watch()
            if looking is not None:
                return looking.show(self, self._with_states, input, hx)
            return self._with_states(input, hx)
        if hx is not None and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
            stepped = self._step(input, hx)
            if stepped is not None:
                return stepped
        looking = watch()
        if looking is not None:
            return looking.show(self, self._carrousel_forward, input, hx)
        return self._carrousel_forward(input, hx)

    def _carrousel_forward(self, input, hx=None):
        prepared = self._prepare(input, hx)
        if prepared is None:
            leaf = as_leaf(self, input, hx)
            if leaf is not None:
                return leaf
            output = _as_torch(self._torchs.forward, self, input, self._as_torchs(hx))  # or error
            if self._beyond:
                raise RuntimeError("input must have at least one step and sequences of one width")
            return output
        y, states = self._layers(*prepared)
        return self._as_given(input, y, states)

    def _under_autocast(self, input, hx, return_states):
        """What torch has no rule for, and what it has one for but we are better at; else None."""
        if self._beyond:
            return self._in_own_dtype(input, hx, return_states)
        if return_states or not gate.halves() or _watched():
            return None
        if next(self.parameters()).dtype is not torch.float32:
            return None
        dtypes = half.dtypes(self, input, hx)
        if dtypes is None:
            return None
        with gate.half():
            found = self._in_own_dtype(input, hx, False)
        return half.converted(found, dtypes)

    def _with_states(self, input, hx=None):
        prepared = self._prepare(input, hx, opened=True)
        if prepared is None:
            leaf = as_leaf(self, input, hx, return_states=True)
            if leaf is not None:
                return leaf
            if not gate.converted():
                _as_torch(self._torchs.forward, self, input, self._as_torchs(hx))  # for its error
            raise RuntimeError(
                "return_states=True needs a batch that is not empty, and neither autocast nor "
                "torch.jit.trace around the call; under autocast call the layer inside "
                "torch.autocast(device, enabled=False)"
            )
        insides: list[Inside] = []
        x, batch_sizes, initial, weights, way = prepared
        y, states = self._layers(x, batch_sizes, initial, weights, way, insides)
        return *self._as_given(input, y, states), states_of(input, insides, self.batch_first)

    def _step(self, x, hx):
        """One step of streaming without detours; None where it is not one."""
        if self._beyond or self.bidirectional or self.proj_size or (self.dropout and self.training):
            return None
        if TAPE.get() is not None or not gate.quiet() or gate.converted():
            return None
        if not _HAS_CELL[self.mode]:
            if type(x) is not Tensor or type(hx) is not Tensor:
                return None
            out = streaming_step.run(self, x, hx, None)
            return out if out is None else out[:2]
        if type(x) is not Tensor or type(hx) is not tuple or [type(s) for s in hx] != [Tensor] * 2:
            return None
        out = streaming_step.run(self, x, *hx)
        return out if out is None else (out[0], out[1:])

    def _prepare(self, input, hx, opened=False):
        """(x time-major, batch sizes or None, states, weights, way); None where torch must run."""
        packed = isinstance(input, PackedSequence)
        x = input.data if packed else input
        if not isinstance(x, Tensor) or x.dim() not in ((2,) if packed else (2, 3)):
            return None
        if x.size(-1) != self.input_size or (x.numel() == 0 and not self._takes_empty(x, packed)):
            return None
        batch_sizes = order = None
        unbatched = not packed and x.dim() == 2
        if packed:
            batch_sizes, order = input.batch_sizes, input.sorted_indices
            if not gate.packs(batch_sizes, x):
                return None
            batch = int(batch_sizes[0])
        else:
            x = x.unsqueeze(1) if unbatched else x.transpose(0, 1) if self.batch_first else x
            batch = x.size(1)
        states = self._initial(hx, x, batch, unbatched, order)
        if states is None:
            if self.own_cell is not None:
                self._refuse_states(hx, x, batch, unbatched)
            return None
        weights = self._weights()
        self._check(weights)
        if self._beyond:
            self._check_input(x, weights[0][0])
        weights = self._with_norms(self._with_vectors(self._dropped(weights)))
        way = self._way(x, states, weights, opened)
        return None if way is gate.TORCH else (x, batch_sizes, states, weights, way)

    def _way(self, x, states, weights, opened):
        """Who computes this call. What torch would is done by the equations for a trace, a change
        and where all states are asked for."""
        if self.mode not in NUMBER or x.numel() == 0:
            return gate.EQUATIONS
        if self.equations is not None and self._rule() is None:
            return gate.EQUATIONS
        tensors = [x, *states, *chain.from_iterable(weights)]
        way = gate.way(tensors)
        if self.proj_size and way is not gate.TORCH:
            # The kernels make the state before it is projected, and no record of what is.
            if opened or _watched():
                return gate.EQUATIONS
            sizes = self.input_size, self.hidden_size, self.proj_size
            return way if self._beyond or projected.pays(*sizes) else gate.TORCH
        if way is not gate.TORCH or (gate.converted() and not self._beyond):
            return way
        if not self._beyond:
            gate.check_alike(self._all_weights, weights)
            if not (opened or _watched()):
                return way
        return self._unlike_torch(tensors)

    def _unlike_torch(self, tensors):
        """Who does what torch cannot, where our kernels on the CPU do not."""
        fits = not self.proj_size and not torch.compiler.is_compiling() and gate.on_gpu(tensors)
        return gate.TRITON if fits else gate.EQUATIONS

    def _takes_empty(self, x, packed) -> bool:
        """No sequences, which torch's own layers take; with options only the equations do."""
        return (
            self._beyond
            and not packed
            and x.dim() == 3
            and x.size(1 - self.batch_first) == 0 < x.size(int(self.batch_first))
        )

    def _check(self, weights) -> None:
        """Refuse weights of other sizes than the layer says; torch's LSTM reads beyond them."""
        gates, hidden, proj = self._blocks(), self.hidden_size, self.proj_size
        inputs, directions = self.input_size, 2 if self.bidirectional else 1
        for number, row in enumerate(weights):
            if number == directions:
                inputs = directions * (proj or hidden)
            if not gate.fits(row, gates, inputs, hidden, proj):
                gate.refuse(self._all_weights[number], row, gates, inputs, hidden, proj)

    def _check_input(self, x, first) -> None:
        """Refuse what the equations would multiply, or fail to, in another dtype or place."""
        if x.dtype is not first.dtype or x.device != first.device:
            raise ValueError(
                f"input must be {first.dtype} on {first.device} as the weights are, got {x.dtype} "
                f"on {x.device}"
            )

    def _initial(self, hx, x, batch, unbatched, order):
        """Initial states (L*D, B, H) in the order of the rows; None where hx does not fit."""
        rows = self.num_layers * (2 if self.bidirectional else 1)
        if hx is None:
            return self._first_states(x, batch)
        sizes = self._state_sizes()
        given = hx if len(sizes) > 1 else (hx,)
        if not isinstance(given, (tuple, list)) or len(given) != len(sizes):
            return None
        states = []
        for state, size in zip(given, sizes, strict=True):
            if not isinstance(state, Tensor):
                return None
            if unbatched:
                state = state.unsqueeze(1) if state.dim() == 2 else state.new_empty(0)
            if state.shape != (rows, batch, size) or state.dtype is not x.dtype:
                return None
            if state.device != x.device:
                return None
            states.append(state if order is None else state.index_select(1, order))
        return states

    def _as_torchs(self, hx):
        """States for torch's layer; it knows none of a cell with its own."""
        return hx if self.own_cell is None else None

    def _refuse_states(self, hx, x, batch, unbatched) -> None:
        """``ValueError`` for initial states that do not fit a cell with its own."""
        names = [one.removesuffix("_0") for one in self._first_names()]
        rows = self.num_layers * (2 if self.bidirectional else 1)
        shape = (rows, self.hidden_size) if unbatched else (rows, batch, self.hidden_size)
        given = hx if isinstance(hx, (tuple, list)) else (hx,)
        found = [
            f"{one.dtype} {tuple(one.shape)}" if isinstance(one, Tensor) else type(one).__name__
            for one in given
        ]
        many = f"a tuple of {', '.join(names)}" if len(names) > 1 else names[0]
        raise ValueError(f"hx must be {many}, {x.dtype} {shape}, got {', '.join(found)}")

    def _weights(self) -> list[list[Tensor]]:
        """Of each layer in each direction w_ih, w_hh, the biases if any, the projection if any."""
        own: dict = self._parameters
        return [
            # not among the parameters: parametrized, say
            [getattr(self, name) if own.get(name) is None else own[name] for name in names]
            for names in self._all_weights
        ]

    def one_step(self, index: int, dtype: torch.dtype) -> OneStep:
        """How level and direction ``index`` make a step, on the CPU and in this dtype, as in
        evaluation: whatever draws masks is not in it."""
        weights = self._with_norms(self._with_vectors(self._weights()))[index]
        own, w_hr = [weight.detach().to("cpu", dtype) for weight in weights], None
        if self.proj_size:
            *own, w_hr = own
        zoneout = Noise(None, *self.zoneout) if any(self.zoneout) else None
        return OneStep(self._run_mode(), own, w_hr, zoneout, self._written())

    def passed_on(self, level: int, below: Tensor, y: Tensor) -> Tensor:
        """What the level above is given, if this one was given ``below`` and made ``y``."""
        with torch.no_grad():
            return self._passed(level, below, y, gate.EQUATIONS) if level else y

    def _layers(self, x, batch_sizes, states, weights, way, insides=None):
        """All layers: -> y and the states after it, (L*D, B, H) each; ``insides`` receives what is
        in each."""
        directions = 2 if self.bidirectional else 1
        count, batch = len(states), states[0].size(1)
        asked, offsets = changes(), None
        if batch_sizes is not None:
            offsets = offsets_of(batch_sizes)
        if self.num_layers == 1 and not self.proj_size and not self._beyond and asked is None:
            flat, two = list(chain.from_iterable(weights)), layer.as_two(states)
            y, *ends = layer.run(self._run_mode(), x, offsets, *two, flat, way, None, insides)
            return y, ends[:count]
        last: list = []  # of each level, its states
        for first in range(0, len(weights), directions):
            rows, w_hr = weights[first : first + directions], None
            if self.proj_size:
                rows, w_hr = [row[:-1] for row in rows], [row[-1] for row in rows]
            start: list[Any] = [state[first : first + directions] for state in states]
            flat, below, two = list(chain.from_iterable(rows)), x, layer.as_two(start)
            x = self._masked(x, self.input_dropout, batch, batch_sizes)
            noise, written = self._noises(x, batch), self._written()
            between = noise is not None or written is not None
            rule = self._rule() if between else None
            level = first // directions
            own = [(asked or {}).get((level, d), ()) for d in range(directions)]
            mode, after = self._run_mode(), start
            if any(own):
                given = (mode, x, offsets, start, flat, way, w_hr)
                more = (insides, noise, written, rule, self.peepholes)
                x, after = changed_layer.of_layer(given, own, *more)
            elif rule is not None and way is gate.KERNELS and insides is None:
                x, *after = recurrence.layer(rule, x, offsets, *two, flat, noise, self.peepholes)
            elif between:
                how = (w_hr, insides, noise, written)
                x, after = layer.by_equations(mode, x, offsets, start, flat, *how)
            else:
                x, *after = layer.run(mode, x, offsets, *two, flat, way, w_hr, insides)
            if first:
                x = self._passed(first // directions, below, x, way)
            last.append(after[:count])
            if self.dropout and self.training and first + directions < len(weights):
                x = torch.dropout(x, self.dropout, True)
        x = self._masked(x, self.output_dropout, batch, batch_sizes)
        return x, [torch.cat(levels) for levels in zip(*last, strict=True)]


class RNN(_Recurrent):
    """Elman network: h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or relu.

    Arguments, shapes, parameters and errors are those of :class:`torch.nn.RNN`. Keywords beyond
    them, of all three layers (docs/layers.md): ``input_dropout``, ``recurrent_dropout``,
    ``output_dropout`` (one mask for all steps), ``weight_dropout`` (of W_hh), ``zoneout``,
    ``learn_initial_state``, ``residual``, ``highway``, ``equations`` (:class:`Equations`),
    ``precision`` ("bf16": products of bfloat16, everything else float32).

    >>> import torch, carrousel
    >>> output, h_n = carrousel.RNN(3, 5)(torch.zeros(7, 2, 3))
    >>> output.shape, h_n.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]))
    """

    _torchs = nn.RNN
    __call__: WithState

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[Options],
    ) -> None:
        one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        if proj_size:
            raise ValueError("proj_size is only supported for LSTM, not for RNN or GRU")
        mode = _RNN_MODES[nonlinearity]
        super().__init__(
            mode, input_size, hidden_size, num_layers,
            bias, batch_first, dropout, bidirectional, proj_size, device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity
        self._set_options(options)


class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al. 2014), in torch's variant.

    With r, z = sigmoid(W x_t + b + U h_{t-1} + b'), the reset and update gates::

        n_t = tanh(W_in x_t + b_in + r * (W_hn h_{t-1} + b_hn))
        h_t = (1 - z) * n_t + z * h_{t-1}

    Arguments, shapes, parameters and errors are those of :class:`torch.nn.GRU`; one more:

    layer_norm:
        normalize W x_t and U h_{t-1} before they meet, over r and z together and over n alone, as
        Ba et al. 2016 do. Adds ``gain_ih``, ``gain_hh`` (3H, of ones); docs/layers.md.

    And those of all three layers, see :class:`RNN`.

    >>> import torch, carrousel
    >>> output, h_n = carrousel.GRU(3, 5, batch_first=True)(torch.zeros(2, 7, 3))
    >>> output.shape, h_n.shape
    (torch.Size([2, 7, 5]), torch.Size([1, 2, 5]))
    """

    _torchs = nn.GRU
    __call__: WithState

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        layer_norm: bool = False,
        **options: Unpack[Options],
    ) -> None:
        if proj_size:
            raise ValueError("proj_size is only supported for LSTM, not for RNN or GRU")
        super().__init__(
            "GRU", input_size, hidden_size, num_layers,
            bias, batch_first, dropout, bidirectional, proj_size, device, dtype,
        )  # fmt: skip
        self._set_layer_norm(layer_norm)
        self._set_options(options)


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gate (Gers et al. 2000).

    With i, f, o = sigmoid(W x_t + b + U h_{t-1} + b') and g = tanh(the same with its own weights)::

        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    Arguments, shapes, parameters and errors are those of :class:`torch.nn.LSTM`; two more set how
    the forget gate starts, and one normalizes:

    forget_bias:
        value of b_f (the sum of its two biases) at the start; None: torch's random one, near 0.
        1 keeps the memory open in the beginning (Gers et al. 2000; Jozefowicz et al. 2015).
    chrono:
        longest dependency expected, in steps (> 2): b_f ~ log(U(1, chrono - 1)), b_i = -b_f, so
        that memories of all lengths up to it exist at the start (Tallec & Ollivier 2018).
    layer_norm:
        normalize W x_t and U h_{t-1}, each over all four gates, before they meet, and c_t before it
        is shown: h_t = o * tanh(LN(c_t)) (Ba et al. 2016). Adds ``gain_ih``, ``gain_hh`` (4H) and
        ``gain_c`` (H) of ones, ``bias_c`` (H) of zeros; docs/layers.md.

    peepholes, coupled:
        gates that see the cell state (Gers & Schmidhuber 2000; adds ``peephole``), and i = 1 - f
        (Greff et al. 2017; weights of f, g, o alone).

    And those of all three layers, see :class:`RNN`.

    >>> import torch, carrousel
    >>> layer = carrousel.LSTM(3, 5, forget_bias=1.0)
    >>> output, (h_n, c_n) = layer(torch.zeros(7, 2, 3))
    >>> output.shape, c_n.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]))
    """

    _torchs = nn.LSTM
    __call__: WithStates
    # What torch's forward pass calls on itself when it runs in our place.
    check_forward_args = nn.LSTM.check_forward_args  # type: ignore[assignment]
    get_expected_cell_size = nn.LSTM.get_expected_cell_size
    permute_hidden = nn.LSTM.permute_hidden  # type: ignore[assignment]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        forget_bias: float | None = None,
        chrono: float | None = None,
        layer_norm: bool = False,
        peepholes: bool = False,
        coupled: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers,
            bias, batch_first, dropout, bidirectional, proj_size, device, dtype,
        )  # fmt: skip
        self._set_layer_norm(layer_norm)
        self._set_variant(peepholes, coupled)
        self._set_options(options)
        if forget_bias is not None or chrono is not None:
            self._set_biases(forget_bias, chrono)

    @torch.no_grad()
    def _set_biases(self, forget_bias: float | None, chrono: float | None) -> None:
        if not self.bias:
            raise ValueError("forget_bias and chrono need bias=True; the layer has no biases")
        if forget_bias is not None and chrono is not None:
            raise ValueError("forget_bias and chrono exclude each other; give one of them")
        if chrono is not None and not chrono > 2:
            raise ValueError(f"chrono must be a number of steps above 2, got {chrono!r}")
        if self.equations is not None and not (self.peepholes or self.coupled):
            raise ValueError("forget_bias and chrono must be None with equations of your own")
        hidden = self.hidden_size
        for name, bias in self.named_parameters():
            if not name.startswith(("bias_ih", "bias_hh")):
                continue
            # Coupled, f comes first, and there is no input gate.
            i, f = (None, bias) if self.coupled else (bias[:hidden], bias[hidden:])
            f = f[:hidden]
            if name.startswith("bias_hh"):
                f.zero_()
            elif forget_bias is not None:
                f.fill_(forget_bias)
            else:
                f.uniform_(1, chrono - 1).log_()  # type: ignore[operator]
            if chrono is not None and i is not None:
                i.copy_(-f)


_PLAIN = frozenset({Tensor, nn.Parameter})
_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a cell


class _Cell(Torchlike, nn.RNNCellBase):
    """One step: the layer's kernel with T = 1."""

    _cell: cells.Cell
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
        first, kind = self.weight_ih, LAYERS[self._cell.name]
        if len(self._cell.modes) > 1:
            options["nonlinearity"] = cells.nonlinearity(self._mode())
        sizes = (self.input_size, self.hidden_size)
        whole = kind(*sizes, bias=self.bias, device="meta", dtype=first.dtype, **options)
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
            return _as_torch(super().forward, input, hx)
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


class RNNCell(_Cell, nn.RNNCell):
    """One step of :class:`RNN`; see :class:`torch.nn.RNNCell`; ``zoneout`` as of the layer.

    >>> import torch, carrousel
    >>> cell = carrousel.RNNCell(3, 4)
    >>> h = cell(torch.randn(2, 3))  # two sequences, from states of zeros
    >>> h.shape
    torch.Size([2, 4])
    """

    __call__: Step
    _cell = cells.RNN

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        zoneout: float = 0.0,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, nonlinearity, device, dtype)
        if zoneout:
            self._set_options(zoneout=zoneout)

    def _mode(self) -> str:
        return _RNN_MODES[self.nonlinearity]


class LSTMCell(_Cell, nn.LSTMCell):
    """One step of :class:`LSTM`; see :class:`torch.nn.LSTMCell`.

    ``layer_norm``, ``peepholes``, ``coupled`` and ``zoneout`` are the layer's, their parameters
    its own without "_l0" behind the names.

    >>> import torch, carrousel
    >>> cell = carrousel.LSTMCell(3, 4)
    >>> h, c = cell(torch.randn(2, 3))  # two sequences, from states of zeros
    >>> h.shape
    torch.Size([2, 4])
    """

    __call__: StepOfTwo
    _cell = cells.LSTM

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        layer_norm: bool = False,
        peepholes: bool = False,
        coupled: bool = False,
        zoneout: float | tuple[float, float] = 0.0,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        if layer_norm or peepholes or coupled or zoneout:
            self._set_options(
                layer_norm=layer_norm, peepholes=peepholes, coupled=coupled, zoneout=zoneout
            )


class GRUCell(_Cell, nn.GRUCell):
    """One step of :class:`GRU`; see :class:`torch.nn.GRUCell`; ``layer_norm`` and ``zoneout`` are
    the layer's.

    >>> import torch, carrousel
    >>> cell = carrousel.GRUCell(3, 4)
    >>> h = cell(torch.randn(2, 3))  # two sequences, from states of zeros
    >>> h.shape
    torch.Size([2, 4])
    """

    __call__: Step
    _cell = cells.GRU

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        layer_norm: bool = False,
        zoneout: float = 0.0,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        if layer_norm or zoneout:
            self._set_options(layer_norm=layer_norm, zoneout=zoneout)


LAYERS = {cells.LSTM.name: LSTM, cells.GRU.name: GRU, cells.RNN.name: RNN}  # by their names


class AdoptedRNN(RNN, nn.RNN):
    """A ``torch.nn.RNN`` that :func:`carrousel.adopt` has given our forward pass."""

    __init__ = nn.RNN.__init__  # for whoever makes another one from the layer's class


class AdoptedGRU(GRU, nn.GRU):
    """A ``torch.nn.GRU`` that :func:`carrousel.adopt` has given our forward pass."""

    __init__ = nn.GRU.__init__  # for whoever makes another one from the layer's class


class AdoptedLSTM(LSTM, nn.LSTM):
    """A ``torch.nn.LSTM`` that :func:`carrousel.adopt` has given our forward pass."""

    __init__ = nn.LSTM.__init__  # for whoever makes another one from the layer's class
