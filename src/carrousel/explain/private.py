"""A model of one's own to ask: other modules, the same parameters.

Asking takes evaluation mode, hooks and other classes of layers. A module has one of each for all
threads, so that to ask the model itself would change it under others that train or call it.
"""

import copy
import functools
import types
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn

_TORCHS = frozenset(vars(nn.Module()))  # dicts of parameters, buffers, modules, hooks
_DEPTH = 3  # of lists of lists that hold modules


def private(model: nn.Module, function: Any = None) -> tuple[nn.Module, Any]:
    """The modules of ``model`` once more, in evaluation mode, with its very parameters and buffers.

    Names, classes, hooks and attributes are the same; what refers to one of the modules, in a list,
    as a bound method or from a function's body, refers to its twin. So does ``function``, which
    comes back second. Compiled modules run as they were written.
    """
    twins: dict[int, Any] = {id(module): _bare(module) for module in model.modules()}
    for module in model.modules():
        twin = twins[id(module)]
        if not isinstance(module, torch.jit.ScriptModule):
            object.__setattr__(twin, "__dict__", _attributes(module, twins))
            _copy_slots(module, twin)
            vars(twin).setdefault("_carrousel_twin_of", id(module))  # for who changes its calls
        _evaluate(twin)
    return twins[id(model)], _renewed(function, twins, _DEPTH)


def check_model(model: Any) -> None:
    """``TypeError`` for what is no model."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")


def _bare(module: nn.Module) -> nn.Module:
    if isinstance(module, torch.jit.ScriptModule):
        return copy.deepcopy(module)  # it has no attributes of Python's that could be shared
    return object.__new__(type(module))


def _attributes(module: nn.Module, twins: Mapping[int, Any]) -> dict[str, Any]:
    own = {}
    for name, value in vars(module).items():
        value = copy.copy(value) if name in _TORCHS and isinstance(value, dict | set) else value
        own[name] = _renewed(value, twins, _DEPTH)
    if own.get("_compiled_call_impl") is not None:
        own["_compiled_call_impl"] = None
    if "dynamo_ctx" in own and "_orig_mod" in own["_modules"]:  # what torch.compile made
        own["forward"] = own["_modules"]["_orig_mod"]
    return own


def _renewed(value: Any, twins: Mapping[int, Any], depth: int) -> Any:
    """``value`` with the twins in the place of the modules, itself if it holds none."""
    if isinstance(value, nn.Module):
        return twins.get(id(value), value)
    if isinstance(value, types.MethodType) and id(value.__self__) in twins:
        return types.MethodType(value.__func__, twins[id(value.__self__)])
    if isinstance(value, functools.partial):
        parts = [value.func, *value.args, *value.keywords.values()]
        func, *rest = [_renewed(part, twins, depth) for part in parts]
        cut = len(value.args)
        return functools.partial(
            func, *rest[:cut], **dict(zip(value.keywords, rest[cut:], strict=True))
        )
    if depth == 0:
        return value
    if isinstance(value, types.FunctionType):
        return _renewed_function(value, twins, depth - 1)
    if isinstance(value, dict):
        changed = {k: _renewed(v, twins, depth - 1) for k, v in value.items()}
        if all(changed[k] is v for k, v in value.items()):
            return value
        other = copy.copy(value)
        other.update(changed)
        return other
    if type(value) in (list, tuple):
        renewed = [_renewed(one, twins, depth - 1) for one in value]
        same = all(a is b for a, b in zip(renewed, value, strict=True))
        return value if same else type(value)(renewed)
    return value


def _renewed_function(
    function: types.FunctionType, twins: Mapping[int, Any], depth: int
) -> types.FunctionType:
    """A function whose closure or globals hold modules, with their twins there."""
    cells = list(function.__closure__ or ())
    for number, cell in enumerate(cells):
        with suppress(ValueError):  # an empty cell: a name that has no value yet
            held = _renewed(cell.cell_contents, twins, depth)
            if held is not cell.cell_contents:
                cells[number] = types.CellType(held)
    named = {
        name: twins[id(function.__globals__[name])]
        for name in function.__code__.co_names
        if id(function.__globals__.get(name)) in twins
    }
    if not named and all(a is b for a, b in zip(cells, function.__closure__ or (), strict=True)):
        return function
    seen = {**function.__globals__, **named} if named else function.__globals__
    closure = tuple(cells) if function.__closure__ is not None else None
    other = types.FunctionType(
        function.__code__, seen, function.__name__, function.__defaults__, closure
    )
    other.__kwdefaults__ = function.__kwdefaults__
    other.__dict__.update(vars(function))
    return other


def _copy_slots(module: nn.Module, twin: nn.Module) -> None:
    for cls in type(module).__mro__:
        slots = vars(cls).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(module, slot):
                object.__setattr__(twin, slot, getattr(module, slot))


def _evaluate(twin: nn.Module) -> None:
    """The flag alone: a model's own ``eval()`` may change parameters, which are not ours."""
    if isinstance(twin, torch.jit.ScriptModule):
        twin.eval()
    else:
        twin.__dict__["training"] = False
