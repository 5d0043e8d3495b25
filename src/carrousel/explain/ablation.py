"""Ablation curves: states are taken away in an explanation's order, and beside baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..plottable import Plottable
from ..record.table import from_columns
from ..wording import one_of
from .asking import Target
from .replacing import Place, Replacing

OVER = ("units", "steps", "states")
BASELINES = ("random", "recency", "size")


@dataclass(frozen=True)
class Ablation(Plottable, picture="carrousel.plots:plot_ablation"):
    """See :func:`ablation_curves`. ``curves`` by ranking, the baselines included."""

    curves: dict[str, Tensor]  # (len(counts),) mean |change of the answer|
    spread: dict[str, Tensor]  # standard deviation over seeds; 0 without any
    counts: tuple[int, ...]  # how many were taken away
    over: str

    def area(self, name: str) -> float:
        """The mean of a curve: how much its order finds, over all counts."""
        return float(self.curves[name].mean())

    @property
    def failures(self) -> list[str]:
        """Rankings that find no more than the best baseline does."""
        best = max(self.area(name) for name in self.curves if name in self.baselines)
        return [n for n in self.curves if n not in self.baselines and self.area(n) <= best]

    @property
    def baselines(self) -> tuple[str, ...]:
        return tuple(name for name in BASELINES if name in self.curves)

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per ranking and count."""
        rows = []
        for name, curve in self.curves.items():
            figures = zip(self.counts, curve.tolist(), self.spread[name].tolist(), strict=True)
            rows += [(name, *one) for one in figures]
        names = ("ranking", "count", "change", "spread")
        return from_columns(
            dict(zip(names, zip(*rows, strict=True), strict=True)), backend
        ).to_native()

    def __str__(self) -> str:
        width = max(len(name) for name in self.curves)
        lines = [f"{self.over} taken away: {', '.join(map(str, self.counts))}"]
        for name, curve in self.curves.items():
            numbers = "  ".join(f"{value:8.4f}" for value in curve.tolist())
            note = "  no better than a baseline" if name in self.failures else ""
            lines.append(f"{name:{width}}  {numbers}{note}")
        return "\n".join(lines)


def ablation_curves(
    model: nn.Module,
    x: Tensor,
    rankings: Mapping[str, Tensor],
    target: Target = None,
    *,
    over: str = "units",
    by: str | Tensor = "mean",
    counts: Sequence[int] | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    place: Place | None = None,
    time_dim: int | None = None,
) -> Ablation:
    """How much the answer changes as states are taken away, the most important first.

    Each ranking's first 1, 2, 4, ... units (or steps, or single states) are replaced, all else
    follows, and the mean of |change| is its curve: a ranking that knows something is above those
    that know nothing. "random" (over ``seeds``) always stands beside them, "recency" (the latest
    first) for steps and states, "size" (the largest mean |state| first) for units.
    :func:`fidelity` does the same for steps of the input.

    Args:
        rankings: by name, scores whose size counts: of units (U,), of steps (B, T), of states
            (B, T, U), such as the ``effects`` of :func:`activation_patching`
        over: "units" (at all steps), "steps" (all units) or "states" (one unit at one step)
        by: what stands in: "mean" (of each unit, over the sequence's steps), "zero", or another
            input, whose run's states are taken
        counts: how many are taken away, by default 1, 2, 4, ... up to half of them
        place, target, time_dim: as in :func:`activation_patching`

    >>> import torch
    >>> from carrousel.explain import ablation_curves
    >>> model, x = torch.nn.GRU(2, 4, batch_first=True), torch.randn(3, 10, 2)
    >>> size = model.weight_ih_l0.detach().norm(dim=1).view(3, 4).sum(0)
    >>> def target(out):
    ...     return out[0][:, -1].sum(-1)
    >>> found = ablation_curves(model, x, {"weights": size}, target)
    >>> sorted(found.curves), found.counts
    (['random', 'size', 'weights'], (1, 2))
    """
    one_of("over", over, OVER)
    asked = Replacing.of(model, x, target, place or Place(), time_dim)
    shapes = {"units": asked.shape[2:], "steps": asked.shape[:2], "states": asked.shape}
    _check(rankings, shapes[over], over)
    total = shapes[over][-1] if over != "states" else asked.shape[1] * asked.shape[2]
    numbers = _counts(counts, total)
    values = _stand_in(asked, by)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    orders = [(name, scores.detach().abs()) for name, scores in rankings.items()]
    orders += [("random", torch.rand(shapes[over], generator=g)) for g in generators]
    orders.append(_knowing_nothing(asked, over))
    found: dict[str, list[Tensor]] = {}
    for name, scores in orders:
        masks = torch.stack([_first(scores, count, over, asked.shape) for count in numbers])
        change = (asked.answers(masks, values) - asked.answer).abs().mean(1)
        found.setdefault(name, []).append(change)
    curves = {name: torch.stack(runs).mean(0) for name, runs in found.items()}
    spread = {name: torch.stack(runs).std(0, correction=0) for name, runs in found.items()}
    return Ablation(curves, spread, numbers, over)


def _first(scores: Tensor, count: int, over: str, shape: tuple[int, int, int]) -> Tensor:
    """(B, T, U): the ``count`` with the highest scores."""
    if over == "units":
        mask = torch.zeros(shape[2], dtype=torch.bool)
        mask[scores.argsort(descending=True, stable=True)[:count]] = True
        return mask.expand(shape)
    flat = scores.flatten(1)
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask.scatter_(1, flat.argsort(dim=1, descending=True, stable=True)[:, :count], True)
    return mask.view(shape) if over == "states" else mask[..., None].expand(shape)


def _knowing_nothing(asked: Replacing, over: str) -> tuple[str, Tensor]:
    """The latest first; of units, which have no time, the largest."""
    batch, steps, units = asked.shape
    if over == "units":
        return "size", asked.values().abs().mean((0, 1))
    latest = torch.arange(1.0, steps + 1).expand(batch, steps)
    return "recency", latest if over == "steps" else latest[..., None].expand(batch, steps, units)


def _stand_in(asked: Replacing, by: Any) -> Tensor:
    if isinstance(by, Tensor):
        with torch.no_grad():
            return asked.other(by)[0]
    one_of("by", by, ("mean", "zero"))
    own = asked.values()
    return own.mean(1, keepdim=True).expand(asked.shape) if by == "mean" else torch.zeros_like(own)


def _counts(counts: Sequence[int] | None, total: int) -> tuple[int, ...]:
    if counts is None:
        return tuple(2**k for k in range(total.bit_length()) if 2**k <= max(1, total // 2))
    found = tuple(counts)
    if not found or min(found) < 1 or max(found) > total:
        raise ValueError(f"counts must be from 1 to {total}, got {list(found)}")
    return found


def _check(rankings: Mapping[str, Tensor], shape: Sequence[int], over: str) -> None:
    for name, scores in rankings.items():
        if name in BASELINES:
            raise ValueError(f"rankings: the name {name!r} is a baseline's")
        if not isinstance(scores, Tensor) or tuple(scores.shape) != tuple(shape):
            given = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise ValueError(
                f"ranking {name!r} must have a score for each of the {over}, {tuple(shape)}, got "
                f"{given}"
            )
