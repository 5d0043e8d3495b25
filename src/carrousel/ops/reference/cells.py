"""The specification: each cell as its equations, in plain torch.

Any dtype, any device, differentiable as often as one likes. Everything fast is tested against this
module, and it serves where no kernel does: double backward, and traces of layers on other devices
or dtypes. Gate order and names are torch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from .. import cells
from ..constants import NORM_EPSILON
from ..inside import Inside
from ..noise import Noise
from ..tape import Run, tape

StepFunction = Callable[..., Any]  # of x, h, c and weights, to h, c or None, and gates
Hand = Callable[[str, Tensor], Tensor]  # takes a gate or state by its name, gives what it shall be


def untouched(_name: str, value: Tensor) -> Tensor:
    """The hand that changes nothing."""
    return value


def lstm_step(x, h, c, w_ih, w_hh, b_ih=None, b_hh=None, hand: Hand = untouched, read=None):
    """One step of the LSTM (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    x (B, I), h (B, H), c (B, H), w_ih (4H, I), w_hh (4H, H), biases (4H) or None
    -> h (B, H), c (B, H), gates: name -> (B, H)::

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)        input gate
        f = sigmoid(W_if x + b_if + W_hf h + b_hf)        forget gate
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)           candidate
        o = sigmoid(W_io x + b_io + W_ho h + b_ho)        output gate
        c' = f * c + i * g
        h' = o * tanh(c')

    ``hand`` may put another value in the place of each as it comes; ``read`` (B, H) are factors on
    h where W_hh reads it (recurrent dropout).
    """
    sums = _product(x, w_ih, b_ih) + _product(_as_read(h, read), w_hh, b_hh)
    i, f, g, o = sums.chunk(4, -1)  # (B, H) each
    i, f = hand("input", i.sigmoid()), hand("forget", f.sigmoid())
    g, o = hand("candidate", g.tanh()), hand("output", o.sigmoid())
    c = hand("cell", f * c + i * g)
    h = hand("hidden", o * c.tanh())
    return h, c, {"input": i, "forget": f, "candidate": g, "output": o}


def normalized_lstm_step(
    x, h, c, w_ih, w_hh, norm, b_ih=None, b_hh=None, hand: Hand = untouched, read=None
):
    """One step of the LSTM with layer normalization (Ba et al. 2016, equations 20 to 22).

    norm (10H): gains of W_ih x and W_hh h (4H each), gain and bias (H each) of the cell state; all
    else as in :func:`lstm_step`. With LN(v; a, b) = a * (v - mean(v)) / std(v) + b, over all four
    gates of a sequence::

        (i, f, g, o) = LN(W_ih x; a_ih, b_ih) + LN(W_hh h; a_hh, b_hh)
        i, f, o = sigmoid(i), sigmoid(f), sigmoid(o);  g = tanh(g)
        c' = f * c + i * g
        h' = o * tanh(LN(c'; a_c, b_c))

    The memory that is carried on is c', not its normalized form: it stays a sum of what was
    written.
    """
    hidden = c.size(-1)
    a_ih, a_hh, a_c, b_c = norm.split((4 * hidden, 4 * hidden, hidden, hidden))
    sums = _layer_norm(_product(x, w_ih), a_ih, b_ih)
    sums = sums + _layer_norm(_product(_as_read(h, read), w_hh), a_hh, b_hh)
    i, f, g, o = sums.chunk(4, -1)  # (B, H) each
    i, f = hand("input", i.sigmoid()), hand("forget", f.sigmoid())
    g, o = hand("candidate", g.tanh()), hand("output", o.sigmoid())
    c = hand("cell", f * c + i * g)
    h = hand("hidden", o * _layer_norm(c, a_c, b_c).tanh())
    return h, c, {"input": i, "forget": f, "candidate": g, "output": o}


def normalized_gru_step(
    x, h, w_ih, w_hh, norm, b_ih=None, b_hh=None, hand: Hand = untouched, read=None
):
    """One step of the GRU with layer normalization (Ba et al. 2016, supplement), r and z together
    and the candidate on its own.

    norm (6H): gains of W_ih x and W_hh h (3H each); all else as in :func:`gru_step`::

        (r, z) = LN(W_i x; a_i, b_i) + LN(W_h h; a_h, b_h);  r, z = sigmoid(r), sigmoid(z)
        n = tanh(LN(W_in x; a_in, b_in) + r * LN(W_hn h; a_hn, b_hn))
        h' = (1 - z) * n + z * h
    """
    both = (2 * h.size(-1), h.size(-1))

    def halves(sums, gain, bias):
        biases = (None, None) if bias is None else bias.split(both)
        parts = zip(sums.split(both, -1), gain.split(both), biases, strict=True)
        return [_layer_norm(*part) for part in parts]

    a_ih, a_hh = norm.chunk(2)
    x_rz, x_n = halves(_product(x, w_ih), a_ih, b_ih)
    h_rz, h_n = halves(_product(_as_read(h, read), w_hh), a_hh, b_hh)
    r, z = (x_rz + h_rz).chunk(2, -1)
    r, z = hand("reset", r.sigmoid()), hand("update", z.sigmoid())
    n = hand("candidate", (x_n + r * h_n).tanh())
    return hand("hidden", (1 - z) * n + z * h), {"reset": r, "update": z, "candidate": n}


def _product(x, weight, bias=None):
    return torch.nn.functional.linear(x, weight, bias)


def _as_read(h, factors):
    return h if factors is None else h * factors


def _layer_norm(sums, gain, bias):
    return torch.nn.functional.layer_norm(sums, gain.shape, gain, bias, NORM_EPSILON)


def gru_step(x, h, w_ih, w_hh, b_ih=None, b_hh=None, hand: Hand = untouched, read=None):
    """One step of the GRU (Cho et al. 2014), in torch's variant: r acts on W_hn h + b_hn.

    x (B, I), h (B, H), w_ih (3H, I), w_hh (3H, H), biases (3H) or None -> h (B, H), gates::

        r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)        reset gate
        z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)        update gate
        n = tanh(W_in x + b_in + r * (W_hn h + b_hn))     candidate
        h' = (1 - z) * n + z * h
    """
    x_r, x_z, x_n = _product(x, w_ih, b_ih).chunk(3, -1)  # (B, H) each
    h_r, h_z, h_n = _product(_as_read(h, read), w_hh, b_hh).chunk(3, -1)
    r, z = hand("reset", (x_r + h_r).sigmoid()), hand("update", (x_z + h_z).sigmoid())
    n = hand("candidate", (x_n + r * h_n).tanh())
    return hand("hidden", (1 - z) * n + z * h), {"reset": r, "update": z, "candidate": n}


def rnn_step(
    x, h, w_ih, w_hh, b_ih=None, b_hh=None, nonlinearity="tanh", hand: Hand = untouched, read=None
):
    """One step of the plain RNN (Elman 1990): h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    x (B, I), h (B, H), w_ih (H, I), w_hh (H, H), biases (H) or None -> h (B, H)
    """
    s = _product(x, w_ih, b_ih) + _product(_as_read(h, read), w_hh, b_hh)
    return hand("hidden", s.tanh() if nonlinearity == "tanh" else s.relu())


def step(mode: str, x, h, c, weights, hand: Hand = untouched, read=None):
    """One step of any cell; ``mode`` is torch's (RNN_TANH, RNN_RELU, LSTM or GRU), or that with
    layer normalization, whose weights end with ``norm``."""
    return _STEPS[cells.BY_MODE[mode]](mode, x, h, c, weights, {"hand": hand, "read": read})


def _lstm(mode, x, h, c, weights, how):
    if mode == cells.LSTM.normalized:
        return normalized_lstm_step(x, h, c, *_norm_third(weights), **how)
    return lstm_step(x, h, c, *weights, **how)


def _norm_third(weights):
    w_ih, w_hh, *biases, norm = weights
    return w_ih, w_hh, norm, *biases


def _gru(mode, x, h, _c, weights, how):
    if mode == cells.GRU.normalized:
        h, gates = normalized_gru_step(x, h, *_norm_third(weights), **how)
    else:
        h, gates = gru_step(x, h, *weights, **how)
    return h, None, gates


def _rnn(mode, x, h, _c, weights, how):
    h = rnn_step(x, h, *weights, nonlinearity=cells.nonlinearity(mode), **how)  # type: ignore[misc]
    return h, None, {}


_STEPS = {cells.LSTM: _lstm, cells.GRU: _gru, cells.RNN: _rnn}


def direction(
    mode,
    x,
    batch_sizes,
    h0,
    c0,
    weights,
    w_hr=None,
    reverse=False,
    hand: Hand = untouched,
    insides: list[Inside] | None = None,
    noise: Noise | None = None,
    equations: StepFunction | None = None,
):
    """All steps of one layer in one direction: the loop that the kernels replace.

    x (N, I) rows time-major, batch_sizes: rows of each step, h0 (B, H or P), c0 (B, H) or None
    -> y (N, H or P), h_n (B, H or P), c_n or None, and the :class:`Run` where a tape is on.
    To ``insides``, where given, gates and states are appended. ``noise``: recurrent dropout and
    zoneout, of which the memory's share is taped as what was kept and written. ``equations``: a
    step that somebody wrote, in the place of :func:`step`.
    """
    cell, firsts = cells.BY_MODE[mode], list(accumulate(batch_sizes, initial=0))
    steps = list(zip(x.split(batch_sizes), batch_sizes, strict=True))
    h, c = h0, c0
    outputs: list = [None] * len(steps)
    for t in reversed(range(len(steps))) if reverse else range(len(steps)):
        x_t, rows = steps[t]
        before = h[:rows], None if c is None else c[:rows]
        read = None if noise is None else noise.factors(rows)
        if equations is not None:
            h_t, c_t, gates = equations(x_t, *before, weights)
        else:
            h_t, c_t, gates = step(mode, x_t, *before, weights, hand, read)
        if w_hr is not None:  # LSTM with projection (Sak et al. 2014)
            h_t = h_t @ w_hr.T
        if noise is not None:
            h_t, c_t, gates = noise.zone(firsts[t], (h_t, c_t), before, cell, gates)
        outputs[t] = (h_t, c_t, gates)
        h = torch.cat([h_t, h[rows:]])  # rows past the end of their sequence keep their state
        c = None if c is None else torch.cat([c_t, c[rows:]])
    _tape(mode, reverse, batch_sizes, outputs, h0, c0)
    y = torch.cat([h_t for h_t, _, _ in outputs])
    if insides is not None:
        memory = None if c0 is None else torch.cat([c_t for _, c_t, _ in outputs])
        gates = {name: torch.cat([g[name] for _, _, g in outputs]) for name in cell.gates}
        insides.append(Inside(y, memory, gates))
    return y, h, c


def single(mode, x, h, c, weights, w_hr, hand: Hand, insides: list[Inside] | None):
    """One step of one direction, taped as by :func:`direction`: x (B, I) -> h (B, P), c (B, H)."""
    h_t, c_t, gates = step(mode, x, h, c, weights, hand)
    h_t = h_t if w_hr is None else h_t @ w_hr.T
    _tape(mode, False, [len(x)], [(h_t, c_t, gates)], h, c)
    if insides is not None:
        insides.append(Inside(h_t, c_t, gates))
    return h_t, c_t


def _tape(mode, reverse, batch_sizes, outputs, h0, c0):
    so_far = tape()
    if so_far is None:
        return
    hidden, memory, gates = zip(*outputs, strict=True)
    run = Run(
        kind=cells.BY_MODE[mode].name,
        reverse=reverse,
        batch_sizes=torch.tensor(batch_sizes),
        hidden=_rows(hidden),
        cell=_rows(memory) if c0 is not None else None,
        gates={name: _rows([g[name] for g in gates]) for name in gates[0]},
        h0=h0.detach().clone(),
        c0=None if c0 is None else c0.detach().clone(),
    )
    so_far.append(run)
    if hidden[0].requires_grad:
        collect(run, "grad_hidden", hidden)
    if c0 is not None and memory[0].requires_grad:  # not where a hand has set all of it
        collect(run, "grad_cell", memory)


def _rows(steps) -> Tensor:
    return (steps[0] if len(steps) == 1 else torch.cat(steps)).detach()


def collect(run: Run, name: str, states: tuple[Tensor, ...]) -> None:
    """Let backward write the total gradient of each step's state to the run, when it passes."""
    rows = [len(state) for state in states]

    def fill(step: int, gradient: Tensor) -> None:
        total = getattr(run, name)
        if total is None:
            total = gradient.new_zeros(sum(rows), gradient.size(-1))
            setattr(run, name, total)
        start = sum(rows[:step])
        total[start : start + rows[step]] = gradient.detach()

    for step, state in enumerate(states):
        if state.requires_grad:
            state.register_hook(partial(fill, step))


def layer(
    mode,
    x,
    batch_sizes,
    h0,
    c0,
    weights,
    w_hr=None,
    insides: list[Inside] | None = None,
    noise: Sequence[Noise] | None = None,
    equations: StepFunction | None = None,
):
    """One layer, one direction or both: h0, c0 (D, B, H), weights: 2 or 4 tensors per direction.

    x (T, B, I) or rows (N, I) -> y (T, B, D*H) or (N, D*H), h_n, c_n (D, B, H), or c_n None
    """
    per = len(weights) // h0.shape[0]
    rows = x.reshape(-1, x.size(-1))  # (N, I)
    parts = []
    for d in range(h0.shape[0]):
        own = weights[d * per : (d + 1) * per]
        cell = None if c0 is None else c0[d]
        projection = None if w_hr is None else w_hr[d]
        one = None if noise is None else noise[d]
        way = (projection, d == 1, untouched, insides, one, equations)
        parts.append(direction(mode, rows, batch_sizes, h0[d], cell, own, *way))
    y, h_n, c_n = zip(*parts, strict=True)
    whole = torch.cat(y, -1)
    whole = whole.view(*x.shape[:-1], whole.size(-1))
    return whole, torch.stack(h_n), None if c0 is None else torch.stack(c_n)
