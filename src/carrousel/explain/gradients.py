"""Attributions by slopes: gradient x input, and integrated gradients through captum."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .asking import Question


def gradient_x_input(
    question: Question, x: Tensor, prediction: Tensor, baseline: Any
) -> tuple[Tensor, Tensor]:
    """(B, T) slopes times (input - baseline), and what they miss of the output's difference.

    For token ids the slope is taken at the embedding's output.
    """
    if x.is_floating_point():
        stand_in = _baseline(x, baseline, question)
        leaf = x.detach().clone().requires_grad_()
        (slope,) = question.slopes(question.score(leaf), [leaf])
        scores = question.by_step(slope * (x - stand_in))
        with torch.no_grad():
            difference = prediction - question.score(stand_in)
        return scores, difference - scores.sum(1)
    stand_in = _baseline(x, baseline, question)
    embedding = embedding_of(question.model)
    with torch.no_grad(), _outputs(embedding) as kept:
        difference = prediction - question.score(stand_in)
    if len(kept) != 1:
        raise ValueError(f"the embedding must be called once, it was {len(kept)} times")
    away = kept[0]
    with _outputs(embedding, leaves=True) as kept:
        (slope,) = question.slopes(question.score(x), kept[:1])
    scores = question.by_step(slope * (kept[0].detach() - away))
    return scores, difference - scores.sum(1)


def integrated_gradients(
    question: Question, x: Tensor, baseline: Any, num_steps: int
) -> tuple[Tensor, Tensor]:
    """(B, T) by captum (Sundararajan, Taly & Yan 2017) and its completeness delta, (B,)."""
    try:
        from captum.attr import IntegratedGradients, LayerIntegratedGradients
    except ImportError as error:
        raise ImportError(
            "method='integrated_gradients' needs captum: pip install 'carrousel[explain]'"
        ) from error

    def score(batch_first: Tensor) -> Tensor:  # captum stacks along axis 0, which may be time
        given = batch_first if question.time_dim == 1 else batch_first.transpose(0, 1)
        return question.score(given)

    def turned(tensor: Tensor) -> Tensor:
        return tensor if question.time_dim == 1 else tensor.transpose(0, 1).contiguous()

    options: dict[str, Any] = {"n_steps": num_steps, "return_convergence_delta": True}
    stand_in = _baseline(x, baseline, question)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum's, about its own settings of requires_grad
        if x.is_floating_point():
            method = IntegratedGradients(score)
            found, delta = method.attribute(turned(x), baselines=turned(stand_in), **options)
        else:
            layered = LayerIntegratedGradients(score, embedding_of(question.model))
            found, delta = layered.attribute(turned(x), baselines=turned(stand_in), **options)
            if question.time_dim == 0:
                found = found.transpose(0, 1)
    found = found.flatten(2).sum(2) if found.dim() > 2 else found
    return found, -delta  # captum's is what the scores exceed the difference by


def embedding_of(model: nn.Module) -> nn.Embedding:
    """The one embedding that turns the token ids into vectors."""
    found = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    if len(found) != 1:
        raise ValueError(
            f"x holds token ids and the model {len(found)} torch.nn.Embedding; there must be one"
        )
    return found[0]


def _baseline(x: Tensor, baseline: Any, question: Question) -> Tensor:
    if baseline is None and not x.is_floating_point():
        raise ValueError("token ids need baseline=, an id such as that of padding")
    value = "zero" if baseline is None else baseline
    # Padding is no part of the question: it stays as it is, and so scores 0.
    stand_in = question.filled(x, value, "baseline")
    return torch.where(question.spread(question.present, x), stand_in, x)


@contextmanager
def _outputs(module: nn.Module, leaves: bool = False) -> Iterator[list[Tensor]]:
    """The outputs of ``module`` during the block; as ``leaves`` they start the graph anew."""
    kept: list[Tensor] = []

    def hook(_: nn.Module, args: tuple, output: Tensor) -> Tensor:
        output = output.detach().requires_grad_() if leaves else output
        kept.append(output)
        return output

    handle = module.register_forward_hook(hook)
    try:
        yield kept
    finally:
        handle.remove()
