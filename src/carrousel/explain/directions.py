"""Directions in the state: found by probes, tested against shuffled labels, and steered along."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..plottable import Plottable
from ..record.table import from_columns
from ..wording import one_of
from .asking import Target
from .replacing import Place, Replacing

PROBES = ("logistic", "means", "ridge")


@dataclass(frozen=True)
class Probe:
    """See :func:`probe`. Scores are on held-out observations: accuracy, or R² for "ridge"."""

    direction: Tensor  # (U,) float64, of length 1: along it the property grows
    score: float
    shuffled: tuple[float, ...]  # the same with labels in another order, one per seed
    baseline: float  # of saying the commonest label, or the mean, every time
    scale: float  # standard deviation of the states along the direction
    kind: str

    @property
    def selectivity(self) -> float:
        """The score less the best that shuffled labels came to (Hewitt & Liang 2019)."""
        return self.score - max(*self.shuffled, self.baseline)

    def project(self, states: Tensor) -> Tensor:
        """States (..., U) along the direction."""
        return states.double() @ self.direction


def probe(
    states: Tensor,
    labels: Any,
    *,
    kind: str = "logistic",
    groups: Sequence[Any] | None = None,
    held_out: float = 0.3,
    penalty: float = 1.0,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
) -> Probe:
    """The direction along which a property can be read off the state by a linear rule.

    "logistic" and "ridge" are penalized regressions by scikit-learn (the "explain" extra) on
    standardized states; "means" is the difference between the means of two kinds, which reads less
    well and is more often a lever (Marks & Tegmark 2023). Scored on observations that it has not
    seen, split ``seeds`` times; the direction is that of all observations. Beside the score stand
    the same with shuffled labels, since a probe of many units can fit anything, and the score of
    saying the same every time. What can be read off need not be used: :func:`steer` asks that.

    Args:
        states: (N, U), such as ``record.cell[0, -1]``
        labels: (N,) two kinds for "logistic" and "means", numbers for "ridge"
        groups: (N,) observations of one group are held out together: words of one sentence, say
        held_out: share of the groups that each split holds out
        penalty: strength of the penalty on the squared weights

    >>> import torch
    >>> from carrousel.explain import probe
    >>> states = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    >>> found = probe(states, states[:, 2] > 0)
    >>> int(found.direction.argmax()), found.score > 0.9, max(found.shuffled) < 0.75
    (2, True, True)
    """
    one_of("kind", kind, PROBES)
    x, y, of = _observations(states, labels, groups, kind)
    scores: list[float] = []
    controls: list[float] = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        names = rng.permutation(np.unique(of))
        test = np.isin(of, names[: max(1, round(held_out * len(names)))])
        if test.all() or (kind != "ridge" and len(set(y[~test])) < 2):
            raise ValueError("groups must leave observations of every label to learn from")
        for found, target in ((scores, y), (controls, rng.permutation(y))):
            rule = _fitted(kind, x[~test], target[~test], penalty)
            found.append(float(rule.score(x[test], target[test])))
    rule = _fitted(kind, x, y, penalty)
    if kind == "means":
        weights = np.diff(rule.centroids_, axis=0).ravel()
    else:
        weights = rule[-1].coef_.ravel() / rule[0].scale_
    direction = torch.from_numpy(weights / max(float(np.linalg.norm(weights)), 1e-300))
    most = float(np.bincount(np.unique(y, return_inverse=True)[1]).max() / len(y))
    return Probe(
        direction=direction,
        score=float(np.mean(scores)),
        shuffled=tuple(controls),
        baseline=0.0 if kind == "ridge" else most,
        scale=float((torch.from_numpy(x) @ direction).std()),
        kind=kind,
    )


@dataclass(frozen=True)
class Steering(Plottable, picture="carrousel.plots:plot_steering"):
    """See :func:`steer`. ``effect`` is the mean answer at each dose, ``random`` (seeds, doses) that
    along directions drawn at random."""

    doses: tuple[float, ...]
    effect: Tensor
    random: Tensor
    place: Place

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per dose."""
        data = {"dose": list(self.doses), "answer": self.effect.tolist()}
        data["random_mean"] = self.random.mean(0).tolist()
        data["random_spread"] = self.random.std(0, correction=0).tolist()
        return from_columns(data, backend).to_native()


