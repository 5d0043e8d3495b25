"""The network of a page's model in torch: what the browser computes, for the API and the tests.

x_t = embedding[token_t]         or  x_t = W_embed v_t + b_embed
x   = layer(x)                   or, residual, x + layer(x); for each layer
out = W_head x + b_head
"""

from typing import Any

import torch
from torch import Tensor, nn

from ..nn import LAYERS
from .tensors import decode


class PageNetwork(nn.Module):
    """Reads one sequence: tokens (T,) int64 or vectors (T, I); gives the head's output (T, O)."""

    def __init__(self, page: dict[str, Any]) -> None:
        super().__init__()
        self.kind = page["kind"]
        self.residual = bool(page.get("residual"))
        table = page.get("embedding")
        self.embedding = None if table is None else _tensor(table)
        self.embed = _linear(page["embed"]) if page.get("embed") else None
        self.layers = nn.ModuleList(_layer(self.kind, one) for one in page["layers"])
        self.head = _linear(_untied(page["head"], table)) if page.get("head") else None

    def forward(self, sequence: Tensor) -> Tensor:
        x = sequence if self.embedding is None else self.embedding[sequence]
        return self.from_vectors(x)

    def from_vectors(self, x: Tensor) -> Tensor:
        """(T, I) or (B, T, I): from behind the embedding on."""
        x = x if self.embed is None else self.embed(x)
        batch = x if x.dim() == 3 else x[None]
        for layer in self.layers:
            out = layer(batch)[0]
            batch = batch + out if self.residual else out
        x = batch if x.dim() == 3 else batch[0]
        return x if self.head is None else self.head(x)


def _tensor(stored: dict[str, Any]) -> Tensor:
    return torch.from_numpy(decode(stored))


def _untied(head: dict[str, Any], table: dict[str, Any] | None) -> dict[str, Any]:
    return {"weight": table, "bias": head.get("bias")} if head.get("tied") else head


def _linear(stored: dict[str, Any]) -> nn.Linear:
    weight, bias = _tensor(stored["weight"]), stored.get("bias")
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    linear.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": _tensor(bias)}))
    return linear


def _layer(kind: str, stored: dict[str, Any]) -> nn.RNNBase:
    tensors = {f"{name}_l0": _tensor(value) for name, value in stored.items()}
    inputs, hidden = tensors["weight_ih_l0"].shape[1], tensors["weight_hh_l0"].shape[1]
    layer = LAYERS[kind](inputs, hidden, bias="bias_ih_l0" in tensors, batch_first=True)
    layer.load_state_dict(tensors)
    return layer
