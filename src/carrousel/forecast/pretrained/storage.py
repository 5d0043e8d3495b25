"""The weights that ship with the package, and how they are written."""

from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ... import nn as layers
from ...storage.checkpoint import prefixed, section
from ...storage.model_directory import filled, read_model, write_model
from ...storage.plain import restored
from .network import Network, Shape

KIND = "pretrained network"
FORMAT = 1
SHIPPED = Path(__file__).parent / "weights"


def save(path: Path, networks: dict[str, Network]) -> None:
    """Write networks to a folder, their numbers in half precision."""
    tensors: dict[str, Tensor] = {}
    for name, network in networks.items():
        tensors |= prefixed(name, halves(network))
    shapes = {name: asdict(network.shape) for name, network in networks.items()}
    write_model(path, KIND, FORMAT, {"shapes": shapes}, tensors)


def load(path: Path, only: str | None = None) -> dict[str, Network]:
    """The networks that ``save`` wrote, by name, or only one of them.

    Raises:
        FileNotFoundError: There are none.
        ValueError: They are truncated or changed, or of a newer version of this package.
    """
    files = read_model(path, KIND, FORMAT)
    try:
        shapes = restored(_Shapes, files.description, "it").shapes
        wanted = shapes if only is None else {only: shapes[only]}
        return {k: network_of(v, section(k, files.tensors), k) for k, v in wanted.items()}
    except ValueError as error:
        raise ValueError(f"the networks in {path} cannot be read: {error}") from error


def halves(network: Network) -> dict[str, Tensor]:
    """The weights in half precision, which changes forecasts less than their seed does."""
    return {k: v.detach().to(torch.float16) for k, v in network.state_dict().items()}


def network_of(shape: dict[str, Any], weights: dict[str, Tensor], what: str) -> Network:
    """The network of a shape and of what ``halves`` gave, once they are known to fit."""
    make = partial(Network, restored(Shape, shape, "shape"), layers.LSTM)
    return cast(Network, filled(make, {k: v.float() for k, v in weights.items()}, what))


@dataclass(frozen=True)
class _Shapes:
    shapes: dict[str, dict[str, Any]]


@cache
def shipped(name: str) -> Network:
    """One of the networks that ship with the package, "single" or "fours", read once."""
    return load(SHIPPED, name)[name]
