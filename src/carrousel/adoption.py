"""Swapping recurrent layers for ours in place, and back.

Only the class of the module changes: parameters, hooks, names and attributes stay the very same
objects, so that optimizers, checkpoints and wrappers notice nothing.
"""

import copy
import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import nn
from torch.nn.utils import parametrize

from . import nn as ours
from .cell_forward import OneStepCell
from .layer_forward import Recurrent
from .newer_layers import Newer
from .patching import Replaced

OURS: dict[type, type] = {
    nn.RNN: ours.AdoptedRNN,
    nn.LSTM: ours.AdoptedLSTM,
    nn.GRU: ours.AdoptedGRU,
    nn.RNNCell: ours.RNNCell,
    nn.LSTMCell: ours.LSTMCell,
    nn.GRUCell: ours.GRUCell,
}
TORCHS: dict[type, type] = {  # what release makes of ours, adopted or not
    **{mine: theirs for theirs, mine in OURS.items()},
    ours.RNN: nn.RNN,
    ours.LSTM: nn.LSTM,
    ours.GRU: nn.GRU,
}
BASES = (Recurrent, OneStepCell, Newer)  # of every layer of ours, also of kinds that torch lacks


@dataclass(frozen=True)
class Swap:
    """One module whose class was changed."""

    name: str
    before: type
    after: type


@dataclass(frozen=True)
class Left:
    """One recurrent module that stayed as it was, and why."""

    name: str
    type: type
    reason: str


@dataclass(frozen=True)
class Adoption:
    """What ``adopt`` or ``release`` did to ``module`` (itself, or its copy)."""

    module: nn.Module
    swapped: tuple[Swap, ...]
    left: tuple[Left, ...]

    def __str__(self) -> str:
        lines = [
            f"{_shown(s.name)}: {_path(s.before)} -> {_path(s.after)}" for s in self.swapped
        ] + [f"{_shown(k.name)}: {_path(k.type)} left as it is: {k.reason}" for k in self.left]
        return "\n".join(lines) or "no recurrent layer found"


def adopt(module: nn.Module, inplace: bool = True) -> Adoption:
    """Make the recurrent layers and cells inside ``module`` carrousel's.

    A layer of ``torch.nn`` becomes carrousel's of the same name and stays an instance of torch's. A
    subclass that someone wrote keeps its own methods; what it calls by ``super()`` is ours.
    With ``inplace=False`` a deep copy is changed and returned as ``.module``.

    >>> import torch, carrousel
    >>> model = torch.nn.Sequential(torch.nn.LSTM(3, 4))
    >>> print(carrousel.adopt(model))
    0: torch.nn.LSTM -> carrousel.LSTM
    """
    return _swap_all(module, adopted_class, inplace)


def release(module: nn.Module, inplace: bool = True) -> Adoption:
    """The inverse of :func:`adopt`: every layer becomes ``torch.nn``'s, or its own class, again.

    >>> import torch, carrousel
    >>> model = torch.nn.Sequential(torch.nn.GRU(3, 4))
    >>> _ = carrousel.adopt(model)
    >>> _ = carrousel.release(model)
    >>> type(model[0]) is torch.nn.GRU
    True
    """
    return _swap_all(module, released_class, inplace)


@contextmanager
def adopting() -> Iterator[list[Swap]]:
    """Layers constructed in this block are ours, also those that other libraries construct.

    It does not matter how the library imported ``torch.nn``'s classes. The block counts for the
    thread (more exactly: the context) that entered it; blocks may be nested. Layers that are
    unpickled or deep-copied in the block are not constructed: use :func:`adopt` for them. Yields
    the list of swaps, which grows as layers are made.

    >>> import torch, carrousel
    >>> with carrousel.adopting() as made:
    ...     layer = torch.nn.GRU(3, 4)
    >>> isinstance(layer, carrousel.GRU), len(made)
    (True, 1)
    """
    made: list[Swap] = []
    token = _MADE.set(made)
    try:
        with _CONSTRUCTORS.by(dict.fromkeys(OURS, _swapping)):
            yield made
    finally:
        _MADE.reset(token)


# The class of a module, before and after ------------------------------------------------------


def adopted_class(cls: type) -> type:
    """Our class for ``cls``; ``ValueError`` with the reason where there is none."""
    if issubclass(cls, BASES):
        raise ValueError("it is carrousel's already")
    if cls in OURS:
        return OURS[cls]
    for theirs, mine in OURS.items():
        if issubclass(cls, theirs):
            return _mixed(cls, mine)  # type: ignore[arg-type]
    raise ValueError("it is not a torch.nn layer or a subclass of one")


