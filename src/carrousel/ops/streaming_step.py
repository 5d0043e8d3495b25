"""One step by the shortest way: of streaming, T = 1 with a state given, and of a cell.

What a step computes takes a microsecond or two; what is done around it decides how fast a stream
runs. So these ways into the kernels are one call each: C++ looks at the tensors (csrc/step.h),
allocates what it returns, and computes. Whoever calls them has made sure that nothing of torch's
looks on, neither mode, transform nor tape.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .. import _core
from .cells import NUMBER


def run(
    module, x: Tensor, h0: Tensor, c0: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None] | None:
    """y, h_n, c_n (None but for the LSTM) of a module in one direction; None: not such a step.

    x (1, B, I), or (B, 1, I) where the module is batch_first; h0, c0 (L, B, H).
    """
    number = NUMBER.get(module.mode)
    if number is None:
        return None
    parameters, batch_first = module._parameters, module.batch_first
    weights = [parameters.get(name) for names in module._all_weights for name in names]
    found = _core.layers_step(
        number, torch.get_num_threads(), batch_first, x, h0, c0, weights,
        module.input_size, module.hidden_size,
    )  # fmt: skip
    if batch_first and found is not None:
        y, h_n, c_n = found
        return y.transpose(0, 1), h_n, c_n
    return found
