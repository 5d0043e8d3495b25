"""The companion of the networks: fixed features, a ridge regression, a share in the answer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...limits import real
from ..calibration import at_temperature, best_temperature, least_costly
from ..ragged import Ragged
from ..task import Task

SHARES = torch.linspace(0, 1, 21, dtype=torch.float64)
PRIOR = 1.0  # examples' worth of belief that both are equally good
SAVED = ("share", "temperature", "joint")  # numbers that a file holds beside the weights
LEAST = 0.05  # of a share: less is not worth the time

# Of a part that was held out: activated answers of the networks (n, K), and the targets
Part = tuple[Tensor, Any]


class Companion(nn.Module):
    """``companion(batch)``: (B, K) activated answers, as those of the networks are.

    Attributes:
        share: How much of the answer is the companion's, from 0 to 1.
        temperature: What scores are divided by before they become probabilities.
        joint: The temperature of what networks and companion say together: the mean of
            probabilities that are right as often as they say is right more often than it says
            (Ranjan & Gneiting 2010). Of numbers 1.
    """

    weight: Tensor
    offset: Tensor

    def __init__(self, features: Any, task: Task) -> None:
        super().__init__()
        self.features, self._task = features, task
        self.register_buffer("weight", torch.zeros(features.width, task.outputs))
        self.register_buffer("offset", torch.zeros(task.outputs))
        self.share, self.temperature, self.joint = 0.0, 1.0, 1.0
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
        """Find temperatures and share: those that make the held-out targets likeliest; the
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
        if self.share and not task.scaled:
            self._calibrate(networks, beside)
        return beside

    def _calibrate(self, networks: Sequence[Part], beside: Sequence[Tensor]) -> None:
        """Find the temperature of the answers of both."""
        pairs = zip(networks, beside, strict=True)
        parts = [(mixed(said, own, self.share), targets) for (said, targets), own in pairs]

        def cost(temperature: float) -> float:
            given = [(at_temperature(said, temperature), targets) for said, targets in parts]
            return sum(self._task.cost(said, targets) for said, targets in given)

        self.joint = least_costly(cost)

    def beside(self, batch: Ragged, said: Any) -> Tensor:
        """Answers (B, K) of the networks, and the companion's share beside them."""
        return said if not self.share else self.together(said, self(batch))

    def together(self, networks: Tensor, own: Tensor) -> Tensor:
        """Answers of the networks and the companion's own as one, (n, K) each."""
        both = mixed(networks, own, self.share)
        return both if self._task.scaled else at_temperature(both, self.joint)

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SAVED} | self.features.sizes

    def restore(self, numbers: dict[str, float]) -> None:
        """Take over what a file says of ``SAVED``."""
        real("companion.share", numbers["share"], 0, 1)
        for name in ("temperature", "joint"):
            real(f"companion.{name}", numbers[name], 0, above=True)
        for name in SAVED:
            setattr(self, name, numbers[name])


def mixed(networks: Tensor, own: Tensor, share: float) -> Tensor:
    """Answers of networks, with a companion's ``own`` beside them."""
    return (1 - share) * networks + share * own
