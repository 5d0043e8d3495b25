"""The recurrent part of a cell that torch lacks, on a GPU: the contract of
:mod:`carrousel.ops.recurrence`, whose calls and tensors these are.

Weights that stay beside the states are read once, and all steps are one kernel; of larger ones a
product of torch's and a kernel alternate, step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import torch
import triton
from torch import Tensor

from ..reference.recurrences import by_heads
from ..tape import Run
from . import layer, rules
from .fused import ROWS
from .steps import Steps

SCANNED = 64  # units of a program that multiplies nothing


class _Pass:
    """One direction of a call, in either pass."""

    def __init__(self, call: Any, given: Any) -> None:
        sums, start, weight, *_ = given
        self.sums, self.start = sums.contiguous(), start.contiguous()
        self.weight: Any = None if weight is None else weight.contiguous()
        self.call, self.rule, self.hidden = call, call.rule, self.start.size(2)
        sizes = call.sizes(given)
        self.steps = Steps(sizes, list(accumulate(sizes, initial=0)), self.sums.device)
        self.head = self.hidden // call.heads

    def run(self, launch: Callable[..., None], product: Callable[[int], None]) -> bool:
        """``launch(how, since, until)`` all steps; whether each by itself, after its product."""
        count, dtype = len(self.steps.sizes), self.sums.dtype
        if self.weight is None:
            launch(rules.NO_PRODUCT, 0, count)
            return False
        size = self.rule.gates * padded(self.head) ** 2 * dtype.itemsize
        if size <= layer.RESIDENT and layer.fits(launch, rules.RESIDENT, 0, count):
            return False
        for step in range(count):
            product(step)
            launch(rules.GIVEN, step, step + 1)
        return True

    def kernel(self, kernel: Any, how: Any, given: Any, numbers: Any, **flags: bool) -> None:
        programs, places, steps = self.steps.tiles()
        size = self.head if how is rules.RESIDENT else SCANNED
        kernel[(programs, triton.cdiv(self.hidden, size))](
            *given, places, steps, *numbers, hidden=self.hidden, size=size,
            RULE=self.rule.number, G=self.rule.gates, K=self.rule.saved, HOW=how.value,
            REVERSE=self.call.reverse, PRECISION=layer.precision(), ROWS=ROWS,
            UNITS=padded(size), num_warps=8 if size >= 128 else 4, **flags,
        )  # fmt: skip


def padded(size: int) -> int:
    return max(16, triton.next_power_of_2(size))


def forward(
    call: Any, given: Any, record: bool
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """y (N, H), last (S, B, H) and, if ``record``, saved (N, K*H) and states (S - 1, N, H)."""
    with torch.no_grad(), torch.cuda.device_of(given[0]):
        return _forward(_Pass(call, given), record)


def _forward(one: _Pass, record: bool) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    sums, rule, shape = one.sums, one.rule, (len(one.sums), one.hidden)
    y, now = sums.new_empty(shape), one.start.float().clone()
    saved = sums.new_empty(shape[0], rule.saved * one.hidden) if record else None
    states = sums.new_empty(rule.states - 1, *shape) if record and rule.states > 1 else None
    products = torch.empty_like(sums[: now.size(1)])

    def product(_step: int) -> None:
        products.copy_(by_heads(now[0].to(y.dtype), one.weight))

    def launch(how: Any, since: int, until: int) -> None:
        left = y, *_filled([saved], 1, y), *_filled(states, 3, y)
        given = (sums, *_filled([one.weight], 1, y), products, *_filled(now, 4, y), *left)
        one.kernel(rules.forward, how, given, (now.size(1), since, until), RECORD=record)

    one.run(launch, product)
    return y, now.to(y.dtype), saved, states


def backward(
    call: Any, given: Any, record: Any, grads: Any, needs: Any, run: Run | None
) -> tuple[Tensor | None, ...]:
    """Gradients of what was ``given``, those that are needed; ``run`` receives its states'."""
    with torch.no_grad(), torch.cuda.device_of(given[0]):
        return _backward(_Pass(call, given), record, grads, needs, run)


def _backward(
    one: _Pass, record: Any, grads: Any, needs: Any, run: Run | None
) -> tuple[Tensor | None, ...]:
    (y, saved, states), (dy, dlast) = record, grads
    dy = torch.zeros_like(y) if dy is None else dy.contiguous()
    d, ends = torch.empty_like(one.sums), torch.zeros_like(one.start, dtype=torch.float32)
    if dlast is not None:
        ends.copy_(dlast)
    products = torch.zeros_like(one.start[0])
    totals = [torch.empty_like(y) if run is not None else None for _ in range(2)]
    order = [t for t, _ in reversed(one.steps.order(one.call.reverse))]

    def product(step: int) -> None:
        if step:
            _through(one, d, order[step - 1], products)

    def launch(how: Any, since: int, until: int) -> None:
        left = y, saved, *_filled(states, 3, y)[:2]
        starts, sums = _filled(one.start, 3, y), (dy, d, *_filled(totals, 2, y))
        given = (*_filled([one.weight], 1, y), products, *left, *starts, *sums)
        numbers = (len(products), len(order) - 1, since, until)
        given += (*_filled(ends, 4, y),)
        one.kernel(rules.backward, how, given, numbers, TOTALS=run is not None)

    if one.run(launch, product):
        _through(one, d, order[-1], products)
        ends[0] += products
    if run is not None:
        run.grad_hidden, run.grad_cell = totals[0], totals[1] if one.rule.cell.has_cell else None
    dweight = _by_weight(one, d, y) if one.weight is not None and needs[2] else None
    return d, ends.to(y.dtype), dweight, None, None


def _through(one: _Pass, d: Tensor, t: int, products: Tensor) -> None:
    """R^T d of step t, for the sequences that have it."""
    first, now = one.steps.starts[t], one.steps.sizes[t]
    rows = d[first : first + now].unflatten(1, (one.rule.gates, one.call.heads, -1))
    products[:now] = torch.einsum("bgku,kguv->bkv", rows, one.weight).flatten(1)


def _by_weight(one: _Pass, d: Tensor, y: Tensor) -> Tensor:
    before = one.steps.before(y, one.start[0], one.call.reverse)
    rows = d.unflatten(1, (one.rule.gates, one.call.heads, -1))
    return torch.einsum("ngku,nkv->kguv", rows, before.unflatten(1, (one.call.heads, -1)))


def _filled(tensors: Any, count: int, absent: Tensor) -> list[Tensor]:
    """So many, ``absent`` in the place of those that kernels do not look at."""
    found = [] if tensors is None else [absent if t is None else t for t in tensors]
    return (found + [absent] * count)[:count]
