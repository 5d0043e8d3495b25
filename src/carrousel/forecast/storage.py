"""A model on disk: a directory with model.json, which names a file of numbers beside it.

Loading reads numbers and text and runs nothing. The file of numbers carries their digest in its
name and is complete before model.json names it, which is replaced in one step: whenever writing
stops, the directory holds the old model or the new one. The JSON file also holds the whole digest,
so that half a file, or one that was changed, is refused.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as save_tensors
from torch import Tensor

from ..checkpoint import section, write_bytes
from ..data.covariates import Spec
from ..data.frequency import Frequency
from ..data.panel import Panel
from ..model_files import DESCRIPTION, FORECASTER, numbers, read_description
from .distribution import QUANTILES
from .model import Network, Shape

FORMAT = 2  # 1: the weights were always called model.safetensors


@dataclass(frozen=True)
class Saved:
    """What a directory holds."""

    networks: list[Network]
    panel: Panel
    description: dict[str, Any]
    stream: dict[str, Tensor]  # states of ``Stream``; empty if there was none


def save_model(
    path: Path,
    networks: Sequence[Network],
    panel: Panel,
    options: dict[str, Any],
    more: dict[str, Any],
    stream: dict[str, Tensor],
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
    if panel.day is not None:
        tensors["panel.day"] = torch.from_numpy(panel.day)
    if panel.exog is not None and panel.static is not None:
        tensors["panel.exog"] = torch.from_numpy(np.ascontiguousarray(panel.exog))
        tensors["panel.static"] = torch.from_numpy(np.ascontiguousarray(panel.static))
    tensors |= {f"stream.{name}": value.contiguous() for name, value in stream.items()}
    weights = save_tensors(tensors)
    digest = hashlib.sha256(weights).hexdigest()
    name = f"model-{digest[:12]}.safetensors"
    description = {
        "format": FORMAT,
        "weights": name,
        "sha256": digest,
        "options": options,
        "shape": asdict(networks[0].shape),
        "quantiles": QUANTILES,
        "networks": len(networks),
        "panel": _panel_to_json(panel),
        **more,
    }
    text = json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False)
    before = _named(path)
    try:
        write_bytes(path / name, weights)
        write_bytes(path / DESCRIPTION, text.encode())
    except OSError as error:
        if name != before:
            (path / name).unlink(missing_ok=True)
        raise OSError(f"cannot write the model to {path}: {error.strerror}") from error
    orphans = {old.name for old in path.glob(f"model-{'[0-9a-f]' * 12}.safetensors")}
    for old in (orphans | {before}) - {name, None}:
        with suppress(OSError):  # a reader's open file, on some systems
            (path / str(old)).unlink()


def _named(path: Path) -> str | None:
    """The weights that the description names; None if there is none that can be read."""
    try:
        description = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        return Path(description.get("weights", "model.safetensors")).name
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def load_model(path: Path) -> Saved:
    """What ``save_model`` wrote.

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is truncated, or of a newer version of this package.
    """
    description, weights, content = _read_both(path)
    tensors = numbers(weights, content, description["sha256"])
    parts: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in description["shape"].items()
    }
    shape = Shape(**parts)
    networks = []
    for k in range(description["networks"]):
        network = Network(shape)
        network.load_state_dict(section(f"network{k}", tensors))
        networks.append(network.eval())
    panel = _panel_from_json(description["panel"], tensors)
    return Saved(networks, panel, description, section("stream", tensors))


def _read_both(path: Path) -> tuple[dict[str, Any], Path, bytes]:
    """(description, path of the weights, their bytes); looks again if a writer came between."""
    for _ in range(2):
        description = read_description(path, FORECASTER, FORMAT)
        weights = path / Path(description.get("weights", "model.safetensors")).name
        with suppress(FileNotFoundError):
            return description, weights, weights.read_bytes()
    raise FileNotFoundError(f"model file {weights} is missing")


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
        **({"covariates": asdict(panel.covariates)} if panel.covariates else {}),
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
        exog=tensors["panel.exog"].numpy() if "panel.exog" in tensors else None,
        static=tensors["panel.static"].numpy() if "panel.static" in tensors else None,
        covariates=Spec.restored(data["covariates"]) if "covariates" in data else None,
        day=tensors["panel.day"].numpy() if "panel.day" in tensors else None,
    )
