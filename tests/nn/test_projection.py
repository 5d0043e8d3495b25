"""``proj_size`` on the kernels: torch's numbers and derivatives, whichever state it begins with."""

from typing import Any

import pytest
import torch
from tests.nn.twins import (
    assert_twins_agree,
    complaints,
    difference,
    leaves,
    noise,
    observe,
    states,
    twins,
)
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel

F64 = torch.float64
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")  # torch's own

SIZES = [(1, 1, 1, 2, 1), (5, 3, 4, 17, 3), (7, 8, 3, 16, 9), (3, 1, 5, 40, 39), (4, 33, 2, 8, 2)]
every_size = pytest.mark.parametrize(
    "sizes", SIZES, ids=lambda s: "T={} B={} I={} H={} P={}".format(*s)
)


@pytest.fixture(autouse=True)
def by_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where torch's own layer is what answers."""

    def refuse(*_: Any) -> None:
        raise AssertionError("torch's own layer ran")

    monkeypatch.setattr(carrousel.LSTM, "_torchs", type("Torchs", (), {"forward": refuse}))


@every_size
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
def test_it_equals_torchs(sizes: tuple[int, ...], options: dict[str, Any]) -> None:
    steps, batch, inputs, units, proj = sizes
    for dtype in (torch.float32, F64):
        pair = twins("LSTM", inputs, units, proj_size=proj, dtype=dtype, **options)
        x = noise(steps, batch, inputs, dtype=dtype)
        assert_twins_agree(pair, x, states(pair[0], batch))
        theirs, ours = (observe(layer, x) for layer in pair)
        assert not complaints(ours, theirs)


def test_packed_from_a_state_in_both_directions() -> None:
    pair = twins("LSTM", 3, 8, 2, proj_size=5, bidirectional=True, dtype=F64)
    batch = pack_padded_sequence(noise(6, 4, 3, dtype=F64), [6, 4, 4, 1])
    assert_twins_agree(pair, batch, states(pair[0], 4))
    batch = pack_padded_sequence(noise(6, 4, 3, dtype=F64), [1, 6, 2, 6], enforce_sorted=False)
    assert_twins_agree(pair, batch)


def test_second_derivatives() -> None:
    pair = twins("LSTM", 3, 4, proj_size=2, dtype=F64)
    found = []
    for layer in pair:
        x, (h, c) = noise(4, 2, 3, dtype=F64).requires_grad_(), states(layer, 2)
        by = [x, h.requires_grad_(), c.requires_grad_(), *layer.parameters()]
        first = torch.autograd.grad(layer(x, (h, c))[0].square().sum(), by, create_graph=True)
        found.append(torch.autograd.grad(sum((g * g).sum() for g in first), by))
    for theirs, ours in zip(*found, strict=True):
        assert difference(ours, theirs) < 1e-8


@pytest.mark.usefixtures("threads")
def test_threads_change_nothing() -> None:
    _, ours = twins("LSTM", 5, 70, 2, proj_size=9, bidirectional=True)
    given, seen = (noise(9, 33, 5), states(ours, 33)), []
    for number in (1, 2):
        torch.set_num_threads(number)
        with torch.no_grad():
            seen.append(leaves(ours(*given)))
    assert all(difference(one, other) < 1e-6 for one, other in zip(*seen, strict=True))


def test_a_trace_sees_the_same() -> None:
    _, ours = twins("LSTM", 3, 8, proj_size=5, dtype=F64)
    x = noise(6, 2, 3, dtype=F64)
    with carrousel.trace(ours) as trace:
        traced = ours(x)[0]
    assert difference(ours(x)[0], traced) < 1e-10
    assert trace[0].hidden.shape == (1, 6, 2, 5)
    assert trace[0].cell.shape == (1, 6, 2, 8)


def test_it_compiles() -> None:
    _, ours = twins("LSTM", 3, 8, proj_size=5, dtype=F64)
    x = noise(6, 2, 3, dtype=F64)
    compiled = torch.compile(ours, fullgraph=True, backend="eager")
    assert difference(compiled(x)[0], ours(x)[0]) < 1e-10
    torch.compiler.reset()
