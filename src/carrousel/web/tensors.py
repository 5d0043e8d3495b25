"""Numbers for the page: base64, in half precision where nothing is lost by it."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encode(array: Any) -> dict[str, Any]:
    """``{"dtype", "shape", "base64"}``: little-endian, row-major, base64.

    In the smallest of float16, float32 and float64 that keeps every number unchanged (shipped
    models are rounded to float16 before they are saved): page and Python always compute with the
    same numbers.

    >>> encode(np.ones((2, 1)))
    {'dtype': 'float16', 'shape': [2, 1], 'base64': 'ADwAPA=='}
    """
    numbers = _numpy(array)
    name, kept = next((name, kept) for name, kept in _narrower(numbers) if _same(kept, numbers))
    return {
        "dtype": name,
        "shape": list(kept.shape),
        "base64": base64.b64encode(kept.tobytes()).decode("ascii"),
    }


KINDS = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}


def _narrower(numbers: NDArray[np.float64]) -> Iterator[tuple[str, NDArray]]:
    with np.errstate(over="ignore"):
        for name, kind in KINDS.items():
            yield name, numbers.astype(kind)


def _same(kept: NDArray, numbers: NDArray[np.float64]) -> bool:
    return np.array_equal(kept.astype(np.float64), numbers, equal_nan=True)


def _numpy(array: Any) -> NDArray[np.float64]:
    if hasattr(array, "detach"):
        array = array.detach().cpu().numpy()
    return np.ascontiguousarray(array, dtype=np.float64)


def decode(stored: dict[str, Any]) -> NDArray:
    """What ``encode`` was given: float64 where it needs that, else float32.

    >>> decode(encode(np.array([[0.5, 0.25]])))
    array([[0.5 , 0.25]], dtype=float32)
    """
    flat = np.frombuffer(base64.b64decode(stored["base64"]), dtype=KINDS[stored["dtype"]])
    shaped = flat.reshape(stored["shape"])
    return shaped.astype(np.float64 if stored["dtype"] == "float64" else np.float32)
