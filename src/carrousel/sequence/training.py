"""Training and asking an ensemble; ragged rows and targets only, no tables."""

import hashlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..training import Progress, Run, fit
from .network import Dropout, Network, new_network
from .plan import Plan
from .ragged import Ragged, portion_sizes
from .splitting import Batches, folds
from .task import Outputs, Task

Report = Callable[[str, Progress], None]  # (what is trained, progress)
Augment = Callable[[Ragged, torch.Generator], Ragged]
# Steps that are asked together: what is said of so few stays in the cache; or of so many sequences,
# which keep the kernels busy; but never more than memory holds.
ROWS_AT_ONCE, ABREAST, MOST_ROWS = 1 << 13, 32, 1 << 16


@dataclass(frozen=True)
class Examples:
    """Inputs and what is to be answered to each."""

    inputs: Ragged
    targets: Any  # indexed like the inputs

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, which: Tensor) -> "Examples":
        return Examples(self.inputs[which], self.targets[which])


@dataclass(frozen=True)
class Member:
    """A trained network, how that went, and what it did not learn from (None: nothing)."""

    network: Network
    run: Run
    held_out: Tensor | None


def train_ensemble(
    task: Task,
    examples: Examples,
    plan: Plan,
    *,
    held: Examples | None = None,
    init: Sequence[Network] | None = None,
    prepare: Callable[[Network, Ragged], None] | None = None,
    augment: Augment | None = None,
    progress: Report | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    suffix: str = "",
) -> list[Member]:
    """Train the networks of a plan; ``held`` is validated on instead of a part of the examples,
    ``init`` are trained ones of the same shape to learn on; new ones are given to ``prepare`` with
    the inputs that they learn from. What they learn from is another at every update where
    ``augment`` makes it so. ``suffix``: of the networks' names, in progress and checkpoints."""
    strata = task.strata(examples.targets)
    part = folds(len(examples), plan.parts, strata, plan.train.seed) if plan.parts else None
    everything = torch.arange(len(examples))
    identity = _identity(examples, plan, init, augment)
    members: list[Member] = []
    for number in range(plan.ensemble):
        learned, out = everything, None
        if held is None and part is not None:
            hidden = torch.from_numpy(part == (number % plan.parts if plan.rotate else 0))
            learned, out = everything[~hidden], everything[hidden]
        judged = held if out is None else examples[out]
        options = replace(plan.train, seed=plan.train.seed + number)
        data = examples[learned] if len(learned) < len(examples) else examples
        network = (
            _new(task, plan, options.seed, data, prepare)
            if init is None
            else deepcopy(init[number % len(init)]).train()
        )
        longest = plan.longest if task.parts else None
        batches = Batches(data.inputs.lengths, plan.batch_size, options.seed)
        run = fit(
            network,
            partial(_batch, data, batches, augment, longest, task.per_step),
            partial(_loss, task, plan.dropout),
            options,
            validate=partial(_validate, task, judged) if judged and plan.stop_early else None,
            progress=None
            if progress is None
            else partial(progress, f"network {number + 1} of {plan.ensemble}{suffix}"),
            checkpoint=checkpoint / f"network{number}{suffix}.safetensors" if checkpoint else None,
            resume=resume,
            identity=identity,
        )
        members.append(Member(network, run, out))
        if run.stopped == "interrupted":
            break
    return members


def _new(
    task: Task,
    plan: Plan,
    seed: int,
    data: Examples,
    prepare: Callable[[Network, Ragged], None] | None,
) -> Network:
    """A network that knows the scales of what it will learn from."""
    network = new_network(plan.shape, seed)
    if prepare is not None:
        prepare(network, data.inputs)
    task.prepare(network, data.targets)
    return network


# Examples of one update, and what draws the units that they do not see
Batch = tuple[Examples, torch.Generator]


def _batch(
    data: Examples,
    batches: Batches,
    augment: Augment | None,
    longest: int | None,
    per_step: bool,
    step: int,
    generator: torch.Generator,
) -> Batch:
    own = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    examples = data[batches.at(step)]
    if longest is not None and bool((examples.inputs.lengths > longest).any()):
        examples = _parts(examples, longest, per_step, own)
    if augment is not None:
        examples = replace(examples, inputs=augment(examples.inputs, own))
    return examples, own


def _parts(some: Examples, longest: int, per_step: bool, generator: torch.Generator) -> Examples:
    """Of sequences with more than ``longest`` steps so many, from a random one on."""
    lengths = some.inputs.lengths.clamp_max(longest)
    spare = some.inputs.lengths - lengths
    first = (torch.rand(len(some), generator=generator) * (spare + 1)).long().minimum(spare)
    targets = some.targets.windows(first, lengths) if per_step else some.targets
    return Examples(some.inputs.windows(first, lengths), targets)


def _loss(task: Task, dropout: float, model: Any, batch: Batch) -> Tensor:
    examples, generator = batch
    return task.loss(model(examples.inputs, Dropout(dropout, generator)), examples.targets)


def _validate(task: Task, held: Examples, model: Any) -> float:
    """The mean loss of a part that is not learned from."""
    total, count = 0.0, 0
    for which in _portions(held.inputs.lengths):
        some = held[which]
        weight = len(some.inputs.rows) if task.per_step else len(some)
        total += float(task.loss(model(some.inputs), some.targets)) * weight
        count += weight
    return total / count


def ask(networks: Sequence[Network], batch: Ragged) -> list[Outputs]:
    """What each network gives for any number of sequences, in portions that fit into memory."""
    portions = _portions(batch.lengths)
    answers: list[list[Outputs]] = [[] for _ in networks]
    with torch.inference_mode():
        for which in portions:
            some = batch[which]
            for network, said in zip(networks, answers, strict=True):
                said.append(network(some))
    back = torch.cat(portions).argsort()
    return [_joined(said, back) for said in answers]


def _joined(answers: list[Outputs], back: Tensor) -> Outputs:
    """Answers to portions as those to all, in the order that ``back`` says."""
    if isinstance(answers[0], Ragged):
        rows = torch.cat([one.rows for one in answers])  # type: ignore[union-attr]
        lengths = torch.cat([one.lengths for one in answers])  # type: ignore[union-attr]
        return Ragged(rows, lengths)[back]
    return torch.cat(answers)[back]  # type: ignore[arg-type]


def _portions(lengths: Tensor) -> list[Tensor]:
    """All sequences by their lengths, cut where there are steps enough."""
    order = lengths.argsort(stable=True)
    rows = min(max(ROWS_AT_ONCE, ABREAST * int(lengths.max())), MOST_ROWS)
    return list(order.split(portion_sizes(lengths[order], rows)))


def _identity(
    examples: Examples, plan: Plan, init: Sequence[Network] | None, augment: Augment | None
) -> str:
    """A digest of what training starts from, so that a checkpoint of other data is refused."""
    digest = hashlib.sha256(
        repr((plan.shape, plan.dropout, plan.batch_size, augment is not None)).encode()
    )
    targets = examples.targets
    tensors = [examples.inputs.rows, examples.inputs.lengths]
    tensors += [targets.rows, targets.lengths] if isinstance(targets, Ragged) else [targets]
    for network in init or ():
        tensors += network.state_dict().values()
    for tensor in tensors:
        digest.update(np.ascontiguousarray(tensor.numpy()).data)
    return digest.hexdigest()
