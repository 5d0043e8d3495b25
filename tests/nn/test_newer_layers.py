"""MinGRU, MinLSTM and SLSTM: the kernel against the equations, the equations against the papers."""

import copy

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import carrousel
from carrousel.ops import gate, recurrence
from carrousel.ops.reference.recurrences import log_space, positive

KINDS = {
    "minGRU": (carrousel.MinGRU, {}),
    "minGRU, positive": (carrousel.MinGRU, {"candidate": "positive"}),
    "minLSTM": (carrousel.MinLSTM, {}),
    "minLSTM, positive": (carrousel.MinLSTM, {"candidate": "positive"}),
    "sLSTM": (carrousel.SLSTM, {}),
    "sLSTM, heads": (carrousel.SLSTM, {"num_heads": 3}),
    "sLSTM, exponential": (carrousel.SLSTM, {"num_heads": 3, "forget_gate": "exponential"}),
}
HOW = {
    "plain": {},
    "two levels both ways": {"num_layers": 2, "bidirectional": True, "bias": False},
}


def make(kind: str, inputs: int = 4, units: int = 21, dtype=torch.float64, **options):
    torch.manual_seed(3)
    cls, own = KINDS[kind]
    return cls(inputs, units, dtype=dtype, **own, **options)


def by_equations(monkeypatch) -> None:
    monkeypatch.setattr(recurrence, "way", lambda given: gate.EQUATIONS)


def flat(states) -> list[Tensor]:
    return [states] if isinstance(states, Tensor) else list(states)


def passes(layer, x: Tensor | PackedSequence, hx=None) -> list[Tensor]:
    """Outputs, states and all gradients."""
    tensors = [x.data if isinstance(x, PackedSequence) else x]
    tensors += [] if hx is None else flat(hx)
    layer.zero_grad()
    for one in tensors:
        one.requires_grad_()
        one.grad = None
    output, states = layer(x) if hx is None else layer(x, hx)
    y = output.data if isinstance(output, PackedSequence) else output
    out = [y, *flat(states)]
    total = sum((t * torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view_as(t)).sum() for t in out)
    total.backward()
    grads = [t.grad.clone() for t in (*tensors, *layer.parameters())]
    return [t.detach().clone() for t in out] + grads


def states_for(layer, batch: int) -> Tensor | tuple[Tensor, ...]:
    shape = (layer.num_layers * layer._directions, batch, layer.hidden_size)
    dtype = layer.weight_ih_l0.dtype
    if isinstance(layer, carrousel.SLSTM):
        h, c, m = (torch.randn(shape, dtype=dtype) for _ in range(3))
        return h, c, torch.rand(shape, dtype=dtype) + 0.5, m
    return torch.randn(shape, dtype=dtype)


