"""A model on disk: a folder with model.json, which names a file of numbers beside it.

Loading reads numbers and text and runs nothing. The file of numbers carries their digest in its
name and is complete before model.json names it, which is replaced in one step: whenever writing
stops, the folder holds the old model or the new one. Writers wait for one another, readers for
nobody. model.json holds the whole digest, and one of itself: half a file, or one that was changed,
is refused. What a digest cannot tell, whether the numbers are those of such a model at all, is
checked on loading, because kernels trust them.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..wording import nearest
from .files import write_bytes
from .model_card import CARD, MARK, model_card
from .plain import parsed, shortened
from .tempfiles import sweep, with_lock

LOG = logging.getLogger(__name__)
DESCRIPTION = "model.json"
FORECASTER, LANGUAGE_MODEL = "forecaster", "language model"
COMMANDS = {
    FORECASTER: "carrousel predict",
    LANGUAGE_MODEL: "carrousel text complete",
    "sequence classifier": "carrousel classify predict",
    "sequence tagger": "carrousel tag predict",
    "transcriber": "carrousel transcribe predict",
    "voice": "carrousel speak",
}
WEIGHTS = "model-{}.safetensors"  # the beginning of its digest
ANY_WEIGHTS = WEIGHTS.format("[0-9a-f]" * 12)
FIRST_WEIGHTS = "model.safetensors"  # the name in the first format
OWN = ("format", "kind", "weights", "sha256", "digest")  # entries that are written here


@dataclass(frozen=True)
class ModelFiles:
    """What a folder holds: plain data and tensors, as they were given to ``write_model``."""

    path: Path
    description: dict[str, Any]
    tensors: dict[str, Tensor]


def write_model(
    path: Path, kind: str, version: int, description: dict[str, Any], tensors: dict[str, Tensor]
) -> None:
    """Write both files, the description last: it is what makes the weights valid.

    Raises:
        OSError: The folder cannot be written (a full disk, no permission); it is as it was.
    """
    weights = save_tensors({name: value.contiguous() for name, value in tensors.items()})
    digest = hashlib.sha256(weights).hexdigest()
    name = WEIGHTS.format(digest[:12])
    content = {"format": version, "kind": kind, "weights": name, "sha256": digest, **description}
    content["digest"] = _digest(content)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with with_lock(path):
            _replace(path, name, weights, text.encode())
            numbers = sum(value.numel() for value in tensors.values())
            card = model_card(content, numbers, len(weights), COMMANDS.get(kind))
            _write_card(path / CARD, card)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"cannot write the model to {path}: {reason}") from error
    LOG.info("wrote a %s to %s", kind, path)


def _replace(path: Path, name: str, weights: bytes, text: bytes) -> None:
    before = _named(path)
    sweep(path, f".model-*.safetensors.{'[0-9a-f]' * 16}")  # of writers that were killed
    try:
        write_bytes(path / name, weights)
        write_bytes(path / DESCRIPTION, text)
    except BaseException:
        if name != before:
            (path / name).unlink(missing_ok=True)
        raise
    remove_orphans(path, before)


def _write_card(path: Path, card: str) -> None:
    """Beside a model that is whole already; somebody's own page stays."""
    try:
        if not path.exists() or MARK in path.read_text("utf-8", errors="replace"):
            write_bytes(path, card.encode())
    except OSError as error:
        LOG.warning("no model card: %s", error)


def remove_orphans(path: Path, before: str | None = None) -> None:
    """Remove the weights that model.json does not name; ``before``: those that it named."""
    orphans = {old.name for old in path.glob(ANY_WEIGHTS)}
    if before == FIRST_WEIGHTS:
        orphans.add(before)
    for old in orphans - {_named(path)}:
        with suppress(OSError):  # a reader's open file, on some systems
            (path / old).unlink()


def _named(path: Path) -> str | None:
    """The weights that the description names; None if there is none that can be read."""
    try:
        return _weights_of(path, parsed((path / DESCRIPTION).read_bytes()))
    except (OSError, ValueError, AttributeError):
        return None


def _weights_of(path: Path, description: dict[str, Any]) -> str:
    name = description.get("weights", FIRST_WEIGHTS)
    if not isinstance(name, str) or not name or name != Path(name).name:
        raise ValueError(f"model file {path / DESCRIPTION}: weights is {shortened(name)}")
    return name


