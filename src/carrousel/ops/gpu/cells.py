"""One step of each cell on a tile of rows and units, and back; csrc/README.md derives it.

A tile is (rows, units) in float32, units padded to a power of two with zeros. Names as in the
papers: x0..x3 are the gates' blocks of W_ih x, a0..a3 those of W_hh h, s0..s3 what is saved. A cell
with fewer gates is given its first block again in the place of those it lacks, and reads none of
them. Only what Triton itself calls a builtin is used, but for sums: kernels of one process may be
compiled and interpreted.
"""

import triton
import triton.language as tl

from ..constants import NORM_EPSILON

RNN_TANH = tl.constexpr(0)  # as in ops/cells.py; with layer normalization a flag beside it
RNN_RELU = tl.constexpr(1)
LSTM = tl.constexpr(2)
GRU = tl.constexpr(3)
EPSILON = tl.constexpr(NORM_EPSILON)


@triton.jit
def sigmoid(x):
    small = tl.exp(-tl.abs(x))  # never overflows
    return tl.where(x >= 0, 1.0, small) / (1.0 + small)


@triton.jit
def tanh(x):
    small = tl.exp(-2.0 * tl.abs(x))
    far = (1.0 - small) / (1.0 + small)
    far = tl.where(x >= 0, far, -far)
    # Near 0 the difference cancels, and the series is exact: the next term is below 2e-9 of it.
    square = x * x
    near = x * (1 - square * (1 / 3 - square * (2 / 15 - square * (17 / 315))))
    return tl.where(tl.abs(x) < 0.125, near, far)


@triton.jit
def block(base, rows, width, units, place, live):
    """(rows, units) of what lies ``place`` numbers into rows that are ``width`` numbers wide."""
    at = base + rows[:, None] * width + place + units[None, :]
    return tl.load(at, mask=live, other=0.0).to(tl.float32)


@triton.jit
def put(base, rows, width, units, place, live, values):
    tl.store(base + rows[:, None] * width + place + units[None, :], values, mask=live)


@triton.jit
def vector(base, place, units, hidden):
    return tl.load(base + place + units, mask=units < hidden, other=0.0).to(tl.float32)[None, :]


@triton.jit
def earlier(record, width, initial, first, size, lanes, units, hidden, live):
    """A state before a step: of the ``size`` rows that ran one from the record, else as given."""
    has = live & (lanes < size)[:, None]
    ran = block(record, first + lanes, width, units, 0, has)
    return ran + block(initial, lanes, hidden, units, 0, live & (lanes >= size)[:, None])


@triton.jit
def _total(v):
    return tl.sum(v, 1)[:, None]


@triton.jit
def _hat(v, valid, hidden):
    """Rows off their mean, over their standard deviation, and 1 over that."""
    off = tl.where(valid, v - _total(v) / hidden, 0.0)
    rho = tl.rsqrt(_total(off * off) / hidden + EPSILON)
    return off * rho, rho


@triton.jit
def _hats(v0, v1, v2, v3, valid, hidden, CELL: tl.constexpr):
    """The same of sums whose gates are normalized together, but for the GRU's candidate."""
    if CELL == GRU:
        k2, rho_2 = _hat(v2, valid, hidden)
        mean, n = (_total(v0) + _total(v1)) / (2 * hidden), 2 * hidden
    else:
        mean, n = (_total(v0) + _total(v1) + _total(v2) + _total(v3)) / (4 * hidden), 4 * hidden
        k2 = tl.where(valid, v2 - mean, 0.0)
    k0 = tl.where(valid, v0 - mean, 0.0)
    k1 = tl.where(valid, v1 - mean, 0.0)
    k3 = tl.where(valid, v3 - mean, 0.0)
    if CELL == GRU:
        rho = tl.rsqrt((_total(k0 * k0) + _total(k1 * k1)) / n + EPSILON)
    else:
        squares = _total(k0 * k0) + _total(k1 * k1) + _total(k2 * k2) + _total(k3 * k3)
        rho = tl.rsqrt(squares / n + EPSILON)
        k2, rho_2 = k2 * rho, rho
    return k0 * rho, k1 * rho, k2, k3 * rho, rho, rho_2


@triton.jit
def _normalized(v0, v1, v2, v3, norm, place, units, hidden, CELL: tl.constexpr, G: tl.constexpr):
    """Gain times that, plus bias: both lie in ``norm`` from ``place``, G * hidden each."""
    valid, width = (units < hidden)[None, :], G * hidden
    k0, k1, k2, k3, _, _ = _hats(v0, v1, v2, v3, valid, hidden, CELL)
    v0 = _affine(k0, norm, place, width, units, hidden)
    v1 = _affine(k1, norm, place + hidden, width, units, hidden)
    v2 = _affine(k2, norm, place + 2 * hidden, width, units, hidden)
    v3 = _affine(k3, norm, place + 3 * hidden, width, units, hidden) if G > 3 else v2
    return v0, v1, v2, v3


@triton.jit
def _affine(k, norm, place, width, units, hidden):
    return k * vector(norm, place, units, hidden) + vector(norm, place + width, units, hidden)


