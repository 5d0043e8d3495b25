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
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...data import Panel
from ...explain import Attribution, Fidelity, fidelity
from ...explain.asking import Question
from ...explain.attribution import occlude
from ...explain.faithfulness import Removal, rank_correlation
from ...explain.private import private
from ...explain.readout import unit_scores
from ...ops.cells import BY_MODE
from ...wording import meant
from ..ensemble.companion import Companion, ordinary
from ..network.network import Network
from ..network.windows import Windows
from ..pretrained.asked import Asked as Instant
from .explanation import Columns, Explanation
from .question import MISSING, Asked

SEEDS = (0, 1, 2, 3, 4)  # of the random ranking, and of the networks with shuffled weights


def explain(
    networks: list[Network],
    panel: Panel,
    series: int,
    ahead: Sequence[int] | int | None = 1,
    following: NDArray[np.float32] | None = None,
    companion: Companion | None = None,
) -> Explanation:
    """Explain the forecast that follows ``series`` of a panel, ``ahead`` steps from its end
    (counted from 1; several: their mean; None: that over the horizon), with the covariates
    (S, h, F) after the end of all series if the networks need them, and with the ``companion`` that
    has a share in it."""
    shape = networks[0].shape
    steps = chosen_steps(ahead, shape.h)
    window = Windows.of(panel.select([series]), shape.history, shape.h, len(shape.futr))
    window = window.following(None if following is None else following[[series]])
    one = torch.tensor([0])
    history, offset = window.gather(one, window.stop)
    history = history[:, : shape.history]
    x = history.unflatten(1, (-1, shape.patch))  # (1, T, step)
    before = int((x.isfinite().any(-1)[0].cumsum(0) == 0).sum())  # steps before the series
    horizon = [step - 1 for step in steps]
    extra = window.extra(one, window.stop)
    if not (ordinary(history) & history[:, -1].isfinite()).item():
        companion = None
    asked = Asked(networks, horizon, before, extra, float(offset), companion)
    return explained(asked, x[:, before:], panel, series)


def chosen_steps(ahead: Sequence[int] | int | None, h: int) -> list[int]:
    """The steps of a horizon that are meant, all for None."""
    if ahead is None:
        ahead = range(1, h + 1)
    steps = [ahead] if isinstance(ahead, int) else list(ahead)
    for step in steps:
        if not 1 <= step <= h:
            raise ValueError(f"step must be from 1 to {h}, or None, got {step}")
    return steps


def explained(asked: "Asked | Instant", x: Tensor, panel: Panel, series: int) -> Explanation:
    """The answers about the window x (1, T, step) that ends ``asked.gap`` before a series does."""
    twin, _ = private(asked)
    with torch.inference_mode(False):
        return _explanation(cast(Asked, twin), x, panel, series)


def copied(asked: Asked, x: Tensor) -> tuple[Tensor, float, float]:
    """What the simple forecasts took from each step, (T,), from which mean, and the rest; as much
    of both as the trained networks have a share in the forecast.

    A weighted mean of simple forecasts is linear in the past, with coefficients that sum to 1, so
    that it is the window's mean plus the sum of coefficient times (value - mean).
    """
    leaf = x.detach().clone().requires_grad_()
    center = torch.zeros((), dtype=torch.float64)
    for anchors, weights, _, origin in asked.simple(leaf):
        parts = (weights * anchors).sum(0).mean().double() + origin[0]
        center = center + parts / len(asked.networks)
    (coefficient,) = torch.autograd.grad(center, leaf)
    mean = x.double().nanmean()
    terms = (coefficient.double() * (x.double() - mean)).nan_to_num()[0].sum(-1)
    middle, ours = float(mean) + asked.offset, 1 - asked.share
    return ours * terms, middle, ours * float(center.detach() - middle - terms.sum())


def memory_units(asked: Asked, x: Tensor) -> list[tuple[str, Tensor]]:
    """For each network the name of its last recurrent layer and what its units' memory gave to
    the forecast, (T, U); nothing for networks whose memory is no sum ("rnn") or that have none."""
    names = [
        name
        for name, module in asked.named_modules()
        if isinstance(module, nn.RNNBase) and BY_MODE[module.mode].keeps and ".layers." in name
    ]
    last = {name.split(".")[1]: name for name in names}  # networks.<k>.layers.<l>
    question = Question.of(asked, x, None, 1)
    return [
        (name, asked.per_step(unit_scores(question, x, name)[0][0], x)) for name in last.values()
    ]


