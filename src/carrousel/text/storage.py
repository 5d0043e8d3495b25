"""A language model on disk: model.safetensors (numbers) and model.json (the rest), in a directory.

Loading reads numbers and text and runs nothing. The JSON file holds the checksum of the other,
so that two halves of different models, or half a file, are refused.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save as save_tensors

from ..checkpoint import write_bytes
from ..model_files import DESCRIPTION, LANGUAGE_MODEL, numbers, read_description
from .network import Network, Shape
from .options import Options
from .tokenizer import Tokenizer, tokenizer_from_dict

FORMAT = 1
WEIGHTS = "model.safetensors"


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
        "kind": LANGUAGE_MODEL,
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
    description = read_description(path, LANGUAGE_MODEL, FORMAT)
    weights = path / WEIGHTS
    if not weights.exists():
        raise FileNotFoundError(f"model file {weights} is missing")
    state = numbers(weights, weights.read_bytes(), description["sha256"])
    network = Network(Shape(**description["shape"]))
    if network.shape.tied:
        state["decoder.weight"] = state["embedding.weight"]
    network.load_state_dict(state)
    tokenizer = tokenizer_from_dict(description["tokenizer"])
    return network.eval(), tokenizer, Options(**description["options"]), description["report"]
