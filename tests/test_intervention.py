"""Gates and states that are changed while a layer runs, against a loop written out by hand."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import carrousel
from carrousel.explain import attribute, half_life, ledger

pytestmark = pytest.mark.usefixtures("double")
KINDS = ("LSTM", "GRU", "RNN")
NAMES = {
    "LSTM": ("forget", "input", "candidate", "output", "cell", "hidden"),
    "GRU": ("reset", "update", "candidate", "hidden"),
    "RNN": ("hidden",),
}
RULES = {
    "set": lambda change, name, where: change.set(name, 0.3, **where),
    "scale": lambda change, name, where: change.scale(name, 1.7, **where),
    "add": lambda change, name, where: change.add(name, -0.4, **where),
    "clamp": lambda change, name, where: change.clamp(name, -0.1, 0.2, **where),
    "freeze": lambda change, name, where: change.freeze(name, **where),
    "apply": lambda change, name, where: change.apply(name, torch.sin, **where),
}


def by_hand(rule, value, before):
    return {
        "set": lambda: torch.full_like(value, 0.3),
        "scale": lambda: 1.7 * value,
        "add": lambda: value - 0.4,
        "clamp": lambda: value.clamp(-0.1, 0.2),
        "freeze": lambda: before,
        "apply": lambda: value.sin(),
    }[rule]()


def hand_written(kind, weights, x, changed, reverse=False):
    """One sequence (T, I) in float64: -> (T, H); ``changed(name, t, value, before)``."""
    w_ih, w_hh, b_ih, b_hh = weights
    hidden = w_hh.shape[1]
    state = {"hidden": torch.zeros(hidden), "cell": torch.zeros(hidden)}
    last, outputs = {}, [None] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        before = {**last, **state}

        def put(name, value, t=t, before=before):
            return changed(name, t, value, before.get(name))

        a, b = w_ih @ x[t] + b_ih, w_hh @ state["hidden"] + b_hh
        if kind == "LSTM":
            i, f, g, o = (a + b).chunk(4)
            last = {
                "input": put("input", i.sigmoid()),
                "forget": put("forget", f.sigmoid()),
                "candidate": put("candidate", g.tanh()),
                "output": put("output", o.sigmoid()),
            }
            cell = last["forget"] * state["cell"] + last["input"] * last["candidate"]
            state["cell"] = put("cell", cell)
            state["hidden"] = put("hidden", last["output"] * state["cell"].tanh())
        elif kind == "GRU":
            (a_r, a_z, a_n), (b_r, b_z, b_n) = a.chunk(3), b.chunk(3)
            r, z = put("reset", (a_r + b_r).sigmoid()), put("update", (a_z + b_z).sigmoid())
            n = put("candidate", (a_n + r * b_n).tanh())
            last = {"reset": r, "update": z, "candidate": n}
            state["hidden"] = put("hidden", (1 - z) * n + z * state["hidden"])
        else:
            state["hidden"] = put("hidden", (a + b).tanh())
        outputs[t] = state["hidden"]
    return torch.stack(outputs)


def weights_of(layer, level=0, reverse=False):
    end = f"_l{level}" + "_reverse" * reverse
    return [getattr(layer, name + end) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in KINDS for n in NAMES[k]])
def test_a_changed_run_is_the_loop_written_by_hand(kind, name, rule):
    torch.manual_seed(0)
    steps, units, sequences = [1, 4, 5, 8], [0, 2], [1]
    layer = getattr(carrousel, kind)(3, 4, bidirectional=True)
    if rule == "freeze":
        steps = [1, 4, 5]
    lengths = [9, 7, 9]
    x = torch.randn(9, 3, 3, requires_grad=True)
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    where = {"steps": steps, "units": units, "sequences": sequences}
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        RULES[rule](change, name, where)
        output, _ = layer(packed)
    output, _ = pad_packed_sequence(output)

    def changed(name_, t, value, before):
        if name_ != name or t not in steps or b not in sequences:
            return value
        new = by_hand(rule, value, value if before is None else before)
        chosen = torch.zeros(4, dtype=torch.bool).index_fill(0, torch.tensor(units), True)
        return torch.where(chosen, new, value)

    expected = torch.zeros_like(output)
    for b, length in enumerate(lengths):
        both = [
            hand_written(kind, weights_of(layer, 0, back), x[:length, b], changed, back)
            for back in (False, True)
        ]
        expected[:length, b] = torch.cat(both, -1)
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-10)
    pick = torch.randn_like(output)
    given = [x, *layer.parameters()]
    found = torch.autograd.grad((output * pick).sum(), given, allow_unused=True)
    wanted = torch.autograd.grad((expected * pick).sum(), given, allow_unused=True)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)
    record = trace[-1]
    torch.testing.assert_close(
        record.hidden.movedim(0, 2).flatten(2).nan_to_num(), expected, rtol=1e-10, atol=1e-10
    )
    if kind != "RNN":
        assert ledger(record).error < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_any_steps_of_any_shape(kind):
    generator = torch.Generator().manual_seed(3)

    def whole(low, high):
        return int(torch.randint(low, high, (1,), generator=generator))

    for _ in range(60):
        total, batch, hidden, inputs = whole(1, 12), whole(1, 5), whole(1, 7), whole(1, 4)
        layer = getattr(carrousel, kind)(inputs, hidden, num_layers=2, batch_first=True)
        x = torch.randn(batch, total, inputs, generator=generator)
        steps = torch.randperm(total, generator=generator)[: whole(1, total + 1)].tolist()
        values = torch.rand(len(steps), batch, hidden, generator=generator)
        with carrousel.intervene(layer) as change:
            change.set("hidden", values, steps=steps, level=1)
            output, _ = layer(x)
        expected = []
        for b in range(batch):
            below = hand_written(kind, weights_of(layer), x[b], lambda n, t, v, _: v)

            def put(name, t, value, _, b=b, steps=steps, values=values):
                at = name == "hidden" and t in steps
                return values[steps.index(t), b] if at else value

            expected.append(hand_written(kind, weights_of(layer, 1), below, put))
        torch.testing.assert_close(output, torch.stack(expected), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("own", [False, True], ids=["torch.nn", "carrousel"])
def test_an_earlier_sentence_gives_its_memory(own):
    torch.manual_seed(1)
    layer = (carrousel if own else nn).LSTM(2, 5)
    one, other = torch.randn(2, 12, 1, 2)
    with carrousel.trace(layer) as trace:
        layer(one)
    with carrousel.intervene(layer) as change:
        change.patch("cell", trace[-1], steps=6)
        change.patch("hidden", trace[-1], steps=6)
        patched, _ = layer(torch.cat([other[:7], one[7:]]))
    expected, _ = layer(one)
    torch.testing.assert_close(patched[7:], expected[7:], rtol=1e-12, atol=1e-12)
    after, _ = layer(one)
    assert torch.equal(after, expected)  # nothing is left behind


def test_one_step_cells_count_their_calls():
    torch.manual_seed(2)
    cell, x = carrousel.LSTMCell(2, 3), torch.randn(6, 4, 2)
    layer = nn.LSTM(2, 3)
    for name, parameter in cell.named_parameters():
        getattr(layer, name + "_l0").data = parameter.data
    with carrousel.intervene(cell) as change:
        change.set("forget", 1.0, steps=[2, 3], units=1)
        state = None
        for step in x:
            state = cell(step, state)
    with carrousel.intervene(layer) as change:
        change.set("forget", 1.0, steps=[2, 3], units=1)
        _, (h, c) = layer(x)
    torch.testing.assert_close(torch.stack(state), torch.cat([h, c]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["forget", "cell"])
def test_one_step_cells_take_what_another_run_had(name):
    torch.manual_seed(10)
    cell, one, other = carrousel.LSTMCell(2, 3), *torch.randn(2, 6, 4, 2)

    def run(x):
        state = None
        for step in x:
            state = cell(step, state)
        return state

    with carrousel.trace(cell) as trace:
        run(one)
    with carrousel.intervene(cell) as change, carrousel.trace(cell) as patched:
        change.patch(name, trace[-1], steps=[2, 4], sequences=[1, 3])
        run(other)
    run_of = {"forget": lambda record: record.gates["forget"], "cell": lambda record: record.cell}
    found, given = run_of[name](patched[-1])[0], run_of[name](trace[-1])[0]
    torch.testing.assert_close(found[[2, 4]][:, [1, 3]], given[[2, 4]][:, [1, 3]])
    assert not (found[[2, 4]][:, [0, 2]] == given[[2, 4]][:, [0, 2]]).any()
    with (
        carrousel.intervene(cell) as change,
        pytest.raises(ValueError, match="of a one-step cell cannot be frozen"),
    ):
        change.freeze("forget", steps=2)


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize(("kind", "name"), [("LSTM", "cell"), ("GRU", "hidden")])
def test_the_books_say_what_was_kept_and_written(kind, name, rule):
    torch.manual_seed(4)
    layer = getattr(carrousel, kind)(2, 3)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        RULES[rule](change, name, {"steps": [3, 4], "units": [0]})
        layer(torch.randn(9, 2, 2))
    record = trace[-1]
    memory = record.cell if kind == "LSTM" else record.hidden
    before = torch.cat([torch.zeros(1, 1, 2, 3), memory[:, :-1]], 1)
    torch.testing.assert_close(
        record.kept * before + record.written, memory, rtol=1e-12, atol=1e-12
    )
    assert ledger(record).error < 1e-12
    if rule == "set":  # what was there before is no longer
        assert (ledger(record).contributions[0, :3, :, 0] == 0).all()
    if rule == "freeze":
        assert (record.written[0, 3:5, :, 0] == 0).all()


def test_records_with_changes_are_stored(tmp_path):
    layer = carrousel.LSTM(2, 3)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.scale("cell", 0.5, steps=2)
        layer(torch.randn(5, 1, 2))
    trace.save(tmp_path / "run")
    again = carrousel.load_trace(tmp_path / "run")[0]
    assert torch.equal(again.kept, trace[-1].kept)
    assert ledger(again).error < 1e-12


def test_gradients_of_every_step_are_recorded():
    torch.manual_seed(5)
    layer = carrousel.LSTM(2, 3)
    x = torch.randn(8, 2, 2)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.set("output", 1.0, steps=[2, 5])
        output, _ = layer(x)
        output[-1].sum().backward()
    nudge = 1e-6
    for t in (0, 3, 5):
        ends = []
        for sign in (1, -1):
            with torch.no_grad(), carrousel.intervene(layer) as change:
                change.set("output", 1.0, steps=[2, 5])
                change.add("cell", sign * nudge, steps=t, units=1, sequences=0)
                ends.append(layer(x)[0][-1].sum().item())
        slope = (ends[0] - ends[1]) / (2 * nudge)
        assert trace[-1].grad_cell[0, t, 0, 1].item() == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_states_that_were_set_whole_cut_the_way_of_gradients():
    torch.manual_seed(9)
    layer = carrousel.LSTM(2, 3)
    x = torch.randn(6, 1, 2, requires_grad=True)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.set("cell", 0.5, steps=3)
        change.set("hidden", 0.5, steps=3)
        output, _ = layer(x)
        output[-1].sum().backward()
    assert (x.grad[:4] == 0).all()
    assert (trace[-1].grad_cell[0, :3] == 0).all()
    assert (trace[-1].grad_cell[0, 4:] != 0).all()


def test_explanations_ask_the_changed_model():
    torch.manual_seed(6)
    model = Last(nn.GRU(2, 4, batch_first=True))
    x = torch.randn(3, 10, 2)
    with carrousel.intervene(model) as change:
        change.set("hidden", 0.0, steps=4)
        found = attribute(model, x, 0)
    assert (found.scores[:, :5].abs() < 1e-12).all()  # the memory was emptied after them
    assert (found.scores[:, 5:].abs() > 1e-6).any()


class Last(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(layer.hidden_size, 2)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def test_what_cannot_be_done_is_said():
    layer = carrousel.LSTM(2, 3)
    two = nn.ModuleList([layer, nn.GRU(2, 3)])
    with carrousel.intervene(two) as change:
        with pytest.raises(ValueError, match=r"layer must be named.*\['0', '1'\]"):
            change.set("hidden", 0.0)
        with pytest.raises(ValueError, match=r"name must be .*'forget'.*'forgett'"):
            change.set("forgett", 0.0, layer="0")
        with pytest.raises(TypeError, match="'step' is no place"):
            change.set("forget", 0.0, layer="0", step=3)
        with pytest.raises(ValueError, match="level must be from 0 to 0"):
            change.set("forget", 0.0, layer="0", level=1)
        with pytest.raises(ValueError, match="low, high"):
            change.clamp("forget", layer="0")
        with pytest.raises(TypeError, match="value must be a number"):
            change.set("forget", "open", layer="0")


class Idle(nn.Module):
    """Holds a layer and never calls it."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return x


