"""All steps of one direction of a layer in one kernel: the weights are read once and stay.

FlashRNN's scheme (Pöppel, Beck & Hochreiter 2024): a program owns a tile of sequences with all of
their units, so that no program ever waits for another, and carries the states in registers. That
takes weights that fit beside them; larger layers alternate (``alternating.py``).
"""

import triton
import triton.language as tl

from .cells import GRU, LSTM, advance, block, earlier, put, retreat, through_norm

ROWS = 16  # of a tile: the fewest that tensor cores multiply


@triton.jit
def _weights(w, place, units, inner, hidden):
    """(inner, units): the block of W_hh at ``place`` units, transposed."""
    live = (inner < hidden)[:, None] & (units < hidden)[None, :]
    return tl.load(w + (place + units[None, :]) * hidden + inner[:, None], mask=live, other=0.0)


@triton.jit
def _weights_back(w, place, units, inner, hidden):
    """(inner, units): the block of W_hh at ``place`` units as it is."""
    live = (inner < hidden)[:, None] & (units < hidden)[None, :]
    return tl.load(w + (place + inner[:, None]) * hidden + units[None, :], mask=live, other=0.0)


@triton.jit(do_not_specialize=["batch"])
def forward(
    x, w, norm, h0, c0, y, saved, cells, h_n, c_n, offsets, steps_of, batch, y_width,
    hidden: tl.constexpr, CELL: tl.constexpr, G: tl.constexpr, S: tl.constexpr,
    NORM: tl.constexpr, RECORD: tl.constexpr, REVERSE: tl.constexpr, PRECISION: tl.constexpr,
    ROWS: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """x (N, G*H): W_ih x + b_ih (with NORM without bias); all else as ops/cpu.py has it."""
    tile = tl.program_id(0)
    lanes = tile * ROWS + tl.arange(0, ROWS).to(tl.int64)
    units, inner = tl.arange(0, UNITS), tl.arange(0, UNITS)
    there = (lanes < batch)[:, None] & (units < hidden)[None, :]
    h = block(h0, lanes, hidden, units, 0, there)
    c = block(c0, lanes, hidden, units, 0, there) if CELL == LSTM else h
    w0 = _weights(w, 0, units, inner, hidden)
    w1 = _weights(w, hidden, units, inner, hidden) if G > 1 else w0
    w2 = _weights(w, 2 * hidden, units, inner, hidden) if G > 2 else w0
    w3 = _weights(w, 3 * hidden, units, inner, hidden) if G > 3 else w0
    steps = tl.load(steps_of + tile)
    for step in range(0, steps):
        t = steps - 1 - step if REVERSE else step
        first = tl.load(offsets + t)
        live = there & (first + lanes < tl.load(offsets + t + 1))[:, None]
        rows = first + lanes
        x0 = block(x, rows, G * hidden, units, 0, live)
        x1 = block(x, rows, G * hidden, units, hidden, live) if G > 1 else x0
        x2 = block(x, rows, G * hidden, units, 2 * hidden, live) if G > 2 else x0
        x3 = block(x, rows, G * hidden, units, 3 * hidden, live) if G > 3 else x0
        read = h.to(w0.dtype)
        a0 = tl.dot(read, w0, input_precision=PRECISION)
        a1 = tl.dot(read, w1, input_precision=PRECISION) if G > 1 else a0
        a2 = tl.dot(read, w2, input_precision=PRECISION) if G > 2 else a0
        a3 = tl.dot(read, w3, input_precision=PRECISION) if G > 3 else a0
        h_t, c_t, s0, s1, s2, s3 = advance(
            x0, x1, x2, x3, a0, a1, a2, a3, h, c, norm, units, hidden, CELL, G, NORM
        )
        keep(
            saved, cells, y, rows, y_width, units, hidden, live,
            x0, x1, x2, x3, a0, a1, a2, a3, s0, s1, s2, s3, h_t, c_t, CELL, G, S, NORM, RECORD,
        )  # fmt: skip
        h = tl.where(live, h_t, h)
        c = tl.where(live, c_t, c)
    put(h_n, lanes, hidden, units, 0, there, h)
    if CELL == LSTM:
        put(c_n, lanes, hidden, units, 0, there, c)


@triton.jit
def keep(
    saved, cells, y, rows, y_width, units, hidden, live,
    x0, x1, x2, x3, a0, a1, a2, a3, s0, s1, s2, s3, h, c,
    CELL: tl.constexpr, G: tl.constexpr, S: tl.constexpr, NORM: tl.constexpr, RECORD: tl.constexpr,
):  # fmt: skip
    """What a step leaves: the output and, with RECORD, all that backward and a trace read."""
    put(y, rows, y_width, units, 0, live, h)
    if RECORD:
        if CELL == LSTM:
            put(cells, rows, hidden, units, 0, live, c)
        if S > 0:
            width = S * hidden
            put(saved, rows, width, units, 0, live, s0)
            put(saved, rows, width, units, hidden, live, s1)
            put(saved, rows, width, units, 2 * hidden, live, s2)
            put(saved, rows, width, units, 3 * hidden, live, s3)
            if NORM:
                at = 4 * hidden
                put(saved, rows, width, units, at, live, x0)
                put(saved, rows, width, units, at + hidden, live, x1)
                put(saved, rows, width, units, at + 2 * hidden, live, x2)
                if G > 3:
                    put(saved, rows, width, units, at + 3 * hidden, live, x3)
                at = (4 + G) * hidden
                put(saved, rows, width, units, at, live, a0)
                put(saved, rows, width, units, at + hidden, live, a1)
                put(saved, rows, width, units, at + 2 * hidden, live, a2)
                if G > 3:
                    put(saved, rows, width, units, at + 3 * hidden, live, a3)


@triton.jit
def derive(
    y, saved, cells, h0, c0, dy, e_saved, e_cells, norm, d, u, total_h, total_c, rows, lanes,
    first_before, size_before, y_width, dh, dc, units, live,
    hidden: tl.constexpr, CELL: tl.constexpr, G: tl.constexpr, S: tl.constexpr,
    NORM: tl.constexpr, SPLIT: tl.constexpr, INSIDE: tl.constexpr, INSIDE_C: tl.constexpr,
    TOTALS: tl.constexpr,
):  # fmt: skip
    """One step's derivatives: stored by the pre-activations (d) and, where they differ (SPLIT), by
    the sums W_hh h (u) -> the latter, what goes to the h before without a weight, and dc before."""
    dh += block(dy, rows, y_width, units, 0, live)
    h, h_before, c, c_before = dh, dh, dc, dc
    s0, s1, s2, s3 = dh, dh, dh, dh
    if S > 0:
        s0 = block(saved, rows, S * hidden, units, 0, live)
        s1 = block(saved, rows, S * hidden, units, hidden, live)
        s2 = block(saved, rows, S * hidden, units, 2 * hidden, live)
        s3 = block(saved, rows, S * hidden, units, 3 * hidden, live)
    else:
        h = block(y, rows, y_width, units, 0, live)
    if CELL == LSTM:
        c = block(cells, rows, hidden, units, 0, live)
        c_before = earlier(cells, hidden, c0, first_before, size_before, lanes, units, hidden, live)
        if INSIDE_C:
            dc += block(e_cells, rows, hidden, units, 0, live)
    if CELL == GRU:
        h_before = earlier(y, y_width, h0, first_before, size_before, lanes, units, hidden, live)
    e0 = tl.full(dh.shape, 0.0, tl.float32)
    e1, e2, e3 = e0, e0, e0
    if INSIDE:
        e0 = block(e_saved, rows, S * hidden, units, 0, live)
        e1 = block(e_saved, rows, S * hidden, units, hidden, live)
        e2 = block(e_saved, rows, S * hidden, units, 2 * hidden, live)
        e3 = block(e_saved, rows, S * hidden, units, 3 * hidden, live)
    d0, d1, d2, d3, b2, dc, straight, passed = retreat(
        s0, s1, s2, s3, h, h_before, c, c_before, dh, dc, e0, e1, e2, e3, norm, units, hidden,
        CELL, G, NORM,
    )  # fmt: skip
    if TOTALS:
        put(total_h, rows, hidden, units, 0, live, dh)
        if CELL == LSTM:
            put(total_c, rows, hidden, units, 0, live, dc)
    _put_gates(d, rows, units, hidden, live, d0, d1, d2, d3, G)
    u0, u1, u2, u3 = d0, d1, b2, d3
    if NORM:
        at, width = (4 + G) * hidden, S * hidden
        a0 = block(saved, rows, width, units, at, live)
        a1 = block(saved, rows, width, units, at + hidden, live)
        a2 = block(saved, rows, width, units, at + 2 * hidden, live)
        a3 = block(saved, rows, width, units, at + 3 * hidden, live) if G > 3 else a2
        place = 2 * G * hidden
        u0, u1, u2, u3 = through_norm(
            u0, u1, u2, u3, a0, a1, a2, a3, norm, place, units, hidden, CELL, G
        )
    if SPLIT:
        _put_gates(u, rows, units, hidden, live, u0, u1, u2, u3, G)
    return u0, u1, u2, u3, straight, passed


@triton.jit
def _put_gates(out, rows, units, hidden, live, v0, v1, v2, v3, G: tl.constexpr):
    put(out, rows, G * hidden, units, 0, live, v0)
    if G > 1:
        put(out, rows, G * hidden, units, hidden, live, v1)
        put(out, rows, G * hidden, units, 2 * hidden, live, v2)
    if G > 3:
        put(out, rows, G * hidden, units, 3 * hidden, live, v3)


@triton.jit(do_not_specialize=["batch", "last"])
def backward(
    w, norm, h0, c0, y, saved, cells, dy, e_saved, e_cells, d, u, total_h, total_c, dh0, dc0,
    offsets, steps_of, batch, y_width, last,
    hidden: tl.constexpr, CELL: tl.constexpr, G: tl.constexpr, S: tl.constexpr,
    NORM: tl.constexpr, SPLIT: tl.constexpr, INSIDE: tl.constexpr, INSIDE_C: tl.constexpr,
    TOTALS: tl.constexpr, REVERSE: tl.constexpr, PRECISION: tl.constexpr,
    ROWS: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """dh0, dc0 hold dL/dh_n, dL/dc_n and receive dL/dh_0, dL/dc_0; last: of all steps."""
    tile = tl.program_id(0)
    lanes = tile * ROWS + tl.arange(0, ROWS).to(tl.int64)
    units, inner = tl.arange(0, UNITS), tl.arange(0, UNITS)
    there = (lanes < batch)[:, None] & (units < hidden)[None, :]
    dh = block(dh0, lanes, hidden, units, 0, there)
    dc = block(dc0, lanes, hidden, units, 0, there) if CELL == LSTM else dh
    w0 = _weights_back(w, 0, units, inner, hidden)
    w1 = _weights_back(w, hidden, units, inner, hidden) if G > 1 else w0
    w2 = _weights_back(w, 2 * hidden, units, inner, hidden) if G > 2 else w0
    w3 = _weights_back(w, 3 * hidden, units, inner, hidden) if G > 3 else w0
    steps = tl.load(steps_of + tile)
    for step in range(0, steps):
        t = step if REVERSE else steps - 1 - step
        first, end = tl.load(offsets + t), tl.load(offsets + t + 1)
        live = there & (first + lanes < end)[:, None]
        before = tl.minimum(t + 1, last) if REVERSE else tl.maximum(t - 1, 0)
        first_before = tl.load(offsets + before)
        size_before = tl.load(offsets + before + 1) - first_before
        size_before = tl.where(before == t, 0, size_before)  # the first of all: there is none
        u0, u1, u2, u3, straight, passed = derive(
            y, saved, cells, h0, c0, dy, e_saved, e_cells, norm, d, u, total_h, total_c,
            first + lanes, lanes, first_before, size_before, y_width, dh, dc, units, live,
            hidden, CELL, G, S, NORM, SPLIT, INSIDE, INSIDE_C, TOTALS,
        )  # fmt: skip
        dh_t = straight + tl.dot(u0.to(w0.dtype), w0, input_precision=PRECISION)
        if G > 1:
            dh_t += tl.dot(u1.to(w0.dtype), w1, input_precision=PRECISION)
            dh_t += tl.dot(u2.to(w0.dtype), w2, input_precision=PRECISION)
        if G > 3:
            dh_t += tl.dot(u3.to(w0.dtype), w3, input_precision=PRECISION)
        dh = tl.where(live, dh_t, dh)
        dc = tl.where(live, passed, dc)
    put(dh0, lanes, hidden, units, 0, there, dh)
    if CELL == LSTM:
        put(dc0, lanes, hidden, units, 0, there, dc)
