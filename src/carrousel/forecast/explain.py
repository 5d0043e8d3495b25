"""What a forecast relied on: measured by taking steps away, and accounted for from the record.

Three questions about one series and one step of the horizon (or the mean over it):

- *Which past steps?* ``removed``: the forecast less the forecast without the step, with its values
  missing and with the window's mean in their place. ``account``: from the record, as the sum of
  what the simple forecasts copied (their weights held fixed) and of what the units of the memory
  kept (``carrousel.explain``: the ledger of the last recurrent layer, read out by the slopes of
  the rest).
- *What did the memory do?* ``memory_from``: the forecast if the recurrence had begun at the step,
  with nothing before it remembered; the simple forecasts are left as they are.
- *Is that true?* Steps are taken away in the order of each ranking, beside baselines.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data import Panel
from ..explain import Attribution, Fidelity, fidelity
from ..explain.asking import Question
from ..explain.attribution import occlude
from ..explain.fidelity import Removal, rank_correlation
from ..explain.private import private
from ..explain.readout import unit_scores
from .distribution import Forecast
from .exogenous import Extra
from .explanation import Explanation
from .model import Network, Seen
from .windows import Windows

MISSING = float("nan")
SEEDS = (0, 1, 2, 3, 4)  # of the random ranking, and of the networks with shuffled weights


def explain(
    networks: list[Network],
    panel: Panel,
    series: int,
    ahead: Sequence[int] | int | None = 1,
    following: NDArray[np.float32] | None = None,
) -> Explanation:
    """Explain the forecast that follows ``series`` of a panel, ``ahead`` steps from its end
    (counted from 1; several: their mean; None: that over the horizon), with the covariates
    (S, h, F) after the end of all series if the networks need them."""
    shape = networks[0].shape
    if ahead is None:
        ahead = range(1, shape.h + 1)
    steps = [ahead] if isinstance(ahead, int) else list(ahead)
    for step in steps:
        if not 1 <= step <= shape.h:
            raise ValueError(f"step must be from 1 to {shape.h}, or None, got {step}")
    window = Windows.of(panel.select([series]), shape.history, shape.h, len(shape.futr))
    window = window.following(None if following is None else following[[series]])
    one = torch.tensor([0])
    history, offset = window.gather(one, window.stop)
    history = history[:, : shape.history]
    x = history.unflatten(1, (-1, shape.step))  # (1, T, step)
    before = int((x.isfinite().any(-1)[0].cumsum(0) == 0).sum())  # steps before the series
    horizon = [step - 1 for step in steps]
    extra = window.extra(one, window.stop)
    asked, _ = private(Asked(networks, horizon, before, extra, float(offset)))
    return _explanation(cast(Asked, asked), x[:, before:], panel, series)


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
        medians = [self._median(network.answer(shown)) for network in self.members]
        return torch.stack(medians).mean(0)

    def _look(self, network: Network, history: Tensor) -> Seen:
        batch = len(history)
        offset = torch.full((batch, 1), self.offset, dtype=torch.float64)
        return network.look(history, last=True, extra=self._extra(batch), offset=offset)

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
        values = (f.centre + f.scale * f.median).double() + f.scaled.absolute()[..., None]
        return values[:, 0, self.horizon].mean(-1)

    def memory_from(self, x: Tensor) -> Tensor:
        """(T,) the forecast if the recurrence began at each step of x (1, T, step)."""
        history, found = self.history(x), []
        for network in self.members:
            seen = self._look(network, history)
            x = network.enter(seen)
            begun = [network.recur(x[:, t:])[0] for t in range(self.before, x.shape[1])]
            said = [network.heads(b, seen) for b in begun]
            read = [network.say(out, seen.scaled, seen.anchors) for out in said]
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
                out = network.heads(network.recur(network.enter(seen))[0], seen)
                forecast = network.say(out, seen.scaled, seen.anchors)
            weights = out[0, -1, : h * kinds].unflatten(0, (kinds, h)).softmax(0)
            correction = (forecast.scale * forecast.median)[0, 0]
            k = self.horizon
            yield seen.anchors[0, 0][:, k], weights[:, k], correction[k], seen.scaled.absolute()[0]


def copied(asked: Asked, x: Tensor) -> tuple[Tensor, float, float]:
    """What the simple forecasts took from each step, (T,), from which mean, and the rest.

    A weighted mean of simple forecasts is linear in the past, with coefficients that sum to 1, so
    that it is the window's mean plus the sum of coefficient times (value - mean).
    """
    leaf = x.detach().clone().requires_grad_()
    centre = torch.zeros((), dtype=torch.float64)
    for anchors, weights, _, origin in asked.simple(leaf):
        parts = (weights * anchors).sum(0).mean().double() + origin[0]
        centre = centre + parts / len(asked.networks)
    (coefficient,) = torch.autograd.grad(centre, leaf)
    mean = x.double().nanmean()
    terms = (coefficient.double() * (x.double() - mean)).nan_to_num()[0].sum(-1)
    middle = float(mean) + asked.offset
    return terms, middle, float(centre.detach() - middle - terms.sum())


def memory_units(asked: Asked, x: Tensor) -> list[tuple[str, Tensor]]:
    """For each network the name of its last recurrent layer and what its units' memory gave to
    the forecast, (T, U); nothing for networks whose memory is no sum ("rnn") or that have none."""
    names = [
        name
        for name, module in asked.named_modules()
        if isinstance(module, nn.RNNBase) and module.mode in ("LSTM", "GRU") and ".layers." in name
    ]
    last = {name.split(".")[1]: name for name in names}  # networks.<k>.layers.<l>
    question = Question.of(asked, x, None, 1)
    return [(name, unit_scores(question, x, name)[0][0, asked.before :]) for name in last.values()]


def _explanation(asked: Asked, x: Tensor, panel: Panel, series: int) -> Explanation:
    with torch.no_grad():
        forecast = asked(x)
        memory_from = asked.memory_from(x)
        stand_ins = (MISSING, x.nanmean(1, keepdim=True).expand_as(x))
        question = Question.of(asked, x, None, 1)
        removed = torch.stack([occlude(question, x, forecast, value) for value in stand_ins])
    account, parts, rest = _account(asked, x)
    units = memory_units(asked, x)
    return Explanation.of(
        panel, series, asked, x,
        forecast=float(forecast),
        memory_from=memory_from.numpy(),
        removed=removed[:, 0].numpy(),
        parts={name: part.numpy() for name, part in parts.items()},
        rest=rest,
        units=[(name, scores.numpy()) for name, scores in units],
        fidelity=_fidelity(asked, x, forecast, removed.mean(0), account),
    )  # fmt: skip


def _account(asked: Asked, x: Tensor) -> tuple[Tensor, dict[str, Tensor], float]:
    """(1, T) of the record, its parts (T,), and what copying leaves over."""
    direct, _, rest = copied(asked, x)
    memory = sum((s.sum(-1) for _, s in memory_units(asked, x)), torch.zeros_like(direct))
    return (direct + memory)[None], {"copied": direct, "memory": memory}, rest


def _fidelity(
    asked: Asked, x: Tensor, forecast: Tensor, removed: Tensor, account: Tensor
) -> Fidelity:
    """Both rankings beside the baselines, and the account's likeness on shuffled weights."""
    named = {
        "removed": Attribution("removed", removed, forecast, None),
        "account": Attribution("account", account, forecast, None),
    }
    removal = Removal(replacement=MISSING, seeds=SEEDS)
    found = fidelity(asked, x, named, time_dim=1, randomise=False, removal=removal)
    for seed in SEEDS[:3]:
        again = _account(_shuffled(asked, seed), x)[0]
        same = rank_correlation(account, again)
        found.randomisation.setdefault("account", []).append(same)
    return found


def _shuffled(asked: Asked, seed: int) -> Asked:
    """The same networks with the numbers of every parameter in another order."""
    other = copy.deepcopy(asked)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in other.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return other


def series_number(panel: Panel, unique_id: object) -> int:
    """Position of a series by its name; None is the only one."""
    if unique_id is None and panel.n_series == 1:
        return 0
    names = {str(name): k for k, name in enumerate(panel.ids)}
    if str(unique_id) not in names:
        some = ", ".join(repr(name) for name in list(names)[:5])
        more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
        raise ValueError(f"unique_id: there is no series {unique_id!r}; there are {some}{more}")
    return names[str(unique_id)]
