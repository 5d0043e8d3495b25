"""A companion beside networks that have learned: its share, and what both are worth."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from ..task import Outputs, Task, averaged
from ..training import Examples
from .companion import Companion


def joined(
    reader: Any,
    task: Task,
    examples: Examples,
    held: Examples | None,
    parts: Sequence[Tensor],
    unseen: Sequence[tuple[list[Outputs], Any]],
    report: dict[str, Any],
    seed: int,
) -> tuple[Companion | None, dict[str, Any], list[Tensor]]:
    """The companion of these examples (None: it would have no share), the report of both, and
    their answers to each part of ``unseen``.

    Args:
        held: Examples that nothing was learned from, where somebody gave them.
        parts: Else the numbers of the examples in each part of ``unseen``.
        unseen: What networks that did not learn from a part say of it, and its targets.
        report: What was found of the networks alone.
    """
    generator = torch.Generator().manual_seed(seed)
    features = reader.companion_features(examples.inputs, generator)
    companion, scores = Companion.learn(features, task, examples.inputs, examples.targets, parts)
    if held is not None:
        scores = [companion.scores(held.inputs)]
    networks = [(cast(Tensor, averaged(task, said)), targets) for said, targets in unseen]
    alone = companion.join(networks, scores)
    if not companion.share:
        return None, report, [said for said, _ in networks]
    if not networks:
        return companion, report, []
    truth = [targets for _, targets in networks]
    together = [
        companion.together(said, own) for (said, _), own in zip(networks, alone, strict=True)
    ]
    both, own = (task.figures(list(zip(one, truth, strict=True))) for one in (together, alone))
    return companion, {
        **report, **task.reported(report, both),
        "networks": task.figures(networks),
        "companion": {"share": companion.share, **own},
    }, together  # fmt: skip
