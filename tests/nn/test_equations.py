"""Cells written as equations: peepholes, coupled gates, and anybody's."""

import copy
import pickle
from typing import Any

import pytest
import torch
from tests.nn.twins import (
    assert_twins_agree,
    difference,
    leaves,
    noise,
    states,
    twins,
    weighted_sum,
)
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.nn import Equations

F64 = torch.float64


def plain_lstm(x: Tensor, h: Tensor, c: Tensor, w: Any) -> Any:
    sums = x @ w.weight_ih.T + h @ w.weight_hh.T + w.bias_ih + w.bias_hh
    i, f, g, o = sums.chunk(4, -1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + i * g
    return o * c.tanh(), c, {"input": i, "forget": f, "candidate": g, "output": o}


def plain_gru(x: Tensor, h: Tensor, w: Any) -> Any:
    a, b = x @ w.weight_ih.T + w.bias_ih, h @ w.weight_hh.T + w.bias_hh
    (a_r, a_z, a_n), (b_r, b_z, b_n) = a.chunk(3, -1), b.chunk(3, -1)
    r, z = (a_r + b_r).sigmoid(), (a_z + b_z).sigmoid()
    n = (a_n + r * b_n).tanh()
    return (1 - z) * n + z * h, {"update": z, "reset": r, "candidate": n}


def plain_rnn(x: Tensor, h: Tensor, w: Any) -> Any:
    return (x @ w.weight_ih.T + w.bias_ih + h @ w.weight_hh.T + w.bias_hh).tanh()


PLAIN = {"LSTM": plain_lstm, "GRU": plain_gru, "tanh RNN": plain_rnn}


@pytest.mark.parametrize("cell", PLAIN)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (4, 3, 2, 17)], ids=str)
def test_equations_of_a_known_cell_give_its_numbers(cell: str, sizes: tuple[int, ...]) -> None:
    steps, batch, inputs, units = sizes
    options = {"num_layers": 2, "bidirectional": True, "dtype": F64}
    theirs, plain = twins(cell, inputs, units, **options)
    kind = type(plain)
    ours = kind(inputs, units, equations=Equations(PLAIN[cell]), **options)
    ours.load_state_dict(theirs.state_dict())
    given = noise(steps, batch, inputs, dtype=F64), states(theirs, batch)
    assert_twins_agree((theirs, ours), *given)
    lengths = torch.arange(batch) % steps + 1
    packed = pack_padded_sequence(given[0], lengths, enforce_sorted=False)
    assert_twins_agree((theirs, ours), packed)
    for one, other in zip(*(leaves(m(given[0], return_states=True)[2][0]) for m in (plain, ours)),
                          strict=True):  # fmt: skip
        assert difference(one, other) < 1e-10


def by_hand(layer: Any, x: Tensor, coupled: bool, peepholes: bool) -> Tensor:
    """Gate by gate, each with its own rows of the weights."""
    size = layer.hidden_size
    names = ("f", "g", "o") if coupled else ("i", "f", "g", "o")
    seeing = [name for name in names if name != "g"]
    h = c = x.new_zeros(x.size(1), size)
    outputs = []
    for one in x:

        def gate(name: str, c: Tensor, one: Tensor = one, h: Tensor = h) -> Tensor:
            k = names.index(name)
            rows = slice(k * size, (k + 1) * size)
            s = one @ layer.weight_ih_l0[rows].T + h @ layer.weight_hh_l0[rows].T
            s = s + layer.bias_ih_l0[rows] + layer.bias_hh_l0[rows]
            if peepholes and name in seeing:
                at = seeing.index(name) * size
                s = s + layer.peephole_l0[at : at + size] * c
            return s

        f, g = gate("f", c).sigmoid(), gate("g", c).tanh()
        i = 1 - f if coupled else gate("i", c).sigmoid()
        new = f * c + i * g
        h, c = gate("o", new).sigmoid() * new.tanh(), new
        outputs.append(h)
    return torch.stack(outputs)


@pytest.mark.parametrize("variant", [{"peepholes": True}, {"coupled": True},
                                     {"peepholes": True, "coupled": True}], ids=str)  # fmt: skip
