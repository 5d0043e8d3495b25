"""The tape: what a run of one layer in one direction leaves behind for whoever looks inside.

Backpropagation through time keeps the gates and states of every step anyway; while ``TAPE`` holds a
list, each run appends them to it as a :class:`Run`, and backward adds the gradients.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Run:
    """One pass of one layer in one direction, rows time-major: step t owns ``batch_sizes[t]`` rows.

    N = sum(batch_sizes) rows; the index of a step is its position in the sequence, whichever
    direction the layer ran. ``grad_hidden`` and ``grad_cell`` are the total derivatives of the loss
    by the states after each step; they are None until backward has passed.
    """

    kind: str  # "lstm" | "gru" | "rnn"
    reverse: bool
    batch_sizes: Tensor  # (T,) int64
    hidden: Tensor  # (N, H)
    cell: Tensor | None  # (N, H), LSTM only
    gates: dict[str, Tensor]  # name -> (N, H)
    h0: Tensor  # (B, H)
    c0: Tensor | None
    grad_hidden: Tensor | None = field(default=None)
    grad_cell: Tensor | None = field(default=None)


TAPE: ContextVar[list[Run] | None] = ContextVar("carrousel_tape", default=None)


def tape() -> list[Run] | None:
    """The list that looks on, if any; never inside compiled code, which cannot look at itself."""
    return None if torch.compiler.is_compiling() else TAPE.get()


@contextmanager
def taped(runs: list[Run] | None) -> Iterator[None]:
    """A block in which runs go to this list, or nowhere, in place of the one that looks on."""
    token = TAPE.set(runs)
    try:
        yield
    finally:
        TAPE.reset(token)
