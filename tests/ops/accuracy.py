"""How far the kernels' exp, tanh and sigmoid are from the truth, in units in the last place.

As a program it prints the largest error of each function, dtype and argument range:
``CARROUSEL_ISA=avx2 python -m tests.ops.accuracy``.
"""

import json
from collections.abc import Callable

import numpy as np
import torch

from carrousel.ops import cpu

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
WIDER = {np.float32: np.float64, np.float64: np.longdouble}  # at least 11 bits more
BITS = {np.float32: np.uint32, np.float64: np.uint64}


def arguments(dtype: type) -> np.ndarray:
    """Finite numbers of every magnitude and sign, and dense ones where the functions bend."""
    word = BITS[dtype]
    last = int(np.array(np.finfo(dtype).max).view(word))
    positive = np.linspace(0, last, 400_001).astype(word).view(dtype)
    edge = 89 if dtype is np.float32 else 710  # exp overflows; denormal results lie below -edge
    dense = [np.linspace(-1.2 * edge, 1.2 * edge, 300_001), np.linspace(-1, 1, 200_001)]
    dense += [np.linspace(-22, 22, 200_001), np.linspace(-1.2 * edge, -0.95 * edge, 100_001)]
    return np.concatenate([positive, -positive, *(d.astype(dtype) for d in dense)])


def errors(name: str, x: np.ndarray) -> np.ndarray:
    """|kernel - truth| in units in the last place of the truth, where that is finite.

    A result below the smallest normal number may be flushed to zero: one unit is that number there.
    """
    dtype = x.dtype.type
    got = cpu.elementwise(name, torch.from_numpy(x)).numpy()
    with np.errstate(over="ignore", under="ignore"):
        truth = FUNCTIONS[name](x.astype(WIDER[dtype]))
        rounded = truth.astype(dtype)
        finite = np.isfinite(rounded)
        size, tiny = np.abs(rounded[finite]), np.finfo(dtype).smallest_normal
        unit = np.where(size < tiny, tiny, np.spacing(size))
        off = np.abs(got[finite].astype(WIDER[dtype]) - truth[finite]) / unit
    off[~np.isfinite(got[finite])] = np.inf
    return off.astype(np.float64)


def largest_errors() -> dict[str, float]:
    """Name and dtype -> largest error in ulp over all arguments."""
    found = {}
    for dtype in BITS:
        x = arguments(dtype)
        for name in FUNCTIONS:
            found[f"{name} {dtype.__name__}"] = float(errors(name, x).max())
    return found


if __name__ == "__main__":
    print(json.dumps({"isa": cpu.isa(), **largest_errors()}))  # noqa: T201
