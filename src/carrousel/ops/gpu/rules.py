"""One step of the cells that torch lacks on a tile of rows and units, and back; all steps of them.

The rules of ops/rules.py, as csrc/rules.inl.h has them, and names as in ``cells``: x0..x3 are what
the inputs bring to the sums, a0..a3 what the hidden state does, s0..s4 what is saved. A program
owns a tile of sequences and one head (of a cell without a product: some units), so that no program
ever waits for another.
"""

import triton
import triton.language as tl

from .cells import block, put, sigmoid, tanh
from .fused import _weights, _weights_back

MIN_GRU = tl.constexpr(0)  # as in ops/rules.py; one more: with positive candidates, or with an
MIN_LSTM = tl.constexpr(2)  # exponential forget gate
SLSTM = tl.constexpr(4)
NO_PRODUCT, RESIDENT, GIVEN = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)


@triton.jit
def _candidate(x, POSITIVE: tl.constexpr):
    return tl.where(x >= 0, x + 0.5, sigmoid(x)) if POSITIVE else x


@triton.jit
def _slope(n, POSITIVE: tl.constexpr):
    """Of the candidate, by its value: below a half it was a sigmoid."""
    return tl.where(n < 0.5, n * (1 - n), 1.0) if POSITIVE else tl.full(n.shape, 1.0, tl.float32)


@triton.jit
def advance(x0, x1, x2, x3, a0, a1, a2, a3, h, c, n, m, RULE: tl.constexpr):
    """One step -> the states h, c, n, m (those that there are) and s0..s4."""
    s0, s1, s2, s3, s4 = x0, x0, x0, x0, x0
    if RULE < MIN_LSTM:
        s0, s1 = sigmoid(x0), _candidate(x1, RULE > MIN_GRU)
        h = s1 + s0 * (h - s1)
    elif RULE < SLSTM:
        # f / (f + i) = (1 + e^-i) / (2 + e^-i + e^-f), every term times e^least: none overflows.
        least = tl.minimum(tl.minimum(x0, x1), 0.0)
        by_f, by_i = tl.exp(least) + tl.exp(least - x0), tl.exp(least) + tl.exp(least - x1)
        s0, s1 = by_i / (by_i + by_f), _candidate(x2, RULE > MIN_LSTM)
        s2, s3 = sigmoid(-x0), sigmoid(-x1)
        h = s1 + s0 * (h - s1)
    else:
        i, f = x0 + a0, x1 + a1
        s2, s3 = tanh(x2 + a2), sigmoid(x3 + a3)
        log_f, s4 = f, tl.full(f.shape, 1.0, tl.float32)
        if RULE == SLSTM:
            # What 1 + e^-|f| loses of e^-|f| is below the last digit of what it is added to.
            log_f = tl.minimum(f, 0.0) - tl.log(1.0 + tl.exp(-tl.abs(f)))
            s4 = sigmoid(-f)
        kept = tl.where(n == 0, float("-inf"), log_f + m)
        m = tl.where(i < kept, kept, i)
        s0, s1 = tl.exp(i - m), tl.exp(kept - m)
        c = s1 * c + s0 * s2
        n = s1 * n + s0
        h = s3 * (c / n)
    return h, c, n, m, s0, s1, s2, s3, s4


@triton.jit
def retreat(
    s0, s1, s2, s3, s4, h_before, c_before, n_before, c, n, dh, dc, dn, dm, RULE: tl.constexpr
):
    """One step back, from derivatives by the states after it -> d0..d3 by the sums, the total dc,
    and derivatives by the states before, but for what goes to h by its product."""
    d2, d3 = dh, dh
    if RULE < MIN_LSTM:
        d0 = dh * (h_before - s1) * s0 * (1 - s0)
        d1 = dh * (1 - s0) * _slope(s1, RULE > MIN_GRU)
        dh = dh * s0
    elif RULE < SLSTM:
        by_keep = dh * (h_before - s1) * s0 * (1 - s0)
        d0, d1 = by_keep * s2, -by_keep * s3
        d2 = dh * (1 - s0) * _slope(s1, RULE > MIN_LSTM)
        dh = dh * s0
    else:
        shown = c / n
        q = dh * s3 / n
        dc += q
        dn -= q * shown
        by_i, by_a = (dc * s2 + dn) * s0, (dc * c_before + dn * n_before) * s1
        # m is the larger of i and a = log f + m, and its own gradient goes there.
        of_a = s0 < 1
        d0 = tl.where(of_a, by_i, dm - by_a)
        dm = tl.where(of_a, dm - by_i, by_a)
        d1 = dm * s4
        d2 = dc * s0 * (1 - s2 * s2)
        d3 = dh * shown * s3 * (1 - s3)
        dh = tl.full(dh.shape, 0.0, tl.float32)
    passed = dc * s1
    return d0, d1, d2, d3, dc, dh, passed, dn * s1, dm


