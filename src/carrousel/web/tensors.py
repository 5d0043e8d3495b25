"""Numbers for the page: base64, in half precision where nothing is lost by it."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encode(array: Any) -> dict[str, Any]:
    """``{"dtype", "shape", "base64"}``: little-endian, row-major, base64.

    float16 if every number survives it unchanged (shipped models are rounded to it before they are
    saved), else float32: page and Python always compute with the same weights.

    >>> encode(np.ones((2, 1)))
    {'dtype': 'float16', 'shape': [2, 1], 'base64': 'ADwAPA=='}
    """
    numbers = _numpy(array)
    with np.errstate(over="ignore"):
        half = numbers.astype("<f2")
    exact = np.array_equal(half.astype(np.float32), numbers, equal_nan=True)
    kept = half if exact else numbers.astype("<f4")
    return {
        "dtype": "float16" if exact else "float32",
        "shape": list(kept.shape),
        "base64": base64.b64encode(kept.tobytes()).decode("ascii"),
    }


def _numpy(array: Any) -> NDArray[np.float32]:
    if hasattr(array, "detach"):
        array = array.detach().cpu().numpy()
    return np.ascontiguousarray(array, dtype=np.float32)


def decode(stored: dict[str, Any]) -> NDArray[np.float32]:
    """What ``encode`` was given.

    >>> decode(encode(np.array([[0.5, 0.1]])))
    array([[0.5, 0.1]], dtype=float32)
    """
    kind = {"float16": "<f2", "float32": "<f4"}[stored["dtype"]]
    flat = np.frombuffer(base64.b64decode(stored["base64"]), dtype=kind)
    return flat.reshape(stored["shape"]).astype(np.float32)
