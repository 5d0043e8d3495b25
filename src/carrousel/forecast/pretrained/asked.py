"""The pretrained forecast of one window as a question, for explanations to ask again and again."""

import copy
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..network.distribution import SIDE
from . import regression
from .checks import MIXED, Lesson
from .history import history
from .network import Answer, Network, Remembered
from .query import ANCHORS, ask
from .smoothing import moved, sensible, smoothed

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
    ``explanation.question.Asked``. What the network learned from checking itself is held fixed,
    and so is what regressions learned.

    Windows that are read twice (``ZeroShot.is_read_twice``) are read the second time by a second
    network, a copy of the first.

    Args:
        network: What forecasts.
        lessons: What it learned from the whole window, each time that it is read.
        seasons: (1, 2) that are told each time.
        length: Values in the window that the network is shown, a multiple of its patch.
        horizon: Steps after the end of the series that are asked about, from 0 on.
        gap: Steps without a value between the end of the window and the end of the series.
        parts: Of a forecast, what is found each time.
        lines: What regressions beside the network learned, if there are any.
        shares: (1, 2) of smoothing in the forecast, of a short window that is read twice.
    """

    any_batch = True  # variants of the window are asked together
    before = 0  # steps without any value that lead every window
    offset = 0.0  # nothing was taken off
    share = 0.0  # nobody else has one

    def __init__(
        self,
        network: Network,
        lessons: Sequence[Lesson],
        seasons: Sequence[Tensor],
        length: int,
        horizon: list[int],
        gap: int,
        parts: Sequence[float],
        lines: regression.Lines | None = None,
        shares: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList([network, *(copy.deepcopy(network) for _ in lessons[1:])])
        self.lessons, self.seasons, self.length = lessons, seasons, length
        self.horizon, self.gap, self.parts = horizon, gap, parts
        self.lines, self.shares, self.short = lines, shares, shares is not None
        self.names: tuple[str, ...] = ANCHORS
        if self.short:
            self.names += "damped slope", "half a slope"
        elif lines:
            self.names += "regression on days", "regression on weeks"

    def forward(self, x: Tensor) -> Tensor:
        found = [self._remember(x, side) for side in range(len(self.lessons))]
        return self._median(x, [(one, one.memory) for one in found])

    def memory_from(self, x: Tensor) -> Tensor:
        """(T,) the forecast if the recurrence began at each step of x (1, T, step)."""
        found = [self._remember(x, side) for side in range(len(self.lessons))]
        out = []
        for begin in range(x.shape[1]):
            values = (x.shape[1] - begin) * x.shape[2]
            begun = []
            for network, one in zip(self._sides(), found, strict=True):
                features = one.past.features
                whole = values >= features.shape[1]
                begun.append(
                    (one, one.memory if whole else network.encode(features[:, -values:])[0])
                )
            out.append(self._median(x, begun))
        return torch.cat(out)

    def simple(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """For each network the simple forecasts (K, k), which depend on x, their weights (K, k),
        the correction (k,) and the origin (1,). A plain mean of them over the networks is the
        forecast: each is as large as its part of that."""
        others, their_shares = self._beside(x)  # (k, n) forecasts and shares of the whole
        of_both = their_shares.sum(1)
        for side, network in enumerate(self._sides()):
            with torch.no_grad():
                found = self._remember(x, side)
                answer = self._answer(side, found, found.memory)
                weights, median = network.middle(found.memory[:, -1:], answer.question)
            shares = self.lessons[side].shares[0].to(weights)
            kept = (1 - of_both) * (1 - shares.sum())  # (k,)
            weights, median = kept * weights[0, 0].T, kept * median[0, 0, :, 0]  # (K, k), (k,)
            weights[MIXED, :] += (1 - of_both) * shares[:, None]
            # Units cancel out of simple forecasts; their slopes need not be followed.
            past = history(self._window(x, side), self.seasons[side], 1)
            past = past._replace(unit=past.unit.detach())
            question = ask(past, *self._origin(past.value))
            sign, unit = -1 if side and self.short else 1, question.unit[0, 0].double()  # (1,)
            origin = sign * (past.base.double() + question.origin[0].double())[0]
            anchors = sign * (question.anchors[0, 0].double() * unit).T
            anchors = torch.cat([anchors, others.T - origin])
            weights = torch.cat([weights, their_shares.T])
            part = len(self.parts) * self.parts[side]
            yield (
                anchors,
                part * weights.double(),
                part * sign * median.double() * unit,
                part * origin,
            )

    def per_step(self, scores: Tensor, x: Tensor) -> Tensor:
        """(P, U) of the patches that were read to the steps of x, (T, U): 0 for older ones."""
        steps, patches = x.shape[1], x.shape[2] // self._sides()[0].shape.patch
        known = F.pad(scores, (0, 0, max(steps * patches - len(scores), 0), 0))
        return known[-steps * patches :].unflatten(0, (steps, patches)).sum(1)

    def _sides(self) -> list[Network]:
        """What reads a window the first time and, where it is read twice, the second."""
        return [cast(Network, network) for network in self.networks]

    def _window(self, x: Tensor, side: int = 0) -> Tensor:
        """(B, length): whole, so that the layers run once; short ones upside down for side 1."""
        y = x.flatten(1)[:, -self.length :]
        y = F.pad(y, (self.length - y.shape[1], 0), value=torch.nan)
        return -y if side and self.short else y

    def _remember(self, x: Tensor, side: int) -> Remembered:
        seasons = self.seasons[side].expand(len(x), 2)
        return self._sides()[side].remember(self._window(x, side), seasons)

    def _origin(self, value: Tensor) -> tuple[Tensor, Tensor]:
        B, length = value.shape
        return torch.full((B, 1), length - 1), self._ahead(B)[:, None]

    def _ahead(self, windows: int) -> Tensor:
        return (torch.tensor(self.horizon) + 1 + self.gap).expand(windows, -1)

    def _answer(self, side: int, found: Remembered, memory: Tensor) -> Answer:
        last = found._replace(memory=memory[:, -1:])
        answer = self._sides()[side].answer(last, *self._origin(found.past.value))
        return self.lessons[side].expanded(len(memory)).corrected(answer)

    def _median(self, x: Tensor, found: list[tuple[Remembered, Tensor]]) -> Tensor:
        """(B,) from what each side remembers and which memory it is to use."""
        medians = [
            self._answer(side, *one).absolute()[:, 0, :, SIDE] for side, one in enumerate(found)
        ]
        window, ahead = self._window(x), self._ahead(len(x))
        if self.shares is not None:
            middle = ((medians[0] - medians[1]) / 2)[..., None]
            smooth = self._smoothed(window, ahead)
            return moved(middle, smooth, self.shares)[..., 0].mean(-1)
        middle = torch.stack([p * m for p, m in zip(self.parts, medians, strict=True)]).sum(0)
        if self.lines:
            middle = regression.moved(middle[..., None], window, self.lines, ahead)[..., 0]
        return middle.mean(-1)

    def _beside(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(k, n) simple forecasts that are not the network's, and their shares of the whole."""
        window, ahead = self._window(x), self._ahead(len(x))
        if self.shares is not None:
            found = self._smoothed(window, ahead)
            shares = sensible(self.shares, found.detach())[:, None].expand_as(found)
        elif self.lines:
            found = regression.forecasts(window, self.lines, ahead)
            shares = regression.share(ahead, self.lines)[..., None] * self.lines.weight
        else:
            found = shares = window.new_zeros(1, len(self.horizon), 0)
        return found[0], shares[0]

    def _smoothed(self, window: Tensor, ahead: Tensor) -> Tensor:
        """(B, k, 2) what smoothing forecasts."""
        return smoothed(window, int(self.seasons[0][0, 0])).forecast(ahead)