def released_class(cls: type) -> type:
    """The class that ``cls`` was before; ``ValueError`` with the reason where there is none."""
    if cls in TORCHS:
        return TORCHS[cls]
    if issubclass(cls, tuple(TORCHS)):
        if "_carrousel_original" in vars(cls):
            return vars(cls)["_carrousel_original"]
        raise ValueError("it was written as a subclass of carrousel's layer")
    raise ValueError("it is not carrousel's")


# Classes may be made for one module (torch's parametrizations do so): none is kept alive here.
_MIXED: WeakValueDictionary[tuple[type, type], type] = WeakValueDictionary()
_MIXING = threading.Lock()


def _mixed(cls: type, mine: type) -> type:
    """``cls`` with ``mine`` behind it, so that ``super()`` in ``cls`` finds ``mine``."""
    with _MIXING:
        found = _MIXED.get((cls, mine))
        if found is None:
            found = _MIXED[cls, mine] = _mix(cls, mine)
        return found


def _mix(cls: type, mine: type) -> type:
    namespace = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "_carrousel_original": cls,
        "__reduce_ex__": _reduce_mixed,
    }
    return type(cls.__name__, (cls, mine), namespace)


def _reduce_mixed(self: Any, protocol: int) -> Any:
    """Pickle and copy by the class that was written: the mixed one has no importable name."""
    original = type(self)._carrousel_original
    reduced = super(type(self), self).__reduce_ex__(max(protocol, 2))
    made_plainly = isinstance(reduced, tuple) and reduced[1][:1] == (type(self),)
    return (_new_mixed, (original,), *reduced[2:]) if made_plainly else reduced


def _new_mixed(original: type) -> Any:
    cls = adopted_class(original)
    return cls.__new__(cls)  # type: ignore[call-overload]


# Walking over a model -------------------------------------------------------------------------


def _swap_all(module: nn.Module, target: Callable[[type], type], inplace: bool) -> Adoption:
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    module = module if inplace else copy.deepcopy(module)
    swapped, left = [], []
    for name, layer in module.named_modules():
        if not is_recurrent(layer):
            continue
        before = type(layer)
        try:
            layer.__class__ = class_for(layer, target)
            swapped.append(Swap(name, before, type(layer)))
        except (ValueError, TypeError) as reason:
            left.append(Left(name, before, str(reason)))
    return Adoption(module, tuple(swapped), tuple(left))


def class_for(layer: nn.Module, target: Callable[[type], type]) -> type:
    """What ``target`` makes of the class of ``layer``; ``ValueError`` with the reason if nothing.

    A parametrized module has a class of its own on top of the one that was written, which torch
    takes off again by its first base: so the base is exchanged, and the class on top made anew.
    """
    refuse_scripted(layer)
    if target is released_class and getattr(layer, "_beyond", False):
        raise ValueError(f"torch's layer has no {layer._beyond_torch()[0]}")  # type: ignore[operator]
    cls = type(layer)
    if not parametrize.is_parametrized(layer):
        return target(cls)
    namespace = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__")}
    return type(cls.__name__, (target(cls.__bases__[0]), *cls.__bases__[1:]), namespace)


def refuse_scripted(layer: nn.Module) -> None:
    """``ValueError`` for a layer that is no Python any more."""
    if isinstance(layer, torch.jit.ScriptModule):
        raise ValueError("it is compiled by TorchScript: use the model from before that")


def is_recurrent(layer: nn.Module) -> bool:
    """Whether ``layer`` is a recurrent layer or cell of any make, a container excepted."""
    if isinstance(layer, nn.RNNBase | nn.RNNCellBase | Newer):
        return True
    name = getattr(layer, "original_name", type(layer).__name__)
    if not re.search(r"(RNN|LSTM|GRU)(Cell)?$", name):
        return False
    weights = "weight_hh" in " ".join(dict(layer.named_parameters(recurse=False)))
    return weights or "quantized" in type(layer).__module__


def _shown(name: str) -> str:
    return name or "(the module itself)"


def _path(cls: type) -> str:
    if cls in TORCHS:
        return f"carrousel.{TORCHS[cls].__name__}"
    module = "torch.nn" if cls.__module__.startswith("torch.nn.modules") else cls.__module__
    return f"{module}.{cls.__name__}"


# Layers under construction --------------------------------------------------------------------

_MADE: ContextVar[list[Swap] | None] = ContextVar("carrousel_adopting", default=None)
_CONSTRUCTORS = Replaced("__init__")


def _swapping(original: Callable[..., None]) -> Callable[..., None]:
    """``original``, after which the new layer becomes ours if a block is open in this context."""

    @functools.wraps(original)
    def __init__(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        made = _MADE.get()
        before = type(self)
        if made is not None and not issubclass(before, tuple(TORCHS)):
            self.__class__ = adopted_class(before)
            made.append(Swap("", before, type(self)))

    return __init__