def test_peepholes_and_coupled_gates(variant: dict[str, bool]) -> None:
    layer = carrousel.LSTM(3, 5, dtype=F64, **variant)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(noise(*weight.shape, seed=weight.numel(), dtype=F64) / 2)
    x = noise(6, 2, 3, dtype=F64).requires_grad_()
    wanted = by_hand(layer, x, variant.get("coupled", False), variant.get("peepholes", False))
    by, found = [x, *layer.parameters()], []
    for y in (layer(x)[0], wanted):
        first = torch.autograd.grad(weighted_sum([y]), by, create_graph=True)
        second = torch.autograd.grad(sum((g * g).sum() for g in first), by)
        found.append([y, *first, *second])
    for ours, reference in zip(*found, strict=True):
        assert difference(ours, reference) < 1e-8
    with carrousel.trace(layer) as trace:
        layer(x)
    assert carrousel.explain.ledger(trace[0]).error < 1e-10
    if "coupled" in variant:
        assert torch.equal(trace[0].gates["input"], 1 - trace[0].gates["forget"])
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x)[0], layer(x)[0])
    assert all(f"{name}=True" in repr(layer) for name in variant)


def test_biases_at_the_start() -> None:
    coupled = carrousel.LSTM(3, 5, coupled=True, forget_bias=2.0)
    assert (coupled.bias_ih_l0[:5] + coupled.bias_hh_l0[:5] == 2).all()
    layer = carrousel.LSTM(3, 5, coupled=True, chrono=20)
    assert (layer.bias_ih_l0[:5] >= 0).all()
    layer = carrousel.LSTM(3, 5, chrono=20)
    assert torch.equal(layer.bias_ih_l0[:5], -layer.bias_ih_l0[5:10])
    assert (layer.bias_hh_l0[:10] == 0).all()


def slow(x: Tensor, h: Tensor, w: Any) -> Tensor:
    return h + w.rate.sigmoid() * ((x @ w.weight_ih.T + h @ w.weight_hh.T).tanh() - h)


def test_a_cell_of_ones_own_with_a_parameter_of_its_own() -> None:
    layer = carrousel.RNN(
        3, 5, 2, bias=False, dtype=F64, zoneout=0.1, residual=True, learn_initial_state=True,
        equations=Equations(slow, vectors={"rate": 1}),
    ).eval()  # fmt: skip
    assert "equations=slow" in repr(layer)
    assert layer.rate_l1.shape == (5,)
    x = noise(6, 2, 3, dtype=F64)
    layer(x)[0].sum().backward()
    assert all(w.grad is not None for w in layer.parameters())
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    assert difference(compiled(x[:2])[0], layer(x[:2])[0]) < 1e-10
    torch.compiler.reset()


def test_what_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"equations must be carrousel.nn.Equations\(step\), got func"
    ):
        carrousel.RNN(3, 5, equations=slow)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="exclude each other"):
        carrousel.LSTM(3, 5, layer_norm=True, peepholes=True)
    with pytest.raises(ValueError, match="exclude each other"):
        carrousel.LSTM(3, 5, coupled=True, equations=Equations(plain_lstm))
    with pytest.raises(ValueError, match="recurrent_dropout must be 0 with equations"):
        carrousel.LSTM(3, 5, peepholes=True, recurrent_dropout=0.1)
    with pytest.raises(ValueError, match="forget_bias and chrono must be None"):
        carrousel.LSTM(3, 5, forget_bias=1, equations=Equations(plain_lstm))
    wrong: dict[str, Any] = {
        "must give h, c and gates, got Tensor": lambda x, h, c, w: h,
        r"must give h \(2, 5\), got torch.Size": lambda x, h, c, w: (h[:1], c, {}),
        "must give the gates": lambda x, h, c, w: (h, c, {"forget": h}),
    }
    for words, step in wrong.items():
        with pytest.raises(ValueError, match=words):
            carrousel.LSTM(3, 5, equations=Equations(step))(torch.zeros(4, 2, 3))
