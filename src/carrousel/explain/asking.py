"""A question to a model: one number per sequence, and which axis of its input is time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Target = int | Callable[[Any], Tensor] | None


@contextmanager
def evaluated(model: nn.Module) -> Iterator[None]:
    """``model`` in evaluation mode for the block; each module's own mode is put back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@dataclass(frozen=True)
class Question:
    """``score(x)``: what of the model's output is asked about, (B,)."""

    model: nn.Module
    target: Target
    time_dim: int
    present: Tensor  # (B, T) bool: False where a shorter sequence is padded

    @classmethod
    def of(
        cls,
        model: nn.Module,
        x: Tensor,
        target: Target,
        time_dim: int | None,
        lengths: Tensor | None = None,
    ) -> "Question":
        if not isinstance(x, Tensor):
            raise TypeError(f"x must be a tensor, it is {type(x).__name__}")
        if x.dim() < 2:
            raise ValueError(
                f"x must have a batch and a time axis, its shape is {tuple(x.shape)}; "
                "for one sequence add a batch axis"
            )
        time_dim = _time_dim(model) if time_dim is None else time_dim
        if time_dim not in (0, 1):
            raise ValueError(f"time_dim={time_dim} must be 0 or 1")
        shape = x.shape[1 - time_dim], x.shape[time_dim]
        return cls(model, target, time_dim, _present(shape, lengths, x.device))

    @property
    def batch(self) -> int:
        return self.present.shape[0]

    def score(self, x: Tensor) -> Tensor:
        """One number per sequence, (B,); B may differ from the question's own."""
        output = self.model(x)
        scores = self._pick(output)
        expected = x.shape[1 - self.time_dim]
        if not isinstance(scores, Tensor) or scores.shape != (expected,):
            shape = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise ValueError(
                f"target={self.target!r} must give one number per sequence, ({expected},); "
                f"it gave {shape}. Give a class index or a function of the model's output"
            )
        return scores

    def _pick(self, output: Any) -> Any:
        if callable(self.target):
            return self.target(output)
        if not isinstance(output, Tensor):
            return output
        if self.target is not None:
            return output[:, self.target] if output.dim() == 2 else output
        return output.squeeze(-1) if output.dim() == 2 else output

    def spread(self, steps: Tensor, x: Tensor) -> Tensor:
        """(B, T) to the layout of ``x``, with as many axes."""
        steps = steps if self.time_dim == 1 else steps.T
        return steps.reshape(*steps.shape, *[1] * (x.dim() - 2))

    def by_step(self, values: Tensor) -> Tensor:
        """Values in the layout of ``x`` summed over features, (B, T)."""
        values = values.flatten(2).sum(2) if values.dim() > 2 else values
        return values if self.time_dim == 1 else values.T

    @property
    def steps(self) -> int:
        return self.present.shape[1]

    def filled(self, x: Tensor, value: Any, name: str = "replacement") -> Tensor:
        """What stands in ``x`` for a step that is taken away: a tensor like ``x``.

        ``value`` is "zero", "mean" (of the sequence, over time), a number, or a tensor that
        broadcasts to ``x``. Token ids know no zero or mean: they need an id, that of padding, say.
        """
        if isinstance(value, Tensor):
            return value.to(x.dtype).expand_as(x)
        if value in ("zero", "mean") and not x.is_floating_point():
            raise ValueError(
                f"{name}={value!r} has no meaning for token ids; give an id, "
                "such as that of padding or of an unknown word"
            )
        if value == "zero":
            return torch.zeros_like(x)
        if value == "mean":
            present = self.spread(self.present, x)
            total = torch.where(present, x, 0).sum(self.time_dim, keepdim=True)
            return (total / present.sum(self.time_dim, keepdim=True)).expand_as(x)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return torch.full_like(x, value)
        raise ValueError(f"{name}={value!r} must be 'zero', 'mean', a number or a tensor")


def _present(shape: tuple[int, int], lengths: Tensor | None, device: torch.device) -> Tensor:
    batch, steps = shape
    if lengths is None:
        return torch.ones(shape, dtype=torch.bool, device=device)
    lengths = torch.as_tensor(lengths, device=device)
    if lengths.shape != (batch,) or not ((lengths >= 1) & (lengths <= steps)).all():
        raise ValueError(
            f"lengths must be {batch} numbers from 1 to {steps}, they are {lengths.tolist()}"
        )
    return torch.arange(steps, device=device) < lengths[:, None]


def _time_dim(model: nn.Module) -> int:
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            return 1 if module.batch_first else 0
    raise ValueError("model holds no recurrent layer to tell which axis is time; give time_dim=")
