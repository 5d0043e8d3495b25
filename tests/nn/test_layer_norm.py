"""Layer normalization inside LSTM and GRU, against a loop written from the paper's equations."""

import copy
import io
import pickle
from functools import partial
from typing import Any

import pytest
import torch
from tests.nn.twins import complaints, difference, leaves, noise, weighted_sum
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import carrousel

F64 = torch.float64
CELLS = ("LSTM", "GRU")
every_cell = pytest.mark.parametrize("cell", CELLS)


def made(cell: str, *sizes: int, seed: int = 0, **options: Any) -> Any:
    """A layer whose gains and biases are all random."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = getattr(carrousel, cell)(*sizes, layer_norm=True, **options)
        for name, weight in layer.named_parameters():
            with torch.no_grad():
                weight.copy_(torch.randn_like(weight) * 0.4 + name.startswith("gain"))
    return layer


def normal(v: Tensor, gain: Tensor, bias: Any) -> Tensor:
    """LN(v; gain, bias) by the words of the paper: mean and variance over the row."""
    off = v - v.mean(-1, keepdim=True)
    return gain * off / (off.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() + bias


def lstm(x: Tensor, h: Tensor, c: Tensor, w: dict[str, Any]):
    sums = normal(x @ w["weight_ih"].T, w["gain_ih"], w["bias_ih"])
    sums = sums + normal(h @ w["weight_hh"].T, w["gain_hh"], w["bias_hh"])
    i, f, g, o = sums.chunk(4, -1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + i * g
    h = o * normal(c, w["gain_c"], w["bias_c"]).tanh()
    return h, c, {"input": i, "forget": f, "candidate": g, "output": o}


def gru(x: Tensor, h: Tensor, _: Any, w: dict[str, Any]):
    size = h.size(-1)

    def parts(v: Tensor, gain: Tensor, bias: Any):
        bias = torch.zeros(3 * size, dtype=v.dtype) if isinstance(bias, float) else bias
        rz = normal(v[:, : 2 * size], gain[: 2 * size], bias[: 2 * size])
        return *rz.chunk(2, -1), normal(v[:, 2 * size :], gain[2 * size :], bias[2 * size :])

    x_r, x_z, x_n = parts(x @ w["weight_ih"].T, w["gain_ih"], w["bias_ih"])
    h_r, h_z, h_n = parts(h @ w["weight_hh"].T, w["gain_hh"], w["bias_hh"])
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return (1 - z) * n + z * h, None, {"reset": r, "update": z, "candidate": n}


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "gain_ih", "gain_hh", "gain_c", "bias_c")


def by_hand(layer: Any, x: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
    """The layer over x (T, B, I), sequence by sequence, every state a node of its own."""
    steps, batch, _ = x.shape
    step = lstm if layer.mode == "LSTM" else gru
    h_n, c_n, row = [], [], 0
    for level in range(layer.num_layers):
        outputs = []
        for suffix in ("", "_reverse")[: 2 if layer.bidirectional else 1]:
            w = {name: getattr(layer, f"{name}_l{level}{suffix}", 0.0) for name in NAMES}
            h = x.new_zeros(batch, layer.hidden_size) if hx is None else leaves(hx)[0][row]
            c = torch.zeros_like(h) if hx is None or len(leaves(hx)) == 1 else leaves(hx)[1][row]
            seen: list[Any] = [None] * steps
            for t in range(steps)[:: -1 if suffix else 1]:
                h, c, _ = step(x[t], h, c, w)
                seen[t] = h
            outputs.append(torch.stack(seen))
            h_n.append(h)
            c_n.append(c)
            row += 1
        x = torch.cat(outputs, -1)
    last = torch.stack(h_n)
    return x, (last, torch.stack(c_n)) if layer.mode == "LSTM" else last


def seen(layer: Any, function: Any, *given: Any) -> dict[str, Tensor]:
    """Outputs and all gradients of one way to compute the layer."""
    layer.zero_grad()
    fresh = [tuple(s.detach().requires_grad_() for s in leaves(one)) for one in given]
    args = [one if len(one) > 1 else one[0] for one in fresh]
    outputs = leaves(function(*args))
    weighted_sum(outputs).backward()
    found = {f"output {k}": one for k, one in enumerate(outputs)}
    found |= {f"gradient of input {k}": t.grad for k, t in enumerate(t for o in fresh for t in o)}
    return found | {f"gradient of {name}": w.grad for name, w in layer.named_parameters()}


def states(layer: Any, batch: int) -> Any:
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    dtype = layer.weight_ih_l0.dtype
    h, c = (noise(rows, batch, layer.hidden_size, seed=s, dtype=dtype) for s in (5, 6))
    return (h, c) if layer.mode == "LSTM" else h


# A row of few sums may lie close together, and is divided by its spread: what rounding left of the
# differences comes out that much larger.
ROUNDING = {torch.float32: 5e-3, F64: 1e-8}
SIZES = [
    (1, 1, 1, 1), (1, 3, 2, 17), (2, 1, 5, 8), (6, 2, 3, 1), (7, 5, 3, 2), (5, 1, 3, 70),
    (4, 33, 4, 17), (3, 19, 70, 40), (9, 70, 1, 16), (3, 9, 6, 130), (12, 40, 3, 65),
]  # fmt: skip


@every_cell
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "T={} B={} I={} H={}".format(*s))
@pytest.mark.parametrize("dtype", [torch.float32, F64], ids=["float32", "float64"])
def test_the_layer_equals_the_paper(cell: str, sizes: tuple[int, ...], dtype: torch.dtype) -> None:
    steps, batch, inputs, units = sizes
    if dtype is torch.float32 and units <= 2:
        pytest.skip("one or two normalized units are -1, 0 or 1: gradients are rounding alone")
    for options in ({}, {"bidirectional": True, "num_layers": 2}, {"bias": False}):
        layer = made(cell, inputs, units, dtype=dtype, **options)
        given = noise(steps, batch, inputs, dtype=dtype), states(layer, batch)
        ours = seen(layer, layer, *given)
        exact = copy.deepcopy(layer).double()
        wanted = seen(exact, partial(by_hand, exact), *[_double(one) for one in given])
        wanted = {name: t.to(dtype) for name, t in wanted.items()}
        assert not complaints(ours, wanted, ROUNDING[dtype])


def _double(given: Any) -> Any:
    return tuple(t.double() for t in given) if isinstance(given, tuple) else given.double()


@every_cell
def test_gradients_at_a_first_state_of_zero_are_large_and_as_exact(cell: str) -> None:
    """A row of zeros is divided by the root of epsilon alone."""
    layer, x = made(cell, 8, 64, learn_initial_state=True), noise(20, 4, 8)
    elsewhere = seen(layer, layer, x)["gradient of h_0"].norm()
    for name, state in layer.named_parameters():
        if name in ("h_0", "c_0"):
            nn.init.zeros_(state)
    exact = copy.deepcopy(layer).double()
    ours, wanted = seen(layer, layer, x), seen(exact, exact, x.double())
    assert wanted["gradient of h_0"].norm() > 20 * elsewhere
    for name, one in ours.items():
        off = (one.double() - wanted[name]).norm() / wanted[name].norm()
        assert off < 1e-4, (name, off)


@every_cell
def test_without_gradient_it_is_the_same_bit_for_bit(cell: str) -> None:
    for steps, batch, inputs, units in SIZES:
        layer = made(cell, inputs, units, 2, bidirectional=True)
        given = noise(steps, batch, inputs), states(layer, batch)
        with torch.no_grad():
            plain = leaves(layer(*given))
        assert all(map(torch.equal, plain, leaves(layer(*given))))


@every_cell
def test_batch_first_and_unbatched(cell: str) -> None:
    layer = made(cell, 3, 5, dtype=F64, batch_first=True)
    x = noise(4, 7, 3, dtype=F64)
    wanted, _ = by_hand(layer, x.transpose(0, 1))
    assert difference(layer(x)[0], wanted.transpose(0, 1)) < 1e-10
    assert difference(layer(x[2])[0], wanted[:, 2]) < 1e-10


@every_cell
def test_packed_sequences_are_each_as_alone(cell: str) -> None:
    layer = made(cell, 3, 17, 2, bidirectional=True, dtype=F64)
    lengths, x = [4, 9, 1, 6], noise(9, 4, 3, dtype=F64).requires_grad_()
    y, h_n = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
    padded, _ = pad_packed_sequence(y)
    loss = weighted_sum([padded, *leaves(h_n)])
    given = [x, *layer.parameters()]
    ours = torch.autograd.grad(loss, given)
    outputs, finals = zip(*[by_hand(layer, x[:n, k : k + 1]) for k, n in enumerate(lengths)],
                          strict=True)  # fmt: skip
    wanted = [nn.utils.rnn.pad_sequence([one[:, 0] for one in outputs])]
    wanted += [torch.cat(one, 1) for one in zip(*map(leaves, finals), strict=True)]
    for mine, reference in zip([padded, *leaves(h_n)], wanted, strict=True):
        assert difference(mine, reference) < 1e-10
    for mine, reference in zip(ours, torch.autograd.grad(weighted_sum(wanted), given), strict=True):
        assert difference(mine, reference) < 1e-8


@every_cell
def test_first_and_second_derivatives_equal_finite_differences(cell: str) -> None:
    layer = made(cell, 2, 3, dtype=F64, bidirectional=True)
    x = noise(3, 2, 2, dtype=F64).requires_grad_()
    names = [name for name, _ in layer.named_parameters()]
    weights = [w.detach().clone().requires_grad_() for w in layer.parameters()]
    hx = [s.requires_grad_() for s in leaves(states(layer, 2))]

    def function(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        own, named = rest[: len(hx)], dict(zip(names, rest[len(hx) :], strict=True))
        given = own if len(own) == 2 else own[0]
        y, h_n, inside = torch.func.functional_call(
            layer, named, (x, given), {"return_states": True}
        )
        return (y, *leaves(h_n), *inside.gates.values())

    assert torch.autograd.gradcheck(function, (x, *hx, *weights), fast_mode=True)
    assert torch.autograd.gradgradcheck(function, (x, *hx, *weights), fast_mode=True)


@every_cell
def test_states_and_gates_of_every_step(cell: str) -> None:
    layer = made(cell, 3, 5, dtype=F64)
    x = noise(6, 2, 3, dtype=F64)
    _, _, inside = layer(x, return_states=True)
    with carrousel.trace(layer) as trace:
        layer(x)[0].square().sum().backward()
    w = {name: getattr(layer, f"{name}_l0", 0.0) for name in NAMES}
    h = c = torch.zeros(2, 5, dtype=F64)
    for t in range(6):
        h, c, gates = (lstm if cell == "LSTM" else gru)(x[t], h, c, w)
        for name, gate in gates.items():
            assert difference(inside.gates[name][0, t], gate) < 1e-10
            assert difference(trace[0].gates[name][0, t], gate) < 1e-10
        assert difference(inside.hidden[0, t], h) < 1e-10
        if cell == "LSTM":
            assert difference(trace[0].cell[0, t], c) < 1e-10
            assert difference(inside.cell[0, t], c) < 1e-10
    assert trace[0].kind == cell.lower()


@every_cell
def test_the_trace_has_the_gradients_of_every_state(cell: str) -> None:
    layer = made(cell, 3, 5, dtype=F64)
    x = noise(4, 2, 3, dtype=F64)
    with carrousel.trace(layer) as trace:
        (layer(x)[0] ** 2).sum().backward()
    w = {name: getattr(layer, f"{name}_l0", 0.0) for name in NAMES}
    h = c = torch.zeros(2, 5, dtype=F64)
    hidden, cells = [], []
    for t in range(4):
        h, c, _ = (lstm if cell == "LSTM" else gru)(x[t], h, c, w)
        hidden.append(h)
        cells.append(c)
    loss = sum((h**2).sum() for h in hidden)
    for mine, reference in zip(
        trace[0].grad_hidden[0], torch.autograd.grad(loss, hidden, retain_graph=True), strict=True
    ):
        assert difference(mine, reference) < 1e-8
    if cell == "LSTM":
        for mine, reference in zip(
            trace[0].grad_cell[0], torch.autograd.grad(loss, cells), strict=True
        ):
            assert difference(mine, reference) < 1e-8


@every_cell
def test_a_changed_step_is_computed_with_normalization(cell: str) -> None:
    layer = made(cell, 3, 5, dtype=F64)
    x = noise(6, 2, 3, dtype=F64)
    plain = layer(x)[0]
    with carrousel.intervene(layer) as change:
        change.scale("hidden", 1.0, steps=[2])
        same = layer(x)[0]
    assert difference(same, plain) < 1e-10


@every_cell
@pytest.mark.usefixtures("threads")
def test_one_two_and_three_threads_agree_to_the_last_bit(cell: str) -> None:
    for steps, batch, inputs, units in [*SIZES, (3, 2, 8, 300), (40, 70, 6, 64), (2, 600, 9, 140)]:
        layer = made(cell, inputs, units)
        given = noise(steps, batch, inputs), states(layer, batch)
        torch.set_num_threads(1)
        one = seen(layer, layer, *given)
        for number in (2, 3):
            torch.set_num_threads(number)
            for name, values in seen(layer, layer, *given).items():
                assert torch.equal(values, one[name]), (name, number, steps, batch, inputs, units)


@every_cell
def test_it_is_saved_copied_and_loaded(cell: str) -> None:
    layer = made(cell, 3, 5)
    x = noise(4, 2, 3)
    wanted = layer(x)[0]
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = getattr(carrousel, cell)(3, 5, layer_norm=True)
    other.load_state_dict(torch.load(file))
    for twin in (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x)[0], wanted)
    names = {name.rpartition("_l0")[0] for name in layer.state_dict()}
    assert names == set(NAMES if cell == "LSTM" else NAMES[:6])


@every_cell
def test_a_new_layer_normalizes_by_gains_of_one(cell: str) -> None:
    layer = getattr(carrousel, cell)(3, 5, layer_norm=True)
    assert (layer.gain_ih_l0 == 1).all()
    assert (layer.gain_hh_l0 == 1).all()
    layer.gain_ih_l0.data.zero_()
    layer.reset_parameters()
    assert (layer.gain_ih_l0 == 1).all()
    assert "layer_norm=True" in repr(layer)


@every_cell
def test_it_compiles_into_one_graph(cell: str) -> None:
    layer, x = made(cell, 3, 5), noise(4, 2, 3)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    loss = compiled(x)[0].square().sum()
    by = list(layer.parameters())
    mine = torch.autograd.grad(loss, by)
    for one, other in zip(mine, torch.autograd.grad(layer(x)[0].square().sum(), by), strict=True):
        assert difference(one, other) < 1e-5
    program = torch.export.export(layer, (x,))
    assert difference(program.module()(x)[0], layer(x)[0]) < 1e-5
    assert any("carrousel.layer" in str(node.target) for node in program.graph.nodes)
    torch.compiler.reset()


@every_cell
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own call
def test_under_transforms_of_torch_func(cell: str) -> None:
    layer, x = made(cell, 3, 5, dtype=F64), noise(3, 4, 2, 3, dtype=F64)
    together = torch.func.vmap(lambda x: layer(x)[0])(x)
    for k in range(3):
        assert difference(together[k], layer(x[k])[0]) < 1e-10
    slope = torch.func.jvp(lambda x: layer(x)[0].sum(), (x[0],), (torch.ones_like(x[0]),))[1]
    with_x = x[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(layer(with_x)[0].sum(), with_x)
    assert difference(slope, gradient.sum()) < 1e-8


@every_cell
def test_other_dtypes_and_autocast(cell: str) -> None:
    layer, x = made(cell, 3, 5), noise(4, 2, 3)
    wanted = layer(x)[0]
    half = copy.deepcopy(layer).bfloat16()(x.bfloat16())[0]
    assert half.dtype is torch.bfloat16
    assert difference(half.float(), wanted) < 0.1
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(x)[0], wanted)
        assert torch.equal(layer(x.bfloat16())[0], layer(x.bfloat16().float())[0])


@every_cell
def test_no_sequences(cell: str) -> None:
    for layer in (made(cell, 3, 5), made(cell, 3, 5, 2, bidirectional=True, batch_first=True)):
        width = 5 * (2 if layer.bidirectional else 1)
        shape = (0, 4, 3) if layer.batch_first else (4, 0, 3)
        y, state = layer(torch.zeros(shape))
        assert y.shape == (*shape[:2], width)
        assert all(s.shape[1:] == (0, 5) for s in leaves(state))
        with pytest.raises(RuntimeError, match="length"):
            layer(torch.zeros((2, 0, 3) if layer.batch_first else (0, 2, 3)))


@every_cell
def test_it_is_stepped(cell: str) -> None:
    layer, x = made(cell, 3, 5, dtype=F64), noise(6, 2, 3, dtype=F64)
    with torch.no_grad():
        wanted, final = layer(x)
        state, outputs = None, []
        for t in range(6):
            y, state = layer(x[t : t + 1], state)
            outputs.append(y)
    assert difference(torch.cat(outputs), wanted) < 1e-10
    for one, other in zip(leaves(state), leaves(final), strict=True):
        assert difference(one, other) < 1e-10


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="layer_norm must be True or False, got 1"):
        carrousel.LSTM(3, 5, layer_norm=1)
    with pytest.raises(ValueError, match="layer_norm must be False with proj_size=2"):
        carrousel.LSTM(3, 5, proj_size=2, layer_norm=True)
    layer = carrousel.GRU(3, 5, layer_norm=True)
    with pytest.raises(RuntimeError, match="size"):
        layer(torch.zeros(4, 2, 2))
    with pytest.raises(TypeError, match="layer_norm=True"):
        torch.jit.script(layer)
    found = carrousel.release(nn.Sequential(layer))
    assert found.swapped == ()
    assert "layer_norm=True" in found.left[0].reason
    layer.gain_ih_l0 = nn.Parameter(torch.ones(3))
    with pytest.raises(RuntimeError, match=r"gain_ih_l0 must be \(15,\), got \(3,\)"):
        layer(torch.zeros(4, 2, 3))


def test_what_shares_out_the_hidden_state_refuses_a_normalized_one() -> None:
    layer = made("LSTM", 3, 5)
    with carrousel.trace(layer) as trace:
        layer(noise(6, 2, 3))[0].sum().backward()
    books = carrousel.explain.ledger(trace[0])
    assert books.error < 1e-5  # the memory is a sum, normalized or not
    with pytest.raises(ValueError, match="layer_norm"):
        books.project(torch.ones(1, 5))
    plain = carrousel.LSTM(3, 5)
    with carrousel.trace(plain) as trace:
        plain(noise(6, 2, 3))
    assert carrousel.explain.ledger(trace[0]).project(torch.ones(1, 5)).error < 1e-6
