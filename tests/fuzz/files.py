"""Files that lie: whatever was done to a model or a checkpoint, it loads as it was, or is refused.

A mutation is a byte that was changed, a file that was cut, swapped or emptied, an entry of the
description or a tensor that went, or became something else. Half of them are signed again, as by
somebody who means it: those may make another model, if it is a whole one.
"""

import hashlib
import json
import math
import random
import shutil
import tempfile
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import polars as pl
import torch
from safetensors.torch import load, save
from torch import nn

from carrousel import Forecaster, LanguageModel
from carrousel.storage.checkpoint import _digest as checkpoint_digest
from carrousel.storage.model_card import CARD
from carrousel.storage.model_directory import _digest as description_digest
from carrousel.training import TrainOptions, fit

DAYS = [date(2024, 1, 1) + timedelta(k) for k in range(40)]
VALUES = [
    None, True, False, 0, -1, 1, 2, 3.5, 10**9, 2**31, 2**63 - 1, 2**63, 10**30, -(2**63), 1e308,
    "", "x", "\n", "lstm", "\ud800", [], {}, [[]], [0], [-1], [1, 2], ["a", "a"], {"a": 1},
    [2**62], {"step": 1},
]  # fmt: skip
TENSORS: list[Callable[[torch.Tensor], torch.Tensor]] = [
    lambda t: t[:-1] if t.ndim else t[None],
    lambda t: torch.cat([t, t]) if t.ndim else t[None].expand(2).clone(),
    lambda t: t.to(torch.float64 if t.dtype != torch.float64 else torch.float32),
    lambda t: t.to(torch.int32),
    lambda t: t.to(torch.float16),
    lambda t: t[None],
    lambda t: t.reshape(-1)[:0],
    lambda t: torch.full_like(t, 255 if t.dtype == torch.uint8 else -1),
    lambda t: torch.full_like(t, torch.inf if t.is_floating_point() else torch.iinfo(t.dtype).max),
    lambda t: torch.full_like(t, 7) if not t.is_floating_point() else t * torch.nan,
    lambda t: t.flip(0) if t.ndim else -t,
]


def _forecaster(seed: int) -> Forecaster:
    table = pl.DataFrame({"ds": DAYS, "y": np.arange(40.0) % 7})
    model = Forecaster(2, max_steps=1, ensemble=1, hidden_size=4, season_length=7, seed=seed)
    model.fit(table)
    if seed:
        new = pl.DataFrame({"ds": [DAYS[-1] + timedelta(1)], "y": [3.0]})
        model.update(new)
    return model


def _language_model(seed: int, level: str = "char") -> LanguageModel:
    model = LanguageModel(level, hidden=4, embedding=4, steps=1, seed=seed)
    return model.fit("to be or not to be " * 9)


MODELS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "forecaster": lambda: (_forecaster(0), _forecaster(1)),
    "language model": lambda: (_language_model(0), _language_model(1, "word")),
}


def said(kind: str, model: Any) -> Any:
    """What a model predicts, for comparison."""
    if kind == "forecaster":
        return model.predict(level=[80]).rows()
    return model.next("to b", 5), model.loss("to be")


def rewrite(folder: Path, field: tuple[str, ...], value: Any) -> None:
    """Change an entry of the description, or a tensor, and sign everything anew."""
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    weights = folder / description["weights"]
    if isinstance(value, torch.Tensor):
        tensors = load(weights.read_bytes())
        tensors[field[0]] = value
        weights.write_bytes(save(tensors))
    else:
        place = description
        for name in field[:-1]:
            place = place[name]
        place[field[-1]] = value
    _sign(folder, description, weights)


def _sign(folder: Path, description: dict[str, Any], weights: Path) -> None:
    description["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    description["digest"] = description_digest(description)
    (folder / "model.json").write_text(json.dumps(description))


def run(seconds: float, seed: int, cases: float = math.inf) -> int:
    """Mutate for a while, or so many times; how many mutations were tried.

    Raises:
        AssertionError: One was read as something else, or ended in another error.
    """
    draw, tried, until = random.Random(seed), 0, monotonic() + seconds
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        originals = {}
        for kind, make in MODELS.items():
            for k, model in enumerate(make()):
                model.save(folder / f"{kind}{k}")
                originals[folder / f"{kind}{k}"] = (kind, said(kind, model))
        train(folder / "checkpoint", steps=4)
        while monotonic() < until and tried < cases:
            try:
                if draw.random() < 0.2:
                    _try_checkpoint(draw, folder)
                else:
                    _try_model(draw, folder, originals)
            except Exception as error:
                raise AssertionError(f"mutation {tried} of seed {seed}: {error!r}") from error
            tried += 1
    return tried


def _try_model(draw: random.Random, folder: Path, originals: dict[Path, Any]) -> None:
    source = draw.choice(list(originals))
    kind, before = originals[source]
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    signed = draw.random() < 0.5
    if signed:
        what = _mutate_contents(draw, copy)
    else:
        other = draw.choice(list(originals))
        what = _mutate_bytes(draw, copy, other)
    loader = {"forecaster": Forecaster, "language model": LanguageModel}[kind]
    try:
        model = loader.load(copy)
        found = said(kind, model)
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        _require_clear(error, copy, what)
        return
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}") from error
    assert signed or found == before or what[0] == "swapped all", what


