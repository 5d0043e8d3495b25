"""A forecaster on disk: see ``carrousel.storage.model_directory``."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ...data.covariates import Spec
from ...data.frequency import Frequency
from ...data.panel import Panel
from ...data.reading import READ_OPTIONS, ReadOptions
from ...storage.checkpoint import prefixed, section
from ...storage.model_directory import FORECASTER, filled, read_model, write_model
from ...storage.plain import restored
from ..ensemble.companion import Companion
from ..network.distribution import QUANTILES, SIDE
from ..network.network import Network
from ..network.shape import Shape
from ..options import Options
from ..pretrained.carried import check_carried
from ..pretrained.storage import halves, network_of
from ..pretrained.zero_shot import ZeroShot
from .checks import LONGEST, check_panel, check_shape, check_stream

# 1: the weights were always called model.safetensors; 2: the description was not signed; 3: nobody
# stood beside the networks.
FORMAT = 4
SEALED = 3  # from this format on a description has a digest


@dataclass(frozen=True)
class Saved:
    """What a directory holds."""

    networks: list[Network]
    zero_shot: ZeroShot | None
    panel: Panel
    options: dict[str, Any]
    notes: list[str]
    calibration: tuple[float, ...] | None
    stream: dict[str, Tensor]  # states of ``Stream``; empty if there was none
    companion: Companion | None = None


@dataclass(frozen=True)
class _Description:
    options: dict[str, Any]
    shape: dict[str, Any] | None  # None: nothing was trained
    quantiles: tuple[float, ...]
    networks: int
    panel: dict[str, Any]
    notes: list[str]
    reasons: list[str]
    calibration: tuple[float, ...] | None = None
    pretrained: dict[str, Any] | None = None  # the shape and the seasons of a ``ZeroShot``
    companion: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.quantiles != QUANTILES:
            raise ValueError(f"quantiles must be {QUANTILES}")
        if (self.shape is None) == (self.pretrained is None):
            raise ValueError("there must be networks that were trained, or a pretrained one")
        factors = self.calibration
        if factors is not None and not (len(factors) == SIDE and min(factors) > 0):
            raise ValueError(f"calibration must be {SIDE} factors above 0")


@dataclass(frozen=True)
class _Pretrained:
    shape: dict[str, Any]
    seasons: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.seasons) != 2 or not all(1 <= m <= LONGEST for m in self.seasons):
            raise ValueError(f"seasons must be two lags, got {self.seasons}")


@dataclass(frozen=True)
class _Companion:
    """Of the network that ships only the name: every installation has it."""

    share: float
    digest: str

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share must be between 0 and 1, got {self.share}")


@dataclass(frozen=True)
class _Series:
    """What a panel is beside its numbers."""

    ids: list[str | int | float]
    freq: Frequency
    dated: bool
    id_col: str | None
    time_col: str
    target_col: str
    time_zone: str | None
    covariates: Spec | None = None
    wall: bool = False
    reading: ReadOptions | None = None


def save_model(
    path: Path,
    networks: Sequence[Network],
    zero_shot: ZeroShot | None,
    companion: Companion | None,
    panel: Panel,
    options: dict[str, Any],
    more: dict[str, Any],
    stream: dict[str, Tensor],
) -> None:
    """Write the model, or leave the folder as it was."""
    tensors = _panel_tensors(panel) | prefixed("stream", stream)
    for k, network in enumerate(networks):
        tensors |= prefixed(f"network{k}", network.state_dict())
    pretrained = None
    if zero_shot is not None:
        tensors |= prefixed("pretrained", halves(zero_shot.network))
        shape = asdict(zero_shot.network.shape)
        pretrained = {"shape": shape, "seasons": zero_shot.seasons}
    beside = None
    if companion is not None:
        beside = asdict(_Companion(companion.share, companion.digest))
    description = {
        "options": options,
        "shape": asdict(networks[0].shape) if networks else None,
        "pretrained": pretrained,
        "companion": beside,
        "quantiles": QUANTILES,
        "networks": len(networks),
        "panel": _panel_to_json(panel),
        **more,
    }
    write_model(path, FORECASTER, FORMAT, description, tensors)


def model_digest(
    networks: Sequence[Network],
    zero_shot: ZeroShot | None,
    companion: Companion | None,
    calibration: Sequence[float] | None,
) -> str:
    """A digest of all numbers that decide a forecast."""
    tensors: dict[str, Tensor] = {}
    for k, network in enumerate(networks):
        tensors |= prefixed(f"network{k}", network.state_dict())
    if zero_shot is not None:
        tensors |= prefixed("pretrained", halves(zero_shot.network))
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().numpy().tobytes())
    seasons = None if zero_shot is None else zero_shot.seasons
    shapes = [asdict(network.shape) for network in networks]
    beside = None if companion is None else (companion.share, companion.digest)
    digest.update(repr((shapes, seasons, beside, calibration)).encode())
    return digest.hexdigest()


def load_model(path: Path) -> Saved:
    """What ``save_model`` wrote.

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is truncated or changed, or of a newer version of this package.
    """
    files = read_model(path, FORECASTER, FORMAT, SEALED)
    try:
        return _saved(files.description, files.tensors)
    except ValueError as error:
        raise ValueError(f"the model in {path} cannot be read: {error}") from error


def _saved(description: dict[str, Any], tensors: dict[str, Tensor]) -> Saved:
    saved = restored(_Description, description, "it")
    given = dict(saved.options)
    reading = {name: given.pop(name) for name in READ_OPTIONS if name in given}
    options = restored(Options, {**given, "reading": reading}, "options")
    zero_shot = _zero_shot(saved.pretrained, section("pretrained", tensors))
    panel = _panel(saved.panel, section("panel", tensors))
    if saved.shape is not None:
        shape = restored(Shape, saved.shape, "shape")
        check_shape(shape, options, saved.networks, len(tensors))
    elif saved.networks:
        raise ValueError("networks have no shape")
    else:  # of forecasts alone
        ahead = panel.covariates.sizes(panel.covariates.ahead) if panel.covariates else ()
        shape = Shape(options.h, options.cell, 1, 1, (1,), 1, 1, futr=ahead)
    check_panel(panel, shape)
    stream = section("stream", tensors)
    if "state" in stream and zero_shot is not None:
        check_carried(stream, zero_shot, panel, options.h)
    elif stream:
        check_stream(stream, panel, shape, saved.networks)
    networks = []
    for k in range(saved.networks):
        weights = section(f"network{k}", tensors)
        networks.append(cast(Network, filled(partial(Network, shape), weights, f"network {k}")))
    companion = _companion(saved.companion, networks)
    return Saved(
        networks, zero_shot, panel, options.by_name(), saved.notes, saved.calibration, stream,
        companion,
    )  # fmt: skip


def _companion(described: dict[str, Any] | None, networks: Sequence[Network]) -> Companion | None:
    """None, with a warning, where another network ships now: how much it should count is not
    known."""
    if described is None:
        return None
    found = restored(_Companion, described, "companion")
    if not networks:
        raise ValueError("a companion has no networks to stand beside")
    shape = networks[0].shape
    companion = Companion(ZeroShot(shape.seasons), found.share, shape.h)
    if companion.digest == found.digest:
        return companion
    warnings.warn(
        f"{found.share:.0%} of this model's forecasts came from a pretrained network "
        f"({found.digest[:12]}) that this version of carrousel does not have; the networks that "
        "were trained forecast alone now: fit again",
        RuntimeWarning,
        stacklevel=5,
    )
    return None


def _zero_shot(described: dict[str, Any] | None, weights: dict[str, Tensor]) -> ZeroShot | None:
    if described is None:
        return None
    found = restored(_Pretrained, described, "pretrained")
    return ZeroShot(found.seasons, network_of(found.shape, weights, "the pretrained network"))


def _panel_tensors(panel: Panel) -> dict[str, Tensor]:
    arrays = {
        "y": panel.y,
        "offsets": panel.offsets.astype(np.int64),
        "start": panel.start.astype(np.int64),
        "day": panel.day,
    }
    if panel.exog is not None and panel.static is not None:
        arrays |= {"exog": panel.exog, "static": panel.static}
    there = {name: array for name, array in arrays.items() if array is not None}
    return prefixed(
        "panel", {n: torch.from_numpy(np.ascontiguousarray(a)) for n, a in there.items()}
    )


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
        "wall": panel.wall,
        **({"reading": asdict(panel.reading)} if panel.reading else {}),
        **({"covariates": asdict(panel.covariates)} if panel.covariates else {}),
    }


def _panel(data: dict[str, Any], tensors: dict[str, Tensor]) -> Panel:
    series = restored(_Series, data, "panel")
    for name in ("y", "offsets", "start"):
        if name not in tensors:
            raise ValueError(f"panel.{name} is missing")
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    start = arrays["start"]
    return Panel(
        y=arrays["y"],
        offsets=arrays["offsets"],
        ids=series.ids,
        start=start.astype("M8[us]") if series.dated and start.dtype == np.int64 else start,
        freq=series.freq,
        id_col=series.id_col,
        time_col=series.time_col,
        target_col=series.target_col,
        time_zone=series.time_zone,
        wall=series.wall,
        exog=arrays.get("exog"),
        static=arrays.get("static"),
        covariates=series.covariates,
        reading=series.reading,
        day=arrays.get("day"),
    )
