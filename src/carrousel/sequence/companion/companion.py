"""The companion of the networks: fixed features, a ridge regression, a share in the answer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...limits import real
from ..calibration import best_temperature
from ..ragged import Ragged
from ..task import Task

SHARES = torch.linspace(0, 1, 21, dtype=torch.float64)
PRIOR = 1.0  # examples' worth of belief that both are equally good
LEAST = 0.05  # of a share: less is not worth the time

# Of a part that was held out: activated answers of the networks (n, K), and the targets
Part = tuple[Tensor, Any]


class Companion(nn.Module):
    """``companion(batch)``: (B, K) activated answers, as those of the networks are.

    Attributes:
        share: How much of the answer is the companion's, from 0 to 1.
        temperature: What scores are divided by before they become probabilities.
    """

    weight: Tensor
    offset: Tensor

    def __init__(self, features: Any, task: Task) -> None:
        super().__init__()
        self.features, self._task = features, task
        self.register_buffer("weight", torch.zeros(features.width, task.outputs))
        self.register_buffer("offset", torch.zeros(task.outputs))
        self.share, self.temperature = 0.0, 1.0
        self.tilt = torch.zeros(task.outputs)  # of scores, by what mistakes cost

    @classmethod
    def learn(
        cls, features: Any, task: Task, inputs: Ragged, targets: Any, parts: Sequence[Tensor]
    ) -> "tuple[Companion, list[Tensor]]":
        """The companion of all examples; and of each part (numbers of examples) the scores that
        are given when they are not learned from."""
        made = cls(features, task)
        weight, offset, left_out = features.solve(inputs, task.linear_targets(targets), parts)
        made.weight.copy_(weight)
        made.offset.copy_(offset)
        return made, left_out

    def scores(self, batch: Ragged) -> Tensor:
        """(B, K) what the regression gives."""
        return self.features.times(batch, self.weight) + self.offset

    @torch.no_grad()
    def forward(self, batch: Ragged) -> Tensor:
        return self._task.beside(self.scores(batch).double(), self.temperature)

    def logits(self, batch: Ragged) -> Tensor:
        """(B, K) on the scale of what a network gives before it is activated."""
        scores = self.scores(batch)
        task = self._task
        if task.scaled:
            return task.beside(scores, 1.0)
        return scores * (task.temperature / self.temperature)

    def join(self, networks: Sequence[Part], scores: Sequence[Tensor]) -> list[Tensor]:
        """Find temperature and share: those that make the held-out targets likeliest; the
        companion's activated answers to each part come back."""
        task = self._task
        if not task.scaled:
            pairs = [(one[None], part[1]) for one, part in zip(scores, networks, strict=True)]
            self.temperature = best_temperature(pairs)
        self.tilt = self.temperature * task.tilt()
        self.offset += self.tilt
        beside = [task.beside(one.double() + self.tilt, self.temperature) for one in scores]
        costs = []
        for share in SHARES.tolist():
            total = PRIOR * (2 * share - 1) ** 2
            for (said, targets), own in zip(networks, beside, strict=True):
                total += task.cost(mixed(said, own, share), targets)
            costs.append(total)
        share = float(SHARES[int(torch.tensor(costs).argmin())])
        self.share = share if share >= LEAST else 0.0
        return beside

    def beside(self, batch: Ragged, said: Any) -> Tensor:
        """Answers (B, K) of the networks, and the companion's share beside them."""
        return said if not self.share else mixed(said, self(batch), self.share)

    def to_dict(self) -> dict[str, Any]:
        return {"share": self.share, "temperature": self.temperature, **self.features.sizes}

    def restore(self, share: float, temperature: float) -> None:
        """Take over what a file says."""
        real("companion.share", share, 0, 1)
        real("companion.temperature", temperature, 0, above=True)
        self.share, self.temperature = share, temperature


def mixed(networks: Tensor, own: Tensor, share: float) -> Tensor:
    """Answers of networks, with a companion's ``own`` beside them."""
    return (1 - share) * networks + share * own
