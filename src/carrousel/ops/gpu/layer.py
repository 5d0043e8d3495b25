"""One recurrent layer on a GPU: :func:`forward` and :func:`backward` of :mod:`carrousel.ops.cpu`.

The products that no step waits for (of the inputs, and the gradients of the weights) are torch's;
the recurrence is a kernel in Triton. float32, multiplied as torch's flag for matrix products says,
or bfloat16 with states and sums in float32 inside; outputs and record in the dtype of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import accumulate, pairwise
from typing import Any

import torch
import triton
from torch import Tensor

from ..cells import BY_MODE, MODES, NUMBER, PLAIN
from ..constants import NORM_EPSILON
from ..tape import Run
from . import alternating, fused
from .steps import Steps

RESIDENT = 128 << 10  # bytes of W_hh that a kernel keeps: half of what a processor's registers hold
_ROOM = 2048  # numbers of a gate that a program takes where it holds no weights


@dataclass(frozen=True)
class _Size(Steps):
    """What the kernels of a layer are compiled for, and where its rows lie."""

    hidden: int
    CELL: int  # without layer normalization
    G: int
    S: int
    NORM: bool

    @classmethod
    def of(cls, mode: int, x: Tensor, offsets: Tensor | None, hidden: int) -> _Size:
        cell = BY_MODE[MODES[mode]]
        norm = MODES[mode] == cell.normalized
        plain = NUMBER[cell.modes[0] if norm else PLAIN.get(MODES[mode], MODES[mode])]
        sizes = [x.size(1)] * x.size(0) if offsets is None else offsets.diff().tolist()
        starts = list(accumulate(sizes, initial=0))
        saved = cell.saved_by(MODES[mode])
        return cls(sizes, starts, x.device, hidden, plain, cell.blocks, saved, norm)

    @property
    def units(self) -> int:
        return max(16, triton.next_power_of_2(self.hidden))

    @property
    def known(self) -> dict[str, Any]:
        """The arguments that every kernel is compiled with."""
        return {
            "hidden": self.hidden, "CELL": self.CELL, "G": self.G, "S": self.S, "NORM": self.NORM,
            "UNITS": self.units, "num_warps": 8 if self.units >= 128 else 4,
        }  # fmt: skip

    @property
    def has_cell(self) -> bool:
        return BY_MODE[MODES[self.CELL]].has_cell

    @property
    def splits(self) -> bool:
        """Whether W_ih x and W_hh h have derivatives of their own: gated sums, normalized ones."""
        return self.NORM or (self.S > 0 and not self.has_cell)

    def resident(self, dtype: torch.dtype) -> bool:
        return self.G * self.units**2 * dtype.itemsize <= RESIDENT

    def rows_of_a_program(self) -> int:
        return max(1, _ROOM // self.units)


@dataclass(frozen=True)
class _Weights:
    """Those of one direction; ``vectors``: what the kernels read of biases and normalization."""

    w_ih: Tensor
    w_hh: Tensor
    biases: tuple[Tensor, ...]
    norm: Tensor | None
    vectors: Tensor

    @classmethod
    def of(cls, size: _Size, row: Sequence[Tensor]) -> _Weights:
        w_ih, w_hh, *rest = [weight.contiguous() for weight in row]
        wide = size.G * size.hidden
        if not size.NORM:
            biases = tuple(rest)
            return cls(w_ih, w_hh, biases, None, biases[1] if biases else w_ih.new_zeros(wide))
        *biases_, norm = rest
        b_ih, b_hh = biases_ or [norm.new_zeros(wide)] * 2
        a_ih, a_hh, of_cell = norm.split([wide, wide, norm.numel() - 2 * wide])
        vectors = torch.cat([a_ih, b_ih, a_hh, b_hh, of_cell])
        return cls(w_ih, w_hh, tuple(biases_), norm, vectors)

    def sums(self, rows: Tensor) -> Tensor:
        """(N, G*H): W_ih x, with its bias where nothing comes between."""
        if self.norm is None and self.biases:
            return torch.addmm(self.biases[0], rows, self.w_ih.T)
        return rows @ self.w_ih.T


def _where_x_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """Triton launches on torch's current device, whatever tensors it is given. Nothing here is
    derived by autograd."""

    @wraps(function)
    def launched(mode: int, x: Tensor, *rest: Any, **named: Any) -> Any:
        with torch.no_grad(), torch.cuda.device_of(x):
            return function(mode, x, *rest, **named)

    return launched


@_where_x_is
def forward(
    mode: int,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
    record: bool,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """As :func:`carrousel.ops.cpu.forward`; float32 or bfloat16."""
    directions, _, hidden = h0.shape
    size, per = _Size.of(mode, x, offsets, hidden), len(weights) // directions
    rows = x.reshape(-1, x.size(-1))
    y = x.new_empty(*x.shape[:-1], directions * hidden)
    saved = x.new_empty(directions, len(rows), size.S * hidden) if record and size.S else None
    cells = x.new_empty(directions, len(rows), hidden) if record and c0 is not None else None
    h_n = torch.empty_like(h0, memory_format=torch.contiguous_format)
    c_n = None if c0 is None else torch.empty_like(h_n)
    for d in range(directions):
        own = _Weights.of(size, weights[d * per : (d + 1) * per])
        own_y = y.view(len(rows), -1)[:, d * hidden : (d + 1) * hidden]
        left = _Left(own_y, *_parts(d, saved, cells))
        states = _parts(d, h0.contiguous(), None if c0 is None else c0.contiguous())
        ends = _parts(d, h_n, c_n)
        given = size, own, own.sums(rows), states, left, ends, record, d == 1
        if not (size.resident(x.dtype) and fits(_forward_fused, *given)):
            _forward_alternating(*given)
    return y, h_n, c_n, saved, cells


@dataclass(frozen=True)
class _Left:
    """What one direction leaves: rows of y, wide as both directions, saved values and cells."""

    y: Tensor
    saved: Tensor | None
    cells: Tensor | None

    @property
    def pointers(self) -> tuple[Tensor, ...]:
        """For kernels that look at none of those that are not there."""
        return self.y, *[self.y if t is None else t for t in (self.saved, self.cells)]


def _parts(d: int, *tensors: Tensor | None) -> list[Any]:
    return [None if t is None else t[d] for t in tensors]


def fits(run: Callable[..., None], *given: Any) -> bool:
    """Run it, where this GPU's processors hold so much: they differ by a factor of two."""
    try:
        run(*given)
    except triton.runtime.errors.OutOfResources:
        return False
    return True


