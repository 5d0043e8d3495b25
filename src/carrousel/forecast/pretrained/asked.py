"""The pretrained forecast of one window as a question, for explanations to ask again and again."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..network.distribution import SIDE
from .checks import MIXED, Lesson
from .history import history
from .network import Answer, Network, Remembered
from .query import ANCHORS, ask

MOST = 72  # steps that an explanation tells apart; longer windows are told in longer steps


def step_of(known: int, season: int, patch: int) -> int:
    """How many of ``known`` observations make one step of an explanation: whole patches, that
    divide a season or are made of seasons where they can."""
    least = -(-known // (MOST * patch)) * patch
    whole = [n for n in range(least, season + 1) if season % n == 0 and n % patch == 0]
    if whole or season % patch:
        return whole[0] if whole else least
    return -(-least // season) * season


class Asked(nn.Module):
    """The mean median of some steps ahead, (B, T, step) values -> (B,) float64, as
    ``explanation.question.Asked``. What the network learned from checking itself is held fixed.

    Args:
        network: What forecasts.
        lesson: What it learned from the whole window.
        seasons: (1, 2) of the series.
        length: Values in the window that the network is shown, a multiple of its patch.
        horizon: Steps after the end of the series that are asked about, from 0 on.
        gap: Steps without a value between the end of the window and the end of the series.
    """

    any_batch = True  # variants of the window are asked together
    before = 0  # steps without any value that lead every window
    offset = 0.0  # nothing was taken off
    names = ANCHORS
    share = 0.0  # nobody else has one

    def __init__(
        self,
        network: Network,
        lesson: Lesson,
        seasons: Tensor,
        length: int,
        horizon: list[int],
        gap: int,
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList([network])
        self.network = [network]  # in a list, or it would be counted twice
        self.lesson, self.seasons, self.length = lesson, seasons, length
        self.horizon, self.gap = horizon, gap

    def forward(self, x: Tensor) -> Tensor:
        found = self._remember(x)
        return self._median(self._answer(found, found.memory[:, -1:]))

    def memory_from(self, x: Tensor) -> Tensor:
        """(T,) the forecast if the recurrence began at each step of x (1, T, step)."""
        (network,) = self.network
        found = self._remember(x)
        features, out = found.past.features, []
        for begin in range(x.shape[1]):
            values = (x.shape[1] - begin) * x.shape[2]
            if values >= features.shape[1]:
                memory = found.memory
            else:
                memory = network.encode(features[:, -values:])[0]
            out.append(self._median(self._answer(found, memory[:, -1:])))
        return torch.cat(out)

    def simple(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """The simple forecasts (K, k), which depend on x, their weights (K, k), the correction
        (k,) and the origin (1,)."""
        (network,) = self.network
        with torch.no_grad():
            found = self._remember(x)
            answer = self._answer(found, found.memory[:, -1:])
            weights, median = network.middle(found.memory[:, -1:], answer.question)
        shares = self.lesson.shares[0].to(weights)
        kept = 1 - shares.sum()
        weights, median = kept * weights[0, 0].T, kept * median[0, 0, :, 0]  # (K, k), (k,)
        weights[MIXED, :] += shares[:, None]
        # Units cancel out of simple forecasts; their slopes need not be followed.
        past = history(self._window(x), self.seasons, 1)
        past = past._replace(unit=past.unit.detach())
        question = ask(past, *self._origin(past.value))
        anchors = question.anchors[0, 0].double() * question.unit[0, 0].double()  # (k, K)
        origin = (past.base.double() + question.origin[0].double())[0]
        yield anchors.T, weights.double(), median.double() * question.unit[0, 0].double(), origin

    def per_step(self, scores: Tensor, x: Tensor) -> Tensor:
        """(P, U) of the patches that were read to the steps of x, (T, U): 0 for older ones."""
        steps, patches = x.shape[1], x.shape[2] // self.network[0].shape.patch
        known = F.pad(scores, (0, 0, max(steps * patches - len(scores), 0), 0))
        return known[-steps * patches :].unflatten(0, (steps, patches)).sum(1)

    def _window(self, x: Tensor) -> Tensor:
        """(B, length): whole, so that the layers run once."""
        y = x.flatten(1)[:, -self.length :]
        return F.pad(y, (self.length - y.shape[1], 0), value=torch.nan)

    def _remember(self, x: Tensor) -> Remembered:
        return self.network[0].remember(self._window(x), self.seasons.expand(len(x), 2))

    def _origin(self, value: Tensor) -> tuple[Tensor, Tensor]:
        B, length = value.shape
        ahead = torch.tensor(self.horizon) + 1 + self.gap
        return torch.full((B, 1), length - 1), ahead.expand(B, 1, -1)

    def _answer(self, found: Remembered, memory: Tensor) -> Answer:
        last = found._replace(memory=memory)
        answer = self.network[0].answer(last, *self._origin(found.past.value))
        return self.lesson.expanded(len(memory)).corrected(answer)

    def _median(self, answer: Answer) -> Tensor:
        return answer.absolute()[:, 0, :, SIDE].mean(-1)
