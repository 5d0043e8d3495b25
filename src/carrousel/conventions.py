"""torch's calling conventions for recurrent layers, as all layers here keep them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


def place_of(level: int, direction: int) -> str:
    """What stands behind the names of the parameters of a level and direction.

    >>> place_of(0, 0), place_of(2, 1)
    ('_l0', '_l2_reverse')
    """
    return f"_l{level}" + "_reverse" * direction


def offsets_of(batch_sizes: Tensor) -> Tensor:
    """(T + 1) where the rows of each step of a packed batch begin, and how many there are.

    >>> import torch
    >>> offsets_of(torch.tensor([3, 2, 2])).tolist()
    [0, 3, 5, 7]
    """
    return torch.nn.functional.pad(batch_sizes.cumsum(0), (1, 0))


class Conventional:
    """Of modules that are called as torch's recurrent layers are.

    Methods, because torch.compile would compile functions apart where it cannot compile the layer.
    """

    batch_first: bool

    def _as_given(
        self, input: Tensor | PackedSequence, y: Tensor, states: Sequence[Tensor]
    ) -> tuple[Any, Any]:
        """Output, (T, B, H) or rows (N, H) of a packed batch, and states (L*D, B, H) in the form in
        which the input came."""
        found: Any = y
        if isinstance(input, PackedSequence):
            back = input.unsorted_indices
            found = PackedSequence(y, input.batch_sizes, input.sorted_indices, back)
            if back is not None:
                states = [state.index_select(1, back) for state in states]
        elif input.dim() == 2:
            found, states = y.squeeze(1), [state.squeeze(1) for state in states]
        elif self.batch_first:
            found = y.transpose(0, 1)
        return found, (states[0] if len(states) == 1 else tuple(states))

    def _in_own_dtype(self, input: Any, hx: Any, return_states: bool) -> Any:
        """Under autocast, which has no rule for what torch lacks: in the dtype of the weights."""
        first: Tensor = next(self.parameters())  # type: ignore[attr-defined]
        given = [_converted(one, first.dtype) for one in (input, hx)]
        with torch.autocast(first.device.type, enabled=False):
            return self.forward(*given, return_states=return_states)  # type: ignore[attr-defined]


def _converted(given: Any, dtype: torch.dtype) -> Any:
    """In this dtype; what is neither an input nor states stays, for the layer's own error."""
    if isinstance(given, PackedSequence):
        return given._replace(data=given.data.to(dtype))
    if isinstance(given, tuple | list):
        return tuple([one.to(dtype) for one in given])
    return given.to(dtype) if isinstance(given, Tensor) else given