def precision() -> str:
    """How torch multiplies float32 on a GPU: as it is, or rounded to TF32."""
    return "tf32" if torch.backends.cuda.matmul.fp32_precision == "tf32" else "ieee"


def _forward_fused(size, own, sums, states, left, ends, record, reverse) -> None:
    programs, places, steps = size.tiles()
    (h0, c0), (h_n, c_n) = states, ends
    fused.forward[(programs,)](
        sums, own.w_hh, own.vectors, h0, h0 if c0 is None else c0, *left.pointers,
        h_n, h_n if c_n is None else c_n, places, steps, len(h0), left.y.stride(0),
        RECORD=record, REVERSE=reverse, PRECISION=precision(), ROWS=fused.ROWS, **size.known,
    )  # fmt: skip


def _forward_alternating(size, own, sums, states, left, ends, record, reverse) -> None:
    (h0, c0), (h_n, c_n) = states, ends
    h, c = h0.float().clone(), None if c0 is None else c0.float().clone()
    read = h if h0.dtype is torch.float32 else h0.clone()
    products, rows = sums.new_empty(len(h0), sums.size(1)), size.rows_of_a_program()
    for t, _ in size.order(reverse):
        now = size.sizes[t]
        torch.mm(read[:now], own.w_hh.T, out=products[:now])
        alternating.forward[(triton.cdiv(now, rows),)](
            sums, products, own.vectors, h, h if c is None else c, read, *left.pointers,
            size.starts[t], now, left.y.stride(0), RECORD=record, ROWS=rows, **size.known,
        )  # fmt: skip
    h_n.copy_(h)
    if c is not None:
        c_n.copy_(c)


