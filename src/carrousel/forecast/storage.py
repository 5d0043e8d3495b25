"""A model on disk: a directory with model.safetensors (numbers) and model.json (the rest).

Loading reads numbers and text and runs nothing. The JSON file holds the checksum of the other,
so that two halves of different models, or half a file, are refused.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ..checkpoint import write_bytes
from ..data.frequency import Frequency
from ..data.panel import Panel
from .distribution import QUANTILES
from .model import Network, Shape

FORMAT = 1
WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"


def save_model(
    path: Path, networks: list[Network], panel: Panel, options: dict[str, Any], more: dict[str, Any]
) -> None:
    """Write both files, the description last: it is what makes the weights valid."""
    tensors = {
        f"network{k}.{name}": value.detach().contiguous()
        for k, network in enumerate(networks)
        for name, value in network.state_dict().items()
    }
    tensors |= {
        "panel.y": torch.from_numpy(np.ascontiguousarray(panel.y)),
        "panel.offsets": torch.from_numpy(panel.offsets.astype(np.int64)),
        "panel.start": torch.from_numpy(panel.start.astype(np.int64)),
    }
    weights = save_tensors(tensors)
    description = {
        "format": FORMAT,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "options": options,
        "shape": asdict(networks[0].shape),
        "quantiles": QUANTILES,
        "networks": len(networks),
        "panel": _panel_to_json(panel),
        **more,
    }
    text = json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        write_bytes(path / WEIGHTS, weights)
        write_bytes(path / DESCRIPTION, text.encode())
    except OSError as error:
        raise OSError(f"cannot write the model to {path}: {error.strerror}") from error


def load_model(path: Path) -> tuple[list[Network], Panel, dict[str, Any]]:
    """(networks, panel, description).

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is truncated, or of a newer version of this package.
    """
    description = _read_description(path)
    weights = path / WEIGHTS
    if not weights.exists():
        raise FileNotFoundError(f"model file {weights} is missing")
    content = weights.read_bytes()
    if hashlib.sha256(content).hexdigest() != description["sha256"]:
        raise ValueError(f"model file {weights} is truncated or was changed after it was saved")
    tensors = load_tensors(content)
    shape = description["shape"]
    shape = Shape(**{**shape, "seasons": tuple(shape["seasons"])})
    networks = []
    for k in range(description["networks"]):
        network = Network(shape)
        network.load_state_dict(_section(f"network{k}.", tensors))
        networks.append(network.eval())
    return networks, _panel_from_json(description["panel"], tensors), description


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
    if not isinstance(version, int) or version > FORMAT:
        raise ValueError(
            f"the model in {path} has format {version}, this version of carrousel reads up to "
            f"{FORMAT}: update carrousel"
        )
    return description


def _section(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}


def _panel_to_json(panel: Panel) -> dict[str, Any]:
    names = [i if isinstance(i, (str, int, float)) else str(i) for i in panel.ids]
    return {
        "ids": names,
        "freq": asdict(panel.freq),
        "dated": panel.start.dtype.kind == "M",
        "id_col": panel.id_col,
        "time_col": panel.time_col,
        "target_col": panel.target_col,
        "time_zone": panel.time_zone,
    }


def _panel_from_json(data: dict[str, Any], tensors: dict[str, Tensor]) -> Panel:
    start = tensors["panel.start"].numpy()
    return Panel(
        y=tensors["panel.y"].numpy(),
        offsets=tensors["panel.offsets"].numpy(),
        ids=data["ids"],
        start=start.astype("M8[us]") if data["dated"] else start,
        freq=Frequency(**data["freq"]),
        id_col=data["id_col"],
        time_col=data["time_col"],
        target_col=data["target_col"],
        time_zone=data["time_zone"],
    )