@triton.jit
def advance(
    x0, x1, x2, x3, a0, a1, a2, a3, h, c, norm, units, hidden,
    CELL: tl.constexpr, G: tl.constexpr, NORM: tl.constexpr,
):  # fmt: skip
    """One step -> h, c (anything but for the LSTM), s0, s1, s2, s3.

    norm: the bias of W_hh h (G*H); with NORM gain and bias of W_ih x, of W_hh h (G*H each) and of
    the cell state (H each).
    """
    if NORM:
        x0, x1, x2, x3 = _normalized(x0, x1, x2, x3, norm, 0, units, hidden, CELL, G)
        at = 2 * G * hidden
        a0, a1, a2, a3 = _normalized(a0, a1, a2, a3, norm, at, units, hidden, CELL, G)
    else:
        a0 += vector(norm, 0, units, hidden)
        a1 = a1 + vector(norm, hidden, units, hidden) if G > 1 else a0
        a2 = a2 + vector(norm, 2 * hidden, units, hidden) if G > 2 else a0
        a3 = a3 + vector(norm, 3 * hidden, units, hidden) if G > 3 else a0
    s3 = a2
    if CELL == LSTM:
        s0, s1, s2, s3 = sigmoid(x0 + a0), sigmoid(x1 + a1), tanh(x2 + a2), sigmoid(x3 + a3)
        c = s1 * c + s0 * s2
        shown = c
        if NORM:
            k, _ = _hat(c, (units < hidden)[None, :], hidden)
            shown = _affine(k, norm, 4 * G * hidden, hidden, units, hidden)
        h = s3 * tanh(shown)
    elif CELL == GRU:
        s0, s1 = sigmoid(x0 + a0), sigmoid(x1 + a1)
        s2 = tanh(x2 + s0 * a2)
        h = s2 + s1 * (h - s2)
    else:
        h = x0 + a0
        h = tanh(h) if CELL == RNN_TANH else tl.where(h < 0, 0.0, h)  # NaN stays NaN
        s0, s1, s2 = h, h, h
    return h, c, s0, s1, s2, s3


@triton.jit
def _shown_back(c, dh, s3, norm, units, hidden, G: tl.constexpr, NORM: tl.constexpr):
    """tanh of what the LSTM shows of its cell state, and what the cell state owes to dh."""
    if NORM:
        valid, place = (units < hidden)[None, :], 4 * G * hidden
        k, rho = _hat(c, valid, hidden)
        shown = tanh(_affine(k, norm, place, hidden, units, hidden))
        e = dh * s3 * (1 - shown * shown) * vector(norm, place, units, hidden)
        owed = tl.where(valid, rho * (e - _total(e) / hidden - k * (_total(e * k) / hidden)), 0.0)
    else:
        shown = tanh(c)
        owed = dh * s3 * (1 - shown * shown)
    return shown, owed


@triton.jit
def retreat(
    s0, s1, s2, s3, h, h_before, c, c_before, dh, dc, e0, e1, e2, e3, norm, units, hidden,
    CELL: tl.constexpr, G: tl.constexpr, NORM: tl.constexpr,
):  # fmt: skip
    """One step back, from dh and dc, the total derivatives by h and, but for its own share, c.

    e0..e3: derivatives by the saved values themselves -> d0..d3 by the pre-activations, b2, that of
    the GRU's W_hn h + b_hn (others: d2), the total dc, what goes to the h before without a weight,
    and what goes to the c before.
    """
    straight = tl.full(dh.shape, 0.0, tl.float32)
    if CELL == LSTM:
        shown, owed = _shown_back(c, dh, s3, norm, units, hidden, G, NORM)
        dc += owed
        d0 = (dc * s2 + e0) * s0 * (1 - s0)
        d1 = (dc * c_before + e1) * s1 * (1 - s1)
        d2 = (dc * s0 + e2) * (1 - s2 * s2)
        d3 = (dh * shown + e3) * s3 * (1 - s3)
        b2 = d2
        passed = dc * s1
    elif CELL == GRU:
        d2 = (dh * (1 - s1) + e2) * (1 - s2 * s2)
        d0 = (d2 * s3 + e0) * s0 * (1 - s0)
        d1 = (dh * (h_before - s2) + e1) * s1 * (1 - s1)
        d3, b2, passed = d2, d2 * s0, dc
        straight = dh * s1
    else:
        d0 = dh * (1 - h * h) if CELL == RNN_TANH else tl.where(h > 0, dh, 0.0)
        d1, d2, d3, b2, passed = d0, d0, d0, d0, dc
    return d0, d1, d2, d3, b2, dc, straight, passed


@triton.jit
def through_norm(
    d0, d1, d2, d3, v0, v1, v2, v3, norm, place, units, hidden,
    CELL: tl.constexpr, G: tl.constexpr,
):  # fmt: skip
    """From derivatives by normalized sums to those by the sums v as they came."""
    k0, k1, k2, k3, rho, rho_2 = _hats(v0, v1, v2, v3, (units < hidden)[None, :], hidden, CELL)
    e0 = d0 * vector(norm, place, units, hidden)
    e1 = d1 * vector(norm, place + hidden, units, hidden)
    e2 = d2 * vector(norm, place + 2 * hidden, units, hidden)
    if CELL == GRU:
        n, e3 = 2 * hidden, e2
        mean, along = (_total(e0) + _total(e1)) / n, (_total(e0 * k0) + _total(e1 * k1)) / n
        mean_2, along_2 = _total(e2) / hidden, _total(e2 * k2) / hidden
    else:
        n, e3 = 4 * hidden, d3 * vector(norm, place + 3 * hidden, units, hidden)
        mean = (_total(e0) + _total(e1) + _total(e2) + _total(e3)) / n
        along = _total(e0 * k0) + _total(e1 * k1) + _total(e2 * k2) + _total(e3 * k3)
        along = along / n
        mean_2, along_2 = mean, along
    e0 = rho * (e0 - mean - k0 * along)
    e1 = rho * (e1 - mean - k1 * along)
    e2 = rho_2 * (e2 - mean_2 - k2 * along_2)
    return e0, e1, e2, rho * (e3 - mean - k3 * along)