def _explanation(asked: Asked, x: Tensor, panel: Panel, series: int) -> Explanation:
    with torch.no_grad():
        question = Question.of(asked, x, None, 1)
        forecast, memory_from = asked(x), asked.memory_from(x).numpy()
        stand_ins = (MISSING, x.nanmean(1, keepdim=True).expand_as(x))
        removed = torch.stack([occlude(question, x, forecast, value) for value in stand_ins])
    account, parts, rest = _account(asked, x)
    names, values, weights, correction = _simple(asked, x)
    middle = float(x.double().nanmean()) + asked.offset
    of_the_trained = middle + float(parts["copied"].sum()) + correction + rest
    observed = x.double() + asked.offset
    times = panel.at(series, int(panel.lengths[series]) + np.array(asked.horizon))
    return Explanation(
        unique_id=panel.ids[series],
        times=times,
        forecast=float(forecast),
        without_memory=float(memory_from[-1]),
        mean=middle,
        correction=correction,
        error=rest,
        share=asked.share,
        pretrained=float(forecast) - of_the_trained if asked.share else 0.0,
        steps={
            **_spans(panel, series, x.shape[1], x.shape[2], asked.gap),
            panel.target_col: observed.nanmean(-1)[0].numpy(),
            "removed": removed.mean(0)[0].numpy(),
            "removed_missing": removed[0, 0].numpy(),
            "removed_mean": removed[1, 0].numpy(),
            "account": account[0].numpy(),
            **{name: part.numpy() for name, part in parts.items()},
            "memory_from": memory_from,
        },
        units=_units([(name, scores.numpy()) for name, scores in memory_units(asked, x)]),
        simple={"name": names, "forecast": values, "weight": weights},
        fidelity=_fidelity(asked, x, forecast, removed.mean(0), account),
        panel=panel,
    )


def _spans(panel: Panel, series: int, steps: int, step: int, gap: int) -> Columns:
    """The first and the last time of each step."""
    length = int(panel.lengths[series]) - gap
    first = np.arange(length - steps * step, length, step)
    return {
        "from": panel.at(series, np.maximum(first, 0)),
        "to": panel.at(series, first + step - 1),
    }


def _simple(asked: Asked, x: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Names, forecasts (K,), weights (K,) and correction, means over networks and horizon; weights
    and correction as far as the trained networks have a share."""
    with torch.no_grad():
        found = list(asked.simple(x))
    mean = [
        torch.stack([part.double() for part in parts]).mean(0) for parts in zip(*found, strict=True)
    ]
    anchors, weights, correction, origin = mean
    names = np.array(asked.names, dtype=object)
    return (
        names,
        (anchors.mean(-1) + origin).numpy(),
        (1 - asked.share) * weights.mean(-1).numpy(),
        (1 - asked.share) * float(correction.mean()),
    )


def _units(found: list[tuple[str, np.ndarray]]) -> Columns:
    """A row for each unit, the largest first."""
    networks: list[int] = []
    layers: list[str] = []
    numbers: list[int] = []
    gave: list[np.ndarray] = []
    ages: list[np.ndarray] = []
    for name, scores in found:  # (T, U)
        _, network, layer = name.split(".", 2)
        back = np.arange(len(scores))[::-1, None]
        size = np.abs(scores)
        networks += [int(network)] * scores.shape[1]
        layers += [layer] * scores.shape[1]
        numbers += range(scores.shape[1])
        gave.append(scores.sum(0))
        ages.append((size * back).sum(0) / np.maximum(size.sum(0), 1e-300))
    total = np.concatenate(gave) if gave else np.zeros(0)
    order = np.argsort(-np.abs(total), kind="stable")
    return {
        "network": np.array(networks, np.int64)[order],
        "layer": np.array(layers, dtype=object)[order],
        "unit": np.array(numbers, np.int64)[order],
        "gave": total[order],
        "age": (np.concatenate(ages) if ages else total)[order],
    }


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
    found = fidelity(asked, x, named, time_dim=1, randomize=False, removal=removal)
    for seed in SEEDS[:3]:
        again = _account(_shuffled(asked, seed), x)[0]
        same = rank_correlation(account, again)
        found.randomization.setdefault("account", []).append(same)
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
        raise ValueError(
            f"unique_id: there is no series {unique_id!r}; there are {some}{more}"
            f"{meant(str(unique_id), names)}"
        )
    return names[str(unique_id)]
