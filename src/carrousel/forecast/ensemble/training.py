"""Training and running the ensemble; panels and arrays only, no tables."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.mapped import give_back, pieces
from ...data.panel import Panel
from ...ops.reference.scaling import Prior
from ...training import Progress, Run, fit
from ...training.peers import PEERS
from ...wording import some
from ..intervals.doubt import (
    doubted,
    gaps_before,
    never_moved,
    of_the_panel,
    steady,
    stepped_over,
    usual_scale,
)
from ..intervals.hiding import measure_doubt
from ..network.covariates import Extra
from ..network.distribution import QUANTILES
from ..network.network import Network
from ..network.shape import Shape
from ..network.tiles import whole_tiles
from ..network.windows import Sampler, Windows
from ..plan import Plan
from .companion import Companion
from .dataset import Lessons
from .initialization import start_from

Report = Callable[[str, Progress], None]  # (what is trained, progress)
PREDICTED_AT_ONCE = 512  # windows
STARTED_FROM = 256  # windows
LET_GO = 4  # updates after which what was read of mapped series need not be in memory any more
CARRIED = 4  # one in so many updates teaches carried states too


def train_ensemble(
    panel: Panel,
    plan: Plan,
    progress: Report | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    init: Sequence[Network] | None = None,
) -> tuple[list[Network], list[Run], Companion | None]:
    """Train the networks of a plan; ``init`` are trained ones of its shape to start from.

    The first is validated on the end of each series, which it does not learn from; it finds out
    how many updates are enough. The others make that many, and learn from everything; at the same
    rates where the first is not kept (all of a shorter schedule would be less of a training than
    the one that was judged: what comes late, such as who leads whom, might not come). Once one is
    trained, those that are stopped half-way (see ``Run.stopped``) are not returned, and neither is
    a first one that was trained to be judged only (``plan.judge``). The first one says, too, how
    much the network that ships has to say beside them.
    """
    members = Members.of(panel, plan, checkpoint, resume, init)
    lessons, validation = members.lessons, members.lessons.validation
    networks: list[Network] = []
    runs: list[Run] = []
    everyone = range(members.count)
    for some_of_them in (everyone[:1], everyone[1:]) if validation else (everyone,):
        before = runs[0] if runs else None
        for network, run in TRAINER.get()(members, some_of_them, before, progress):
            runs.append(run)
            if not networks or run.stopped in ("finished", "early"):
                networks.append(network)
            if run.stopped == "interrupted":
                break
        if runs and runs[-1].stopped == "interrupted":
            break
    interval_scale = validation.best_interval_scale(networks[0])
    networks[0].interval_scale.fill_(interval_scale)
    measured = networks[0]
    measure_doubt(measured, lessons.sampler(hidden=0), lessons.real, plan.train.seed)
    companion = None
    if plan.pretrained != 0:
        companion = Companion.beside(measured, validation, plan.pretrained)
    if members.judge and len(networks) > 1:
        networks = networks[1:]
    for network in networks:
        network.interval_scale.fill_(interval_scale)
        network.wander.copy_(measured.wander)
        network.factors.copy_(measured.factors)
    return networks, runs, companion


@dataclass(frozen=True)
class Members:
    """The trainings of an ensemble. Each is by itself, but for how many updates were enough in the
    first one: where and in which order they take place does not matter.

    Args:
        panel, plan: As in ``train_ensemble``.
        lessons: What is learned from.
        identity: Of the data, for checkpoints.
        prior: What the series usually move.
        checkpoint, resume, init: As in ``train_ensemble``.
    """

    panel: Panel
    plan: Plan
    lessons: Lessons
    identity: str
    prior: Prior
    checkpoint: Path | None
    resume: bool
    init: Sequence[Network] | None

    @classmethod
    def of(
        cls,
        panel: Panel,
        plan: Plan,
        checkpoint: Path | None,
        resume: bool,
        init: Sequence[Network] | None,
    ) -> "Members":
        """Those of a plan."""
        lessons = Lessons.of(panel, plan)
        _require_any(lessons.sampler(hidden=0), panel)
        identity, (prior, _) = _identity(panel, init), usual_scale(panel, plan.shape)
        return cls(panel, plan, lessons, identity, prior, checkpoint, resume, init)

    @property
    def judge(self) -> bool:
        """Whether the first network is trained only to be validated."""
        return self.plan.judge and bool(self.lessons.validation)

    @property
    def count(self) -> int:
        """How many trainings there are."""
        return self.plan.trainings if self.judge else self.plan.members

    def train(
        self, member: int, before: Run | None = None, progress: Report | None = None
    ) -> tuple[Network, Run]:
        """One of them; ``before`` is the run of the first one."""
        plan, validation = self.plan, self.lessons.validation
        first = member == 0 and bool(validation)
        options = replace(plan.train, seed=plan.train.seed + member)
        if before is not None and before.best_score is not None:
            steps = max(before.best_step, 1)
            options = replace(options, steps=steps, length=options.steps * self.judge)
        sampler = self.lessons.sampler(hidden=plan.holdout if first else 0)
        name = f"network {member + 1} of {self.count}"
        start = self.init[max(member - self.judge, 0) % len(self.init)] if self.init else None
        network = _beginning(start, plan, options.seed, sampler, self.prior)
        network.prior.copy_(torch.tensor(self.prior))
        where = self.checkpoint / f"network{member}.safetensors" if self.checkpoint else None
        run = fit(
            network,
            partial(_batch, sampler, plan, self.panel),
            _loss,
            options,
            validate=validation.score if first else None,
            progress=None if progress is None else partial(progress, name),
            checkpoint=where,
            resume=self.resume,
            identity=self.identity,
            diagnose=partial(_blame, self.panel),
        )
        return network, run


Trainer = Callable[
    [Members, Sequence[int], Run | None, Report | None], Iterable[tuple[Network, Run]]
]


def in_turn(
    members: Members, numbers: Sequence[int], before: Run | None, progress: Report | None
) -> Iterator[tuple[Network, Run]]:
    """Some of the trainings, one after the other."""
    for member in numbers:
        yield members.train(member, before, progress)


TRAINER: ContextVar[Trainer] = ContextVar("trainer", default=in_turn)  # who trains the members


# (B, history + h) windows less (B, 1), covariates if there are any, (B,) the series they are of
Part = tuple[Tensor, Tensor, Extra | None, Tensor]


def _batch(
    sampler: Sampler, plan: Plan, panel: Panel, step: int, generator: torch.Generator
) -> list[Part]:
    """Windows that are read from an empty state; in every fourth update beside half as many that
    are read from a state that was carried on over half a window before them or a whole one, so
    that states which are carried on for long (``Forecaster.update``) are nothing new."""
    if step % LET_GO == 0:
        give_back(panel.y)
    shape = plan.shape
    parts = [_part(sampler, sampler.windows, plan.batch_size, generator)]
    if step % CARRIED == 0 and shape.cell != "ann":
        lead = shape.steps if step // CARRIED % 2 else max(shape.steps // 2, 1)
        longer = sampler.windows.longer(lead * shape.patch)
        parts.append(_part(sampler, longer, max(plan.batch_size // 2, 1), generator))
    return parts


def _part(sampler: Sampler, windows: Windows, size: int, generator: torch.Generator) -> Part:
    size = max(size // windows.typical_group, 1)
    picked, peers = sampler.pick(size, generator), PEERS.get()
    if peers is not None:
        picked = peers.own(*picked)  # type: ignore[assignment]
    series, end = windows.together(*picked)
    return *windows.gather(series, end), windows.extra(series, end), series


def _beginning(
    start: Network | None, plan: Plan, seed: int, sampler: Sampler, prior: Prior
) -> Network:
    if start is not None:
        return deepcopy(start).train()
    return new_network(plan.shape, seed, sampler, prior)


def _loss(model: Any, batch: list[Part]) -> Tensor:
    losses = [model.loss(window, extra, offset) for window, offset, extra, _ in batch]
    return torch.stack(losses).mean()


def _blame(panel: Panel, model: Any, batch: list[Part]) -> str:
    """Which series of a batch have a loss or a gradient that is not finite."""
    parameters, bad = list(model.parameters()), []
    rows = ((part, k, int(s)) for part in batch for k, s in enumerate(part[3]))
    for (windows, offset, extra, _), k, s in rows:
        one = slice(k, k + 1)
        with torch.enable_grad():
            given = None if extra is None else extra.rows(one)
            loss = model.loss(windows[one], given, offset[one])
            slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        parts = [loss, *(slope for slope in slopes if slope is not None)]
        if not all(part.isfinite().all() for part in parts):
            real = s < panel.n_series
            bad.append(repr(panel.ids[s]) if real else "made up to learn from")
    names = some(list(dict.fromkeys(bad)))
    return f"the loss of series {names} is no longer finite" if bad else ""


def _identity(panel: Panel, init: Sequence[Network] | None) -> str:
    """A digest of what training starts from, so that a checkpoint of other data is refused."""
    digest = hashlib.sha256()
    for part in pieces(panel.y):
        digest.update(np.ascontiguousarray(part).data)
    digest.update(np.ascontiguousarray(panel.offsets).data)
    if panel.exog is not None and panel.static is not None:
        digest.update(np.ascontiguousarray(panel.exog).data)
        digest.update(np.ascontiguousarray(panel.static).data)
    for network in init or ():
        for value in network.state_dict().values():
            digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def new_network(shape: Shape, seed: int, sampler: Sampler, prior: Prior | None = None) -> Network:
    """A network drawn from ``seed`` that starts from the simple forecasts of some windows.

    The global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(shape)
    network.prior.copy_(torch.tensor(prior or Prior()))
    if network.covariates is not None and sampler.windows.exogenous is not None:
        network.covariates.measure(sampler.windows.exogenous)
    start_from(network, *sampler.draw(STARTED_FROM, torch.Generator().manual_seed(seed)))
    return network