@pytest.mark.parametrize("given", ["without states", "with states", "packed"])
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_gives_what_the_equations_say(kind, how, given, monkeypatch):
    layer = make(kind, **HOW[how])
    x = torch.randn(6, 9, 4, dtype=torch.float64)
    hx = None if given == "without states" else states_for(layer, 9)
    if given == "packed":
        lengths = torch.tensor([6, 2, 5, 1, 6, 3, 4, 4, 1])
        x = pack_padded_sequence(x, lengths, enforce_sorted=False)
    ours = passes(layer, x, hx)
    by_equations(monkeypatch)
    torch.testing.assert_close(ours, passes(layer, x, hx), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_first_and_second_derivatives_agree_with_differences(kind):
    layer = make(kind, 2, 3)
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    hx = [t.requires_grad_() for t in flat(states_for(layer, 2))]
    names, weights = zip(*layer.named_parameters(), strict=True)

    def call(x, *rest):
        states, given = rest[: len(hx)], dict(zip(names, rest[len(hx) :], strict=True))
        states = states[0] if len(states) == 1 else states
        output, last = torch.func.functional_call(layer, given, (x, states))
        return output, *flat(last)

    assert torch.autograd.gradcheck(call, (x, *hx, *weights))
    assert torch.autograd.gradgradcheck(call, (x, *hx, *weights))


@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_near_float64(kind):
    wide = make(kind, 5, 33, num_layers=2)
    narrow = copy.deepcopy(wide).float()
    x = torch.randn(40, 3, 5, dtype=torch.float64)
    for one, other in zip(passes(wide, x), passes(narrow, x.detach().float()), strict=True):
        torch.testing.assert_close(other.double(), one, rtol=1e-3, atol=2e-4 * one.abs().max())


@pytest.mark.parametrize("kind", KINDS)
def test_steps_one_by_one_are_the_sequence(kind):
    layer = make(kind, num_layers=2)
    x = torch.randn(7, 2, 4, dtype=torch.float64)
    whole, last = layer(x)
    hx, parts = None, []
    with torch.no_grad():
        for t in range(7):
            y, hx = layer(x[t : t + 1], hx) if t else layer(x[:1])
            parts.append(y)
    torch.testing.assert_close(torch.cat(parts), whole.detach())
    torch.testing.assert_close(flat(hx), [t.detach() for t in flat(last)])


@pytest.mark.parametrize("kind", KINDS)
def test_ways_of_handing_in_a_batch_agree(kind):
    layer = make(kind, bidirectional=True)
    x = torch.randn(5, 3, 4, dtype=torch.float64)
    output, states = layer(x)
    first = make(kind, bidirectional=True, batch_first=True)
    first.load_state_dict(layer.state_dict())
    torch.testing.assert_close(first(x.transpose(0, 1))[0].transpose(0, 1), output)
    one, own = layer(x[:, 1])
    torch.testing.assert_close(one, output[:, 1])
    torch.testing.assert_close(flat(own), [state[:, 1] for state in flat(states)])
    packed = layer(pack_padded_sequence(x, torch.tensor([5, 2, 4]), enforce_sorted=False))
    padded, _ = pad_packed_sequence(packed[0])
    torch.testing.assert_close(padded[:2, 1], layer(x[:2, 1])[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packed", [False, True])
def test_threads_change_no_bit(kind, packed, threads_back):
    layer = make(kind, 8, 66, dtype=torch.float32)
    x = torch.randn(30, 12, 8)
    if packed:
        lengths = torch.randint(1, 31, (12,))
        lengths[0] = 30
        x = pack_padded_sequence(x, lengths, enforce_sorted=False)
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(passes(layer, x))
    assert all(torch.equal(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(found[0], found[2], strict=True))


@pytest.fixture
def threads_back():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_records_gates_states_and_gradients(kind, monkeypatch):
    layer = make(kind, num_layers=2, bidirectional=True)
    x = torch.randn(6, 3, 4, dtype=torch.float64)

    def traced():
        with carrousel.trace(layer) as trace:
            output, _ = layer(x)
            output.square().sum().backward()
        return trace[0].arrays()

    ours = traced()
    by_equations(monkeypatch)
    theirs = traced()
    assert ours.keys() == theirs.keys()
    assert {"hidden", "grad_hidden", "initial_hidden", *trace_names(kind)} <= ours.keys()
    for name, array in ours.items():
        torch.testing.assert_close(
            array, theirs[name], msg=lambda text, name=name: f"{name} {text}"
        )


def trace_names(kind: str) -> set[str]:
    if kind.startswith("minGRU"):
        return {"update", "candidate"}
    if kind.startswith("minLSTM"):
        return {"forget", "input", "candidate"}
    return {"forget", "input", "candidate", "output", "normalizer", "stabilizer", "cell"} | {
        "grad_cell"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_memory_is_what_the_gates_keep_and_write(kind):
    layer = make(kind)
    with carrousel.trace(layer) as trace:
        layer(torch.randn(6, 3, 4, dtype=torch.float64))
    record = trace[0]
    gates, memory = record.gates, record.hidden if record.cell is None else record.cell
    before = torch.cat([torch.zeros_like(memory[:, :1]), memory[:, :-1]], 1)
    if kind.startswith("minGRU"):
        expected = gates["update"] * before + (1 - gates["update"]) * gates["candidate"]
    else:
        expected = gates["forget"] * before + gates["input"] * gates["candidate"]
    torch.testing.assert_close(memory, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_tools_that_look_inside_account(kind):
    layer = make(kind, num_layers=2)
    with carrousel.trace(layer) as trace:
        layer(torch.randn(6, 3, 4, dtype=torch.float64))
    found = carrousel.explain.ledger(trace[0])
    assert found.error < 1e-12
    weight = torch.randn(2, 21, dtype=torch.float64)
    shown = found.project(weight)  # h is the memory itself, or o / n times it
    assert shown.error < 1e-12
    torch.testing.assert_close(shown.total, trace[0].hidden[1, -1] @ weight.T)
    trace[0].plot()


@pytest.mark.parametrize("kind", [*KINDS, "projection"])
def test_an_attribution_by_the_ledger_adds_up(kind):
    if kind == "projection":
        layer = carrousel.LSTM(4, 6, proj_size=3, dtype=torch.float64)
    else:
        layer = make(kind, 4, 6)
    width = 3 if kind == "projection" else 6

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head = layer, torch.nn.Linear(width, 1, dtype=torch.float64)

        def forward(self, x):
            return self.head(self.layer(x)[0][-1]).squeeze(-1)

    found = carrousel.explain.attribute(
        Model(), torch.randn(5, 3, 4, dtype=torch.float64), method="ledger", time_dim=0
    )
    assert found.delta.abs().max() < 1e-12
    assert found.scores.abs().sum() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_handed_out_with_gradients(kind):
    layer = make(kind, num_layers=2)
    x = torch.randn(5, 2, 4, dtype=torch.float64, requires_grad=True)
    output, _, states = layer(x, return_states=True)
    torch.testing.assert_close(states.hidden[1], output)
    sum(gate.sum() for gate in states.gates.values()).backward()
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", ["minGRU", "minLSTM, positive", "sLSTM, heads"])
def test_the_operator_for_compiled_code_is_right(kind):
    layer = make(kind, 3, 6)
    rule, states = layer._rule, len(flat(states_for(layer, 2)))
    sums = torch.randn(10, rule.gates * 6, dtype=torch.float64, requires_grad=True)
    start = torch.rand(states, 2, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    given = (sums, start, weight if rule.product else None, None, None)
    rest = (rule.number, None, 3 if rule.product else 1, True)
    torch.library.opcheck(torch.ops.carrousel.recurrence.default, (*given, *rest))


def test_compiled_code_takes_the_kernel_into_its_graph():
    layer = make("sLSTM, heads", 3, 6)
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    ours = passes(layer, x)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(passes(compiled, x), ours)


# Against the papers -------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 4])
def test_min_gru_is_the_papers_in_log_space(batch):
    """Appendix B: positive candidates, h by cumulative sums of logarithms."""
    layer = make("minGRU, positive", 3, 6)
    x = torch.randn(20, batch, 3, dtype=torch.float64)
    h0 = torch.rand(1, batch, 6, dtype=torch.float64) + 0.1
    k, n = torch.nn.functional.linear(x, layer.weight_ih_l0, layer.bias_l0).chunk(2, -1)
    k = -k  # the paper's z is 1 - z
    log_z, log_keep = -torch.nn.functional.softplus(-k), -torch.nn.functional.softplus(k)
    log_n = torch.where(n >= 0, (n.relu() + 0.5).log(), -torch.nn.functional.softplus(-n))
    expected = log_space(log_keep, log_z + log_n, h0[0].log())
    torch.testing.assert_close(layer(x, h0)[0], expected)


def test_min_lstm_is_the_papers_in_log_space():
    layer = make("minLSTM, positive", 3, 6)
    x = torch.randn(20, 2, 3, dtype=torch.float64)
    h0 = torch.rand(1, 2, 6, dtype=torch.float64) + 0.1
    f, i, n = torch.nn.functional.linear(x, layer.weight_ih_l0, layer.bias_l0).chunk(3, -1)
    softplus = torch.nn.functional.softplus
    diff = softplus(-f) - softplus(-i)
    expected = log_space(-softplus(diff), -softplus(-diff) + positive(n).log(), h0[0].log())
    torch.testing.assert_close(layer(x, h0)[0], expected)


@pytest.mark.parametrize("exponential", [False, True])
def test_slstm_is_the_papers_without_a_stabilizer(exponential):
    """Equations 8 to 14 as they stand, exponentials and all, in small numbers."""
    layer = make("sLSTM, exponential" if exponential else "sLSTM, heads", 3, 6)
    x = torch.randn(8, 2, 3, dtype=torch.float64)
    weight = torch.zeros(4, 6, 6, dtype=torch.float64)  # block-diagonal, as the paper draws it
    for head in range(3):
        own = slice(2 * head, 2 * head + 2)
        weight[:, own, own] = layer.weight_hh_l0.view(4, 6, 2)[:, own]
    h = c = n = torch.zeros(2, 6, dtype=torch.float64)
    outputs = []
    for one in x:
        sums = one @ layer.weight_ih_l0.T + h @ weight.view(24, 6).T + layer.bias_l0
        i, f, z, o = sums.chunk(4, -1)
        i, f = i.exp(), f.exp() if exponential else f.sigmoid()
        c, n = f * c + i * z.tanh(), f * n + i
        h = o.sigmoid() * c / n
        outputs.append(h)
    output, (_, c_n, n_n, m_n) = layer(x)
    torch.testing.assert_close(output, torch.stack(outputs))
    torch.testing.assert_close(c_n[0] * m_n[0].exp(), c)
    torch.testing.assert_close(n_n[0] * m_n[0].exp(), n)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [80.0, 300.0, 3000.0])
@pytest.mark.parametrize("kind", ["minLSTM", "sLSTM", "sLSTM, exponential"])
def test_large_sums_neither_overflow_nor_vanish(kind, size, dtype, monkeypatch):
    layer = make(kind, 3, 6, dtype=dtype)
    x = torch.randn(12, 5, 3, dtype=dtype) * size
    ours = passes(layer, x)
    assert all(t.isfinite().all() for t in ours)
    by_equations(monkeypatch)
    for one, other in zip(ours, passes(layer, x), strict=True):
        close = 1e-4 if dtype is torch.float32 else 1e-9
        torch.testing.assert_close(one, other, rtol=close, atol=close * float(other.abs().max()))


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: carrousel.SLSTM(3, 5, num_heads=2), ValueError, "num_heads must divide"),
        (lambda: carrousel.SLSTM(3, 4, forget_gate="tanh"), ValueError, "forget_gate"),
        (lambda: carrousel.MinGRU(3, 4, candidate="relu"), ValueError, "candidate"),
        (lambda: carrousel.MinGRU(0, 4), ValueError, "input_size"),
        (lambda: carrousel.MinGRU(3, 4, dropout=2.0), ValueError, "dropout"),
        (lambda: carrousel.MinGRU(3, 4)(torch.zeros(2, 1, 5)), ValueError, "I = 3"),
        (lambda: carrousel.MinGRU(3, 4)(torch.zeros(0, 1, 3)), ValueError, "one step"),
        (lambda: carrousel.MinGRU(3, 4)(torch.zeros(2, 1, 3).double()), TypeError, "float32"),
        (lambda: carrousel.MinGRU(3, 4, zoneout=0.1), TypeError, "MinGRU has no option 'zoneout'"),
        (lambda: carrousel.SLSTM(3, 4, num_head=2), TypeError, "did you mean 'num_heads'"),
        (
            lambda: carrousel.SLSTM(3, 4)(torch.zeros(2, 1, 3), torch.zeros(1, 1, 4)),
            ValueError,
            "four tensors",
        ),
        (
            lambda: carrousel.MinLSTM(3, 4)(torch.zeros(2, 1, 3), torch.zeros(1, 2, 4)),
            ValueError,
            r"\(1, 1, 4\)",
        ),
    ],
)
def test_a_wrong_argument_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_no_sequences_are_taken_as_torch_takes_them(kind, batch_first):
    layer = make(kind, 4, 6, batch_first=batch_first, bidirectional=True, num_layers=2)
    theirs = torch.nn.GRU(4, 6, 2, batch_first=batch_first, bidirectional=True).double()
    x = torch.zeros((0, 5, 4) if batch_first else (5, 0, 4), dtype=torch.float64)
    (ours, h_n), (expected, last) = layer(x), theirs(x)
    assert ours.shape == expected.shape
    assert (h_n if isinstance(h_n, torch.Tensor) else h_n[0]).shape == last.shape
    ours.sum().backward()
    assert all((p.grad == 0).all() for p in layer.parameters())
    layer.flatten_parameters()
    with pytest.raises(ValueError, match="return_states=True"):
        layer(x, return_states=True)


@pytest.mark.parametrize("kind", KINDS)
def test_other_ways_around_a_layer(kind, tmp_path):
    layer = make(kind, 4, 6, dtype=torch.float32)
    x = torch.randn(5, 2, 4)
    expected = layer(x)[0]
    assert carrousel.release(copy.deepcopy(layer)).left  # torch has none of these
    torch.save(layer.state_dict(), tmp_path / "weights.pt")
    other = make(kind, 4, 6, dtype=torch.float32)
    other.load_state_dict(torch.load(tmp_path / "weights.pt"))
    torch.testing.assert_close(other(x)[0], expected)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(x)[0], expected)
    half = copy.deepcopy(layer).to(torch.bfloat16)
    assert half(x.bfloat16())[0].dtype is torch.bfloat16
    vmapped = torch.func.vmap(lambda one: layer(one)[0], in_dims=1, out_dims=1)(x)
    torch.testing.assert_close(vmapped, expected)
    y = layer(x)[0]
    y.mul_(2)  # what is the caller's
    y.sum().backward()
    grads = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    (layer(x)[0] * 2).sum().backward()
    torch.testing.assert_close(grads, [p.grad for p in layer.parameters()])
