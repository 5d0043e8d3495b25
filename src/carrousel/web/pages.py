"""A saved model as the JSON that the page reads (``static/net/load.js`` says what it holds)."""

from typing import Any

from torch import Tensor

from .tensors import encode

FORMAT = 1
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def layer_pages(state: dict[str, Tensor], prefix: str, levels: int) -> list[dict[str, Any]]:
    """The weights of ``levels`` levels of one recurrent layer, as the page reads them."""
    return [
        {name: encode(state[f"{prefix}{name}_l{k}"]) for name in PARAMETERS} for k in range(levels)
    ]


def linear_page(state: dict[str, Tensor], prefix: str) -> dict[str, Any]:
    return {"weight": encode(state[f"{prefix}weight"]), "bias": encode(state[f"{prefix}bias"])}
