"""Is the attribution true to the model? Steps are taken away in its order, and beside baselines."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..plottable import Plottable
from ..record.table import from_columns
from .asking import Question, Target
from .attribution import Attribution, attribute, occlude
from .private import check_model, private

BASELINES = ("random", "recency", "leave-one-out")


@dataclass(frozen=True)
class Score:
    """One ranking's figures, means over sequences; ``spread`` is over seeds (0 without any)."""

    comprehensiveness: float
    sufficiency: float
    most_first: Tensor  # (len(grid),) change of the output as the steps go, most relevant first
    least_first: Tensor
    spread: tuple[float, float] = (0.0, 0.0)

    @property
    def separation(self) -> float:
        """Area between the two deletion curves: above 0 if the order means anything."""
        return float((self.most_first - self.least_first).mean())


@dataclass(frozen=True)
class Fidelity(Plottable, picture="carrousel.plots:plot_fidelity"):
    """See :func:`fidelity`. ``scores`` by name, the baselines included."""

    scores: dict[str, Score]
    grid: Tensor  # fractions of steps taken away, of the deletion curves
    fractions: tuple[float, ...]
    randomization: dict[str, list[float]] = field(default_factory=dict)

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per ranking."""
        rows = self.scores.items()
        data: dict[str, Sequence[Any]] = {
            "ranking": [name for name, _ in rows],
            "comprehensiveness": [s.comprehensiveness for _, s in rows],
            "sufficiency": [s.sufficiency for _, s in rows],
            "separation": [s.separation for _, s in rows],
            "same_on_random_model": [_mean(self.randomization.get(name)) for name, _ in rows],
        }
        return from_columns(data, backend).to_native()

    def __str__(self) -> str:
        width = max(len(name) for name in self.scores)
        head = f"{'':{width}}  comprehensiveness  sufficiency  separation  on a random model"
        lines = [head]
        for name, score in self.scores.items():
            same = _mean(self.randomization.get(name))
            lines.append(
                f"{name:{width}}  {score.comprehensiveness:17.4f}  {score.sufficiency:11.4f}  "
                f"{score.separation:10.4f}  {'' if same is None else f'{same:17.2f}'}".rstrip()
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Removal:
    """How steps are taken away and how the change is counted."""

    fractions: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5)
    replacement: Any = "mean"
    signed: bool = False  # False: by |score|, counting |change|; True: by score, counting change
    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    grid_points: int = 11


def fidelity(
    model: nn.Module,
    x: Tensor,
    attributions: Attribution | Mapping[str, Attribution],
    target: Target = None,
    *,
    time_dim: int | None = None,
    lengths: Tensor | None = None,
    randomize: bool = True,
    removal: Removal | None = None,
) -> Fidelity:
    """Score attributions by what happens when the steps they name are taken away.

    - comprehensiveness: how much the output changes without the most relevant 5, 10, 20, 50 % of
      the steps (high is good); sufficiency: how much with nothing but them (low is good); each
      averaged over the fractions (AOPC; DeYoung et al. 2020, Samek et al. 2017).
    - deletion curves, the most relevant steps first and the least relevant first.
    - the same for three rankings that know nothing of the attribution: "random" (over seeds),
      "recency" (the latest steps first) and "leave-one-out" (occlusion of each step alone). An
      attribution that does not beat recency has found that recent steps matter.
    - model randomization (Adebayo et al. 2018): the rank correlation of the attribution with the
      same method's on the model with shuffled weights, one per seed. Near 1 means that it does not
      depend on what the model has learned.

    Inputs with steps replaced are unlike those that the model saw in training, so that a change can
    also be surprise: compare rankings with each other rather than with zero.

    ``attributions`` are of the same ``model``, ``x``, ``target`` and ``lengths`` (of the sequences
    in a padded batch; fractions are of each sequence's own length). ``removal`` holds fractions,
    replacement value, seeds and whether signs count (:class:`Removal`).

    >>> import torch
    >>> from carrousel.explain import attribute, fidelity
    >>> model, x = torch.nn.LSTM(2, 4, batch_first=True), torch.randn(3, 10, 2)
    >>> def target(out):
    ...     return out[0][:, -1].sum(-1)
    >>> found = fidelity(model, x, attribute(model, x, target), target, randomize=False)
    >>> {"random", "recency", "leave-one-out"} <= set(found.scores)
    True
    """
    removal = Removal() if removal is None else removal
    check_model(model)
    named = _named(attributions)
    asked, target = private(model, target)
    question = Question.of(asked, x, target, time_dim, lengths)
    _check(named, question, removal)
    grid = torch.linspace(0, 1, removal.grid_points, dtype=torch.float64)
    with torch.no_grad():
        judge = _Judge(question, x, removal, grid)
        scores = {name: judge.score(a.scores) for name, a in named.items()}
        scores |= judge.baselines()
    random: dict[str, list[float]] = {}
    if randomize:
        random = {
            name: [_on_random(question, x, a, seed) for seed in removal.seeds]
            for name, a in named.items()
        }
    return Fidelity(scores, grid, removal.fractions, random)


class _Judge:
    """Takes steps away in a given order and reads off the change."""

    def __init__(self, question: Question, x: Tensor, removal: Removal, grid: Tensor) -> None:
        self.question, self.x, self.removal, self.grid = question, x, removal, grid
        self.stand_in = question.filled(x, removal.replacement)
        self.before = question.score(x)
        self.lengths = question.present.sum(1)

    def score(self, ranking: Tensor) -> Score:
        ranks, none = self._ranks(ranking), torch.zeros_like(self.lengths)
        top = [self._counts(fraction).clamp_min(1) for fraction in self.removal.fractions]
        counts = [self._counts(fraction) for fraction in self.grid.tolist()]
        spans = [
            *((none, count) for count in top),
            *((count, self.lengths) for count in top),
            *((none, count) for count in counts),
            *((self.lengths - count, self.lengths) for count in counts),
        ]
        parts = [len(top), len(top), len(counts), len(counts)]
        without, alone, most, least = self._changes(ranks, spans).split(parts)
        return Score(float(without.mean()), float(alone.mean()), most, least)

    def baselines(self) -> dict[str, Score]:
        shape = self.question.present.shape
        generators = [torch.Generator().manual_seed(seed) for seed in self.removal.seeds]
        draws = [self.score(torch.rand(shape, generator=g)) for g in generators]
        recency = torch.arange(1.0, shape[1] + 1).expand(shape)
        one_out = occlude(self.question, self.x, self.before, self.removal.replacement)
        found = dict(zip(BASELINES[1:], (self.score(recency), self.score(one_out)), strict=True))
        return {"random": _averaged(draws), **found} if draws else found

    def _ranks(self, ranking: Tensor) -> Tensor:
        """(B, T): 0 for the most relevant step; padding behind all others."""
        relevance = ranking if self.removal.signed else ranking.abs()
        relevance = relevance.to(self.x.device).masked_fill(~self.question.present, -torch.inf)
        return relevance.argsort(dim=1, descending=True, stable=True).argsort(dim=1)

    def _counts(self, fraction: float) -> Tensor:
        return (fraction * self.lengths).round().long()

    def _changes(self, ranks: Tensor, spans: list[tuple[Tensor, Tensor]]) -> Tensor:
        """(spans,): mean change of the output without the steps ranked start (B,) to stop (B,)."""
        gone = ((ranks >= start[:, None]) & (ranks < stop[:, None]) for start, stop in spans)
        drop = (self.before - self.question.without(gone, self.x, self.stand_in)).double()
        return (drop if self.removal.signed else drop.abs()).mean(1).cpu()


def _averaged(draws: list[Score]) -> Score:
    figures = torch.tensor([[s.comprehensiveness, s.sufficiency] for s in draws])
    mean, spread = figures.mean(0).tolist(), figures.std(0, correction=0).tolist()
    most = torch.stack([s.most_first for s in draws]).mean(0)
    least = torch.stack([s.least_first for s in draws]).mean(0)
    return Score(mean[0], mean[1], most, least, (spread[0], spread[1]))


def _on_random(question: Question, x: Tensor, attribution: Attribution, seed: int) -> float:
    """Rank correlation with the same method's attribution on a model with shuffled weights."""
    shuffled = copy.deepcopy(question.model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in shuffled.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order.to(parameter.device)].view_as(parameter))
    again = attribute(
        shuffled,
        x,
        question.target,
        method=attribution.method,
        time_dim=question.time_dim,
        lengths=question.present.sum(1),
        **vars(attribution.options),
    )
    return rank_correlation(attribution.scores, again.scores, question.present)