def predict_quantiles(
    networks: Sequence[Network], windows: Windows, drop: int = 0
) -> NDArray[np.float64]:
    """(S, h, Q) quantiles of what follows each series without its last ``drop``."""
    return window_quantiles(networks, windows, [drop])[0]


def window_quantiles(
    networks: Sequence[Network],
    windows: Windows,
    drops: Sequence[int],
    companion: Companion | None = None,
) -> NDArray[np.float64]:
    """(W, S, h, Q) quantiles of what follows each series without its last ``drops[w]``."""
    count = len(windows.start)
    if not count:
        raise ValueError("there is no series to forecast")
    stops = [torch.maximum(windows.stop - drop, windows.start) for drop in drops]
    ends, series = torch.cat(stops), torch.arange(count).repeat(len(drops))
    if not windows.grouped:
        rows = whole_tiles(len(ends))
        ends, series = ends[rows], series[rows]
    out = torch.zeros(len(ends), windows.h, len(QUANTILES), dtype=torch.float64)
    gap = gaps_before(windows.y, windows.start[series], ends)
    over, counted = stepped_over(gap, networks[0].shape), torch.zeros_like(gap)
    at_once = count if windows.grouped else PREDICTED_AT_ONCE
    split = (part.split(at_once) for part in (series, ends, gap, over, out, counted))
    with torch.inference_mode():
        for which, end, missing, back, total, known in zip(*split, strict=True):
            window, offset = windows.gather(which, end - back)
            history, extra = window[:, : windows.history], windows.extra(which, end)
            shown = networks[0].encode(history, last=True, extra=extra, offset=offset)
            for network in networks:
                network.add_quantiles(shown, total)
            total /= len(networks)
            if (still := never_moved(history)).any():
                total.copy_(steady(total, still, offset))
            if companion is not None:
                companion.join(total, history, offset, missing)
            known.copy_(history.isfinite().sum(1))
        wanted, known = (len(drops), count), gap[: len(drops) * count] >= 0
        out = doubted(out, gap, counted, networks[0])[: len(known)].unflatten(0, wanted)
        parts = zip(out, known.unflatten(0, wanted), strict=True)
        there = [one if seen.all() else of_the_panel(one, seen) for one, seen in parts]
        return torch.stack(there).numpy()


def _require_any(sampler: Sampler, panel: Panel) -> None:
    if not int(sampler.count[: panel.n_series].sum()):
        names = [f"{i!r} has {n}" for i, n in zip(panel.ids, panel.lengths, strict=True)]
        raise ValueError(f"training needs a series of at least 2 observations, but {some(names)}")
