"""Which axis of a model's input is time: what its recurrent layer was seen to do."""

import torch
from torch import Tensor, nn

from ..adoption import is_recurrent
from ..tracing import trace


def time_axis(model: nn.Module, x: Tensor) -> int:
    """0 or 1, as the model's first recurrent layer or cell takes x (B, T, ...) or (T, B, ...).

    A model may turn its input around before the layer, so that the layer's ``batch_first`` does
    not tell. The number of steps that the layer runs does, and where that is ambiguous, because B
    equals T or the model makes other sequences of x, one entry of the first axis alone does: less
    of a batch leaves the steps as they were.

    Raises:
        ValueError: It cannot be told.
    """
    whole = _shape(model, x)
    first, second = x.shape[:2]
    if first != second and whole == (second, first):
        return 1
    if first != second and whole == (first, second):
        return 0
    one = x[:1] if first > 1 else torch.cat([x, x])
    try:
        part = _shape(model, one)
    except Exception:  # whatever a model makes of an input that it was not built for
        part = None
    if whole is not None and part is not None:
        same = [a == b for a, b in zip(whole, part, strict=True)]
        if same == [True, False]:
            return 1
        if same == [False, True]:
            return 0
    raise ValueError(
        f"time_dim: which axis of x, {tuple(x.shape)}, is time cannot be told from the model; "
        "give time_dim=0 or time_dim=1"
    )


def _shape(model: nn.Module, x: Tensor) -> tuple[int, int] | None:
    """(steps, sequences) of the first recurrent layer that ran, if any was seen."""
    if not any(map(is_recurrent, model.modules())):
        return None
    with torch.no_grad(), trace(model) as records:
        model(x)
    if not len(records):
        return None
    _, steps, sequences, _ = records[0].hidden.shape
    return steps, sequences
