"""Asking an estimator what it relied on: by removal, by its memory's ledger, step by step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...explain import Attribution, Fidelity, attribute, fidelity
from ...explain.faithfulness import Removal
from ...ops.cells import CELLS
from ..companion.companion import Companion, mixed
from ..network import Network
from ..ragged import Ragged
from ..streaming import after_each_step
from ..task import Task
from .explanation import Explanation

WINDOWS = 64  # parts of a sequence that are taken away one by one
MOST_JUDGED = 300  # steps, beyond which fidelity takes too long
STOPS = 120  # beginnings of a sequence that are looked at


def explain(
    networks: Sequence[Network],
    companion: Companion | None,
    task: Task,
    reader: Any,
    batch: Ragged,
    answer: int,
    classes: list[Any],
    step: int,
) -> Explanation:
    """Explain the answer number ``answer`` to the one sequence in ``batch`` (at ``step``, where
    there is one at each)."""
    x = batch.rows[None]  # (1, T, ...)
    length = x.shape[1]
    window = -(-length // WINDOWS)
    together = _Asked(networks, task, answer, step, companion)
    stand_ins = _stand_ins(reader, networks)
    removed = attribute(
        together, x, method="occlusion", time_dim=1, window=window, replacements=stand_ins
    )
    found = {"removed": removed}
    if CELLS[networks[0].shape.cell].keeps is not None:
        found["memory"] = _ledgers(networks, task, answer, step, x)
    judged = _judged(together, x, found, stand_ins[0]) if 1 < length <= MOST_JUDGED else None
    stops, after = after_each_step(networks, companion, task, batch, STOPS)
    memory = found.get("memory")
    return Explanation(
        answer=classes[answer],
        believed=float(removed.prediction[0]),
        steps=reader.steps(batch)[0],
        values=batch.rows.numpy() if batch.rows.is_floating_point() else None,
        scores={name: one.scores[0].double().numpy() for name, one in found.items()},
        beside=None if memory is None else float(memory.parts["remainder"][0]),
        window=window,
        stops=stops.numpy(),
        after=after.numpy(),
        classes=classes,
        decided=_decided(stops.numpy(), after.numpy(), task),
        fidelity=judged,
    )


class _Asked(nn.Module):
    """(B, T, ...) to (B,): how much an answer is believed, by the mean of some networks and a
    companion's share."""

    any_batch = True  # variants of the sequence are asked together

    def __init__(
        self,
        networks: Sequence[Network],
        task: Task,
        answer: int,
        step: int,
        companion: Companion | None = None,
    ) -> None:
        super().__init__()
        self.companion = companion
        self.networks = nn.ModuleList(networks)
        self.task, self.answer, self.step = task, answer, step

    def forward(self, x: Tensor) -> Tensor:
        count, length = x.shape[:2]
        batch = Ragged(x.flatten(0, 1), torch.full((count,), length))
        said = torch.stack([self._one(network(batch), count) for network in self.networks]).mean(0)
        if self.companion is None:
            return said
        own = self.task.asked(self.companion.logits(batch), self.answer, self.step)
        return mixed(said, own, self.companion.share)

    def _one(self, said: Any, count: int) -> Tensor:
        outputs = said.rows.unflatten(0, (count, -1)) if isinstance(said, Ragged) else said
        return self.task.asked(outputs, self.answer, self.step)


def _ledgers(
    networks: Sequence[Network], task: Task, answer: int, step: int, x: Tensor
) -> Attribution:
    """The mean of the accounts of each network."""
    each = [
        attribute(_Asked([network], task, answer, step), x, method="ledger", time_dim=1)
        for network in networks
    ]
    parts = {name: torch.stack([one.parts[name] for one in each]).mean(0) for name in each[0].parts}
    scores = torch.stack([one.scores for one in each]).mean(0)
    prediction = torch.stack([one.prediction for one in each]).mean(0)
    return Attribution("ledger", scores, prediction, None, parts, each[0].options)


def _stand_ins(reader: Any, networks: Sequence[Network]) -> tuple[Any, Any]:
    """Two things that may stand for a step that is taken away."""
    tokenizer = getattr(reader, "tokenizer", None)
    if tokenizer is not None:
        return tokenizer.begin, int(tokenizer.encode(" ")[0])
    if networks[0].shape.masked:
        return float("nan"), "mean"
    means = torch.stack([network.entry.mean for network in networks]).mean(0)
    return means, "mean"


def _judged(model: nn.Module, x: Tensor, found: dict[str, Attribution], stand_in: Any) -> Fidelity:
    removal = Removal(replacement=stand_in, seeds=(0, 1, 2))
    return fidelity(model, x, found, time_dim=1, randomize=False, removal=removal)


def _decided(stops: np.ndarray, after: np.ndarray, task: Task) -> int:
    """The first step from which on the likeliest answer is the last one."""
    if task.scaled or after.shape[1] < 2:
        return int(stops[-1])
    likeliest = after.argmax(1)
    others = np.flatnonzero(likeliest != likeliest[-1])
    return int(stops[others[-1] + 1 if len(others) else 0])