def changed_call(layer, x, ask):
    with carrousel.intervene(layer) as change:
        ask(change)
        return layer(x)


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ("steps must be from 0 to 4 in this call, got 7", {"steps": 7}),
        ("units must be from 0 to 2", {"steps": 1, "units": [3]}),
        ("sequences must be from 0 to 0", {"sequences": [1]}),
        ("named once each", {"steps": [1, 1]}),
        ("steps must be at least one", {"steps": []}),
    ],
)
def test_places_that_a_call_has_not_are_refused(message, where):
    layer, x = carrousel.LSTM(2, 3), torch.randn(5, 1, 2)
    before = layer(x)[0]
    with pytest.raises(ValueError, match=message):
        changed_call(layer, x, lambda change: change.set("forget", 0.0, **where))
    assert torch.equal(layer(x)[0], before)


def test_values_and_first_steps_that_do_not_fit_are_refused():
    layer, x = carrousel.LSTM(2, 3), torch.randn(5, 1, 2)
    with pytest.raises(ValueError, match="broadcast to it"):
        changed_call(layer, x, lambda c: c.set("forget", torch.zeros(2, 3), steps=[1, 2]))
    with pytest.raises(ValueError, match="must have one before"):
        changed_call(layer, x, lambda change: change.freeze("forget", steps=0))
    with pytest.raises(ValueError, match="function must give a tensor"):
        changed_call(layer, x, lambda change: change.apply("forget", lambda f: f.sum(), steps=0))
    with pytest.raises(RuntimeError, match="no call of it was seen"):
        changed_call(Idle(layer), x, lambda change: change.set("forget", 0.0))


def test_two_readers_change_one_model_each_for_himself():
    from concurrent.futures import ThreadPoolExecutor

    torch.manual_seed(7)
    layer, x = carrousel.LSTM(2, 4), torch.randn(30, 2, 2)

    def run(value):
        with carrousel.intervene(layer) as change:
            if value is None:
                return layer(x)[0]
            change.set("cell", value, steps=[3, 11])
            return layer(x)[0]

    wanted = {value: run(value) for value in (None, 0.0, 0.5, 2.0)}
    with ThreadPoolExecutor(4) as pool:
        for value, found in pool.map(lambda v: (v, run(v)), [*wanted] * 25):
            assert torch.equal(found, wanted[value])


def test_half_lives_by_gates_follow_the_change():
    torch.manual_seed(8)
    layer, x = carrousel.LSTM(2, 3), torch.randn(12, 1, 2)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.set("forget", 1.0)
        layer(x)
    assert half_life(trace[-1]).gates.isinf().all()
