"""One recurrent layer, as :mod:`carrousel.nn` calls it: the door that picks who computes it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from . import gate, kernels, projected, reference, torch_operator  # noqa: F401  (operator: carrousel::layer)
from .autograd import Layer, OpenLayer, batch_sizes, record_runs
from .cells import BY_MODE, NUMBER
from .inside import Inside, from_record
from .noise import Noise
from .reference.equations import Written
from .tape import tape, taped


def run(
    mode: str,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
    way: str,
    w_hr: list[Tensor] | None = None,
    insides: list[Inside] | None = None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """One layer, one direction or both; shapes as in :func:`carrousel.ops.cpu.forward`.

    mode: RNN_TANH, RNN_RELU, LSTM or GRU; way: what :func:`carrousel.ops.gate.way` says of the
    tensors, but for TORCH -> y, h_n, c_n (None but for the LSTM)

    w_hr: the LSTM's projections; with ``insides`` and on a tape only the equations know them.
    insides: receives gates and states of each direction, through which gradients flow: the kernels'
    own record is what is handed out.
    The kernels run inside an ``autograd.Function`` where a gradient is wanted, without it straight.
    """
    if way is gate.EQUATIONS:
        given = [h0] if c0 is None else [h0, c0]
        y, states = by_equations(mode, x, offsets, given, weights, w_hr, insides)
        return y, *as_two(states)
    if w_hr is not None:
        x, start, plain = projected.as_plain(x, offsets, h0, weights, w_hr, way)
        y, h_n, c_n = run(mode, x, offsets, start, c0, plain, way)
        return *projected.as_projected(y, h_n, w_hr), c_n
    if insides is not None:
        return _opened(mode, x, offsets, h0, c0, weights, way, insides)
    number = NUMBER[mode]
    grad = torch.is_grad_enabled() and (
        x.requires_grad
        or h0.requires_grad
        or (c0 is not None and c0.requires_grad)
        or any([w.requires_grad for w in weights])
    )
    if way is gate.OPERATOR:
        out = torch.ops.carrousel.layer(number, x, offsets, h0, c0, weights, grad)
        return out[0], out[1], out[2] if c0 is not None else None
    if grad:
        return Layer.apply(number, x, offsets, h0, c0, *weights)
    watched = tape() is not None
    out = kernels.of(x).forward(number, x, offsets, h0, c0, weights, watched)
    if watched:
        record_runs(number, x, offsets, h0, c0, out)
    return out[:3]


def as_two(states: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """The hidden state, and the cell state of what has one."""
    return states[0], states[1] if len(states) > 1 else None


def by_equations(
    mode: str,
    x: Tensor,
    offsets: Tensor | None,
    start: Sequence[Tensor],
    weights: list[Tensor],
    w_hr: list[Tensor] | None = None,
    insides: list[Inside] | None = None,
    noise: Sequence[Noise] | None = None,
    equations: Written | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """The same in torch, from any number of states (D, B, H): -> y, and the states after it.

    noise: what is between the steps of each direction; equations: somebody's own.
    """
    given = (mode, x, batch_sizes(x, offsets), start, weights, w_hr, insides, noise, equations)
    if torch.compiler.is_compiling():  # where there is no tape, nor a context variable
        return reference.level(*given)
    # What a transform hands around is nothing that a tape could keep.
    with taped(None if gate.in_transform() else tape()):
        return reference.level(*given)


def _opened(
    mode: str,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
    way: str,
    insides: list[Inside],
) -> tuple[Tensor, Tensor, Tensor | None]:
    """With a record that is handed out, whether or not a gradient is wanted."""
    number = NUMBER[mode]
    if way is gate.OPERATOR:
        out = torch.ops.carrousel.layer(number, x, offsets, h0, c0, weights, True)
    else:
        out = OpenLayer.apply(number, x, offsets, h0, c0, *weights)
    y, h_n, c_n, saved, cells = out
    insides += from_record(BY_MODE[mode], y, saved, cells, len(h0))
    return y, h_n, c_n if c0 is not None else None