def _require_clear(error: Exception, file: Path, what: Any) -> None:
    """One line that names the file; a forecast that is not finite is one of weights."""
    text = str(error)
    assert "\n" not in text, what
    assert isinstance(error, FloatingPointError) or str(file) in text, (what, text)


def _mutate_bytes(draw: random.Random, copy: Path, other: Path) -> tuple[Any, ...]:
    file = draw.choice(sorted(p for p in copy.iterdir() if p.name != CARD))  # nobody reads it
    content, kind = bytearray(file.read_bytes()), draw.randrange(6)
    if kind == 0:
        file.write_bytes(content[: draw.randrange(len(content))])
    elif kind == 1:
        content[draw.randrange(len(content))] = draw.randrange(256)
        file.write_bytes(content)
    elif kind == 2:
        file.unlink()
    elif kind == 3:
        twin = next(p for p in other.iterdir() if p.suffix == file.suffix)
        file.write_bytes(twin.read_bytes())
    elif kind == 4:
        at = draw.randrange(len(content))
        file.write_bytes(content[:at] + draw.randbytes(draw.randrange(1, 9)) + content[at:])
    else:
        description = json.loads((copy / "model.json").read_text(encoding="utf-8"))
        name = draw.choice(sorted(description))
        description[name] = draw.choice(VALUES)
        (copy / "model.json").write_text(json.dumps(description))
        return "entry", name, description[name]
    return kind, file.name


def _mutate_contents(draw: random.Random, copy: Path) -> tuple[Any, ...]:
    description = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    weights = copy / description["weights"]
    if draw.random() < 0.5:
        tensors = load(weights.read_bytes())
        name, how = draw.choice(sorted(tensors)), draw.randrange(len(TENSORS) + 1)
        if how == len(TENSORS):
            del tensors[name]
        else:
            tensors[name] = TENSORS[how](tensors[name]).contiguous()
        weights.write_bytes(save(tensors))
        what: tuple[Any, ...] = ("tensor", name, how)
    else:
        what = _mutate_entry(draw, description)
    _sign(copy, description, weights)
    return what


def _mutate_entry(draw: random.Random, description: dict[str, Any]) -> tuple[Any, ...]:
    own = ("sha256", "digest", "weights", "format", "kind")
    place: Any = description
    path: list[Any] = []
    while isinstance(place, (dict, list)) and place and (not path or draw.random() < 0.8):
        names = list(place) if isinstance(place, dict) else list(range(len(place)))
        name = draw.choice([name for name in names if path or name not in own])
        path.append(name)
        parent, place = place, place[name]
    if isinstance(parent, dict) and draw.random() < 0.2:
        del parent[name]
        return ("deleted", *path)
    parent[name] = draw.choice(VALUES)
    return ("entry", *path, parent[name])


def train(path: Path, steps: int) -> list[float]:
    """A short training that writes, or goes on from, a checkpoint; its losses."""
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    options = TrainOptions(steps=6, average=0.5, checkpoint_every=2, evaluate_every=2)

    def batches(step: int, generator: torch.Generator) -> torch.Tensor:
        if step == steps:
            raise KeyboardInterrupt
        return torch.rand(4, 2, generator=generator)

    def loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        return (model(batch) - batch.sum(-1, keepdim=True)).square().mean()

    score = lambda model: float(model.weight.square().sum())  # noqa: E731
    run = fit(model, batches, loss, options, validate=score, checkpoint=path, resume=True)
    return [*run.losses, *model.weight.flatten().tolist()]


def _try_checkpoint(draw: random.Random, folder: Path) -> None:
    copy = folder / "copy.checkpoint"
    shutil.copy(folder / "checkpoint", copy)
    whole = train(copy, steps=9)
    shutil.copy(folder / "checkpoint", copy)
    content = bytearray(copy.read_bytes())
    signed, what = draw.random() < 0.5, None
    if signed:
        what = _mutate_checkpoint(draw, copy)
    elif draw.random() < 0.5:
        copy.write_bytes(content[: draw.randrange(len(content))])
    else:
        content[draw.randrange(len(content))] = draw.randrange(256)
        copy.write_bytes(content)
    try:
        found = train(copy, steps=9)
    except ValueError as error:
        _require_clear(error, copy, what)
        return
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}") from error
    assert signed or found == whole


def _mutate_checkpoint(draw: random.Random, path: Path) -> tuple[Any, ...]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        data = json.loads(file.metadata()["carrousel"])
    tensors = load(path.read_bytes())
    if draw.random() < 0.5:
        name, how = draw.choice(sorted(tensors)), draw.randrange(len(TENSORS) + 1)
        if how == len(TENSORS):
            del tensors[name]
        else:
            tensors[name] = TENSORS[how](tensors[name]).contiguous()
        what: tuple[Any, ...] = (name, how)
    else:
        what = _mutate_entry(draw, data)
    text = json.dumps(data)
    metadata = {"carrousel": text, "sha256": checkpoint_digest(tensors, text)}
    path.write_bytes(save(tensors, metadata))
    return what
