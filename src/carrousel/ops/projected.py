"""The LSTM with projection (Sak et al. 2014) as a plain one, which the kernels know.

Its hidden state is h = W_hr m with m = o * tanh(c), and W_hh reads h: W_hh h = (W_hh W_hr) m. So m
is the hidden state of a plain LSTM whose recurrent weights are that product. What the initial h
adds to the first step of each sequence, W_hh h_0, comes in beside x, in columns that are 0
elsewhere.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import gate


def pays(inputs: int, hidden: int, proj: int) -> bool:
    """Whether the kernels are faster than torch's own way, which multiplies by W_hh and W_hr apart.

    Measured: small layers are, whatever they multiply; large ones where that is at most 1.5 times
    as much.
    """
    return hidden <= 128 or 4 * (inputs + hidden) <= 1.5 * (4 * (inputs + proj) + proj)


def as_plain(
    x: Tensor,
    offsets: Tensor | None,
    h0: Tensor,
    weights: list[Tensor],
    w_hr: list[Tensor],
    way: str,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """x, h0 and weights of the plain layer: h0 (D, B, P) -> zeros (D, B, H)."""
    directions, hidden = len(h0), w_hr[0].size(1)
    per = len(weights) // directions
    begins = way is gate.OPERATOR or h0.requires_grad or bool(h0.count_nonzero())
    found: list[Tensor] = []
    for d in range(directions):
        w_ih, w_hh, *biases = weights[d * per : (d + 1) * per]
        if begins:
            columns = [w_hh if d == k else torch.zeros_like(w_hh) for k in range(directions)]
            w_ih = torch.cat([w_ih, *columns], 1)
        found += [w_ih, w_hh @ w_hr[d], *biases]
    if begins:
        x = torch.cat([x, *[_at_first_steps(x, offsets, h, d == 1) for d, h in enumerate(h0)]], -1)
    return x, h0.new_zeros(directions, h0.size(1), hidden), found


def _at_first_steps(x: Tensor, offsets: Tensor | None, h: Tensor, reverse: bool) -> Tensor:
    """h (B, P) in the rows of x of the first step that each sequence takes, else zeros."""
    batch, rows = h.size(0), x.shape[:-1].numel()
    first = torch.arange(batch, device=x.device)
    if reverse and offsets is None:
        first = first + (rows - batch)
    elif reverse and offsets is not None:
        last = (offsets.diff()[:, None] > first).sum(0) - 1  # the step at which each ends
        first = offsets[last] + first
    return h.new_zeros(rows, h.size(1)).index_copy(0, first, h).view(*x.shape[:-1], -1)


def as_projected(y: Tensor, h_n: Tensor, w_hr: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The plain layer's output and last hidden states, projected."""
    outputs = [m @ w.T for m, w in zip(y.chunk(len(w_hr), -1), w_hr, strict=True)]
    return torch.cat(outputs, -1), torch.stack([m @ w.T for m, w in zip(h_n, w_hr, strict=True)])