@_where_x_is
def backward(
    mode: int,
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    weights: list[Tensor],
    record: tuple[Tensor, Tensor | None, Tensor | None],
    grads: tuple[Tensor | None, Tensor | None, Tensor | None],
    need_x: bool,
    need_weights: bool,
    runs: list[Run | None],
    inside: tuple[Tensor | None, Tensor | None] = (None, None),
) -> tuple[Tensor | None, Tensor, Tensor | None, list[Tensor]]:
    """As :func:`carrousel.ops.cpu.backward`; float32 or bfloat16."""
    directions, _, hidden = h0.shape
    size, per = _Size.of(mode, x, offsets, hidden), len(weights) // directions
    rows, (y, saved, cells) = x.reshape(-1, x.size(-1)), record
    dy = torch.zeros_like(y) if grads[0] is None else grads[0].contiguous()
    y, dy = y.reshape(len(rows), -1), dy.view(len(rows), -1)
    ends = _start(h0, grads[1]), None if c0 is None else _start(c0, grads[2])
    dx: Tensor | None = None
    dweights: list[Tensor] = []
    for d in range(directions):
        columns, run = slice(d * hidden, (d + 1) * hidden), runs[d] if runs else None
        back = _Back(
            size=size,
            own=_Weights.of(size, weights[d * per : (d + 1) * per]),
            left=_Left(y[:, columns], *_parts(d, saved, cells)),
            states=_parts(d, h0.contiguous(), None if c0 is None else c0.contiguous()),
            dy=dy[:, columns],
            inside=[None if t is None else t.contiguous() for t in _parts(d, *inside)],
            ends=_parts(d, *ends),
            reverse=d == 1,
            rows=rows,
            watched=run is not None,
        )
        back.run()
        dweights += back.weights() if need_weights else []
        if need_x:
            own_dx = back.by_sums_x() @ back.own.w_ih
            dx = own_dx if dx is None else dx + own_dx
        if run is not None:
            run.grad_hidden, run.grad_cell = back.totals
    dx = None if dx is None else dx.view(x.shape)
    return dx, ends[0].to(x.dtype), None if ends[1] is None else ends[1].to(x.dtype), dweights


def _start(state: Tensor, final: Tensor | None) -> Tensor:
    """A float32 gradient that the kernels turn from that of the last state to that of the first."""
    shape = state.shape
    if final is None:
        return state.new_zeros(shape, dtype=torch.float32)
    return final.new_empty(shape, dtype=torch.float32).copy_(final)


