"""ledger and survival: the memory as a sum over steps, against the recurrence itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import carrousel
from carrousel.explain import ledger, survival

SHAPES = {
    "one of everything": (1, (1,), {}),
    "one direction": (5, (9, 9), {}),
    "two levels both ways, packed": (17, (2, 9, 5), {"num_layers": 2, "bidirectional": True}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_contributions_add_up_to_the_state(kind, shape, dtype, make_layer, record_of):
    hidden, lengths, options = SHAPES[shape]
    record = record_of(make_layer(kind, hidden, dtype, **options), lengths)
    books = ledger(record)
    total = books.contributions.sum(1) + books.initial
    states = record.cell if kind == "lstm" else record.hidden
    for index in range(len(states)):
        for b, n in enumerate(lengths):
            last = 0 if record.reverse(index) else n - 1
            limit = 1e-12 if dtype == torch.float64 else 1e-5
            assert torch.allclose(total[index, b], states[index, last, b].double(), atol=limit)
    assert books.error < (1e-12 if dtype == torch.float64 else 1e-6)
    assert not books.contributions[:, lengths[0] :, 0].any()


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["LSTM", "GRU"]),
    steps=st.integers(1, 300),
    hidden=st.integers(1, 20),
    levels=st.integers(1, 2),
    both=st.booleans(),
    scale=st.floats(0.1, 20),
    seed=st.integers(0, 1000),
)
def test_conservation_over_random_models(kind, steps, hidden, levels, both, scale, seed):
    torch.manual_seed(seed)
    layer = getattr(nn, kind)(2, hidden, levels, bidirectional=both)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(scale)
    with torch.no_grad(), carrousel.trace(layer) as trace:
        layer(scale * torch.randn(steps, 2, 2))
        layer.double()(scale * torch.randn(steps, 2, 2).double())
    # Memories that count with saturated gates collect a rounding error of c_t at each step.
    rounding = 0.0 if scale < 4 else steps * torch.finfo(torch.float32).eps
    assert ledger(trace[0]).error < max(1e-6, rounding)
    assert ledger(trace[1]).error < 1e-12


@pytest.mark.parametrize("both", [False, True], ids=["forward", "both ways"])
@pytest.mark.parametrize("at", [0, 3, 8])
def test_the_state_at_any_step(at, both, make_layer, record_of):
    record = record_of(make_layer("lstm", bidirectional=both), (9, 6))
    books = ledger(record, at)
    total = books.contributions.sum(1) + books.initial
    for index in range(len(record.cell)):
        for b, n in enumerate((9, 6)):
            if record.reverse(index) and at >= n:
                expected = record.initial_cell[index, b] * 0  # the reverse run has not begun
            else:
                expected = record.cell[index, min(at, n - 1), b]
            assert torch.allclose(total[index, b], expected, atol=1e-12)
    assert books.contributions[0, at + 1 :].abs().sum() == 0
    if both:
        assert books.contributions[1, :at].abs().sum() == 0


def test_a_step_outside_the_record_is_refused(make_layer, record_of):
    with pytest.raises(ValueError, match=r"at must be a recorded step, 0 to 8, got 9"):
        ledger(record_of(make_layer("lstm")), 9)


def test_steps_that_were_cut_off_are_in_the_initial_state(make_layer):
    layer = make_layer("lstm", bidirectional=True)
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    with torch.no_grad(), carrousel.trace(layer, steps=slice(3, 7)) as trace:
        layer(x)
    books = ledger(trace[-1], 5)
    assert books.error < 1e-12
    assert books.contributions[:, [0, 1, 2]].abs().sum() > 0
    assert trace[-1].steps == range(3, 7)


def test_survival_is_the_product_of_later_forget_gates(make_layer, record_of):
    record = record_of(make_layer("lstm", bidirectional=True), (9, 4))
    found = survival(record)
    forget = record.gates["forget"]
    assert torch.allclose(found[0, 2, 0], forget[0, 3:, 0].prod(0))
    assert torch.allclose(found[1, 2, 0], forget[1, :2, 0].prod(0))
    assert torch.equal(found[0, 3, 1], torch.ones(5).double())
    assert torch.allclose(found[1, 2, 1], forget[1, :2, 1].prod(0))
    assert found[0, 4:, 1].abs().sum() == 0


def test_open_gates_keep_everything(make_layer, record_of):
    layer = make_layer("lstm")
    with torch.no_grad():
        layer.bias_hh_l0[5:10] = 100.0
    assert torch.equal(survival(record_of(layer)), torch.ones(1, 9, 2, 5).double())


def test_the_plain_rnn_has_no_ledger(make_layer, record_of):
    with pytest.raises(ValueError, match="no additive memory"):
        ledger(record_of(make_layer("rnn")))


class TestProjection:
    @pytest.mark.parametrize("rule", ["proportional", "telescoping"])
    @pytest.mark.parametrize("kind", ["lstm", "gru"])
    @pytest.mark.parametrize("index", [0, 1])
    def test_it_adds_up_to_the_output(self, kind, rule, index, make_layer, record_of):
        record = record_of(make_layer(kind, bidirectional=True), (9, 6))
        head = nn.Linear(5, 2).double()
        found = ledger(record).project(head.weight, head.bias, index=index, rule=rule)
        last = record.hidden[index, 0] if index else record.hidden[0, [8, 5], [0, 1]]
        assert torch.allclose(found.total, head(last), atol=1e-12)
        total = found.steps.sum(0) + found.initial + found.bias
        assert torch.allclose(total, found.total, atol=1e-12)
        assert found.error < 1e-12
        assert found.steps.shape == (9, 2, 2)

    def test_telescoping_is_murdoch_and_szlams_formula(self, make_layer, record_of):
        record = record_of(make_layer("lstm"), (4,))
        f, i, g, o = (record.gates[n][0, :, 0] for n in ("forget", "input", "candidate", "output"))
        weight = torch.randn(1, 5, dtype=torch.float64)

        def partial(steps):
            """What of c_T is owed to the steps before ``steps``."""
            c = record.initial_cell[0, 0]
            for t in range(4):
                c = f[t] * c + (i[t] * g[t] if t < steps else 0)
            return (weight * o[3] * c.tanh()).sum()

        found = ledger(record).project(weight, rule="telescoping")
        for t in range(4):
            assert torch.isclose(found.steps[t, 0, 0], partial(t + 1) - partial(t))

    def test_a_zero_cell_is_no_division_by_zero(self):
        layer = nn.LSTM(3, 4)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.zero_()
        with carrousel.trace(layer) as trace:
            layer(torch.randn(5, 2, 3))
        found = ledger(trace[-1]).project(torch.ones(1, 4))
        assert found.steps.isfinite().all()
        assert found.error == 0

    def test_wrong_arguments(self, make_layer, record_of):
        books = ledger(record_of(make_layer("lstm")))
        with pytest.raises(ValueError, match=r"weight must be \(K, 5\), got \(5, 1\)"):
            books.project(torch.ones(5, 1))
        with pytest.raises(ValueError, match="rule must be one of"):
            books.project(torch.ones(1, 5), rule="even")
