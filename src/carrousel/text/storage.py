"""A language model on disk: see ``carrousel.storage.model_directory``."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ..storage import int8_rows
from ..storage.model_directory import LANGUAGE_MODEL, filled, read_model, write_model
from ..storage.plain import restored
from ..tokenizers.kinds import tokenizer_from_dict
from ..tokenizers.tokenizer import Tokenizer
from .network import Network, Shape
from .options import Options

FORMAT = 3  # 1: the weights were always called model.safetensors; 2: in float32 alone
STEPS = ".steps"  # of a matrix in int8


@dataclass(frozen=True)
class _Description:
    options: dict[str, Any]
    shape: dict[str, Any]
    tokenizer: dict[str, Any]
    report: dict[str, Any]


def save_model(
    path: Path, network: Network, tokenizer: Tokenizer, options: Options, report: dict[str, Any]
) -> None:
    """Write the model, or leave the folder as it was."""
    state = network.state_dict()
    if network.shape.tied:
        del state["decoder.weight"]  # it is the embedding's
    description = {
        "options": asdict(options),
        "shape": asdict(network.shape),
        "tokenizer": tokenizer.to_dict(),
        "report": report,
    }
    write_model(path, LANGUAGE_MODEL, FORMAT, description, _packed(state))


def load_model(path: Path) -> tuple[Network, Tokenizer, Options, dict[str, Any]]:
    """(network, tokenizer, options, report).

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is another kind of model, truncated or changed, or of a newer version.
    """
    files = read_model(path, LANGUAGE_MODEL, FORMAT)
    try:
        saved = restored(_Description, files.description, "it")
        options = restored(Options, saved.options, "options")
        tokenizer = tokenizer_from_dict(saved.tokenizer)
        shape = restored(Shape, saved.shape, "shape")
        tensors = _unpacked(files.tensors)
        _check(shape, options, len(tokenizer), len(tensors))
        if shape.tied and "embedding.weight" in tensors:
            tensors["decoder.weight"] = tensors["embedding.weight"]
        network = cast(Network, filled(partial(Network, shape), tensors, "the network"))
    except ValueError as error:
        raise ValueError(f"the model in {path} cannot be read: {error}") from error
    return network, tokenizer, options, saved.report


def _packed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices that are whole multiples of a step (a model that was rounded) in a byte a number;
    everything else as it is: what is read back is what was given."""
    packed = dict(tensors)
    for name, value in tensors.items():
        if rows := int8_rows.split(value.detach().numpy()):
            packed[name], packed[name + STEPS] = map(torch.from_numpy, rows)
    return packed


def _unpacked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    unpacked = {name: value for name, value in tensors.items() if not name.endswith(STEPS)}
    for name, steps in tensors.items():
        if not name.endswith(STEPS):
            continue
        multiples = tensors.get(name.removesuffix(STEPS))
        rows = None if multiples is None or multiples.ndim != 2 else len(multiples)
        if multiples is None or multiples.dtype != torch.int8 or steps.shape != (rows,):
            raise ValueError(f"{name} are the steps of no matrix in int8")
        joined = int8_rows.joined(multiples.numpy(), steps.float().numpy())
        unpacked[name.removesuffix(STEPS)] = torch.from_numpy(joined)
    return unpacked


def _check(shape: Shape, options: Options, tokens: int, tensors: int) -> None:
    """Whether options, tokenizer and shape speak of one network."""
    if shape.tokens != tokens:
        raise ValueError(f"shape.tokens is {shape.tokens}, but the tokenizer has {tokens}")
    for name in ("cell", "embedding", "hidden", "layers", "tied"):
        if getattr(shape, name) != getattr(options, name):
            raise ValueError(
                f"shape.{name} is {getattr(shape, name)!r}, but the option "
                f"{getattr(options, name)!r}"
            )
    if shape.layers > tensors:
        raise ValueError(f"shape.layers is {shape.layers}, but there are {tensors} tensors")
