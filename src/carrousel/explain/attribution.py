"""Which input steps an output relied on, by four methods that mean four different things."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..adoption import adopt
from ..plottable import Plottable
from ..wording import no_option, one_of
from .asking import Question, Target, differentiable
from .gradients import gradient_x_input, integrated_gradients
from .private import check_model, private
from .readout import ledger_scores


@dataclass(frozen=True)
class Options:
    """How to ask; each method reads its own."""

    replacements: Sequence[Any] = ("zero", "mean")  # occlusion
    window: int = 1  # occlusion
    baseline: Any = None  # gradient_x_input, integrated_gradients: zeros; for tokens an id
    num_steps: int = 64  # integrated_gradients
    layer: str | None = None  # ledger


@dataclass(frozen=True)
class Attribution(Plottable, picture="carrousel.plots:plot_attribution"):
    """One number per sequence and step; see :func:`attribute`.

    ``delta`` is what the method's own conservation law leaves over, per sequence: what is shared
    out, less the scores. None for occlusion, which has no such law. ``parts`` holds what else the
    method found, each (B,) or (B, T). With or without ``lengths``::

        gradient_x_input, integrated_gradients:
            scores.sum(1) + delta = prediction - the prediction for the baseline
        ledger:
            scores.sum(1) + parts["initial"] + parts["remainder"] + delta = prediction
    """

    method: str
    scores: Tensor  # (B, T)
    prediction: Tensor  # (B,) what was explained
    delta: Tensor | None
    parts: dict[str, Tensor] = field(default_factory=dict)
    options: Options = field(default_factory=Options)


def attribute(
    model: nn.Module,
    x: Tensor,
    target: Target = None,
    *,
    method: str = "occlusion",
    time_dim: int | None = None,
    lengths: Tensor | None = None,
    **options: Any,
) -> Attribution:
    """How much each input step counts for one output.

    - "occlusion": the output minus the output without the step, once per replacement value
      (``replacements=("zero", "mean")``); the scores are their mean, each alone is in ``parts``.
      A direct measurement, of one step at a time: what two steps say both is missed. ``window=``
      takes several steps away at once.
    - "gradient_x_input": the slope at this input, times the input (less ``baseline``). Cheap; the
      slope of a recurrent network itself vanishes with distance and where gates saturate, so that
      a small score is no proof of unimportance.
    - "integrated_gradients": slopes summed on the way from ``baseline`` to the input (captum, the
      "explain" extra). Adds up to the difference from the baseline; ``delta`` says how nearly with
      ``num_steps``.
    - "ledger": the layer's memory accounted for step by step (:func:`ledger`), read out by the
      output's slope at the layer's states. Exact as accounting (``delta``), not a cause; steps are
      those at which the layer wrote, which in the upper of two layers is not when the input came.
      ``parts["remainder"]`` is what of the output is outside the account, what was written in
      padding included.

    Args:
        x: (B, T, ...) or (T, B, ...) floats or token ids, as the model takes it
        target: a class index into a (B, K) output, or a function of the model's output that gives
            (B,); None if the output is (B,) or (B, 1)
        time_dim: the axis of time in ``x``, 0 or 1; by default that along which the model's first
            recurrent layer is seen to run
        lengths: steps of each sequence in a padded batch, (B,): what comes behind scores 0
        options: see :class:`Options`

    The model is asked in evaluation mode with its recurrent layers adopted. That is done to a copy
    of its modules which shares its parameters: others may train it, call it or ask it meanwhile.
    It does not matter whether gradients are turned off.

    Raises ``ValueError`` or ``TypeError``, by the argument's name, for a target that the model's
    output does not have, for lengths that do not fit, and where the axis of time cannot be told.

    >>> import torch
    >>> from carrousel.explain import attribute
    >>> lstm = torch.nn.LSTM(2, 4, batch_first=True)
    >>> found = attribute(lstm, torch.randn(3, 10, 2), lambda out: out[0][:, -1].sum(-1))
    >>> found.scores.shape
    torch.Size([3, 10])
    """
    one_of("method", method, METHODS)
    if wrong := no_option("attribute", options, Options.__dataclass_fields__):
        raise TypeError(wrong)
    chosen = Options(**options)
    _check_model(model, method)
    asked, target = private(model, target)
    adopt(asked)
    with differentiable():
        x = x.clone() if isinstance(x, Tensor) and x.is_inference() else x
        question = Question.of(asked, x, target, time_dim, lengths)
        with torch.no_grad():
            prediction = question.score(x)
        scores, delta, parts = METHODS[method](question, x, prediction, chosen)
    scores = scores.detach().masked_fill(~question.present.to(scores.device), 0)
    return Attribution(method, scores, prediction, delta, parts, chosen)


def _check_model(model: Any, method: str) -> None:
    check_model(model)
    if method != "occlusion" and any(p.is_inference() for p in model.parameters()):
        raise ValueError(
            f"model: it was made under torch.inference_mode and has no gradients, which "
            f"method={method!r} needs; make it outside"
        )


Found = tuple[Tensor, Tensor | None, dict[str, Tensor]]


def _occlusion(question: Question, x: Tensor, prediction: Tensor, options: Options) -> Found:
    if isinstance(options.replacements, str) or len(options.replacements) < 2:
        raise ValueError(
            f"replacements={options.replacements!r}: occlusion takes at least two, because what "
            "stands in for a step changes the answer"
        )
    if not isinstance(options.window, int) or options.window < 1:
        raise ValueError(f"window must be a whole number of at least 1, got {options.window}")
    parts = {}
    for value in options.replacements:
        key = value if isinstance(value, str | int | float) else "tensor"
        parts[f"replaced by {key}"] = occlude(question, x, prediction, value, options.window)
    return torch.stack(list(parts.values())).mean(0), None, parts


def occlude(
    question: Question, x: Tensor, prediction: Tensor, value: Any, window: int = 1
) -> Tensor:
    """(B, T): the output minus the output with the window of steps replaced by ``value``."""
    stand_in = question.filled(x, value, "replacements")
    starts = range(0, question.steps, window)

    def gone(start: int) -> Tensor:
        steps = torch.zeros_like(question.present)
        steps[:, start : start + window] = question.present[:, start : start + window]
        return steps

    with torch.no_grad():
        left = question.without(map(gone, starts), x, stand_in)
    drop = (prediction - left).T.to(prediction.dtype)
    return drop.repeat_interleave(window, 1)[:, : question.steps]


def _gradient_x_input(question: Question, x: Tensor, prediction: Tensor, options: Options) -> Found:
    scores, delta = gradient_x_input(question, x, prediction, options.baseline)
    return scores, delta, {}


def _integrated(question: Question, x: Tensor, prediction: Tensor, options: Options) -> Found:
    if not isinstance(options.num_steps, int) or options.num_steps < 1:
        raise ValueError(f"num_steps must be a whole number of at least 1, got {options.num_steps}")
    scores, delta = integrated_gradients(question, x, options.baseline, options.num_steps)
    return scores, delta, {}


def _ledger(question: Question, x: Tensor, prediction: Tensor, options: Options) -> Found:
    return ledger_scores(question, x, prediction, options.layer)


METHODS: dict[str, Callable[[Question, Tensor, Tensor, Options], Found]] = {
    "occlusion": _occlusion,
    "gradient_x_input": _gradient_x_input,
    "integrated_gradients": _integrated,
    "ledger": _ledger,
}