def steer(
    model: nn.Module,
    x: Tensor,
    direction: Tensor | Probe,
    target: Target = None,
    *,
    doses: Sequence[float] = (-4, -2, -1, 0, 1, 2, 4),
    steps: Sequence[int] | None = None,
    scale: float | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    place: Place | None = None,
    time_dim: int | None = None,
) -> Steering:
    """The answer as the state is pushed along a direction: dose and effect.

    ``dose * scale * direction`` is added to the state at ``steps`` (the last one by default), and
    the mean answer over the sequences is its effect, beside the same along directions of the same
    length drawn at random: a push anywhere changes something. A probe's direction that can be read
    but not steered along is a correlate, not a lever.

    Args:
        direction: (U,), scaled to length 1, or a :class:`Probe`
        scale: what a dose of 1 is; the standard deviation of the probe's states along its
            direction, or of a tensor's: that of this run's
        place, target, time_dim: as in :func:`activation_patching`

    >>> import torch
    >>> from carrousel.explain import steer
    >>> lstm, x = torch.nn.LSTM(2, 4, batch_first=True), torch.randn(3, 6, 2)
    >>> found = steer(lstm, x, torch.eye(4)[0], lambda out: out[0][:, -1, 0], doses=[0, 1, 2])
    >>> bool((found.effect.diff() > 0).all())
    True
    """
    asked = Replacing.of(model, x, target, place or Place(), time_dim)
    _, length, width = asked.shape
    along = (direction.direction if isinstance(direction, Probe) else direction).double()
    if tuple(along.shape) != (width,) or not float(along.norm()) > 0:
        raise ValueError(f"direction must be ({width},) and not 0, got {tuple(along.shape)}")
    along = along / along.norm()
    if scale is None:
        if isinstance(direction, Probe):
            scale = direction.scale
        else:
            scale = float((asked.values().double() @ along).std())
    ways = [along]
    for seed in seeds:
        drawn = torch.randn(width, generator=torch.Generator().manual_seed(seed)).double()
        ways.append(drawn / drawn.norm())
    where = [length - 1] if steps is None else list(steps)
    pushes = scale * torch.stack([dose * way for way in ways for dose in doses])  # (K, U)
    answers = asked.pushed(pushes, where).mean(1).unflatten(0, (len(ways), len(doses)))
    return Steering(tuple(map(float, doses)), answers[0], answers[1:], asked.place)


def _observations(states: Any, labels: Any, groups: Any, kind: str) -> tuple[Any, Any, Any]:
    if not isinstance(states, Tensor) or states.dim() != 2:
        shape = tuple(states.shape) if isinstance(states, Tensor) else type(states).__name__
        raise ValueError(f"states must be a tensor (N, U), got {shape}")
    x = states.detach().double().cpu().numpy()
    y = np.asarray(labels)
    if y.shape != (len(x),):
        raise ValueError(f"labels must be ({len(x)},), one for each state, got {y.shape}")
    if kind != "ridge" and len(np.unique(y)) != 2:
        raise ValueError(f"labels must be of two kinds, got {len(np.unique(y))}; or kind='ridge'")
    of = np.arange(len(x)) if groups is None else np.unique(list(groups), return_inverse=True)[1]
    if len(of) != len(x):
        raise ValueError(f"groups must be ({len(x)},), one for each state, got {len(of)}")
    return x, y, of


def _fitted(kind: str, x: Any, y: Any, penalty: float) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.neighbors import NearestCentroid
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise ImportError("probes need scikit-learn: pip install 'carrousel[explain]'") from error
    if kind == "means":
        return NearestCentroid().fit(x, y)
    if kind == "logistic":
        rule = LogisticRegression(C=1 / penalty, max_iter=1000)
    else:
        rule = Ridge(alpha=penalty)
    return make_pipeline(StandardScaler(), rule).fit(x, y)
