"""Numbers for the page: base64, in a byte or two each where nothing is lost by it."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage import int8_rows


def encode(array: Any) -> dict[str, Any]:
    """``{"dtype", "shape", "base64"}``: little-endian, row-major, base64.

    In the smallest of int8 (a matrix whose rows are whole multiples of a step, beside the steps),
    float16, float32 and float64 that keeps every number unchanged (shipped models are rounded
    before they are saved): page and Python always compute with the same numbers.

    >>> encode(np.ones((2, 1)))
    {'dtype': 'float16', 'shape': [2, 1], 'base64': 'ADwAPA=='}
    """
    numbers = _numpy(array)
    if numbers.ndim == 2 and numbers.shape[1] > WORTHWHILE and (rows := int8_rows.split(numbers)):
        return _stored("int8", rows[0]) | {"steps": _stored("float32", rows[1])}
    name, kept = next((name, kept) for name, kept in _narrower(numbers) if _same(kept, numbers))
    return _stored(name, kept)


WORTHWHILE = 4  # columns up to which a step for each row is longer than halves
KINDS = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}


def _stored(name: str, numbers: NDArray) -> dict[str, Any]:
    text = base64.b64encode(numbers.tobytes()).decode("ascii")
    return {"dtype": name, "shape": list(numbers.shape), "base64": text}


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
    if stored["dtype"] == "int8":
        multiples = np.frombuffer(base64.b64decode(stored["base64"]), np.int8)
        return int8_rows.joined(multiples.reshape(stored["shape"]), decode(stored["steps"]))
    flat = np.frombuffer(base64.b64decode(stored["base64"]), dtype=KINDS[stored["dtype"]])
    shaped = flat.reshape(stored["shape"])
    return shaped.astype(np.float64 if stored["dtype"] == "float64" else np.float32)
