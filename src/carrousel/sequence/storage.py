"""An estimator on disk: see ``carrousel.storage.model_directory``."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import Tensor

from ..limits import real
from ..storage.checkpoint import prefixed, section
from ..storage.model_directory import filled, read_model, write_model
from ..storage.plain import restored, shortened, typed
from .companion.companion import SAVED, Companion
from .inputs.readers import BY_KIND
from .network import Network, Shape

FORMAT = 1


@dataclass(frozen=True)
class _Description:
    options: dict[str, Any]
    shape: dict[str, Any]
    networks: int
    reader: dict[str, Any]
    task: dict[str, Any]
    temperature: float
    reasons: list[str]
    report: dict[str, Any]
    companion: dict[str, Any] | None = None


def save_estimator(path: Path, estimator: Any) -> None:
    """Write what was learned, or leave the folder as it was."""
    tensors: dict[str, Tensor] = {}
    for number, network in enumerate(estimator.networks_):
        tensors |= prefixed(f"network{number}", network.state_dict())
    companion = estimator.companion_
    if companion is not None:
        tensors |= prefixed("companion", companion.state_dict())
    description = {
        "options": {name: _plain(name, one) for name, one in estimator.get_params().items()},
        "shape": asdict(estimator.networks_[0].shape),
        "networks": len(estimator.networks_),
        "reader": estimator.reader_.to_dict(),
        "task": estimator.task_.to_dict(),
        "temperature": estimator.task_.temperature,
        "reasons": [] if estimator.plan_ is None else list(estimator.plan_.reasons),
        "report": estimator.report_,
        "companion": None if companion is None else companion.to_dict(),
    }
    write_model(path, estimator.kind, FORMAT, description, tensors)


def load_estimator(path: Path, cls: Any) -> Any:
    """What ``save_estimator`` wrote.

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is another kind of model, truncated or changed, or of a newer version.
    """
    files = read_model(path, cls.kind, FORMAT)
    try:
        saved = restored(_Description, files.description, "it")
        shape = restored(Shape, saved.shape, "shape")
        known = {field for field in cls().get_params()}
        if strange := saved.options.keys() - known:
            raise ValueError(f"options has no field {min(strange)}")
        estimator = cls(**saved.options)
        reader = saved.reader.get("kind")
        if reader not in BY_KIND:
            raise ValueError(f"reader.kind is {shortened(reader)}")
        task = cls.task_class.from_dict(saved.task)
        task.temperature = saved.temperature
        real("temperature", saved.temperature, 0, above=True)
        if not 1 <= saved.networks <= len(files.tensors):
            raise ValueError(f"networks is {saved.networks}")
        networks = [
            cast(Network, filled(partial(Network, shape), section(f"network{k}", files.tensors),
                                 f"network{k}"))
            for k in range(saved.networks)
        ]  # fmt: skip
        read = BY_KIND[reader].from_dict(saved.reader)
        _check(shape, read, task)
        companion = None if saved.companion is None else _companion(
            saved.companion, read, task, section("companion", files.tensors)
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise ValueError(f"the model in {path} cannot be read: {error}") from error
    estimator._take(read, task, None, networks, companion=companion)
    estimator.report_ = saved.report
    return estimator


def _companion(
    saved: dict[str, Any], reader: Any, task: Any, tensors: dict[str, Tensor]
) -> Companion:
    sizes = {name: value for name, value in saved.items() if name not in SAVED}

    def made() -> Companion:
        return Companion(reader.companion_features_from(sizes), task)

    companion = cast(Companion, filled(made, tensors, "companion"))
    companion.features.check()
    companion.restore({n: typed(saved.get(n), float, f"companion.{n}") for n in SAVED})
    return companion


def _check(shape: Shape, reader: Any, task: Any) -> None:
    """Whether reader, task and shape speak of one network."""
    wanted = {**reader.sizes(), "outputs": task.outputs, "scaled": task.scaled}
    for name, value in wanted.items():
        if getattr(shape, name) != value:
            raise ValueError(f"shape.{name} is {getattr(shape, name)!r}, expected {value!r}")
    if bool(shape.pooling) == task.per_step:
        raise ValueError(f"shape.pooling is {shape.pooling!r}")


def _plain(name: str, value: Any) -> Any:
    """An option as JSON has it; a generator of random numbers is not kept."""
    if isinstance(value, np.generic):
        return value.item()
    if name == "random_state" and not isinstance(value, int):
        return None
    return value
