"""Labels of any hashable kind as numbers from 0, and back."""

import datetime
import math
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from ..storage.plain import shortened, typed
from ..wording import some

_PLAIN: dict[str, type] = {"text": str, "flag": bool, "whole": int, "real": float}
_DATE = ("year", "month", "day")
_TIMES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "date": (datetime.date, _DATE),
    "datetime": (datetime.datetime, (*_DATE, "hour", "minute", "second", "microsecond")),
}


class Labels:
    """The classes that there are, and the number of each.

    >>> labels = Labels(["no", "yes", "no"])
    >>> labels.classes.tolist(), labels.codes(["yes", "no"]).tolist()
    (['no', 'yes'], [1, 0])
    """

    def __init__(self, values: Iterable[Any]) -> None:
        """Different labels among the values, sorted where they can be."""
        values = values if isinstance(values, np.ndarray) else as_array(list(values))
        distinct: dict[Any, Any] = {}
        for value in values.tolist():
            distinct.setdefault(_key(value), value)
        found = list(distinct.values())
        try:
            found.sort()
        except TypeError:  # of kinds that have no common order
            found.sort(key=lambda value: (type(value).__name__, repr(value)))
        self.classes = _typed(found, values.dtype)
        self._number = {_key(value): number for number, value in enumerate(found)}

    def __len__(self) -> int:
        return len(self.classes)

    def known(self, values: Iterable[Any]) -> np.ndarray:
        """(n,) whether each is one of the classes."""
        return np.array([_key(value) in self._number for value in _each(values)], bool)

    def codes(self, values: Iterable[Any], name: str = "y") -> np.ndarray:
        """(n,) int64 numbers of the classes.

        Raises:
            ValueError: One of the values is no class.
        """
        values = _each(values)
        codes = [self._number.get(_key(value), -1) for value in values]
        if -1 in codes:
            new = dict.fromkeys(repr(v) for v, code in zip(values, codes, strict=True) if code < 0)
            known = some([repr(one) for one in self.classes.tolist()], 5)
            raise ValueError(
                f"{name} must hold labels that were learned ({known}), got {some(list(new))}"
            )
        return np.array(codes, np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Plain data from which ``from_dict`` makes the same labels.

        Raises:
            ValueError: A label is of a kind that JSON cannot hold.
        """
        dtype = "object" if self.classes.dtype.kind == "O" else self.classes.dtype.str
        return {"dtype": dtype, "values": [_written(value) for value in self.classes.tolist()]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Labels":
        """Raises ``ValueError`` for what ``to_dict`` cannot have made."""
        values = [_read(one) for one in typed(data.get("values"), list[list[Any]], "labels.values")]
        dtype = typed(data.get("dtype"), str, "labels.dtype")
        labels: Labels | None
        if dtype == "object":
            labels = cls(as_objects(values))
        else:
            try:
                kind = np.dtype(dtype)
                labels = cls(np.array(values, kind)) if kind.kind in "biufU" else None
            except (TypeError, ValueError, OverflowError):
                labels = None
        if labels is None or len(labels) != len(values) or labels.to_dict() != data:
            raise ValueError(f"labels: {shortened(data)} are no labels")
        return labels


def as_array(values: list[Any]) -> np.ndarray:
    """(n,): labels of one plain kind as an array of it, others as objects, tuples left whole."""
    kinds = {type(value) for value in values}
    plain = len(kinds) == 1 and issubclass(next(iter(kinds)), (bool, int, float, str, np.generic))
    made = np.array(values) if plain else as_objects(values)
    return made if made.ndim == 1 and made.dtype.kind in "biufUO" else as_objects(values)


def as_objects(values: list[Any]) -> np.ndarray:
    """(n,) of objects, whatever they are."""
    made = np.empty(len(values), object)
    for k, value in enumerate(values):
        made[k] = value
    return made


def check_labels(values: np.ndarray, name: str = "y") -> None:
    """Refuse what is no label: nothing, NaN, a measured number, what cannot be hashed."""
    for k, value in enumerate(values.tolist()):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            raise ValueError(f"{name}[{k}] must be a label, got {value!r}: NaN and None are none")
        if isinstance(value, float) and not value.is_integer():
            raise ValueError(
                f"{name}[{k}] must be a label, got {value!r}: Unknown label type: continuous; "
                "give text, or learn numbers with SequenceRegressor"
            )
        if not isinstance(value, Hashable) or not _hashes(value):
            raise ValueError(f"{name}[{k}] must be a hashable label, got {shortened(value)}")


def _hashes(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:  # a tuple of lists
        return False
    return True


def _each(values: Iterable[Any]) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _key(value: Any) -> Any:
    """What tells labels apart: True is not 1, and 1.0 is."""
    value = value.item() if isinstance(value, np.generic) else value
    return (isinstance(value, bool), value)


def _typed(values: list[Any], dtype: np.dtype) -> np.ndarray:
    return as_objects(values) if dtype.kind == "O" else np.array(values, dtype)


def _written(value: Any) -> list[Any]:
    for name, kind in _PLAIN.items():
        if type(value) is kind:
            return [name, value]
    if isinstance(value, tuple):
        return ["tuple", [_written(one) for one in value]]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    for name, (kind, parts) in _TIMES.items():
        if type(value) is kind and getattr(value, "tzinfo", None) is None:
            return [name, [getattr(value, part) for part in parts]]
    raise ValueError(
        f"the label {shortened(value)} is a {type(value).__name__} and cannot be written to a "
        "file; give labels that are text or numbers"
    )


def _read(pair: list[Any]) -> Any:
    name, value = typed(pair, tuple[str, Any], "label")
    if name in _PLAIN:
        return typed(value, _PLAIN[name], "label")
    if name == "tuple":
        return tuple(_read(one) for one in typed(value, list[list[Any]], "label"))
    if name == "bytes":
        return bytes.fromhex(typed(value, str, "label"))
    if name in _TIMES:
        return _TIMES[name][0](*typed(value, list[int], "label"))
    raise ValueError(f"label: there is no kind {shortened(name)}")
