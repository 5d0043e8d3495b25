"""Hand-written cell loops over torch's parameters, every state a node of its own: the oracle.

Nothing here is carrousel's. A layer's parameters are read by their names; sequences are padded to
the same length, and a packed batch is checked one sequence at a time.
"""

import torch
from torch import Tensor, nn


def lstm(x: Tensor, h: Tensor, c: Tensor, w: list[Tensor]) -> tuple[Tensor, Tensor, dict]:
    i, f, g, o = (x @ w[0].T + h @ w[1].T + w[2] + w[3]).chunk(4, -1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + i * g
    return o * c.tanh(), c, {"input": i, "forget": f, "candidate": g, "output": o}


def gru(x: Tensor, h: Tensor, w: list[Tensor]) -> tuple[Tensor, None, dict]:
    a_r, a_z, a_n = (x @ w[0].T + w[2]).chunk(3, -1)
    b_r, b_z, b_n = (h @ w[1].T + w[3]).chunk(3, -1)
    r, z = (a_r + b_r).sigmoid(), (a_z + b_z).sigmoid()
    n = (a_n + r * b_n).tanh()
    return (1 - z) * n + z * h, None, {"reset": r, "update": z, "candidate": n}


def rnn(x: Tensor, h: Tensor, w: list[Tensor], nonlinearity: str) -> tuple[Tensor, None, dict]:
    h = getattr(x @ w[0].T + h @ w[1].T + w[2] + w[3], nonlinearity)()
    return h, None, {}


def step(layer: nn.RNNBase, x: Tensor, h: Tensor, c: Tensor | None, w: list[Tensor]):
    if layer.mode == "LSTM":
        return lstm(x, h, c, w)
    if layer.mode == "GRU":
        return gru(x, h, w)
    return rnn(x, h, w, layer.nonlinearity)


def run(layer: nn.RNNBase, x: Tensor) -> tuple[Tensor, list[dict]]:
    """Output (T, B, D*H) of a layer for x (T, B, I), and a dict of lists per level and direction.

    The dict holds "hidden" and "cell" (one tensor per step, its gradient retained) and the gates.
    """
    steps, batch, _ = x.shape
    entries = []
    for level in range(layer.num_layers):
        outputs = []
        for suffix in ("", "_reverse")[: 2 if layer.bidirectional else 1]:
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            w = [getattr(layer, f"{name}_l{level}{suffix}") for name in names]
            h = x.new_zeros(batch, layer.hidden_size)
            c = torch.zeros_like(h)
            entry: dict = {name: [None] * steps for name in ("hidden", "cell", "gates")}
            for t in range(steps)[:: -1 if suffix else 1]:
                h, c, gates = step(layer, x[t], h, c, w)
                for name, state in (("hidden", h), ("cell", c)):
                    if state is not None and state.requires_grad:
                        state.retain_grad()
                    entry[name][t] = state
                entry["gates"][t] = gates
            outputs.append(torch.stack(entry["hidden"]))
            entries.append(entry)
        x = torch.cat(outputs, -1)
    return x, entries
