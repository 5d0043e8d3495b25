"""Quantile forecasts, and their loss with its derivative: one pass each over the head's output."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .. import _core
from . import checks


class QuantileLoss(torch.autograd.Function):
    """``apply(out, anchors, target, origin, scale, size, age, level, probabilities,
    constants)``.

    out (B, T, K*h + 2h + 2*side): logits of the anchors' weights (K, h), median (h), width (h) and
    tails (2, side); anchors (B, T, K, h); target (B, T, h) with any strides but the last, NaN
    where missing; origin (B, 1); scale, size, level (B, T, 1). All float32 or all float64, but age
    (B, T) int64. The formula is ``carrousel.forecast.network.loss.forecast_loss``; only ``out``
    has a gradient, which takes its place: ``out`` must not be needed any more.
    ``constants``: the largest error, the weights of the median's absolute error, of each quantile
    and of relative errors, and the resolution.
    """

    @staticmethod
    def forward(
        ctx: Any,
        out: Tensor,
        anchors: Tensor,
        target: Tensor,
        origin: Tensor,
        scale: Tensor,
        size: Tensor,
        age: Tensor,
        level: Tensor,
        probabilities: Tensor,
        constants: tuple[float, float, float, float, float],
    ) -> Tensor:
        batch, steps, columns = checks.dims("out", out, (3,))
        *_, kinds, horizon = checks.dims("anchors", anchors, (4,))
        _check_outputs(out, anchors, batch, steps)
        checks.tensor("target", target, (batch, steps, horizon), out.dtype)
        checks.tensor("origin", origin, (batch, 1), out.dtype)
        checks.tensor("scale", scale, (batch, steps, 1), out.dtype)
        checks.tensor("size", size, (batch, steps, 1), out.dtype)
        checks.tensor("level", level, (batch, steps, 1), out.dtype)
        checks.tensor("age", age, (batch, steps), torch.int64)
        (count,) = checks.dims("probabilities", probabilities, (1,))
        checks.tensor("probabilities", probabilities, (count,), out.dtype)
        out = out.detach().contiguous()
        target = target if target.stride(-1) == 1 or horizon == 1 else target.contiguous()
        inputs = [t.contiguous() for t in (anchors, origin, scale, size, probabilities, age, level)]
        grad, loss = out, out.new_empty(batch * steps)
        shape = (batch * steps, steps, horizon, kinds, count // 2, columns)
        run = _core.quantile_loss_f32 if out.dtype is torch.float32 else _core.quantile_loss_f64
        run(
            torch.get_num_threads(),
            shape,
            (target.data_ptr(), target.stride(1), target.stride(0)),
            (out.data_ptr(), *(t.data_ptr() for t in inputs)),
            constants,
            (loss.data_ptr(), grad.data_ptr()),
        )
        ctx.save_for_backward(grad)
        return loss.sum()

    @staticmethod
    @once_differentiable  # the logits are gone; a second derivative would silently be 0
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (grad,) = ctx.saved_tensors
        if grads[0] != 1:  # what loss.backward() passes needs no other pass over it
            grad = grads[0] * grad
        return grad, *[None] * 9


def add_quantiles(
    out: Tensor,
    anchors: Tensor,
    origin: Tensor,
    scale: Tensor,
    interval_scale: float,
    total: Tensor,
) -> None:
    """Add to ``total`` (B, h, Q), float64 and contiguous, the quantiles that ``out`` says.

    out (B, 1, K*h + 2h + 2*side), anchors (B, 1, K, h), origin (B, 1) float64, scale (B, 1, 1).
    What is added is ``carrousel.forecast.network.distribution.Forecast.quantiles()``; nothing has a
    gradient.
    """
    batch, horizon, count = checks.dims("total", total, (3,))
    *_, kinds, found = checks.dims("anchors", anchors, (4,))
    if found != horizon:
        raise ValueError(f"anchors must be for the {horizon} steps of total, got {found}")
    checks.tensor("total", total, (batch, horizon, count), torch.float64)
    if not total.is_contiguous() or count % 2 == 0:
        raise ValueError("total must be contiguous, of an odd number of quantiles")
    _check_outputs(out, anchors, batch, 1)
    checks.tensor("origin", origin, (batch, 1), torch.float64)
    checks.tensor("scale", scale, (batch, 1, 1), out.dtype)
    inputs = [t.contiguous() for t in (out, anchors, origin, scale)]
    run = _core.add_quantiles_f32 if out.dtype is torch.float32 else _core.add_quantiles_f64
    run(
        torch.get_num_threads() if batch > 1 else 1,
        (batch, horizon, kinds, count // 2, out.shape[-1]),
        tuple([t.data_ptr() for t in inputs]),
        interval_scale,
        total.data_ptr(),
    )


def _check_outputs(out: Tensor, anchors: Tensor, batch: int, steps: int) -> None:
    """The head's output and the anchors; the number of columns is looked at by the kernels."""
    columns = checks.dims("out", out, (3,))[2]
    checks.tensor("out", out, (batch, steps, columns), checks.floating("out", out))
    kinds, horizon = anchors.shape[-2:]
    checks.tensor("anchors", anchors, (batch, steps, kinds, horizon), out.dtype)
