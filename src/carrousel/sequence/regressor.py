"""``SequenceRegressor``: one number, or several, for a sequence."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..storage.plain import typed
from .estimator import SequenceEstimator
from .ragged import Ragged
from .task import Outputs, Task, averaged


class Regression(Task):
    """Numbers: squared errors in units of how much the targets differ."""

    scaled: ClassVar[bool] = True
    flat: bool = True  # whether y had one axis
    unit: Tensor  # (K,)

    def learn(self, y: Any, inputs: Ragged, options: Any, classes: Any = None) -> None:
        values, self.flat = numbers(y, len(inputs))
        self.outputs = values.shape[1]
        self.unit = _spread(torch.from_numpy(values))

    def encode(self, y: Any, inputs: Ragged) -> Tensor:
        values, _ = numbers(y, len(inputs))
        if values.shape[1] != self.outputs:
            raise ValueError(
                f"y must have {self.outputs} numbers for each sequence, got {values.shape[1]}"
            )
        return torch.from_numpy(values)

    def prepare(self, network: nn.Module, targets: Tensor) -> None:
        network.offset.copy_(targets.mean(0))  # type: ignore[union-attr,operator]
        network.spread.copy_(_spread(targets))  # type: ignore[union-attr,operator]

    def loss(self, outputs: Any, targets: Tensor) -> Tensor:
        return ((outputs - targets) / self.unit).square().mean()

    def decode(self, averaged: Outputs) -> np.ndarray:
        assert isinstance(averaged, Tensor)
        return averaged[:, 0].numpy() if self.flat else averaged.numpy()

    def score(self, y: Any, predicted: np.ndarray) -> float:
        """R²: the share of the variance that is explained, averaged over the numbers."""
        truth, _ = numbers(y, len(predicted))
        missed = np.square(truth - predicted.reshape(truth.shape)).sum(0)
        spread = np.square(truth - truth.mean(0)).sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(spread > 0, 1 - missed / spread, np.where(missed > 0, 0.0, 1.0))
        return float(shares.mean())

    def linear_targets(self, targets: Tensor) -> Tensor:
        return targets / self.unit

    def beside(self, scores: Tensor, temperature: float) -> Tensor:
        return scores * self.unit

    def cost(self, answers: Tensor, targets: Tensor) -> float:
        return float(((answers - targets) / self.unit).square().sum())

    def figures(self, parts: list[tuple[Tensor, Any]]) -> dict[str, Any]:
        root = torch.cat([said - targets for said, targets in parts]).square().mean(0).sqrt()
        return {"root_mean_squared_error": root.tolist()}

    def calibrate(self, held_out: list[tuple[list[Outputs], Any]]) -> dict[str, Any]:
        if not held_out:
            return {}
        parts: list[Any] = [(averaged(self, said), targets) for said, targets in held_out]
        return {"held_out": sum(len(targets) for _, targets in parts), **self.figures(parts)}

    def asked(self, outputs: Any, answer: int, step: int) -> Tensor:
        return outputs[:, answer]

    def to_dict(self) -> dict[str, Any]:
        return {"flat": self.flat, "unit": self.unit.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Regression":
        if data.keys() != {"flat", "unit"}:
            raise ValueError("task must hold flat and unit")
        task = cls()
        task.flat = typed(data["flat"], bool, "task.flat")
        unit = typed(data["unit"], list[float], "task.unit")
        if not unit or not all(one > 0 for one in unit) or (task.flat and len(unit) > 1):
            raise ValueError(f"task.unit must hold positive numbers, got {unit}")
        task.unit, task.outputs = torch.tensor(unit, dtype=torch.float64), len(unit)
        return task


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceRegressor(SequenceEstimator):
    """One number (or several) for each sequence; ``score`` is R².

    Args:
        pooling: How steps become one answer: "last", "mean", "max", "attention" or "concat" (last,
            mean and max together); None: "max" of texts, else "concat".
        companion: Whether a regression on fixed features (random convolutions of numbers, n-grams
            of texts) has a share in the answer, as large as what is held out says; None: yes,
            unless ``bidirectional`` is False (a stream has none) or nothing is held out.

    >>> import numpy as np
    >>> from carrousel.sequence import SequenceRegressor
    >>> noise = np.random.default_rng(0)
    >>> X = [noise.normal(size=(5 + k % 7, 2)) for k in range(40)]
    >>> y = [x[:, 0].mean() for x in X]
    >>> model = SequenceRegressor(hidden_size=8, ensemble=1, epochs=2).fit(X, y)
    >>> model.predict(X[:3]).shape
    (3,)
    """

    task_class: ClassVar[type[Task]] = Regression
    kind: ClassVar[str] = "sequence regressor"
    sklearn_kind: ClassVar[str] = "regressor"

    pooling: str | None = None
    companion: bool | None = None


def numbers(y: Any, count: int) -> tuple[np.ndarray, bool]:
    """(n, K) float64, and whether y had one axis."""
    if isinstance(y, torch.Tensor):
        y = y.detach().cpu().numpy()
    try:
        values = np.asarray(y)
        if values.dtype.kind == "c":
            raise ValueError("Complex data not supported")
        values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y must hold numbers: {error}") from None
    if values.ndim not in (1, 2) or values.shape[-1] == 0:
        raise ValueError(f"y must be (n,) or (n, numbers), got the shape {values.shape}")
    if len(values) != count:
        raise ValueError(
            f"y must have a number for each of {count} sequences, got {len(values)}: inconsistent "
            "numbers of samples"
        )
    if not np.isfinite(values).all():
        k = int(np.argwhere(~np.isfinite(values))[0][0])
        raise ValueError(f"y[{k}] must be finite, got {values[k]}: NaN, inf or infinity")
    return values.reshape(count, -1), values.ndim == 1


def _spread(targets: Tensor) -> Tensor:
    """(K,) standard deviations; 1 where all targets are the same."""
    spread = targets.std(0, correction=0)
    return torch.where(spread > 1e-12 * targets.abs().amax(0), spread, 1.0)