class _Back:
    """The way back through one direction, and the gradients that are products of what it leaves."""

    def __init__(self, size, own, left, states, dy, inside, ends, reverse, rows, watched):
        self.size, self.own, self.left, self.states = size, own, left, states
        self.dy, self.inside, self.ends, self.reverse, self.rows = dy, inside, ends, reverse, rows
        wide = (len(rows), size.G * size.hidden)
        self.d = dy.new_empty(wide)  # by pre-activations, of x where h has others
        self.u = dy.new_empty(wide) if size.splits else self.d  # by the sums W_hh h
        # Normalization of the cell state is derived from the totals.
        states_too = watched or (size.NORM and size.has_cell)
        shape = (len(rows), size.hidden)
        self.totals = [
            dy.new_empty(shape) if states_too else None,
            dy.new_empty(shape) if states_too and size.has_cell else None,
        ]

    def _given(self) -> tuple[Tensor, ...]:
        h0, c0 = self.states
        absent = self.d
        more = (*self.inside, self.d, self.u, *self.totals)
        first = (self.own.vectors, h0, c0, *self.left.pointers, self.dy, *more)
        return tuple([absent if t is None else t for t in first])

    def _known(self) -> dict[str, Any]:
        by_gates, by_cells = self.inside
        return {
            **self.size.known, "SPLIT": self.size.splits, "INSIDE": by_gates is not None,
            "INSIDE_C": by_cells is not None, "TOTALS": self.totals[0] is not None,
        }  # fmt: skip

    def run(self) -> None:
        if not (self.size.resident(self.dy.dtype) and fits(self._run_fused)):
            self._run_alternating()

    def _run_fused(self) -> None:
        dh, dc = self.ends
        programs, places, steps = self.size.tiles()
        fused.backward[(programs,)](
            self.own.w_hh, *self._given(), dh, dh if dc is None else dc, places, steps, len(dh),
            self.left.y.stride(0), len(self.size.sizes) - 1,
            REVERSE=self.reverse, PRECISION=precision(), ROWS=fused.ROWS, **self._known(),
        )  # fmt: skip

    def _run_alternating(self) -> None:
        dh, dc = self.ends
        given, known, size = self._given(), self._known(), self.size
        products, rows = self.dy.new_zeros(dh.shape), size.rows_of_a_program()
        for t, earlier in reversed(size.order(self.reverse)):
            now, start = size.sizes[t], size.starts[t]
            first, ran = (0, 0) if earlier is None else (size.starts[earlier], size.sizes[earlier])
            alternating.backward[(triton.cdiv(now, rows),)](
                products, *given, dh, dh if dc is None else dc, start, now, first, ran,
                self.left.y.stride(0), ROWS=rows, **known,
            )  # fmt: skip
            torch.mm(self.u[start : start + now], self.own.w_hh, out=products[:now])
        dh += products

    def by_sums_x(self) -> Tensor:
        """(N, G*H): derivatives by W_ih x."""
        if not self.size.NORM:
            return self.d
        return torch.cat([one[0] for one in self._normal(self.d, 4)], -1)

    def weights(self) -> list[Tensor]:
        size, own = self.size, self.own
        h_before = size.before(self.left.y, self.states[0], self.reverse)
        found = [self.by_sums_x().T @ self.rows, self.u.T @ h_before]
        if not size.NORM:
            biases = [self.d.sum(0), self.u.sum(0) if size.splits else None]
            if own.biases:
                found += [biases[0], biases[0].clone() if biases[1] is None else biases[1]]
            return found
        by_h = self.d
        if not size.has_cell:  # the GRU's candidate, whose share of h is gated
            r = self.left.saved[:, : size.hidden]
            by_h = torch.cat([self.d[:, : -size.hidden], self.d[:, -size.hidden :] * r], -1)
        of_x, of_h = self._normal(self.d, 4), self._normal(by_h, 4 + size.G)
        gains = [one[1] for one in (*of_x, *of_h)]
        if own.biases:
            found += [torch.cat([one[2] for one in of]) for of in (of_x, of_h)]
        return [*found, torch.cat([*gains, *self._of_cell()])]

    def _normal(self, by: Tensor, at: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Derivatives by sums, gains and biases, of each part that is normalized on its own; the
        sums lie ``at`` blocks into the rows of the record."""
        size, hidden = self.size, self.size.hidden
        cuts = [0, size.G] if size.has_cell else [0, 2, size.G]
        place = 0 if at == 4 else 2 * size.G * hidden
        found = []
        for a, b in pairwise(cuts):
            sums = self.left.saved[:, (at + a) * hidden : (at + b) * hidden]
            gain = self.own.vectors[place + a * hidden : place + b * hidden]
            found.append(_layer_norm_back(by[:, a * hidden : b * hidden], sums, gain))
        return found

    def _of_cell(self) -> tuple[Tensor, ...]:
        """Of gain and bias of the LSTM's cell state."""
        if not self.size.has_cell:
            return ()
        hidden = self.size.hidden
        gain, bias = self.own.vectors[4 * self.size.G * hidden :].chunk(2)
        cells = self.left.cells
        normal = torch.nn.functional.layer_norm(cells, (hidden,), gain, bias, NORM_EPSILON)
        o = self.left.saved[:, 3 * hidden : 4 * hidden]
        by_shown = self.totals[0] * o * (1 - normal.tanh().square())
        return _layer_norm_back(by_shown, cells, gain)[1:]


def _layer_norm_back(by: Tensor, values: Tensor, gain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dL/dvalues, dL/dgain, dL/dbias of torch's layer normalization."""
    values, by = values.contiguous(), by.contiguous()
    shape = gain.shape
    _, mean, rho = torch.native_layer_norm(values, shape, gain, gain, NORM_EPSILON)
    return torch.ops.aten.native_layer_norm_backward(
        by, values, shape, mean, rho, gain, gain, [True, True, True]
    )
