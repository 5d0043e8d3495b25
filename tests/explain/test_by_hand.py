"""Half-lives, Jacobians and accounts of runs that were changed, against autograd and runs anew."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.explain import attribute, gradient_flow, half_life, influence, ledger

NAMES = [
    ("LSTM", "forget"), ("LSTM", "output"), ("LSTM", "cell"), ("LSTM", "hidden"),
    ("GRU", "update"), ("GRU", "hidden"), ("RNN", "hidden"),
]  # fmt: skip
RULES = {
    "set": lambda change, name, where: change.set(name, 0.3, **where),
    "scale": lambda change, name, where: change.scale(name, 1.5, **where),
    "clamp": lambda change, name, where: change.clamp(name, -0.1, 0.2, **where),
    "freeze": lambda change, name, where: change.freeze(name, **where),
    "apply": lambda change, name, where: change.apply(name, torch.sin, **where),
}
WHERE = {"steps": [2, 4], "units": [0, 2], "sequences": [1, 0]}
LENGTHS = [5, 6, 4]
pytestmark = pytest.mark.usefixtures("double")


def cases(rules=tuple(RULES)):
    """Freezing a gate makes a step depend on more than one state: it is refused."""
    return [(k, n, r) for k, n in NAMES for r in rules if r != "freeze" or n in ("cell", "hidden")]


def jacobian(layer, x, rule, name, end, start, index):
    """∂s_end/∂s_start of each sequence by a push that nothing but the run knows: (B, H, H)."""
    state = "cell" if isinstance(layer, nn.LSTM | carrousel.LSTM) else "hidden"
    push = torch.zeros(1, 3, 3, requires_grad=True)
    packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
    with carrousel.intervene(layer) as change:
        RULES[rule](change, name, WHERE)
        change.add(state, push, steps=[start], direction=index)
        _, _, states = layer(packed, return_states=True)
    last = (states.cell if state == "cell" else states.hidden)[index, end]
    rows = [torch.autograd.grad(last[:, k].sum(), push, retain_graph=True)[0][0] for k in range(3)]
    return torch.stack(rows, 1)


@pytest.mark.parametrize(("kind", "name", "rule"), cases())
def test_derivatives_between_all_steps_are_those_of_the_changed_run(kind, name, rule):
    torch.manual_seed(0)
    layer = getattr(carrousel, kind)(2, 3, bidirectional=True)
    x = torch.randn(6, 3, 2)
    packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        RULES[rule](change, name, WHERE)
        layer(packed)
    record = trace[-1]
    if kind == "RNN":
        lives = half_life(record)
        assert lives.jacobian.isfinite().any()
        return
    found = influence(record, jacobian=True)
    assert found.error < 1e-12
    for index, (start, end) in ((0, (1, 3)), (0, (2, 3)), (1, (4, 1)), (1, (3, 2))):
        expected = torch.linalg.matrix_norm(jacobian(layer, x, rule, name, end, start, index))
        for b, length in enumerate(LENGTHS):
            if max(start, end) < length:
                value = found.jacobian[index, end, start, b]
                torch.testing.assert_close(value, expected[b], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("kind", "name", "rule"), cases(("set", "scale")))
def test_taking_a_unit_away_is_a_changed_run_with_the_unit_emptied(kind, name, rule):
    torch.manual_seed(1)
    layer = getattr(carrousel, kind)(2, 3)
    x, state = torch.randn(6, 2, 2), "cell" if kind == "LSTM" else "hidden"
    where = {"steps": [2, 4], "units": [0, 2]}

    def run(unit=None, at=0):
        with torch.no_grad(), carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
            RULES[rule](change, name, where)
            if unit is not None:
                change.set(state, 0.0, steps=at, units=unit)
            layer(x)
        return trace[-1]

    record = run()
    found = half_life(record)
    memory = (record.cell if kind == "LSTM" else record.hidden)[0]
    for number, lag in enumerate(found.lags[1:4], 1):
        at = 5 - lag
        for unit in range(3):
            other = run(unit, at)
            last = (other.cell if kind == "LSTM" else other.hidden)[0, -1]
            change = (last - memory[-1]).norm(dim=-1) / memory[at, :, unit].abs()
            value = found.curves["ablation"][0, number, unit]
            torch.testing.assert_close(value, change.mean(), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("kind", "name", "rule"), cases(("set", "scale", "freeze", "apply")))
def test_the_account_of_an_answer_adds_up(kind, name, rule):
    torch.manual_seed(2)
    if kind == "RNN":
        return
    layer = getattr(nn, kind)(2, 3, batch_first=True)
    x = torch.randn(3, 6, 2)

    def target(output):
        return output[0][:, 3:].sin().sum((1, 2))

    with carrousel.intervene(layer) as change:
        RULES[rule](change, name, WHERE)
        found = attribute(layer, x, target, method="ledger")
        answer = target(layer(x)).detach()
    torch.testing.assert_close(found.prediction, answer)
    assert (found.delta.abs() < 1e-10).all()
    parts = found.scores.sum(1) + found.parts["initial"] + found.parts["remainder"] + found.delta
    torch.testing.assert_close(parts, answer)


def test_flow_of_a_changed_run_stops_where_the_states_were_set():
    torch.manual_seed(3)
    layer = carrousel.LSTM(2, 3)
    x = torch.randn(6, 2, 2)
    with carrousel.intervene(layer) as change:
        change.set("cell", 0.2, steps=3)
        change.set("hidden", 0.2, steps=3)
        flow = gradient_flow(layer, x)
    assert (flow.hidden[0, :3] == 0).all()
    assert (flow.cell[0, :3] == 0).all()
    assert (flow.direct[0, :3] == 0).all()
    assert (flow.cell[0, 3:] > 0).all()
    assert flow.bound is None
    assert flow.plot().axes


def test_one_step_cells_are_derived_with_their_changes():
    torch.manual_seed(4)
    cell, layer = carrousel.GRUCell(2, 3), carrousel.GRU(2, 3)
    for name, parameter in cell.named_parameters():
        getattr(layer, name + "_l0").data = parameter.data
    x, tables = torch.randn(5, 2, 2), []
    with carrousel.intervene(cell) as change, carrousel.trace(cell) as trace:
        change.scale("hidden", 0.5, steps=[1, 3], units=1)
        state = None
        for step in x:
            state = cell(step, state)
        tables.append(influence(trace[-1], jacobian=True).jacobian)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.scale("hidden", 0.5, steps=[1, 3], units=1)
        layer(x)
    tables.append(influence(trace[-1], jacobian=True).jacobian)
    torch.testing.assert_close(*tables)


def test_what_is_not_known_any_more_is_said(tmp_path):
    layer = carrousel.LSTM(2, 3)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.scale("cell", 0.5, steps=2)
        layer(torch.randn(5, 1, 2))
    trace.save(tmp_path / "run")
    again = carrousel.load_trace(tmp_path / "run")[0]
    assert half_life(again, layer).ablation.isnan().all()
    assert half_life(again, layer).gates.isfinite().all()
    with pytest.raises(ValueError, match="a file does not hold how"):
        influence(again, jacobian=True, layer=layer)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.freeze("forget", steps=2)
        layer(torch.randn(5, 1, 2))
    assert ledger(trace[-1]).error < 1e-12
    assert half_life(trace[-1]).jacobian.isnan().all()
    with pytest.raises(ValueError, match="'forget' of '' was frozen"):
        influence(trace[-1], jacobian=True)
