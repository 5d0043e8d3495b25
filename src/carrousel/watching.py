"""Blocks in which calls of some layers are shown to somebody, or changed by him."""

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from .adoption import BASES, OURS, Left, adopted_class, is_recurrent, refuse_scripted
from .ops.tape import TAPE, Observer, Watch, watch
from .patching import Replaced, Together
from .wording import one_of


def recurrent_layers(
    module: nn.Module, layers: Sequence[str] | None
) -> tuple[dict[str, nn.Module], list[Left]]:
    """The recurrent layers by their names, all or some, and those that cannot run as ours.

    Raises:
        ValueError: There is none, or none of such a name.
    """
    found: dict[str, nn.Module] = {}
    left: list[Left] = []
    for name, layer in module.named_modules():
        if not is_recurrent(layer):
            continue
        try:
            refuse_scripted(layer)
            if not isinstance(layer, BASES):
                adopted_class(type(layer))
            found[name] = layer
        except (ValueError, TypeError) as reason:
            left.append(Left(name, type(layer), str(reason)))
    if not found:
        reasons = "; ".join(f"{one.name!r}: {one.reason}" for one in left)
        raise ValueError(f"module holds no recurrent layer to record {reasons}".strip())
    if layers is None:
        return found, left
    for name in layers:
        one_of("layers", name, found)
    return {name: found[name] for name in layers}, left


def watching(
    observer: Observer, module: nn.Module, layers: Sequence[nn.Module], stack: ExitStack
) -> None:
    """Let ``observer`` see and change calls of ``layers`` in this context until the stack closes.

    Whoever looks on already goes on looking. Compiled code has no place for a tape: it would be
    traced without or recompiled, and so runs uncompiled meanwhile.
    """
    if _has_compiled(module):
        stack.enter_context(_UNCOMPILED)
    foreign = [layer for layer in layers if not isinstance(layer, BASES)]
    if foreign:
        stack.enter_context(standing_in(foreign))
    before = TAPE.get()
    others = before.observers if isinstance(before, Watch) else ()
    ours = Watch((*others, observer))
    TAPE.set(ours)
    stack.callback(_look_away, observer, before, ours)


def _look_away(observer: Observer, before: Any, ours: Watch) -> None:
    now = TAPE.get()
    if now is ours:
        TAPE.set(before)
    elif isinstance(now, Watch):  # blocks that do not end in the order in which they began
        rest = tuple(one for one in now.observers if one is not observer)
        TAPE.set(Watch(rest) if rest else None)


# Layers of torch.nn, run by ours --------------------------------------------------------------

# Torch's forward passes leave nothing to look at, so that ours must run in their place, and only
# for whoever watches. A module has one class and one set of hooks for all threads: to swap the
# class, or to hook the module, would change it under others that are calling, copying or compiling
# it. A TorchFunctionMode belongs to a thread, not to an asyncio task, and slows every function of
# torch in the block. So the class's ``forward`` asks, while some trace is open, who is calling.
_FORWARD = Replaced("forward")


@contextmanager
def standing_in(layers: Sequence[nn.Module]) -> Iterator[None]:
    """A block in which ours run in the place of these layers for those who watch them."""
    classes = {type(layer) for layer in layers}
    mixed = [adopted_class(cls) for cls in classes]  # kept, or each call would make one anew
    makers = {
        theirs: functools.partial(_asking, mine)
        for theirs, mine in OURS.items()
        if any(issubclass(cls, theirs) for cls in classes)
    }
    with _FORWARD.by(makers):
        yield
    del mixed


def _asking(mine: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """``original``, and ``mine`` for whoever watches the layer that is called."""

    @functools.wraps(original)
    def forward(self: nn.Module, input: Any, hx: Any = None) -> Any:
        looking = watch()
        if looking is None or isinstance(self, BASES) or not looking.wants(self):
            return original(self, input, hx)
        run = functools.partial(mine._carrousel_forward, stand_in(self))
        return looking.show(self, run, input, hx)

    return forward


def stand_in(layer: nn.Module) -> nn.Module:
    """The layer once more, as one of ours: the same attributes, to the last one that is set."""
    other: nn.Module = object.__new__(adopted_class(type(layer)))
    object.__setattr__(other, "__dict__", layer.__dict__)
    return other


# Compiled models ------------------------------------------------------------------------------

# The stance is one for the process: while a compiled model is traced, others run uncompiled too.
_UNCOMPILED = Together(lambda: torch.compiler.set_stance("force_eager"))


def _has_compiled(module: nn.Module) -> bool:
    eval_frame = sys.modules.get("torch._dynamo.eval_frame")
    if eval_frame is None:
        return False
    return any(
        isinstance(m, eval_frame.OptimizedModule) or m._compiled_call_impl is not None
        for m in module.modules()
    )
