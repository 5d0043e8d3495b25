"""A language model on disk: model.safetensors (numbers) and model.json (the rest), in a directory.

Loading reads numbers and text and runs nothing. The JSON file holds the checksum of the other,
so that two halves of different models, or half a file, are refused.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from ..checkpoint import write_bytes
from .network import Network, Shape
from .options import Options
from .tokenizer import Tokenizer, tokenizer_from_dict

FORMAT, KIND = 1, "language model"
WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"


def save_model(
    path: Path, network: Network, tokenizer: Tokenizer, options: Options, report: dict[str, Any]
) -> None:
    """Write both files, the description last: it is what makes the weights valid."""
    state = network.state_dict()
    if network.shape.tied:
        del state["decoder.weight"]  # it is the embedding's
    weights = save_tensors({name: value.contiguous() for name, value in state.items()})
    description = {
        "format": FORMAT,
        "kind": KIND,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "options": asdict(options),
        "shape": asdict(network.shape),
        "tokenizer": tokenizer.to_dict(),
        "report": report,
    }
    text = json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        write_bytes(path / WEIGHTS, weights)
        write_bytes(path / DESCRIPTION, text.encode())
    except OSError as error:
        raise OSError(f"cannot write the model to {path}: {error.strerror}") from error


def load_model(path: Path) -> tuple[Network, Tokenizer, Options, dict[str, Any]]:
    """(network, tokenizer, options, report).

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is another kind of model, truncated, or of a newer version.
    """
    description = _read_description(path)
    weights = path / WEIGHTS
    if not weights.exists():
        raise FileNotFoundError(f"model file {weights} is missing")
    content = weights.read_bytes()
    if hashlib.sha256(content).hexdigest() != description["sha256"]:
        raise ValueError(f"model file {weights} is truncated or was changed after it was saved")
    network = Network(Shape(**description["shape"]))
    state = load_tensors(content)
    if network.shape.tied:
        state["decoder.weight"] = state["embedding.weight"]
    network.load_state_dict(state)
    tokenizer = tokenizer_from_dict(description["tokenizer"])
    return network.eval(), tokenizer, Options(**description["options"]), description["report"]


def _read_description(path: Path) -> dict[str, Any]:
    file = path / DESCRIPTION
    if not file.exists():
        raise FileNotFoundError(f"there is no model in {path}: {DESCRIPTION} is missing")
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        version = description["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"model file {file} is truncated or was not written by carrousel"
        ) from error
    if description.get("kind") != KIND:
        raise ValueError(f"the model in {path} is no language model; carrousel predict reads it")
    if not isinstance(version, int) or version > FORMAT:
        raise ValueError(
            f"the model in {path} has format {version}, this version of carrousel reads up to "
            f"{FORMAT}: update carrousel"
        )
    return description
