"""The question that an explanation asks again and again: the networks' forecast of one window."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..network.covariates import Extra
from ..network.distribution import Forecast
from ..network.network import Encoded, Network

MISSING = float("nan")


class Asked(nn.Module):
    """The mean median forecast of some steps of the horizon, (B, T, step) -> (B,) float64."""

    def __init__(
        self,
        networks: list[Network],
        horizon: list[int],
        before: int,
        extra: Extra | None = None,
        offset: float = 0.0,
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.members = list(networks)  # the same, as what they are
        self.horizon = horizon
        self.before = before  # steps without any value that lead every window
        self.offset = offset  # what was taken off the window and its variants
        self.extra = extra  # covariates of the one window

    def forward(self, x: Tensor) -> Tensor:
        history = self.history(x)
        shown = self._look(self.members[0], history)
        medians = [self._median(network.predict(shown)) for network in self.members]
        return torch.stack(medians).mean(0)

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

    def _median(self, f: Forecast) -> Tensor:
        values = (f.location + f.scale * f.median).double() + f.scaled.absolute()[..., None]
        return values[:, 0, self.horizon].mean(-1)

    def memory_from(self, x: Tensor) -> Tensor:
        """(T,) the forecast if the recurrence began at each step of x (1, T, step)."""
        history, found = self.history(x), []
        for network in self.members:
            seen = self._look(network, history)
            x = network.embedded(seen)
            begun = [network.recurrence(x[:, t:])[0] for t in range(self.before, x.shape[1])]
            said = [network.heads(b, seen) for b in begun]
            read = [network.decode(out, seen.scaled, seen.anchors) for out in said]
            found.append(torch.cat([self._median(forecast) for forecast in read]))
        return torch.stack(found).mean(0)

    def simple(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """For each network the simple forecasts (K, k), which depend on x, their weights (K, k),
        the network's correction (k,) and the origin (1,)."""
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
