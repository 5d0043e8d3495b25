"""A question to a model: one number per sequence, and which axis of its input is time."""

import operator
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from .layout import time_axis

Target = int | Callable[[Any], Tensor] | None

AT_ONCE = 64  # variants of an input in one batch

_LOCK = threading.Lock()
_ASKED: dict[int, int] = {}  # by id, how many blocks evaluate a module that was training


@contextmanager
def evaluated(model: nn.Module) -> Iterator[None]:
    """``model`` in evaluation mode for the block; the last block puts each module's mode back.

    For models that are asked through functions of their own; :func:`private` disturbs no training.
    """
    with _LOCK:
        modules = [m for m in model.modules() if m.training or id(m) in _ASKED]
        for module in modules:
            _ASKED[id(module)] = _ASKED.get(id(module), 0) + 1
            module.training = False
    try:
        yield
    finally:
        with _LOCK:
            for module in modules:
                _ASKED[id(module)] -= 1
                if not _ASKED[id(module)]:
                    del _ASKED[id(module)]
                    module.training = True


@contextmanager
def differentiable() -> Iterator[None]:
    """Gradients for the block, also where the caller has turned them off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


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
            raise TypeError(f"x must be a tensor, got {type(x).__name__}")
        if x.dim() < 2 or not x.numel():
            raise ValueError(
                f"x must have a batch and a time axis, its shape is {tuple(x.shape)}; "
                "for one sequence add a batch axis"
            )
        _check_target(target)
        time_dim = time_axis(model, x) if time_dim is None else time_dim
        if time_dim not in (0, 1):
            raise ValueError(f"time_dim must be 0 or 1, got {time_dim}")
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
                f"target must give one number per sequence, ({expected},), got {shape}; give a "
                "class index or a function of the model's output"
            )
        return scores

    def without(self, gone: Iterable[Tensor], x: Tensor, stand_in: Tensor) -> Tensor:
        """(variants, B): the scores of ``x`` with ``stand_in`` at the steps (B, T) of each variant.

        A model may know the size of its batch, through lengths that its target holds, say: variants
        are asked one by one unless it says with ``any_batch`` that it takes batches of any size.
        """
        variants = (torch.where(self.spread(steps, x), stand_in, x) for steps in gone)
        if not getattr(self.model, "any_batch", False):
            return torch.stack([self.score(variant) for variant in variants])
        found = []
        while some := list(islice(variants, AT_ONCE)):
            found.append(self.score(torch.cat(some, 1 - self.time_dim)).view(len(some), -1))
        return torch.cat(found)

    def slopes(self, score: Tensor, leaves: list[Tensor]) -> list[Tensor]:
        """The derivatives of the scores by ``leaves``, 0 where there is no way to them."""
        if not score.requires_grad:
            raise ValueError(
                "model: its output has no gradient; it is computed under no_grad, detached, or "
                "does not depend on what is asked about"
            )
        found = torch.autograd.grad(score.sum(), leaves, allow_unused=True)
        return [torch.zeros_like(a) if s is None else s for s, a in zip(found, leaves, strict=True)]

    def _pick(self, output: Any) -> Any:
        if callable(self.target):
            return self.target(output)
        if not isinstance(output, Tensor) or output.dim() not in (1, 2):
            return output
        outputs = output if output.dim() == 2 else output[:, None]
        count = outputs.shape[1]
        if self.target is None:
            return outputs[:, 0] if count == 1 else output
        if not -count <= self.target < count:
            raise ValueError(
                f"target must be one of the model's {count} outputs, got {self.target}"
            )
        return outputs[:, self.target]

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
            return _broadcast(value, x, name)
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
            if not x.is_floating_point() and value != int(value):
                raise ValueError(f"{name} must be a token id, got {value!r}")
            return torch.full_like(x, value)
        raise ValueError(f"{name} must be 'zero', 'mean', a number or a tensor, got {value!r}")


def _broadcast(value: Tensor, x: Tensor, name: str) -> Tensor:
    try:
        return value.to(x).expand_as(x)
    except RuntimeError:
        raise ValueError(
            f"{name} has shape {tuple(value.shape)}, which does not broadcast to that of x, "
            f"{tuple(x.shape)}"
        ) from None


def _check_target(target: Any) -> None:
    if target is None or callable(target):
        return
    try:
        operator.index(target)
        known = not isinstance(target, bool)
    except TypeError:
        known = False
    if not known:
        raise TypeError(
            f"target must be the number of an output, a function of the model's output or None, "
            f"got {target!r}"
        )


def _present(shape: tuple[int, int], lengths: Tensor | None, device: torch.device) -> Tensor:
    batch, steps = shape
    if lengths is None:
        return torch.ones(shape, dtype=torch.bool, device=device)
    lengths = torch.as_tensor(lengths, device=device)
    whole = not (lengths.is_floating_point() or lengths.is_complex() or lengths.dtype is torch.bool)
    fits = whole and lengths.shape == (batch,) and ((lengths >= 1) & (lengths <= steps)).all()
    if not fits:
        raise ValueError(
            f"lengths must be {batch} whole numbers from 1 to {steps}, got {lengths.tolist()}"
        )
    return torch.arange(steps, device=device) < lengths[:, None]
