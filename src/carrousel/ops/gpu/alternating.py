"""A step at a time: torch's product with W_hh, then one kernel with all that the cell does.

For layers whose weights do not stay in one processor's registers: the product has the whole GPU.
"""

import triton
import triton.language as tl

from .cells import LSTM, advance, block, put
from .fused import derive, keep

# Numbers that change from step to step: Triton would compile anew for those that 16 divides.
FORWARD, BACKWARD = ["first", "rows_now"], ["first", "rows_now", "first_before", "size_before"]


@triton.jit(do_not_specialize=FORWARD)
def forward(
    x, sums, norm, h, c, read, y, saved, cells, first, rows_now, y_width,
    hidden: tl.constexpr, CELL: tl.constexpr, G: tl.constexpr, S: tl.constexpr,
    NORM: tl.constexpr, RECORD: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """One step of rows first .. first + rows_now. sums (B, G*H): W_hh h; h, c (B, H) float32: the
    states, moved on in place; read: h again in the dtype that the next product reads."""
    lanes = tl.program_id(0) * ROWS + tl.arange(0, ROWS).to(tl.int64)
    units = tl.arange(0, UNITS)
    live = (lanes < rows_now)[:, None] & (units < hidden)[None, :]
    rows, width = first + lanes, G * hidden
    x0 = block(x, rows, width, units, 0, live)
    x1 = block(x, rows, width, units, hidden, live) if G > 1 else x0
    x2 = block(x, rows, width, units, 2 * hidden, live) if G > 2 else x0
    x3 = block(x, rows, width, units, 3 * hidden, live) if G > 3 else x0
    a0 = block(sums, lanes, width, units, 0, live)
    a1 = block(sums, lanes, width, units, hidden, live) if G > 1 else a0
    a2 = block(sums, lanes, width, units, 2 * hidden, live) if G > 2 else a0
    a3 = block(sums, lanes, width, units, 3 * hidden, live) if G > 3 else a0
    h_before = block(h, lanes, hidden, units, 0, live)
    c_before = block(c, lanes, hidden, units, 0, live) if CELL == LSTM else h_before
    h_t, c_t, s0, s1, s2, s3 = advance(
        x0, x1, x2, x3, a0, a1, a2, a3, h_before, c_before, norm, units, hidden, CELL, G, NORM
    )
    keep(
        saved, cells, y, rows, y_width, units, hidden, live,
        x0, x1, x2, x3, a0, a1, a2, a3, s0, s1, s2, s3, h_t, c_t, CELL, G, S, NORM, RECORD,
    )  # fmt: skip
    put(h, lanes, hidden, units, 0, live, h_t)
    put(read, lanes, hidden, units, 0, live, h_t)
    if CELL == LSTM:
        put(c, lanes, hidden, units, 0, live, c_t)


@triton.jit(do_not_specialize=BACKWARD)
def backward(
    products, norm, h0, c0, y, saved, cells, dy, e_saved, e_cells, d, u, total_h, total_c, dh, dc,
    first, rows_now, first_before, size_before, y_width,
    hidden: tl.constexpr, CELL: tl.constexpr, G: tl.constexpr, S: tl.constexpr,
    NORM: tl.constexpr, SPLIT: tl.constexpr, INSIDE: tl.constexpr, INSIDE_C: tl.constexpr,
    TOTALS: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """One step back. products (B, H): what W_hh gave back of the step after; dh, dc (B, H) float32:
    what else did, moved on in place."""
    lanes = tl.program_id(0) * ROWS + tl.arange(0, ROWS).to(tl.int64)
    units = tl.arange(0, UNITS)
    live = (lanes < rows_now)[:, None] & (units < hidden)[None, :]
    dh_now = block(dh, lanes, hidden, units, 0, live)
    dh_now += block(products, lanes, hidden, units, 0, live)
    dc_now = block(dc, lanes, hidden, units, 0, live) if CELL == LSTM else dh_now
    _, _, _, _, straight, passed = derive(
        y, saved, cells, h0, c0, dy, e_saved, e_cells, norm, d, u, total_h, total_c,
        first + lanes, lanes, first_before, size_before, y_width, dh_now, dc_now, units, live,
        hidden, CELL, G, S, NORM, SPLIT, INSIDE, INSIDE_C, TOTALS,
    )  # fmt: skip
    put(dh, lanes, hidden, units, 0, live, straight)
    if CELL == LSTM:
        put(dc, lanes, hidden, units, 0, live, passed)
