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

from typing import TYPE_CHECKING, Literal, Protocol, overload

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .cell_forward import OneStepCell
from .layer_forward import Recurrent
from .newer_layers import SLSTM, MinGRU, MinLSTM, Stack
from .ops import cells
from .ops.reference.equations import Equations
from .states import States
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


_RNN_MODES = {cells.nonlinearity(mode): mode for mode in cells.RNN.modes}


class RNN(Recurrent):
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


class GRU(Recurrent):
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


class LSTM(Recurrent):
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


class RNNCell(OneStepCell, nn.RNNCell):
    """One step of :class:`RNN`; see :class:`torch.nn.RNNCell`; ``zoneout`` as of the layer.

    >>> import torch, carrousel
    >>> cell = carrousel.RNNCell(3, 4)
    >>> h = cell(torch.randn(2, 3))  # two sequences, from states of zeros
    >>> h.shape
    torch.Size([2, 4])
    """

    __call__: Step
    _cell, _kind = cells.RNN, RNN

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


class LSTMCell(OneStepCell, nn.LSTMCell):
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
    _cell, _kind = cells.LSTM, LSTM

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


class GRUCell(OneStepCell, nn.GRUCell):
    """One step of :class:`GRU`; see :class:`torch.nn.GRUCell`; ``layer_norm`` and ``zoneout`` are
    the layer's.

    >>> import torch, carrousel
    >>> cell = carrousel.GRUCell(3, 4)
    >>> h = cell(torch.randn(2, 3))  # two sequences, from states of zeros
    >>> h.shape
    torch.Size([2, 4])
    """

    __call__: Step
    _cell, _kind = cells.GRU, GRU

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
