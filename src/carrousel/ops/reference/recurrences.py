"""The specification of recurrences that run on the inputs' sums: minGRU, minLSTM, sLSTM, and the
LSTM, GRU and RNN with something between their steps.

Each step takes what the inputs bring, ``x = W_ih x_t + b`` (B, G*H), and where it reads the hidden
state what that brings, ``h = R h_{t-1}`` (B, G*H), beside the states before it, each (B, H); it
gives the states after it and its gates by their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from .. import rules
from ..cells import Cell
from ..noise import Noise
from ..rules import Rule
from .cells import Hand, untouched

Gates = dict[str, Tensor]


def positive(x: Tensor) -> Tensor:
    """g of Feng et al. 2024, appendix B: x + 1/2 from 0 on, sigmoid(x) below; always above 0."""
    return torch.where(x >= 0, x + 0.5, x.sigmoid())


def min_gru_step(
    rule: Rule, x: Tensor, states: Sequence[Tensor], hand: Hand = untouched
) -> tuple[list[Tensor], Gates]:
    """minGRU (Feng et al. 2024), z for what stays, as in torch's GRU: the paper's z is 1 - z.

    z = sigmoid(W_z x + b_z)
    n = W_n x + b_n, or g of it
    h' = z * h + (1 - z) * n
    """
    z, n = x.chunk(2, -1)
    z = hand("update", z.sigmoid())
    n = hand("candidate", positive(n) if rule.variant else n)
    return [hand("hidden", z * states[0] + (1 - z) * n)], {"update": z, "candidate": n}


def min_lstm_step(
    rule: Rule, x: Tensor, states: Sequence[Tensor], hand: Hand = untouched
) -> tuple[list[Tensor], Gates]:
    """minLSTM of the same paper: both gates, divided by their sum.

    f = sigmoid(W_f x + b_f);  i = sigmoid(W_i x + b_i);  n = W_n x + b_n, or g of it
    h' = f / (f + i) * h + i / (f + i) * n

    As a sigmoid of log f - log i, which neither over- nor underflows.
    """
    f, i, n = x.chunk(3, -1)
    keep = hand("forget", (softplus(-i) - softplus(-f)).sigmoid())
    write = hand("input", (softplus(-f) - softplus(-i)).sigmoid())
    n = hand("candidate", positive(n) if rule.variant else n)
    h = hand("hidden", keep * states[0] + write * n)
    return [h], {"forget": keep, "input": write, "candidate": n}


def slstm_step(
    rule: Rule, x: Tensor, h: Tensor, states: Sequence[Tensor], hand: Hand = untouched
) -> Any:
    """sLSTM (Beck et al. 2024, equations 8 to 17), states h, c, n (normalizer), m (stabilizer).

    i, f, z, o = x + h, of which z is tanh's and o sigmoid's;  log f = logsigmoid(f), or f itself
    m' = max(log f + m, i)
    i' = exp(i - m');  f' = exp(log f + m - m')
    c' = f' * c + i' * z;  n' = f' * n + i'
    h' = o * c' / n'

    Where n is 0 nothing has been written yet, and m is as good as -inf: so does the authors' own
    code begin, and no exponential underflows. A stabilizer that a hand changes is what the next
    step finds: the gates of this one are made with its own.
    """
    i, f, z, o = (x + h).chunk(4, -1)
    _, c, n, m = states
    z, o = hand("candidate", z.tanh()), hand("output", o.sigmoid())
    kept = (f if rule.variant else logsigmoid(f)) + m
    kept = torch.where(n == 0, float("-inf"), kept)
    new_m = torch.where(i < kept, kept, i)
    i, f = hand("input", (i - new_m).exp()), hand("forget", (kept - new_m).exp())
    c, n = hand("cell", f * c + i * z), hand("normalizer", f * n + i)
    gates = {"input": i, "forget": f, "candidate": z, "output": o}
    return [hand("hidden", o * (c / n)), c, n, hand("stabilizer", new_m)], gates


def lstm_step(rule: Rule, x: Tensor, h: Tensor, states: Sequence[Tensor], peephole: Any) -> Any:
    """As :func:`carrousel.ops.reference.lstm_step`, with peepholes and coupled gates."""
    sums = list((x + h).chunk(rule.gates, -1))
    seen = [] if peephole is None else list(peephole.chunk(2 if rule.variant else 3))
    c = states[1]
    before = [sums[k] + p * c for k, p in enumerate(seen[:-1])] or sums[:-2]
    f = before[-1].sigmoid()
    i = 1 - f if rule.variant else before[0].sigmoid()
    g = sums[-2].tanh()
    c = f * c + i * g
    o = (sums[-1] + seen[-1] * c if seen else sums[-1]).sigmoid()
    return [o * c.tanh(), c], {"input": i, "forget": f, "candidate": g, "output": o}


def gru_step(x: Tensor, h: Tensor, states: Sequence[Tensor]) -> tuple[list[Tensor], Gates]:
    """As :func:`carrousel.ops.reference.gru_step`."""
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = h.chunk(3, -1)
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return [(1 - z) * n + z * states[0]], {"reset": r, "update": z, "candidate": n}


def step(
    rule: Rule,
    x: Tensor,
    h: Tensor | None,
    states: Sequence[Tensor],
    peephole: Tensor | None,
    hand: Hand = untouched,
) -> tuple[list[Tensor], Gates]:
    """One step of any rule; h: what the hidden state brings, None without a product; ``hand``: of
    the cells that torch lacks (the others' steps have one in ``cells`` and ``equations``)."""
    if rule.cell is rules.MIN_GRU.cell:
        return min_gru_step(rule, x, states, hand)
    if rule.cell is rules.MIN_LSTM.cell:
        return min_lstm_step(rule, x, states, hand)
    assert h is not None
    if rule.cell is rules.SLSTM.cell:
        return slstm_step(rule, x, h, states, hand)
    if rule.cell is rules.LSTM.cell:
        return lstm_step(rule, x, h, states, peephole)
    if rule.cell is rules.GRU.cell:
        return gru_step(x, h, states)
    return [(x + h).relu() if rule.variant else (x + h).tanh()], {}


@dataclass(frozen=True)
class RuleStep:
    """One step by itself, as :class:`carrousel.ops.reference.loops.OneStep`.

    weight_ih: None where x is W_ih x and the biases; weight: by heads, None without a product.
    """

    rule: Rule
    weight_ih: Tensor | None = None
    bias: Tensor | None = None
    weight: Tensor | None = None

    @property
    def cell(self) -> Cell:
        return self.rule.cell

    def __call__(
        self, _first: int, x: Tensor, states: Sequence[Tensor], hand: Hand = untouched
    ) -> tuple[list[Tensor], Gates]:
        """The states after a step, and its gates by their names."""
        if self.weight_ih is not None:
            x = torch.nn.functional.linear(x, self.weight_ih, self.bias)
        h = None if self.weight is None else by_heads(states[0], self.weight)
        return step(self.rule, x, h, states, None, hand)


def by_heads(h: Tensor, weight: Tensor) -> Tensor:
    """R h, head by head: h (B, H), weight (heads, G, D, D) with D = H / heads -> (B, G*H)."""
    heads, gates, size, _ = weight.shape
    parts = torch.einsum("bkv,kguv->bgku", h.unflatten(-1, (heads, size)), weight)
    return parts.reshape(len(h), gates * heads * size)


def direction(
    rule: Rule,
    sums: Tensor,
    batch_sizes: Sequence[int],
    start: Tensor,
    weight: Tensor | None = None,
    bias_n: Tensor | None = None,
    peephole: Tensor | None = None,
    reverse: bool = False,
    noise: Noise | None = None,
) -> tuple[Tensor, Tensor, list[tuple[list[Tensor], Gates]]]:
    """All steps in one direction: the loop that the kernel replaces.

    sums (N, G*H) rows time-major, start (S, B, H) -> y (N, H), last (S, B, H), and of each step
    the states after it and the gates by their names.
    """
    firsts, states = list(accumulate(batch_sizes, initial=0)), list(start)
    made: list[Any] = [None] * len(batch_sizes)
    for t in reversed(range(len(made))) if reverse else range(len(made)):
        rows = batch_sizes[t]
        before = [state[:rows] for state in states]
        h = None
        if weight is not None:
            read = None if noise is None else noise.factors(rows)
            h = by_heads(before[0] if read is None else before[0] * read, weight)
            if bias_n is not None:
                h = h + torch.nn.functional.pad(bias_n, (h.size(-1) - len(bias_n), 0))
        now, gates = step(rule, sums[firsts[t] : firsts[t + 1]], h, before, peephole)
        if noise is not None:
            now = noise.zone_states(firsts[t], now, before)
        made[t] = now, gates
        states = [
            torch.cat([new, old[rows:]]) if rows < len(old) else new
            for new, old in zip(now, states, strict=True)
        ]
    return torch.cat([now[0] for now, _ in made]), torch.stack(states), made


def log_space(log_keep: Tensor, log_written: Tensor, log_h0: Tensor) -> Tensor:
    """h' = keep * h + written of positive values, for all steps at once (Feng et al. 2024,
    appendix B; Heinsen 2023): log_keep, log_written (T, B, H), log_h0 (B, H) -> (T, B, H)."""
    keep = log_keep.cumsum(0)
    inside = torch.cat([log_h0[None], log_written - keep]).logcumsumexp(0)
    return (keep + inside[1:]).exp()
