"""Arrays and lists of arrays as ragged rows: which axis is time, what is no number."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...wording import one_of
from ..ragged import Ragged

LAYOUTS = ("ntc", "nct")  # sequences, time, channels


def read_arrays(
    X: Any, layout: str | None = None, channels: int | None = None, announce: bool = True
) -> tuple[Ragged, str]:
    """Rows (N, C) in float64 of whatever holds numbers, and the layout that they were read in.

    Args:
        X: An array (n, time, channels) or (n, channels, time), or (n, time) of one channel; or a
            list of arrays (time, channels), (channels, time) or (time,), of unequal length.
        layout: "ntc": time comes before channels, "nct": after them; None is found out where the
            lengths differ, and guessed where they do not.
        channels: How many there must be; None: any number.
        announce: Whether a guess is a warning.

    Raises:
        TypeError: It is nothing that holds sequences.
        ValueError: A sequence is empty, has an infinite number or other channels than the others,
            or the layout cannot be told.
    """
    one_of("layout", layout, (*LAYOUTS, None))
    arrays = [_numbers(one, k) for k, one in enumerate(_sequences(X))]
    if not arrays:
        raise ValueError(
            "X must hold at least one sequence, got none: Found array with 0 sample(s)"
        )
    dims = {array.ndim for array in arrays}
    if dims == {1}:
        arrays, layout = [array[:, None] for array in arrays], layout or "ntc"
    elif dims == {2}:
        found = layout or _layout([array.shape for array in arrays], channels, announce)
        arrays = [array if found == "ntc" else array.T for array in arrays]
        layout = found
    else:
        k = next(k for k, array in enumerate(arrays) if array.ndim not in (1, 2) or len(dims) > 1)
        raise ValueError(
            f"X[{k}] must be (time, channels) or (time,), as all the others, got the shape "
            f"{arrays[k].shape}"
        )
    _check(arrays, channels)
    rows = torch.from_numpy(np.concatenate(arrays))
    return Ragged(rows, torch.tensor([len(array) for array in arrays])), layout


def _sequences(X: Any) -> Sequence[Any]:
    """One object for each sequence."""
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    if isinstance(X, Ragged):
        return list(X.parts())
    if hasattr(X, "tocsr"):
        raise TypeError("X must be dense, sparse input is not supported; give X.toarray()")
    if hasattr(X, "__array__") and not hasattr(X, "__iter__"):
        X = np.asarray(X)
    if isinstance(X, (str, bytes, dict)) or not (hasattr(X, "__len__") and hasattr(X, "__iter__")):
        raise TypeError(
            "X must be an array of sequences or a list of arrays (time, channels), got "
            f"{type(X).__name__}"
        )
    if hasattr(X, "columns") or hasattr(X, "to_frame"):
        raise TypeError(
            f"X must be an array of sequences or a list of arrays, got a table ({type(X).__name__})"
            "; give what carrousel.sequence.read_table makes of it"
        )
    if isinstance(X, np.ndarray):
        if X.ndim == 0 or (X.ndim == 1 and X.dtype != object):
            raise ValueError(
                f"X must be (n, time) or (n, time, channels), got the shape {X.shape}: Reshape "
                "your data; give [x] for one sequence"
            )
        if 0 in X.shape[1:]:
            raise ValueError(
                f"X must have at least one step, got the shape {X.shape}: it is empty, "
                f"0 feature(s) (shape=({len(X)}, 0)) while a minimum of 1 is required."
            )
        if X.ndim > 3:
            raise ValueError(f"X must have at most 3 axes, got the shape {X.shape}")
    return list(X)


def _numbers(one: Any, k: int) -> np.ndarray:
    """A sequence as float64, nothing hidden: what is no number is an error, None is NaN."""
    if isinstance(one, torch.Tensor):
        one = one.detach().cpu().numpy()
    try:
        array = np.asarray(one)
    except ValueError as error:  # rows of unequal width
        raise ValueError(f"X[{k}] must be an array of numbers: {error}") from None
    if array.dtype.kind == "c":
        raise ValueError(f"X[{k}] must hold real numbers: Complex data not supported")
    if array.dtype.kind not in "biufO":
        raise ValueError(f"X[{k}] must hold numbers, got {array.dtype}")
    try:
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"X[{k}] must hold numbers: {error}") from None
    if array.size == 0:
        raise ValueError(
            f"X[{k}] must have at least one step, got the shape {array.shape}: it is empty"
        )
    if np.isinf(array).any():
        at = tuple(int(i) for i in np.argwhere(np.isinf(array))[0])
        raise ValueError(f"X[{k}] must be finite or NaN (missing), got infinity at {at}")
    return array


def _layout(shapes: list[tuple[int, ...]], channels: int | None, announce: bool) -> str:
    """Which axis is time: the one along which the sequences differ, or, as a guess, the longer."""
    first, second = ({shape[axis] for shape in shapes} for axis in (0, 1))
    fits = [len(axis) == 1 and channels in (None, *axis) for axis in (second, first)]
    if fits == [False, False]:
        wanted = "the same number" if channels is None else f"{channels}"
        raise ValueError(
            f"X must have {wanted} of channels in all sequences, got the shapes "
            f"{', '.join(str(shape) for shape in list(dict.fromkeys(shapes))[:4])}"
        )
    if fits != [True, True]:
        return "ntc" if fits[0] else "nct"
    (a,), (b,) = first, second
    if a == b and a > 1:
        raise ValueError(
            f"layout must be given, 'ntc' (time before channels) or 'nct': sequences of {a} by {b} "
            "do not tell which axis is time"
        )
    guess = "ntc" if a >= b else "nct"
    if announce and min(a, b) > 1:
        steps, width = max(a, b), min(a, b)
        warnings.warn(
            f"X read as {steps} steps of {width} channels, layout={guess!r}, because the longer "
            "axis is likely to be time; give layout='ntc' or 'nct' to say so",
            UserWarning,
            stacklevel=5,
        )
    return guess


def _check(arrays: list[np.ndarray], channels: int | None) -> None:
    wanted = arrays[0].shape[1] if channels is None else channels
    for k, array in enumerate(arrays):
        if array.shape[1] != wanted:
            known = "X[0] has" if channels is None else "what was learned from had"
            raise ValueError(
                f"X[{k}] has {array.shape[1]} channels (it is {array.shape[0]} steps long), "
                f"{known} {wanted}"
            )