def read_model(path: Path, kind: str, newest: int, sealed: int | None = None) -> ModelFiles:
    """What ``write_model`` wrote to the folder ``path``.

    ``sealed`` is the first format whose descriptions have a digest; None: the newest.

    Raises:
        FileNotFoundError: There is no model.
        ValueError: It is truncated, was changed, or is of another ``kind`` or of a format above
            ``newest``.
    """
    for _ in range(20):  # a writer may come between, and another
        description = _description(path, kind, newest, sealed or newest)
        weights = path / _weights_of(path, description)
        with suppress(FileNotFoundError):
            tensors = _numbers(weights, weights.read_bytes(), description.get("sha256"))
            own = {name: value for name, value in description.items() if name not in OWN}
            LOG.info("read a %s from %s", kind, path)
            return ModelFiles(path, own, tensors)
    raise FileNotFoundError(f"model file {weights} is missing")


def _description(path: Path, kind: str, newest: int, sealed: int) -> dict[str, Any]:
    file = path / DESCRIPTION
    if not file.exists():
        raise FileNotFoundError(
            f"there is no model in {path}: {DESCRIPTION} is missing{beside(path)}"
        )
    try:
        description = parsed(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"model file {file} is truncated or no JSON: {error}") from error
    if not isinstance(description, dict) or "format" not in description:
        raise ValueError(f"model file {file} is truncated or was not written by carrousel")
    found = description.get("kind", FORECASTER)  # which said nothing about itself once
    if found != kind:
        known = isinstance(found, str) and found in COMMANDS
        reader = f"; {COMMANDS[found]} reads it" if known else ""
        raise ValueError(f"the model in {path} is no {kind}, it is a {shortened(found)}{reader}")
    version = description["format"]
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= newest:
        raise ValueError(
            f"the model in {path} has format {shortened(version)}, this version of carrousel "
            f"reads up to {newest}: update carrousel"
        )
    # The models of earlier formats had none.
    if (version >= sealed or "digest" in description) and description.get("digest") != _digest(
        description
    ):
        raise ValueError(f"model file {file} was changed after it was saved")
    return description


def beside(path: Path) -> str:
    """The end of a message: a folder beside ``path``, or in it, that does hold a model."""
    inside = [file.parent for file in path.glob(f"*/{DESCRIPTION}")]
    names = [file.parent.name for file in path.parent.glob(f"*/{DESCRIPTION}")]
    near = nearest(path.name, names)
    found = inside[0] if len(inside) == 1 else path.with_name(near) if near else None
    return "" if found is None else f"; did you mean {str(found)!r}?"


def _digest(description: Mapping[str, Any]) -> str:
    """Of everything that a description says, however its file is laid out."""
    content = {name: value for name, value in description.items() if name != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _numbers(weights: Path, content: bytes, digest: Any) -> dict[str, Tensor]:
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"model file {weights} is truncated or was changed after it was saved")
    try:
        return load_tensors(content)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise ValueError(f"model file {weights} is no safetensors file: {error}") from error


def filled(make: Callable[[], nn.Module], tensors: dict[str, Tensor], what: str) -> nn.Module:
    """The network that ``make`` makes, with these weights, once they are known to fit it.

    Raises:
        ValueError: A tensor is missing, too many, of another shape or type, or not finite.
    """
    try:
        # Sizes that no memory holds are found before it is asked for.
        with torch.device("meta"), _NotDrawn():
            wanted = make().state_dict()
    except (RuntimeError, OverflowError, MemoryError) as error:
        raise ValueError(f"{what} has impossible sizes: {error}") from error
    if names := wanted.keys() ^ tensors.keys():
        name = min(names)
        raise ValueError(f"{what}: {name} is {'missing' if name in wanted else 'too many'}")
    for name, like in wanted.items():
        check_tensor(tensors[name], tuple(like.shape), (like.dtype,), f"{what}: {name}")
    with _NotDrawn():
        network = make()
    network.load_state_dict(tensors)
    return network.eval()


class _NotDrawn(TorchFunctionMode):
    """Parameters are made without first values: they are read next, no random number is drawn for
    them, and torch's way to draw them on the meta device loads its compiler (four seconds)."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def check_tensor(
    tensor: Tensor, shape: tuple[int | None, ...], dtypes: tuple[torch.dtype, ...], what: str
) -> None:
    """Raise ``ValueError`` for another type or shape (None: any size), or if it is not finite."""
    if tensor.dtype not in dtypes:
        raise ValueError(f"{what} must be {dtypes[0]}, got {tensor.dtype}")
    sizes = zip(tensor.shape, shape, strict=False)
    if tensor.ndim != len(shape) or any(want not in (None, have) for have, want in sizes):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{what} must have the shape ({wanted}), got {tuple(tensor.shape)}")
    if tensor.is_floating_point() and not tensor.isfinite().all():
        raise ValueError(f"{what} is not finite")
