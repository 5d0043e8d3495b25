"""Compiled code: the strides that the fake kernels promise, models that transpose around a layer,
and what becomes of calls that only torch's layers know."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from tests.nn.twins import difference, leaves, noise, twins, under_autocast
from torch import Tensor, nn

import carrousel

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, while it compiles


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


LAYOUTS: dict[str, Callable[[], Tensor]] = {
    "batch first": lambda: noise(2, 5, 3).transpose(0, 1),
    "features first": lambda: noise(3, 5, 2).permute(1, 2, 0),
    "every second feature": lambda: noise(5, 2, 6)[..., ::2],
    "one feature for all": lambda: noise(5, 2, 1).expand(5, 2, 3),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("cell", ["LSTM", "tanh RNN"])
def test_operators_keep_what_their_fakes_promise(cell: str, layout: Callable[[], Tensor]) -> None:
    layer = twins(cell, 3, 4)[1]
    mode = {"LSTM": 2, "tanh RNN": 0}[cell]
    h = noise(1, 2, 4)
    c = h.clone() if cell == "LSTM" else None
    weights = list(layer.parameters())
    x = layout().requires_grad_()
    torch.library.opcheck(torch.ops.carrousel.layer.default, (mode, x, None, h, c, weights, True))
    weights, x = [w.detach() for w in weights], layout()
    y, _, _, *record = torch.ops.carrousel.layer(mode, x, None, h, c, weights, True)
    slope = noise(2, 5, 4).transpose(0, 1)
    torch.library.opcheck(
        torch.ops.carrousel.layer_backward.default,
        (mode, x, None, h, c, weights, y, *record, slope, None, None, None, None, True, True),
    )
    inside = [noise(*part.shape) if part.numel() else None for part in record]
    torch.library.opcheck(
        torch.ops.carrousel.layer_backward.default,
        (mode, x, None, h, c, weights, y, *record, None, None, None, *inside, True, True),
    )


class Around(nn.Module):
    """Convolutions before and after a layer, with the transpositions between them."""

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.before, self.after = nn.Conv1d(3, 6, 3), nn.Conv1d(8, 2, 1)
        self.layer = carrousel.LSTM(6, 4, bidirectional=True, batch_first=batch_first)

    def forward(self, x: Tensor) -> Tensor:
        order, back = ((0, 2, 1), (0, 2, 1)) if self.layer.batch_first else ((2, 0, 1), (1, 2, 0))
        return self.after(self.layer(self.before(x).permute(order))[0].permute(back))


@pytest.mark.parametrize("dynamic", [None, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "time first"])
def test_models_that_transpose(batch_first: bool, dynamic: bool | None) -> None:
    model = Around(batch_first)
    compiled = torch.compile(model, backend="aot_eager", dynamic=dynamic)
    for x in (noise(2, 3, 9), noise(4, 3, 7)):
        found = []
        for function in (model, compiled):
            y = function(x)
            found.append([y, *torch.autograd.grad(y.square().sum(), list(model.parameters()))])
        assert all(difference(a, b) <= 1e-5 for a, b in zip(*found, strict=True))
        with torch.no_grad():
            assert difference(compiled(x), model(x)) <= 1e-5


FALLBACKS: dict[str, tuple[dict[str, Any], Tensor, bool]] = {
    "bfloat16 weights": ({"dtype": torch.bfloat16}, noise(5, 2, 3).bfloat16(), False),
    "bfloat16 autocast": ({}, noise(5, 2, 3), True),
    "an empty batch": ({}, noise(5, 0, 3), False),
}


@pytest.mark.parametrize("case", FALLBACKS.values(), ids=FALLBACKS.keys())
def test_what_only_torchs_layer_knows(case: tuple[dict[str, Any], Tensor, bool]) -> None:
    options, x, autocast = case
    theirs, ours = twins("LSTM", 3, 4, **options)
    compiled = torch.compile(ours, backend="aot_eager")
    expected = leaves(under_autocast(theirs, x) if autocast else theirs(x))
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        pairs = list(zip(leaves(compiled(x)), expected, strict=True))
    assert all(difference(mine, other) == 0 for mine, other in pairs)
    pairs[0][0].float().sum().backward()


def test_a_projection_runs_on_the_kernels_there_too() -> None:
    theirs, ours = twins("LSTM", 3, 4, proj_size=2)
    compiled, x = torch.compile(ours, backend="aot_eager"), noise(5, 2, 3)
    found = []
    for layer, parameters in ((compiled, ours.parameters()), (theirs, theirs.parameters())):
        outputs = leaves(layer(x))
        total = torch.stack([one.square().sum() for one in outputs]).sum()
        found.append([*outputs, *torch.autograd.grad(total, list(parameters))])
    assert all(difference(mine, other) <= 1e-6 for mine, other in zip(*found, strict=True))


@pytest.mark.parametrize("transform", ["grad", "jvp", "vmap"])
def test_transforms_inside(transform: str) -> None:
    _, ours = twins("GRU", 3, 4)

    def function(x: Tensor) -> Tensor:
        if transform == "grad":
            return torch.func.grad(lambda x: ours(x)[0].square().sum())(x)
        if transform == "jvp":
            return torch.func.jvp(lambda x: ours(x)[0], (x,), (x,))[1]
        return torch.func.vmap(lambda x: ours(x)[0])(torch.stack([x, -x]))

    x = noise(5, 2, 3)
    compiled = torch.compile(function, backend="aot_eager")
    assert difference(compiled(x), function(x)) <= 1e-5


def test_an_output_changed_in_place() -> None:
    _, ours = twins("GRU", 3, 4)

    def function(x: Tensor) -> Tensor:
        return ours(x)[0].relu_() * 2

    x, by = noise(5, 2, 3), list(ours.parameters())
    compiled = torch.compile(function, backend="aot_eager")
    found = [torch.autograd.grad(f(x).sum(), by) for f in (function, compiled)]
    assert all(difference(a, b) <= 1e-5 for a, b in zip(*found, strict=True))
