"""What an estimator learns with: chosen from the data where nothing was said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..limits import real, whole
from ..ops.cells import NAMES
from ..training import TrainOptions
from ..wording import counted, one_of
from .layers.pooling import POOLINGS
from .network import Network, Shape
from .ragged import Ragged

LEARNING_ON = 0.3  # of the rate, for networks that have learned already
ROWS = 100_000  # steps in an update at most: their gates are kept until it is made
LONGEST = 10_000  # steps of one sequence that an update learns from
ENOUGH = 30  # sequences held out that can say when to stop
PATIENCE = 5  # validations
FEW = 500  # sequences, below which every network holds out another part
UNITS = 64  # of a layer
UNITS_BESIDE = 48  # where a companion of few series knows what more of them would add
NETWORKS, NETWORKS_OF_FEW = 3, 5  # the first also where there is such a companion
MANY_STEPS = 10_000  # with an answer each: they are not few, in however few sequences


@dataclass(frozen=True)
class Plan:
    """Everything that training needs to know but the data."""

    shape: Shape
    train: TrainOptions
    dropout: float
    batch_size: int
    ensemble: int
    parts: int  # of which one is held out; 0: none
    rotate: bool  # whether each network holds out another part
    stop_early: bool
    companion: bool
    epochs: int
    longest: int = LONGEST  # steps of one sequence in an update
    reasons: tuple[str, ...] = ()


def check_options(o: Any) -> None:
    """Refuse options that are of the wrong kind or out of reach, by their names."""
    one_of("cell", o.cell, (*NAMES, None))
    for name in ("hidden_size", "num_layers", "ensemble", "epochs", "batch_size", "embedding_size"):
        if getattr(o, name) is not None:
            whole(name, getattr(o, name))
    for name in ("bidirectional", "convolution", "companion", "missing", "augment"):
        value = getattr(o, name, None)
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"{name} must be True, False or None, got {value!r}")
    if hasattr(o, "pooling"):
        one_of("pooling", o.pooling, (*POOLINGS, None))
    for name in ("dropout", "validation_fraction"):
        if getattr(o, name) is not None:
            real(name, getattr(o, name), 0, 1, below=True)
    if o.learning_rate is not None:
        real("learning_rate", o.learning_rate, 0, 100, above=True)


def plan_for(
    o: Any, batch: Ragged, sizes: dict[str, Any], task: Any, seed: int, validated: bool = False
) -> Plan:
    """The plan for sequences to learn from; ``o`` are the estimator's options, ``sizes`` the
    fields of the shape that its reader decides; ``validated``: whether others are held out."""
    count, text = len(batch), bool(sizes.get("tokens"))
    steps = len(batch.rows) if task.per_step else count
    taught = steps if task.parts else count  # a transcript is of all steps together
    few = count < FEW and taught < MANY_STEPS
    fraction = _or(o.validation_fraction, 0.1)
    parts = 0 if not fraction else max(round(1 / fraction), 2)
    parts = parts if count >= 2 * parts else 0
    companion = not task.per_step and _or(
        o.companion, o.bidirectional is not False and (parts > 0 or validated)
    )
    light = few and companion and not text
    units = UNITS_BESIDE if light else UNITS if few else _units(task)
    dropout = _or(o.dropout, 0.6 if units > UNITS else 0.5 if text else 0.3)
    usual = float(batch.lengths.clamp_max(LONGEST).double().mean())
    most = min(task.most_at_once, int(ROWS / usual))
    batch_size = _or(o.batch_size, max(1, min(max(8, count // 8), most)))
    beside = not companion and (text or not _switches(batch))
    shape = Shape(
        outputs=task.outputs,
        cell=o.cell or ("gru" if few and not text else "lstm"),
        hidden=_or(o.hidden_size, units),
        layers=_or(o.num_layers, 1),
        bidirectional=_or(o.bidirectional, True),
        filters=64 if _or(o.convolution, beside) else 0,
        pooling="" if task.per_step else _or(o.pooling, "max" if text else "concat"),
        scaled=task.scaled,
        **sizes,
    )
    per_epoch = math.ceil(count / batch_size)
    enough = math.ceil(600 * task.slowness / per_epoch)
    epochs = _or(o.epochs, max(8, min(60 * task.slowness, enough)))
    train = _training(o, task, epochs, per_epoch, few, seed)
    ensemble = _or(o.ensemble, NETWORKS_OF_FEW if few and not light else NETWORKS)
    amount = counted(steps, "step" if task.per_step else "sequence")
    reasons = [
        f"{amount} to learn from: {counted(epochs, 'epoch')} of {counted(per_epoch, 'update')} "
        f"for each of {counted(ensemble, 'network')} of {shape.cell} cells"
    ]
    long = int((batch.lengths > LONGEST).sum())
    if long and task.parts:
        reasons.append(
            f"{counted(long, 'sequence')} of more than {LONGEST:,} steps: each update learns from "
            "so many of them, from a random one on; answers are given to all of them"
        )
    return Plan(
        shape, train, dropout, batch_size, ensemble, parts, count < FEW, not few, companion, epochs,
        longest=LONGEST, reasons=tuple(reasons),
    )  # fmt: skip


def _training(o: Any, task: Any, epochs: int, per_epoch: int, few: bool, seed: int) -> TrainOptions:
    steps = epochs * per_epoch
    return TrainOptions(
        steps=steps,
        learning_rate=_or(o.learning_rate, 3e-3),
        weight_decay=1e-2,
        average=0.98 if steps > 200 else 0.9,
        evaluate_every=max(1, min(per_epoch, steps // 10)),
        patience=0 if few else PATIENCE * task.slowness,
        checkpoint_every=max(1, min(200, steps // 10)),
        seed=seed,
    )


def judged_by(plan: Plan, held: int, task: Any) -> Plan:
    """The plan where somebody else's sequences are held out: enough of them say when to stop."""
    if held < ENOUGH:
        return plan
    patience = PATIENCE * task.slowness
    return replace(plan, stop_early=True, train=replace(plan.train, patience=patience))


def for_one_pass(plan: Plan, epochs: int | None) -> Plan:
    """Learn from sequences that come in portions: nothing is held out, nothing slows down."""
    per_epoch = plan.train.steps // max(plan.epochs, 1)
    train = replace(
        plan.train, steps=(epochs or 1) * per_epoch, schedule="constant", warmup=0.0, patience=0,
        learning_rate=plan.train.learning_rate * LEARNING_ON, average=0.0,
    )  # fmt: skip
    return replace(plan, train=train, parts=0, stop_early=False, companion=False, reasons=())


def for_learning_on(plan: Plan, networks: Sequence[Network]) -> Plan:
    """The plan for networks that have learned already: their shape, smaller steps, fewer."""
    train = plan.train
    if plan.parts or train.schedule != "constant":
        steps = max(train.steps // 3, 1)
        train = replace(train, steps=steps, learning_rate=train.learning_rate * LEARNING_ON)
    return replace(plan, shape=networks[0].shape, ensemble=len(networks), train=train)


def _units(task: Any) -> int:
    """Of a layer; where many things may be so at once, there is much that it must tell."""
    return min(max(UNITS, 3 * task.outputs), 4 * UNITS) if task.several else UNITS


def _switches(batch: Ragged) -> bool:
    """Whether numbers are on or off alone (keys of a piano): no shape for convolutions to see."""
    rows = batch.rows
    return bool(((rows == 0) | (rows == 1) | (rows != rows)).all())


def _or(value: Any, chosen: Any) -> Any:
    return chosen if value is None else value
