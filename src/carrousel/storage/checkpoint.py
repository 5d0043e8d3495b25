"""Tensors and plain data in one safetensors file, whole or not at all; reading runs no code."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .files import write_bytes
from .plain import parsed


def save_checkpoint(path: Path, tensors: dict[str, Tensor], data: dict[str, Any]) -> None:
    """Write to a temporary beside ``path``, then rename: a reader never sees half a file."""
    # safetensors refuses tensors that share memory; copies are small beside what they protect.
    owned = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(data)
    write_bytes(path, save(owned, {"carrousel": text, "sha256": _digest(owned, text)}))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, data) of a file written by ``save_checkpoint``.

    Raises:
        ValueError: The file is truncated, was changed, or is something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path} is truncated or no safetensors file ({error})") from error
    text = metadata.get("carrousel")
    if text is None:
        raise ValueError(f"{path} was not written by carrousel")
    if metadata.get("sha256") != _digest(tensors, text):
        raise ValueError(f"{path} was changed after it was written, or by an earlier version")
    try:
        data = parsed(text.encode())
    except ValueError as error:
        raise ValueError(f"{path} was not written by carrousel: {error}") from error
    if not isinstance(data, dict):
        raise ValueError(f"{path} was not written by carrousel")
    return tensors, data


def _digest(tensors: dict[str, Tensor], text: str) -> str:
    """Of every name, type, shape and number, and of the text beside them."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        digest.update(_bytes(tensor))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> Any:
    """The memory of a contiguous tensor, of whatever type; not a copy."""
    flat = tensor.reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else b""


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the names ``prefix.name``."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def section(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of the tensors that ``prefixed`` put there, by their own names."""
    prefix += "."
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
