"""Nothing reaches the kernels that is not what they take it for, and no mode of torch's is passed
by: what comes out equals torch's layer, or is torch's error."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.twins import (
    TOLERANCE,
    cell_twins,
    difference,
    every_cell,
    leaves,
    noise,
    states,
    twins,
)
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

F64 = torch.float64


def _negative(t: Tensor) -> Tensor:
    return torch.complex(t, t).conj().imag  # -t, by a flag


WRONG: dict[str, Callable[[Tensor], Tensor]] = {
    "of float64": lambda w: w.double(),
    "of half": lambda w: w.half(),
    "on meta": lambda w: w.to("meta"),
    "of few rows": lambda w: w[:2],
    "of few columns": lambda w: w[..., :1] if w.dim() > 1 else w[:1].repeat(2),
    "of three dimensions": lambda w: w[None].repeat(2, *[1] * w.dim()),
    "without memory": lambda w: w.new_empty(0),
}


@every_cell
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l1", "bias_hh_l0"])
def test_a_weight_that_does_not_fit(cell: str, name: str, wrong) -> None:
    """Torch raises the same type, or reads what is not there."""
    pair = twins(cell, 4, 8, 2)
    layer = pair[1]
    setattr(layer, name, nn.Parameter(wrong(getattr(layer, name).detach())))
    for training in (True, False):
        x, hx = noise(3, 2, 4), states(pair[0], 2)
        with torch.set_grad_enabled(training):
            for arguments in ((x,), (x, hx)):
                with pytest.raises(RuntimeError, match=name):
                    layer(*arguments)


@every_cell
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("name", ["weight_ih", "weight_hh", "bias_ih"])
def test_a_weight_of_a_cell_that_does_not_fit(cell: str, name: str, wrong) -> None:
    _, layer = cell_twins(cell, 4, 8)
    setattr(layer, name, nn.Parameter(wrong(getattr(layer, name).detach())))
    with pytest.raises(RuntimeError):
        layer(noise(2, 4))


BAD_SIZES = {
    "more than there are": [2, 2, 2, 1],
    "fewer than there are": [1],
    "growing": [1, 2, 2],
    "negative": [3, 3, -1],
    "none": [],
    "int32": torch.tensor([3, 2], dtype=torch.int32),
}


@every_cell
@pytest.mark.parametrize("sizes", BAD_SIZES.values(), ids=BAD_SIZES.keys())
def test_batch_sizes_that_do_not_fit(cell: str, sizes: Any) -> None:
    sizes = sizes if isinstance(sizes, Tensor) else torch.tensor(sizes, dtype=torch.int64)
    pair = twins(cell, 3, 8)
    kinds = []
    for layer in pair:
        try:
            kinds.append(layer(PackedSequence(noise(5, 3), sizes))[0].data)
        except (RuntimeError, IndexError) as error:
            kinds.append(type(error))
    if isinstance(kinds[0], Tensor):  # torch leaves rows out without a word
        assert difference(kinds[1], kinds[0]) <= TOLERANCE[torch.float32]
    else:
        assert kinds[1] is kinds[0]


class Unchanged(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen.append(str(function))
        return function(*args, **(kwargs or {}))


class UnchangedFunctions(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


@every_cell
@pytest.mark.parametrize("mode", [Unchanged, UnchangedFunctions, lambda: torch.device("cpu")])
def test_under_a_mode(cell: str, mode) -> None:
    found = []
    for layer in twins(cell, 3, 4, 2, dtype=F64):
        x = noise(5, 2, 3, dtype=F64).requires_grad_()
        by = [x, *layer.parameters()]
        with mode():
            output, _ = layer(x)
            inside = torch.autograd.grad(output.sum(), by, retain_graph=True)
        found.append([output, *inside, *torch.autograd.grad(output.square().sum(), by)])
    assert all(difference(a, b) <= 1e-10 for a, b in zip(found[1], found[0], strict=True))


def test_a_mode_sees_the_layer() -> None:
    _, ours = twins("LSTM", 3, 4)
    with Unchanged() as mode, torch.no_grad():
        ours(noise(5, 2, 3))
        ours(noise(1, 2, 3), states(ours, 2))
    assert mode.seen.count("carrousel.layer.default") == 2


class Labeled(Tensor):
    """A subclass without behavior."""


# (what is flagged, the same without flag, for torch's layer)
FLAGS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "negative by a flag": (_negative, torch.neg),
    "zero by a flag": (
        lambda t: torch._efficientzerotensor(t.shape, dtype=t.dtype),
        torch.zeros_like,
    ),
    "a subclass": (lambda t: t.as_subclass(Labeled), torch.clone),
}


@every_cell
@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS.keys())
@pytest.mark.parametrize("steps", [2, 5])
def test_tensors_with_a_flag(cell: str, flags, steps: int) -> None:
    """As input, state, weight and gradient."""
    found = []
    for layer, flag in zip(twins(cell, 3, 4, dtype=F64), reversed(flags), strict=True):
        x, hx = noise(steps, 2, 3, dtype=F64), states(layer, 2)
        state = tuple(map(flag, hx)) if isinstance(hx, tuple) else flag(hx)
        with torch.no_grad():
            results = leaves(layer(flag(x), hx)) + leaves(layer(x, state))
        weights = {name: flag(w.detach()) for name, w in layer.named_parameters()}
        results += leaves(torch.func.functional_call(layer, weights, (x, hx)))
        x = x.requires_grad_()
        output, _ = layer(x, hx)
        slope = flag(noise(*output.shape, dtype=F64, seed=4))
        results += torch.autograd.grad(output, [x, *layer.parameters()], slope)
        found.append([torch.Tensor(t.resolve_neg() + 0.0) for t in results])
    assert all(difference(a, b) <= 1e-10 for a, b in zip(found[1], found[0], strict=True))


HOOKS: dict[str, Callable[[Tensor], Tensor]] = {
    "other strides": lambda t: t.flatten().repeat_interleave(2)[::2].view(t.shape),
    "columns first": lambda t: t.transpose(0, -1).contiguous().transpose(0, -1),
    "rounded": lambda t: t.half().to(t.dtype) if t.is_floating_point() else t,
}


@every_cell
@pytest.mark.parametrize("unpack", HOOKS.values(), ids=HOOKS.keys())
@pytest.mark.parametrize("graph", [False, True], ids=["plain", "create_graph"])
def test_hooks_on_saved_tensors(cell: str, unpack, graph: bool) -> None:
    found = []
    for hooked in (False, True):
        _, layer = twins(cell, 3, 4, 2, bidirectional=True, dtype=F64)
        x = noise(5, 2, 3, dtype=F64).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: t, unpack if hooked else lambda t: t
        ):
            output, _ = layer(x)
        by = [x, *layer.parameters()]
        found.append(torch.autograd.grad(output.square().sum(), by, create_graph=graph))
    allowed = 1e-2 if unpack is HOOKS["rounded"] else 1e-10
    assert all(difference(a, b) <= allowed for a, b in zip(*found, strict=True))


@every_cell
@pytest.mark.parametrize(
    "unpack", [lambda t: t[:-1], lambda t: t.to("meta")], ids=["fewer rows", "on meta"]
)
def test_hooks_that_give_back_something_else_are_refused(cell: str, unpack) -> None:
    _, layer = twins(cell, 3, 4)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, unpack):
        output, _ = layer(noise(5, 2, 3))
    with pytest.raises((RuntimeError, NotImplementedError)):
        output.sum().backward()


@every_cell
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own use
def test_dual_tensors(cell: str) -> None:
    """Forward-mode AD of outputs, of gradients, and of gradients that are dual themselves."""
    found = []
    for layer in twins(cell, 3, 4, 2, dtype=F64):
        x = noise(5, 2, 3, dtype=F64).requires_grad_()
        along = noise(5, 2, 3, dtype=F64, seed=8)
        before, _ = layer(x)
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(x, along)
            with torch.no_grad():
                outputs = leaves(layer(dual))
            results = [forward_ad.unpack_dual(t).tangent for t in outputs]
            loss = layer(dual)[0].square().sum()
            (slope,) = torch.autograd.grad(loss, x, create_graph=True)
            results.append(forward_ad.unpack_dual(slope).tangent)
            one = torch.ones_like(before)
            (slope,) = torch.autograd.grad(before, x, forward_ad.make_dual(one, one * 2))
            results.append(forward_ad.unpack_dual(slope).tangent)
        found.append(results)
    assert all(difference(a, b) <= 1e-10 for a, b in zip(found[1], found[0], strict=True))


OPERATOR_ERRORS: dict[str, tuple[dict[str, Any], str]] = {
    "a weight of another dtype": ({"weights": lambda w: [w[0].double(), *w[1:]]}, "weights.0."),
    "a weight too small": ({"weights": lambda w: [w[0], w[1][:2], *w[2:]]}, "weights must be"),
    "three weights": ({"weights": lambda w: w[:3]}, "weights must be 2 or 4"),
    "a state of another batch": ({"h0": lambda h: h[:, :1]}, "x must be"),
    "offsets that lie": ({"offsets": lambda _: torch.tensor([0, 9])}, "offsets"),
}


@pytest.mark.parametrize("change", OPERATOR_ERRORS.values(), ids=OPERATOR_ERRORS.keys())
def test_the_operator_refuses_what_makes_no_layer(change) -> None:
    _, layer = twins("GRU", 3, 4)
    arguments: dict[str, Any] = {"mode": 3, "x": noise(5, 2, 3), "offsets": None, "c0": None}
    arguments |= {"h0": noise(1, 2, 4), "record": False}
    arguments["weights"] = [w.detach() for w in layer.parameters()]
    changes, says = change
    for name, how in changes.items():
        arguments[name] = how(arguments[name])
    if "offsets" in changes:
        arguments["x"] = arguments["x"].flatten(0, 1)
    with pytest.raises((ValueError, TypeError), match=says):
        torch.ops.carrousel.layer(**arguments)
