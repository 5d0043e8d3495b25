"""What saved models have in common: model.json, which says what the numbers beside it are."""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors.torch import load
from torch import Tensor

DESCRIPTION = "model.json"
FORECASTER, LANGUAGE_MODEL = "forecaster", "language model"
COMMANDS = {FORECASTER: "carrousel predict", LANGUAGE_MODEL: "carrousel text complete"}


def read_description(path: Path, kind: str, newest: int) -> dict[str, Any]:
    """The description of the model in the folder ``path``.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is truncated, of another ``kind``, or of a format above ``newest``.
    """
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
    found = description.get("kind", FORECASTER)  # which says nothing about itself
    if found != kind:
        reader = f"; {COMMANDS[found]} reads it" if found in COMMANDS else ""
        raise ValueError(f"the model in {path} is no {kind}, it is a {found}{reader}")
    if not isinstance(version, int) or version > newest:
        raise ValueError(
            f"the model in {path} has format {version}, this version of carrousel reads up to "
            f"{newest}: update carrousel"
        )
    return description


def numbers(weights: Path, content: bytes, digest: str) -> dict[str, Tensor]:
    """The tensors in the ``content`` of the file ``weights``; ValueError if it is not as saved."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"model file {weights} is truncated or was changed after it was saved")
    return load(content)
