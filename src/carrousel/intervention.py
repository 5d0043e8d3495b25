"""Writing into the memory: gates and states of any model's recurrent layers, changed as it runs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .adoption import Left
from .ops.cells import Cell, name_of
from .ops.changes import Add, Apply, Change, Changes, Clamp, Freeze, Rule, Scale, Set, SetWhere
from .ops.tape import Run
from .ops.written import of_kind
from .record.record import Record
from .watching import recurrent_layers, watching
from .wording import one_of

Places = int | slice | range | Sequence[int] | Tensor | None
Values = float | Tensor


def intervene(module: nn.Module) -> "Intervention":
    """Change gates and states of the recurrent layers in ``module`` during a block.

    Every gate, the candidate, the hidden and the cell state can be set, scaled, shifted, clamped,
    frozen, taken from another run or handed to a function; everything after feels it. The kernels
    run up to a changed step and on behind it. Gradients flow through. Nothing in the model
    changes, and only calls of this thread or asyncio task are changed (as for :func:`trace`,
    inside or around which the block may be opened, and which records what came of it).

    A changed gate takes effect within its step: with the forget gate f and the candidate g set,
    ``c_t = f c_(t-1) + i g`` is made of them. A changed cell state is what the output gate then
    exposes; a changed hidden state is what the next step and the layer above read.

    Raises:
        TypeError, ValueError: If ``module`` is no module or holds no layer that can be changed.

    >>> import torch, carrousel
    >>> model = carrousel.LSTM(3, 4)
    >>> x = torch.randn(20, 2, 3)
    >>> with carrousel.intervene(model) as change, carrousel.trace(model) as trace:
    ...     change.set("forget", 1.0, steps=range(5, 8), units=[0, 2])
    ...     output, _ = model(x)
    >>> trace[-1].gates["forget"][0, 6, :, 2]
    tensor([1., 1.])
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    return Intervention(module)


@dataclass(frozen=True)
class _Wish:
    """One change as it was asked for, for calls of one layer."""

    name: str
    rule: Rule
    steps: Places
    units: Places
    sequences: Places
    levels: tuple[int, ...]
    directions: tuple[int, ...]


