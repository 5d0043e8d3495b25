"""The question that an explanation asks again and again: the networks' forecast of one window."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..ensemble.companion import Companion, mixed
from ..network.covariates import Extra
from ..network.distribution import SIDE
from ..network.network import Encoded, Network

MISSING = float("nan")


class Asked(nn.Module):
    """The mean median forecast of some steps of the horizon, (B, T, step) -> (B,) float64."""

    any_batch = True  # variants of the window are asked together
    gap = 0  # steps between the end of the window and the end of the series

    def __init__(
        self,
        networks: list[Network],
        horizon: list[int],
        before: int,
        extra: Extra | None = None,
        offset: float = 0.0,
        companion: Companion | None = None,
    ) -> None:
        super().__init__()
        self.companion = companion  # what has a share in the forecast, if anything
        self.networks = nn.ModuleList(networks)
        self.members = list(networks)  # the same, as what they are
        self.names = networks[0].anchors.names
        self.horizon = horizon
        self.before = before  # steps without any value that lead every window
        self.offset = offset  # what was taken off the window and its variants
        self.extra = extra  # covariates of the one window

    def forward(self, x: Tensor) -> Tensor:
        history = self.history(x)
        shown = self._look(self.members[0], history)
        found = [network.predict(shown).quantiles()[:, 0] for network in self.members]
        return self._median(torch.stack(found).mean(0), self._beside(history))

    @property
    def share(self) -> float:
        """How much of the forecast is not of the networks that were trained."""
        return 0.0 if self.companion is None else self.companion.share

    def _beside(self, history: Tensor) -> Tensor | None:
        """(B, h, Q) what the network that ships says; it is asked, not followed."""
        if self.companion is None:
            return None
        offset = torch.full((len(history), 1), self.offset, dtype=torch.float64)
        return self.companion.quantiles(history.detach(), offset)

    def _look(self, network: Network, history: Tensor) -> Encoded:
        batch = len(history)
        offset = torch.full((batch, 1), self.offset, dtype=torch.float64)
        return network.encode(history, last=True, extra=self._extra(batch), offset=offset)

    def _extra(self, batch: int) -> Extra | None:
        """The covariates for a batch of variants of the window."""
        if self.extra is None:
            return None
        return Extra(
            self.extra.futr.expand(batch, -1, -1),
            self.extra.hist.expand(batch, -1, -1),
            self.extra.static.expand(batch, -1),
        )

    def history(self, x: Tensor) -> Tensor:
        """(B, T, step) to (B, history)."""
        return nn.functional.pad(x, (0, 0, self.before, 0), value=MISSING).flatten(1)

    def _median(self, trained: Tensor, beside: Tensor | None) -> Tensor:
        """(B,) from (B, h, Q)."""
        quantiles = trained if beside is None else mixed(trained, beside, self.share)
        return quantiles[:, self.horizon, SIDE].mean(-1)

    def per_step(self, scores: Tensor, x: Tensor) -> Tensor:
        """(T', U) of the steps of the recurrence to those of x, (T, U)."""
        return scores[self.before :]

    def memory_from(self, x: Tensor) -> Tensor:
        """(T,) the forecast if the recurrence began at each step of x (1, T, step)."""
        history, found = self.history(x), []
        for network in self.members:
            seen = self._look(network, history)
            x = network.embedded(seen)
            begun = [network.recurrence(x[:, t:])[0] for t in range(self.before, x.shape[1])]
            said = [network.heads(b, seen) for b in begun]
            read = [network.decode(out, seen.scaled, seen.anchors) for out in said]
            found.append(torch.cat([forecast.quantiles()[:, 0] for forecast in read]))
        return self._median(torch.stack(found).mean(0), self._beside(history))

    def simple(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """For each network the simple forecasts (K, k), which depend on x, their weights (K, k),
        the network's correction (k,) and the origin (1,); nothing is taken off for the share of the
        network that ships."""
        history = self.history(x)
        for network in self.members:
            h, kinds = network.shape.h, len(network.anchors.names)
            seen = self._look(network, history)
            with torch.no_grad():
                out = network.heads(network.recurrence(network.embedded(seen))[0], seen)
                forecast = network.decode(out, seen.scaled, seen.anchors)
            weights = out[0, -1, : h * kinds].unflatten(0, (kinds, h)).softmax(0)
            correction = (forecast.scale * forecast.median)[0, 0]
            k = self.horizon
            yield seen.anchors[0, 0][:, k], weights[:, k], correction[k], seen.scaled.absolute()[0]
