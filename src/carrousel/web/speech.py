"""A saved Transcriber as a page: how it hears, its network, and what it can say."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..audio import leveling
from ..sequence import Transcriber
from ..sequence.inputs.sounds import SoundReader
from ..sequence.layers.entry import LARGEST
from ..sequence.network import Network
from .pages import FORMAT, layer_pages, linear_page
from .tensors import encode


def speech_page(path: Path, name: str) -> dict[str, Any]:
    return transcriber_page(Transcriber.load(path), name)


def transcriber_page(model: Transcriber, name: str) -> dict[str, Any]:
    """The first network of the ensemble, with everything that leads from samples to it.

    Raises:
        ValueError: It does not hear while somebody speaks, or reads no sound at all.
    """
    network, reader = model.networks_[0], model.reader_
    _require_live(network, reader, name)
    state = network.state_dict()
    return {
        "format": FORMAT,
        "name": name,
        "kind": network.shape.cell,
        "layers": [layer_pages(state, f"layers.{k}.", 1)[0] for k in range(network.shape.layers)],
        "head": linear_page(state, "head."),
        "meta": {
            "task": "speech",
            "title": {"en": name, "fr": name},
            "labels": [str(label) for label in model.labels_],
            "features": _features(reader),
            "scales": {
                "mean": encode(network.entry.mean),
                "scale": encode(network.entry.scale),
                "largest": LARGEST,
            },
            "temperature": float(model.task_.temperature),
        },
    }


def _features(reader: SoundReader) -> dict[str, Any]:
    """``LogMel`` in samples, and the constants of ``LevelStream``."""
    found = reader.features
    return asdict(found) | {
        "high": found.rate / 2 if found.high is None else found.high,
        "samples": found.samples,
        "step": found.step,
        "size": found.size,
        "faded": leveling.faded(found.step / found.rate),
        "rest": leveling.REST,
        "quietest": leveling.QUIETEST,
    }


def _require_live(network: Network, reader: Any, name: str) -> None:
    if not isinstance(reader, SoundReader) or reader.features.slopes:
        raise ValueError(
            f"the model {name} reads no recordings; the page shows transcribers of sound"
        )
    if network.shape.bidirectional or network.shape.filters:
        raise ValueError(
            f"the model {name} cannot hear while somebody speaks: train it with --one-way "
            "(bidirectional=False, convolution=False)"
        )