class Intervention:
    """What is changed while a block runs; see :func:`intervene`.

    Every method takes the name of a gate or state (LSTM: forget, input, candidate, output, cell,
    hidden; GRU: reset, update, candidate, hidden; RNN: hidden) and, as keywords, where:

    steps : a step, a slice, a range or a list; all by default
        Positions in the sequence, whichever direction the layer runs. For a one-step cell they
        count its calls in the block.
    units, sequences : the same, of the last axis and of the batch; all by default
    layer : its name in the model; needed only where there are several
    level, direction : of a layer of several levels, 0 from below; 0 forward, 1 reverse. All by
        default

    Values are numbers, or tensors of, or broadcast to, (steps, sequences, units) as chosen. Changes
    of the same value follow each other in the order in which they were asked for.
    """

    looks = False

    def __init__(self, module: nn.Module) -> None:
        self.left: list[Left] = []
        self._module: nn.Module | None = module
        self._names: dict[int, str] = {}  # by the layer's id, while open
        self._layers: dict[str, nn.Module] = {}
        self._wishes: dict[str, list[_Wish]] = defaultdict(list)
        self._calls: Counter[str] = Counter()
        self._stack = ExitStack()

    def __enter__(self) -> "Intervention":
        if self._module is None:
            raise RuntimeError("a block is entered once; call carrousel.intervene(module) again")
        module, self._module = self._module, None
        with ExitStack() as stack:
            self._layers, self.left = recurrent_layers(module, None)
            self._names = {id(layer): name for name, layer in self._layers.items()}
            watching(self, module, list(self._layers.values()), stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        self._names = {}
        unseen = [name for name in self._wishes if not self._calls[name]]
        if exception[:1] == (None,) and unseen:
            raise RuntimeError(
                f"nothing was changed of layer {unseen[0]!r}: no call of it was seen in the block, "
                "or only in another thread, a copy of the model or code compiled around it"
            )

    def set(self, name: str, value: Values, *, mask: Tensor | None = None, **where: Any) -> None:
        """Put ``value`` in its place; with ``mask``, of bool and the same shapes, where True."""
        given = _tensor("value", value)
        if mask is None:
            return self._ask(name, Set(given), where)
        if not isinstance(mask, Tensor) or mask.dtype is not torch.bool:
            raise TypeError(f"mask must be a tensor of bool, got {getattr(mask, 'dtype', mask)!r}")
        return self._ask(name, SetWhere(given, _tensor("mask", mask)), where)

    def scale(self, name: str, factor: Values, **where: Any) -> None:
        """Multiply by ``factor``."""
        self._ask(name, Scale(_tensor("factor", factor)), where)

    def add(self, name: str, value: Values, **where: Any) -> None:
        """Add ``value``: steering, where it is a direction of the units."""
        self._ask(name, Add(_tensor("value", value)), where)

    def clamp(
        self, name: str, low: float | None = None, high: float | None = None, **where: Any
    ) -> None:
        """Hold between ``low`` and ``high``."""
        if low is None and high is None:
            raise ValueError("low, high: at least one of them must be given")
        if low is not None and high is not None and low > high:
            raise ValueError(f"low must not be above high, got {low} and {high}")
        self._ask(name, Clamp(low, high), where)

    def freeze(self, name: str, **where: Any) -> None:
        """Leave it as it was after the step before, in the order in which the layer runs."""
        layer = self._layers[self._one(where.get("layer"))]
        if isinstance(layer, nn.RNNCellBase) and name in of_kind(name_of(layer) or "").gates:
            raise ValueError(f"{name!r} of a one-step cell cannot be frozen; set it")
        self._ask(name, Freeze(), where)

    def patch(self, name: str, record: Record, **where: Any) -> None:
        """Take the values that another run had at the same steps, sequences and units.

        ``record`` is of a layer of the same kind and width; of one sequence it serves all.
        """
        if not isinstance(record, Record):
            raise TypeError(f"record must be a Record of a trace, got {type(record).__name__}")
        layer = self._one(where.get("layer"))
        kind = name_of(self._layers[layer])
        if record.kind != kind:
            raise ValueError(
                f"record is of kind {record.kind!r}, layer {layer!r} is of kind {kind!r}; give one "
                "of the same kind"
            )
        one_of("name", name, _names(of_kind(record.kind)))
        array, first = record.arrays()[name], record.info.first_step
        wish = self._wish(name, Set(array), where)
        end = first + array.shape[1]
        steps = _places("steps", range(first, end) if wish.steps is None else wish.steps, end)
        if min(steps) < first:
            raise ValueError(f"steps must be kept in the record, from {first} on, got {steps}")
        for level in wish.levels:
            for direction in wish.directions:
                entry = level * record.info.num_directions + direction
                if entry >= len(array):
                    raise ValueError(
                        f"record holds {len(array)} levels and directions, not level {level} and "
                        f"direction {direction}"
                    )
                values = _chosen_of(array[entry][[step - first for step in steps]], wish)
                one = replace(
                    wish, rule=Set(values), steps=steps, levels=(level,), directions=(direction,)
                )
                self._wishes[layer].append(one)

    def apply(self, name: str, function: Callable[[Tensor], Tensor], **where: Any) -> None:
        """Put ``function(value)``, of the chosen (sequences, units) of one step, in its place."""
        if not callable(function):
            raise TypeError(f"function must be callable, got {type(function).__name__}")
        self._ask(name, Apply(function), where)

    # What a call is told ---------------------------------------------------------------------

    def wants(self, module: nn.Module) -> bool:
        return bool(self._wishes.get(self._name(module)))

    def _name(self, module: nn.Module) -> str:
        # A model is explained through a twin, whose layers say whose twins they are.
        original: int = vars(module).get("_carrousel_twin_of", id(module))
        return self._names.get(id(module)) or self._names.get(original, "")

    def saw(self, module: nn.Module, given: tuple, output: Any, runs: list[Run], own: bool) -> None:
        raise AssertionError("nobody who only changes is shown anything")

    def changes(self, module: nn.Module, input: Any) -> Changes:
        name = self._name(module)
        call, self._calls[name] = self._calls[name], self._calls[name] + 1
        found: dict[tuple[int, int], list[Change]] = defaultdict(list)
        for wish in self._wishes[name]:
            change = _change(wish, module, input, call)
            if change is not None:
                for level in wish.levels:
                    for direction in wish.directions:
                        found[level, direction].append(change)
        return found

    def _ask(self, name: str, rule: Rule, where: dict[str, Any]) -> None:
        wish = self._wish(name, rule, where)
        self._wishes[self._one(where.get("layer"))].append(wish)

    def _one(self, layer: str | None) -> str:
        if not self._layers:
            raise RuntimeError("changes are asked for inside the block: with intervene(...) as ...")
        if layer is None:
            if len(self._layers) > 1:
                raise ValueError(
                    f"layer must be named, as the model has several: {list(self._layers)}"
                )
            return next(iter(self._layers))
        one_of("layer", layer, self._layers)
        return layer

    def _wish(
        self,
        name: str,
        rule: Rule,
        where: dict[str, Any],
    ) -> _Wish:
        known = ("steps", "units", "sequences", "layer", "level", "direction")
        for key in where:
            if key not in known:
                raise TypeError(f"{key!r} is no place: give {', '.join(known)}")
        layer: Any = self._layers[self._one(where.get("layer"))]
        kind = name_of(layer)
        if kind is None:
            raise ValueError(f"intervene changes no steps of {type(layer).__name__}")
        cell = of_kind(kind)
        one_of("name", name, _names(cell))
        whole = not isinstance(layer, nn.RNNCellBase)
        levels, directions = (layer.num_layers, 1 + layer.bidirectional) if whole else (1, 1)
        return _Wish(
            name, rule, where.get("steps"), where.get("units"), where.get("sequences"),
            _chosen("level", where.get("level"), levels),
            _chosen("direction", where.get("direction"), directions),
        )  # fmt: skip


def _chosen_of(values: Tensor, wish: _Wish) -> Tensor:
    """Of (S, B, H) the sequences and units that are asked for; one sequence serves all."""
    if wish.sequences is not None and values.shape[1] > 1:
        values = values[:, _places("sequences", wish.sequences, values.shape[1])]
    if wish.units is not None:
        values = values[..., _places("units", wish.units, values.shape[2])]
    if values.isnan().any():
        raise ValueError("record has no value at some of the steps: a sequence in it is shorter")
    return values


def _names(cell: Cell) -> tuple[str, ...]:
    return (*cell.shown, *(("cell",) if cell.has_cell else ()), "hidden")


def _chosen(name: str, number: int | None, count: int) -> tuple[int, ...]:
    if number is None:
        return tuple(range(count))
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < count:
        raise ValueError(f"{name} must be from 0 to {count - 1}, got {number!r}")
    return (number,)


def _tensor(name: str, value: Any) -> Tensor:
    try:
        found = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be a number or a tensor, got {value!r}") from None
    if found.dim() > 3:
        raise ValueError(
            f"{name} must be (steps, sequences, units) or broadcast to it, got the shape "
            f"{tuple(found.shape)}"
        )
    return found


def _change(wish: _Wish, module: Any, input: Any, call: int) -> Change | None:
    """The change of one call, in the order of the rows that the layer runs."""
    if isinstance(module, nn.RNNCellBase):
        steps, batch, order = 1, input.shape[0] if input.dim() == 2 else 1, None
        wanted = None if wish.steps is None else _places("steps", wish.steps, None)
        if wanted is not None and call not in wanted:
            return None
        places = {0: 0 if wanted is None else wanted.index(call)}
        count = len(wanted) if wanted is not None else 1
    else:
        steps, batch, order = _extent(module, input)
        wanted = _places("steps", wish.steps, steps)
        places, count = {step: k for k, step in enumerate(wanted)}, len(wanted)
    rows = None
    sequences = _places("sequences", wish.sequences, batch)
    packed = isinstance(input, PackedSequence)
    if wish.sequences is not None or (packed and _by_sequence(wish.rule)):
        rows = torch.tensor(sequences, dtype=torch.int64)
        rows = rows if order is None else order[rows]
    units = None
    width = module.hidden_size
    if wish.name == "hidden":
        width = getattr(module, "proj_size", 0) or width
    chosen = _places("units", wish.units, width)
    if wish.units is not None:
        units = torch.tensor(chosen, dtype=torch.int64)
    _check_values(wish.rule, count, len(sequences), len(chosen))
    return Change(wish.name, places, wish.rule, rows, units)


def _by_sequence(rule: Rule) -> bool:
    return any(one.dim() > 1 and one.shape[-2] > 1 for one in _given(rule).values())


def _given(rule: Rule) -> dict[str, Tensor]:
    """The tensors that were given, by name."""
    named = {"value": getattr(rule, "values", None), "mask": getattr(rule, "mask", None)}
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def _check_values(rule: Rule, steps: int, sequences: int, units: int) -> None:
    for name, values in _given(rule).items():
        shape = (steps, sequences, units)[3 - values.dim() :] if values.dim() else ()
        if not all(a in (1, b) for a, b in zip(values.shape, shape, strict=True)):
            raise ValueError(
                f"{name} must be (steps, sequences, units), {(steps, sequences, units)} here, or "
                f"broadcast to it, got the shape {tuple(values.shape)}"
            )


def _extent(module: Any, input: Any) -> tuple[int, int, Tensor | None]:
    """Steps and sequences of a call, and where each sequence stands in a packed one."""
    if isinstance(input, PackedSequence):
        return len(input.batch_sizes), int(input.batch_sizes[0]), input.unsorted_indices
    if input.dim() == 2:
        return len(input), 1, None
    steps, batch = input.shape[:2]
    return (batch, steps, None) if module.batch_first else (steps, batch, None)


def _places(name: str, places: Places, count: int | None) -> list[int]:
    """Numbers from 0, each once, below ``count``."""
    if places is None:
        return list(range(count or 0))
    if isinstance(places, bool | str | float):
        raise TypeError(f"{name} must be a number, a slice or a list of them, got {places!r}")
    if isinstance(places, slice):
        if count is None:
            raise ValueError(f"{name} of a one-step cell must be numbers, got {places}")
        found = list(range(count)[places])
    elif isinstance(places, int):
        found = [places]
    elif isinstance(places, Tensor) and places.dtype == torch.bool:
        found = torch.nonzero(places.flatten()).flatten().tolist()
    else:
        found = [int(one) for one in places]
    if not found:
        raise ValueError(f"{name} must be at least one, got {places!r}")
    if min(found) < 0 or (count is not None and max(found) >= count):
        wrong = min(found) if min(found) < 0 else max(found)
        raise ValueError(f"{name} must be from 0 to {(count or 1) - 1} in this call, got {wrong}")
    if len(set(found)) < len(found):
        raise ValueError(f"{name} must be named once each, got {places!r}")
    return found