@triton.jit(do_not_specialize=["batch", "since", "until"])
def forward(
    x, w, products, h0, c0, n0, m0, y, saved, cs, ns, ms, offsets, steps_of, batch, since, until,
    hidden: tl.constexpr, size: tl.constexpr, RULE: tl.constexpr, G: tl.constexpr, K: tl.constexpr,
    HOW: tl.constexpr, RECORD: tl.constexpr, REVERSE: tl.constexpr, PRECISION: tl.constexpr,
    ROWS: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """The steps since .. until, in the order of processing. x (N, G*H); h0 .. m0 (B, H) float32:
    the states, moved on in place; products (B, G*H): R h, where they are GIVEN for the one step."""
    tile, head = tl.program_id(0), tl.program_id(1)
    lanes = tile * ROWS + tl.arange(0, ROWS).to(tl.int64)
    units, inner, at = tl.arange(0, UNITS), tl.arange(0, UNITS), head * size
    own = ((units < size) & (at + units < hidden))[None, :]
    there = (lanes < batch)[:, None] & own
    h = block(h0, lanes, hidden, units, at, there)
    c, n, m = h, h, h
    if RULE >= SLSTM:
        c = block(c0, lanes, hidden, units, at, there)
        n = block(n0, lanes, hidden, units, at, there)
        m = block(m0, lanes, hidden, units, at, there)
    if HOW == RESIDENT:
        place = head * G * size
        w0 = _weights(w, place, units, inner, size)
        w1 = _weights(w, place + size, units, inner, size)
        w2 = _weights(w, place + 2 * size, units, inner, size)
        w3 = _weights(w, place + 3 * size, units, inner, size)
    steps = tl.load(steps_of + tile)
    for step in range(since, tl.minimum(steps, until)):
        t = steps - 1 - step if REVERSE else step
        first = tl.load(offsets + t)
        live = there & (first + lanes < tl.load(offsets + t + 1))[:, None]
        rows = first + lanes
        x0 = block(x, rows, G * hidden, units, at, live)
        x1 = block(x, rows, G * hidden, units, hidden + at, live)
        x2 = block(x, rows, G * hidden, units, 2 * hidden + at, live) if G > 2 else x0
        x3 = block(x, rows, G * hidden, units, 3 * hidden + at, live) if G > 3 else x0
        a0, a1, a2, a3 = x0, x0, x0, x0
        if HOW == RESIDENT:
            read = h.to(w0.dtype)
            a0 = tl.dot(read, w0, input_precision=PRECISION)
            a1 = tl.dot(read, w1, input_precision=PRECISION)
            a2 = tl.dot(read, w2, input_precision=PRECISION)
            a3 = tl.dot(read, w3, input_precision=PRECISION)
        if HOW == GIVEN:
            a0 = block(products, lanes, G * hidden, units, at, live)
            a1 = block(products, lanes, G * hidden, units, hidden + at, live)
            a2 = block(products, lanes, G * hidden, units, 2 * hidden + at, live)
            a3 = block(products, lanes, G * hidden, units, 3 * hidden + at, live)
        h_t, c_t, n_t, m_t, s0, s1, s2, s3, s4 = advance(
            x0, x1, x2, x3, a0, a1, a2, a3, h, c, n, m, RULE
        )
        put(y, rows, hidden, units, at, live, h_t)
        if RECORD:
            put(saved, rows, K * hidden, units, at, live, s0)
            put(saved, rows, K * hidden, units, hidden + at, live, s1)
            if K > 2:
                put(saved, rows, K * hidden, units, 2 * hidden + at, live, s2)
                put(saved, rows, K * hidden, units, 3 * hidden + at, live, s3)
            if RULE >= SLSTM:
                put(saved, rows, K * hidden, units, 4 * hidden + at, live, s4)
                put(cs, rows, hidden, units, at, live, c_t)
                put(ns, rows, hidden, units, at, live, n_t)
                put(ms, rows, hidden, units, at, live, m_t)
        h, c = tl.where(live, h_t, h), tl.where(live, c_t, c)
        n, m = tl.where(live, n_t, n), tl.where(live, m_t, m)
    put(h0, lanes, hidden, units, at, there, h)
    if RULE >= SLSTM:
        put(c0, lanes, hidden, units, at, there, c)
        put(n0, lanes, hidden, units, at, there, n)
        put(m0, lanes, hidden, units, at, there, m)


@triton.jit
def _before(
    record, initial, t, last, lanes, units, at, offsets, live, hidden, REVERSE: tl.constexpr
):
    """A state before step t: of rows that ran the step before as recorded, else as given."""
    earlier = tl.minimum(t + 1, last) if REVERSE else tl.maximum(t - 1, 0)
    first = tl.load(offsets + earlier)
    size = tl.load(offsets + earlier + 1) - first
    size = tl.where(earlier == t, 0, size)  # the first of all: there is none
    has = live & (lanes < size)[:, None]
    ran = block(record, first + lanes, hidden, units, at, has)
    return ran + block(initial, lanes, hidden, units, at, live & (lanes >= size)[:, None])


@triton.jit(do_not_specialize=["batch", "last", "since", "until"])
def backward(
    w, products, y, saved, cs, ns, h0, c0, n0, dy, d, total_h, total_c, dh0, dc0, dn0, dm0,
    offsets, steps_of, batch, last, since, until,
    hidden: tl.constexpr, size: tl.constexpr, RULE: tl.constexpr, G: tl.constexpr, K: tl.constexpr,
    HOW: tl.constexpr, TOTALS: tl.constexpr, REVERSE: tl.constexpr, PRECISION: tl.constexpr,
    ROWS: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """The steps since .. until from the last one back. dh0 .. dm0 (B, H) float32: derivatives by
    the states, moved on in place; products (B, H): R^T d of the step after, if GIVEN."""
    tile, head = tl.program_id(0), tl.program_id(1)
    lanes = tile * ROWS + tl.arange(0, ROWS).to(tl.int64)
    units, inner, at = tl.arange(0, UNITS), tl.arange(0, UNITS), head * size
    own = ((units < size) & (at + units < hidden))[None, :]
    there = (lanes < batch)[:, None] & own
    dh = block(dh0, lanes, hidden, units, at, there)
    dc, dn, dm = dh, dh, dh
    if RULE >= SLSTM:
        dc = block(dc0, lanes, hidden, units, at, there)
        dn = block(dn0, lanes, hidden, units, at, there)
        dm = block(dm0, lanes, hidden, units, at, there)
    if HOW == RESIDENT:
        place = head * G * size
        w0 = _weights_back(w, place, units, inner, size)
        w1 = _weights_back(w, place + size, units, inner, size)
        w2 = _weights_back(w, place + 2 * size, units, inner, size)
        w3 = _weights_back(w, place + 3 * size, units, inner, size)
    # All tiles count from the same end, whose steps a tile may not have.
    steps = tl.load(steps_of + tile)
    begin = since if REVERSE else tl.maximum(since, last + 1 - steps)
    for back in range(begin, tl.minimum(until, steps) if REVERSE else until):
        t = back if REVERSE else last - back
        first = tl.load(offsets + t)
        live = there & (first + lanes < tl.load(offsets + t + 1))[:, None]
        rows = first + lanes
        dh_t = dh + block(dy, rows, hidden, units, at, live)
        if HOW == GIVEN:
            dh_t += block(products, lanes, hidden, units, at, live)
        s0 = block(saved, rows, K * hidden, units, at, live)
        s1 = block(saved, rows, K * hidden, units, hidden + at, live)
        s2, s3, s4, c, n = s0, s0, s0, s0, s0
        h_before, c_before, n_before = s0, s0, s0
        if K > 2:
            s2 = block(saved, rows, K * hidden, units, 2 * hidden + at, live)
            s3 = block(saved, rows, K * hidden, units, 3 * hidden + at, live)
        if RULE < SLSTM:
            h_before = _before(y, h0, t, last, lanes, units, at, offsets, live, hidden, REVERSE)
        else:
            s4 = block(saved, rows, K * hidden, units, 4 * hidden + at, live)
            c = block(cs, rows, hidden, units, at, live)
            n = tl.where(live, block(ns, rows, hidden, units, at, live), 1.0)
            c_before = _before(cs, c0, t, last, lanes, units, at, offsets, live, hidden, REVERSE)
            n_before = _before(ns, n0, t, last, lanes, units, at, offsets, live, hidden, REVERSE)
        if TOTALS:
            put(total_h, rows, hidden, units, at, live, dh_t)
        d0, d1, d2, d3, dc_t, dh_t, passed, dn_t, dm_t = retreat(
            s0, s1, s2, s3, s4, h_before, c_before, n_before, c, n, dh_t, dc, dn, dm, RULE
        )
        if TOTALS and RULE >= SLSTM:
            put(total_c, rows, hidden, units, at, live, dc_t)
        put(d, rows, G * hidden, units, at, live, d0)
        put(d, rows, G * hidden, units, hidden + at, live, d1)
        if G > 2:
            put(d, rows, G * hidden, units, 2 * hidden + at, live, d2)
        if G > 3:
            put(d, rows, G * hidden, units, 3 * hidden + at, live, d3)
        if HOW == RESIDENT:
            dh_t += tl.dot(d0.to(w0.dtype), w0, input_precision=PRECISION)
            dh_t += tl.dot(d1.to(w0.dtype), w1, input_precision=PRECISION)
            dh_t += tl.dot(d2.to(w0.dtype), w2, input_precision=PRECISION)
            dh_t += tl.dot(d3.to(w0.dtype), w3, input_precision=PRECISION)
        dh, dc = tl.where(live, dh_t, dh), tl.where(live, passed, dc)
        dn, dm = tl.where(live, dn_t, dn), tl.where(live, dm_t, dm)
    put(dh0, lanes, hidden, units, at, there, dh)
    if RULE >= SLSTM:
        put(dc0, lanes, hidden, units, at, there, dc)
        put(dn0, lanes, hidden, units, at, there, dn)
        put(dm0, lanes, hidden, units, at, there, dm)