def rank_correlation(first: Tensor, second: Tensor, present: Tensor | None = None) -> float:
    """Spearman's rank correlation of |first| and |second| (B, T), mean over sequences.

    Only steps that are ``present`` count, all by default. 0 for a sequence whose scores are all
    equal, which have no order.
    """
    found = []
    present = torch.ones_like(first, dtype=torch.bool) if present is None else present.cpu()
    for one, other, kept in zip(first.abs().cpu(), second.abs().cpu(), present.cpu(), strict=True):
        ranks = [_ranks(values[kept]) for values in (one, other)]
        centered = [r - r.mean() for r in ranks]
        norm = centered[0].norm() * centered[1].norm()
        found.append(float(centered[0] @ centered[1] / norm) if norm > 0 else 0.0)
    return sum(found) / len(found)


def _ranks(values: Tensor) -> Tensor:
    """Ranks of (T,) values; equal ones share their mean rank."""
    _, group, counts = values.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    return (last - (counts - 1) / 2)[group]


def _named(attributions: Any) -> dict[str, Attribution]:
    if isinstance(attributions, Attribution):
        return {attributions.method: attributions}
    known = isinstance(attributions, Mapping) and all(
        isinstance(one, Attribution) for one in attributions.values()
    )
    if not known:
        raise TypeError("attributions must be what attribute() gives, or a dict of it by name")
    return dict(attributions)


def _check(named: Mapping[str, Attribution], question: Question, removal: Removal) -> None:
    expected = tuple(question.present.shape)
    for name, attribution in named.items():
        if tuple(attribution.scores.shape) != expected:
            raise ValueError(
                f"attribution {name!r} has scores {tuple(attribution.scores.shape)}, x needs "
                f"{expected}"
            )
        if name in BASELINES:
            raise ValueError(f"attributions: the name {name!r} is a baseline's")
    if not removal.fractions or not all(0 < f <= 1 for f in removal.fractions):
        raise ValueError(f"fractions must lie in (0, 1], got {removal.fractions}")


def _mean(values: list[float] | None) -> float | None:
    return sum(values) / len(values) if values else None
