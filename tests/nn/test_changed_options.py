"""Layers with options, and those that torch lacks, changed by hand: against autograd and loops."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import carrousel
from carrousel.explain import gradient_flow, half_life, influence
from carrousel.nn import Equations
from carrousel.ops.cells import name_of
from carrousel.ops.written import of_kind


def own_step(x: Tensor, h: Tensor, c: Tensor, w: Any) -> Any:
    """An LSTM of its own kind, whose gates are handed out."""
    sums = x @ w.weight_ih.T + h @ w.weight_hh.T + w.bias_ih + w.bias_hh
    i, f, g, o = sums.chunk(4, -1)
    i, f = w.hand("input", i.sigmoid()), w.hand("forget", f.sigmoid())
    g, o = w.hand("candidate", g.sin()), w.hand("output", o.sigmoid())
    c = w.hand("cell", f * c + i * g)
    return o * c.tanh(), c, {"input": i, "forget": f, "candidate": g, "output": o}


def two_clocks(x: Tensor, h: Tensor, c: Tensor, slow: Tensor, w: Any) -> Any:
    """A memory of its own kind, and a state that follows what is shown of it."""
    sums = x @ w.weight_ih.T + h @ w.weight_hh.T + w.bias_ih + slow.repeat(1, 2) * w.bias_hh
    keep, new = sums.chunk(2, -1)
    keep, new = w.hand("keep", keep.sigmoid()), w.hand("new", new.tanh())
    c = w.hand("cell", keep * c + (1 - keep) * new)
    h = w.hand("hidden", c.sin())
    return h, c, w.hand("slow", (slow + h) / 2), {"keep": keep, "new": new}


OWN = Equations(
    two_clocks, gates=("keep", "new"), states=("hidden", "cell", "slow"),
    memory="cell = keep * cell + (1 - keep) * new",
)  # fmt: skip
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "layer norm": ("LSTM", {"layer_norm": True}),
    "GRU, layer norm": ("GRU", {"layer_norm": True}),
    "peepholes": ("LSTM", {"peepholes": True}),
    "coupled": ("LSTM", {"coupled": True}),
    "coupled, peepholes": ("LSTM", {"coupled": True, "peepholes": True}),
    "zoneout": ("LSTM", {"zoneout": (0.2, 0.3)}),
    "GRU, zoneout": ("GRU", {"zoneout": 0.3}),
    "RNN, zoneout": ("RNN", {"zoneout": 0.3}),
    "dropout of h": ("GRU", {"recurrent_dropout": 0.3}),
    "projection": ("LSTM", {"proj_size": 2}),
    "projection, zoneout": ("LSTM", {"proj_size": 2, "zoneout": (0.2, 0.3)}),
    "equations": ("LSTM", {"equations": Equations(own_step)}),
    "equations, gates and states of one's own": ("RNN", {"equations": OWN}),
    "minGRU": ("MinGRU", {}),
    "minLSTM": ("MinLSTM", {"candidate": "positive"}),
    "sLSTM": ("SLSTM", {"num_heads": 2}),
}
LENGTHS = [6, 4, 5]


@pytest.fixture(autouse=True)
def drawn_alike(double):
    torch.manual_seed(0)


def make(kind: str, **options: Any) -> Any:
    name, own = KINDS[kind]
    return getattr(carrousel, name)(3, 4, **own, **options)


def names(kind: str) -> tuple[str, ...]:
    cell = of_kind(name_of(make(kind)))
    return (*cell.gates, *cell.state_names)


CASES = [(kind, name) for kind in KINDS for name in names(kind)]
ids = "-".join


def packed(x: Tensor) -> Any:
    return pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)


@pytest.mark.parametrize("kind", KINDS)
def test_changes_that_change_nothing_leave_outputs_gradients_and_record(kind):
    """Every gate and state of every second step by itself, so that equations and kernels meet."""
    layer = make(kind, num_layers=2, bidirectional=True).eval()
    x = torch.randn(6, 3, 3, requires_grad=True)

    def passes(*changed):
        with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
            for name in changed:
                change.add(name, 0.0, steps=[0, 2, 4])
            output, states = layer(packed(x))
        last = states if isinstance(states, tuple) else (states,)
        total = output.data.square().sum() + sum(one.sin().sum() for one in last)
        slopes = torch.autograd.grad(total, [x, *layer.parameters()])
        return [output.data, *last, *slopes], trace[0].arrays()

    (plain, record), (ours, other) = passes(), passes(*names(kind))
    for one, two in zip(plain, ours, strict=True):
        torch.testing.assert_close(one, two)
    for name, array in record.items():
        torch.testing.assert_close(array, other[name], equal_nan=True)


@pytest.mark.parametrize(("kind", "name"), CASES, ids=ids)
def test_a_value_that_is_put_in_place_is_in_the_record_and_all_before_is_as_it_was(kind, name):
    layer = make(kind, bidirectional=True).eval()
    x = torch.randn(6, 3, 3)
    with carrousel.trace(layer) as plain:
        layer(packed(x))
    where = {"steps": [3], "units": [1], "direction": 0}
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.set(name, 0.25, sequences=[0, 2], **where)
        output, _ = layer(packed(x))
    found, before = trace[0].arrays()[name], plain[0].arrays()[name]
    assert (found[0, 3, [0, 2], 1] == 0.25).all()
    torch.testing.assert_close(found[0, :3], before[0, :3])
    torch.testing.assert_close(found[1], before[1], equal_nan=True)  # the other direction
    torch.testing.assert_close(found[0, 3, 1], before[0, 3, 1])
    shown = pad_packed_sequence(output)[0]
    hidden = torch.cat(list(trace[0].hidden), -1).nan_to_num()
    torch.testing.assert_close(shown, hidden)


@pytest.mark.parametrize(("kind", "name"), CASES, ids=ids)
def test_gradients_flow_through_a_changed_run(kind, name):
    layer = make(kind).eval()
    x = torch.randn(4, 2, 3, requires_grad=True)
    width = getattr(layer, "proj_size", 0) if name == "hidden" else 0
    push = torch.full((1, 1, width or 4), 0.1, requires_grad=True)

    def run(given, by):
        with carrousel.intervene(layer) as change:
            change.add(name, by, steps=[1, 2])
            change.scale(name, 0.9, steps=[2], sequences=[1])
            return layer(given)[0]

    assert torch.autograd.gradcheck(run, (x, push))


@pytest.mark.parametrize(("kind", "name"), CASES, ids=ids)
def test_masks_are_those_of_the_same_call_unchanged(kind, name):
    """In training: what is drawn does not depend on who computes a step."""
    layer = make(kind, bidirectional=True)
    x = torch.randn(6, 3, 3)

    def run(*changed):
        torch.manual_seed(3)
        with carrousel.intervene(layer) as change:
            for one in changed:
                change.add(one, 0.0, steps=[1, 4])
            return layer(packed(x))[0].data

    torch.testing.assert_close(run(name), run())


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_between_steps_are_autograds(kind):
    """∂s_T/∂s_t by a push that nothing but the run knows, against the record's steps."""
    layer = make(kind, bidirectional=True).eval()
    x = torch.randn(6, 3, 3)
    state = "cell" if of_kind(name_of(layer)).has_cell else "hidden"
    with carrousel.trace(layer) as trace:
        layer(packed(x))
    half_life(trace[0])
    if of_kind(name_of(layer)).keeps is None:
        return
    found = influence(trace[0], jacobian=True)
    assert found.error < 1e-12
    for index, start, end in ((0, 1, 3), (1, 3, 2)):
        push = torch.zeros(1, 3, 4, requires_grad=True)
        with carrousel.intervene(layer) as change:
            change.add(state, push, steps=[start], direction=index)
            _, _, states = layer(packed(x), return_states=True)
        last = getattr(states, state)[index, end]
        slopes = [
            torch.autograd.grad(last[:, k].sum(), push, retain_graph=True)[0][0] for k in range(4)
        ]
        expected = torch.linalg.matrix_norm(torch.stack(slopes, 1))
        torch.testing.assert_close(found.jacobian[index, end, start], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_taking_a_unit_away_is_a_changed_run_with_the_unit_emptied(kind):
    layer = make(kind).eval()
    state = "cell" if of_kind(name_of(layer)).has_cell else "hidden"
    width = getattr(layer, "proj_size", 0) if state == "hidden" else 0
    x = torch.randn(6, 2, 3)
    with carrousel.trace(layer) as trace:
        layer(x)
    record = trace[0]
    found = half_life(record)
    memory = record.state(state)[0]
    for k, lag in enumerate(found.lags[1:4], 1):
        for unit in range(width or 4):
            with carrousel.intervene(layer) as change, carrousel.trace(layer) as other:
                change.set(state, 0.0, steps=[5 - lag], units=[unit])
                layer(x)
            last = (other[0].state(state)[0, -1] - memory[-1]).norm(dim=-1)
            expected = (last / memory[5 - lag, :, unit].abs()).mean()
            torch.testing.assert_close(found.curves["ablation"][0, k, unit], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_half_lives_and_flow_of_a_changed_run(kind):
    layer = make(kind, num_layers=2).eval()
    x = torch.randn(5, 2, 3)
    with carrousel.intervene(layer) as change, carrousel.trace(layer) as trace:
        change.scale("hidden", 0.5, steps=[2])
        layer(x)
    assert half_life(trace[0]).jacobian.shape[0] == 2
    flow = gradient_flow(layer, x)
    assert flow.hidden.isfinite().all()
    assert flow.hidden.shape == (2, 5, 2)


@pytest.mark.parametrize("option", ["residual", "highway"])
def test_levels_above_are_asked_with_what_passed_to_them(option):
    layer = carrousel.LSTM(3, 4, num_layers=3, **{option: True})
    with carrousel.trace(layer) as trace:
        layer(torch.randn(5, 2, 3))
    half_life(trace[0])  # refuses where the steps do not give the recorded states


def test_a_gate_that_equations_keep_to_themselves_cannot_be_changed():
    def step(x, h, w):
        z = (x @ w.weight_ih.T + h @ w.weight_hh.T).chunk(3, -1)
        return z[0].tanh(), {"reset": z[1], "update": z[2], "candidate": z[0]}

    layer = carrousel.GRU(3, 4, bias=False, equations=Equations(step))
    x = torch.randn(5, 2, 3)
    with carrousel.intervene(layer) as change:
        change.set("update", 1.0, steps=[1])
        with pytest.raises(ValueError, match=r"w.hand\('update'"):
            layer(x)
    with carrousel.intervene(layer) as change:  # what it gives can be
        change.set("hidden", 1.0, steps=[4])
        assert (layer(x)[0][4] == 1).all()
