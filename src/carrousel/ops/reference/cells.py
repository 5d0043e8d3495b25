"""The specification: each cell as its equations, in plain torch.

Any dtype, any device, differentiable as often as one likes. Everything fast is tested against this
module, and it serves where no kernel does: double backward, and traces of layers on other devices
or dtypes. Gate order and names are torch's.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .. import cells
from ..constants import NORM_EPSILON

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
