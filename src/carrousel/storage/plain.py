"""Plain data, as it comes from a JSON file, back into dataclasses; every field is checked.

A file may hold anything: a field that is missing, a word where a number should be, NaN, a number
that no array could be indexed by. ``restored`` takes what the annotations of a dataclass promise
and refuses the rest by one ``ValueError`` that says which field it was.
"""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

LARGEST = 2**63 - 1  # what an int64 holds
_NAMES = {
    int: "a whole number", float: "a finite number", str: "text", bool: "true or false",
    dict: "an object", list: "a list", NoneType: "null",
}  # fmt: skip


def parsed(content: bytes) -> Any:
    """The JSON in ``content``.

    Raises:
        ValueError: It is no JSON, no Unicode, holds NaN or infinities, or is nested too deeply.
    """
    try:
        found = json.loads(content, parse_constant=_no_number)
        if b"\\ud" in content.lower():  # half a character, maybe, that nothing can write again
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def restored(cls: type[T], data: Any, what: str) -> T:
    """The dataclass of which ``dataclasses.asdict``, by way of JSON, made ``data``.

    Fields that are not there take their defaults, lists become tuples where tuples are meant.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Size:
    ...     width: int
    ...     seasons: tuple[int, ...] = ()
    >>> restored(Size, {"width": 3, "seasons": [7, 365]}, "size")
    Size(width=3, seasons=(7, 365))
    >>> restored(Size, {"width": "3"}, "size")
    Traceback (most recent call last):
    ValueError: size.width must be a whole number, got '3'

    Raises:
        ValueError: A field is missing, unknown or of another type, or ``cls`` refuses it.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{what} must be an object, got {shortened(data)}")
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    strange = [shortened(name) for name in data if name not in known]
    if strange:
        raise ValueError(f"{what} has no field {strange[0]}")
    for name, one in known.items():
        if name not in data and one.default is MISSING and one.default_factory is MISSING:
            raise ValueError(f"{what}.{name} is missing")
    hints = get_type_hints(cls)
    values = {name: typed(value, hints[name], f"{what}.{name}") for name, value in data.items()}
    try:
        return cls(**values)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what}: {error}") from error


def typed(value: Any, hint: Any, what: str) -> Any:
    """``value`` if it is of the type that ``hint`` writes; lists for tuples are taken, too."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, UnionType):
        return _one_of(value, arguments, what)
    if origin in (list, tuple):
        return _sequence(value, origin, arguments, what)
    if origin in (dict, Mapping):
        _require(isinstance(value, dict), value, dict, what)
        return {name: typed(one, arguments[1], f"{what}.{name}") for name, one in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return restored(hint, value, what)
    if hint is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        _require(number and math.isfinite(value) and abs(value) <= 1e300, value, hint, what)
        return float(value)
    if hint is int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        _require(whole and abs(value) <= LARGEST, value, hint, what)
        return value
    _require(isinstance(value, hint), value, hint, what)
    return value


def shortened(value: Any) -> str:
    """What stood there, short enough for one line."""
    text = repr(value) if not isinstance(value, (dict, list)) else f"{type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_of(value: Any, hints: tuple[Any, ...], what: str) -> Any:
    dataclasses = [hint for hint in hints if is_dataclass(hint)]
    if isinstance(value, dict) and len(dataclasses) == 1:
        return typed(value, dataclasses[0], what)  # whose own message says more
    for hint in hints:
        with suppress(ValueError):
            return typed(value, hint, what)
    accepted = " or ".join(_name(hint) for hint in hints)
    raise ValueError(f"{what} must be {accepted}, got {shortened(value)}")


def _sequence(value: Any, kind: type, hints: tuple[Any, ...], what: str) -> Any:
    _require(isinstance(value, (list, tuple)), value, list, what)
    if kind is list or hints[-1] is Ellipsis:
        each = [hints[0]] * len(value)
    else:
        each = list(hints)
        if len(each) != len(value):
            raise ValueError(f"{what} must have {len(each)} entries, got {len(value)}")
    pairs = zip(value, each, strict=True)
    return kind(typed(one, hint, f"{what}[{k}]") for k, (one, hint) in enumerate(pairs))


def _require(holds: bool, value: Any, hint: Any, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} must be {_name(hint)}, got {shortened(value)}")


def _name(hint: Any) -> str:
    origin = get_origin(hint)
    return _NAMES.get(list if origin is tuple else origin or hint, str(hint))


def _no_number(name: str) -> Any:
    raise ValueError(f"it holds {name}, which JSON does not know")
