"""Random convolutions of sequences above random thresholds: the door to the kernel.

The formula, in plain torch, is in ``carrousel.ops.reference.convolutions``; the kernel
(``csrc/convolutions.inl.h``) does the same in one pass, and to the last bit: all sums are exact.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from .. import _core
from . import checks

LANES = 16  # kernels side by side at most, of any instruction set
SMALL = 1 << 14  # steps times kernels: below, a second thread costs more than it does


def above(
    rows: Tensor,
    lengths: Tensor,
    chosen: Tensor,
    weight: Tensor,
    dilation: Tensor,
    counts: Tensor,
    threshold: Tensor,
    grid: float,
) -> tuple[Tensor, Tensor]:
    """At how many steps of each of B sequences kernels lie above thresholds, and by how much in
    all, (B, P, K) float64 each.

    Args:
        rows: (N, C) float32, one sequence behind the other.
        lengths: (B,) steps of each.
        chosen: (D, C, K) float32: 1 where a kernel reads a channel.
        weight: (9, K) float32: the kernels.
        dilation: (D,) steps between the weights of a kernel.
        counts: (D,) how many thresholds of each kernel there are at each dilation.
        threshold: (P, K) float32, those of the first dilation first.
        grid: Everything is a multiple of 1 / grid, and so small that sums are exact.
    """
    steps, channels = checks.dims("rows", rows, (2,))
    (batch,), (dilations,) = checks.dims("lengths", lengths, (1,)), dilation.shape
    places, kernels = checks.dims("threshold", threshold, (2,))
    checks.tensor("rows", rows, (steps, channels), torch.float32)
    checks.tensor("chosen", chosen, (dilations, channels, kernels), torch.float32)
    checks.tensor("weight", weight, (9, kernels), torch.float32)
    checks.tensor("threshold", threshold, (places, kernels), torch.float32)
    whole = (("lengths", lengths, batch), ("dilation", dilation, dilations),
             ("counts", counts, dilations))  # fmt: skip
    for name, given, size in whole:
        checks.tensor(name, given, (size,), torch.int64)
    more = -kernels % LANES
    numbers = [pad(one, (0, more)).contiguous() for one in (chosen, weight)]
    inputs = [rows.contiguous(), *numbers, pad(threshold, (0, more)).contiguous()]
    inputs += [pad(lengths.cumsum(0), (1, 0)), dilation.contiguous(), pad(counts.cumsum(0), (1, 0))]
    found = torch.empty(2, batch, places, kernels + more, dtype=torch.float64)
    _core.above(
        1 if steps * kernels < SMALL else torch.get_num_threads(),
        (steps, batch, channels, kernels + more, dilations, places),
        tuple([one.data_ptr() for one in inputs]),
        grid,
        (found[0].data_ptr(), found[1].data_ptr()),
    )
    return found[0, ..., :kernels], found[1, ..., :kernels]
