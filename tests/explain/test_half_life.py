"""half_life: three measures that agree where gates do not react, and tell apart where they do."""

import math

import pytest
import torch
from torch import nn

import carrousel
from carrousel.explain import half_life
from carrousel.explain.halflife import first_half


def _without_recurrent_weights(layer: nn.RNNBase) -> nn.RNNBase:
    """Gates that see neither state nor input: memories that decay at fixed rates."""
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("weight"):
                parameter.zero_()
    return layer


def _traced(layer, steps=200, batch=2):
    with torch.no_grad(), carrousel.trace(layer) as trace:
        layer(torch.randn(steps, batch, layer.input_size, dtype=layer.weight_hh_l0.dtype))
    return trace[-1]


@pytest.mark.parametrize("both", [False, True], ids=["forward", "both ways"])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_fixed_gates_give_the_textbook_half_life(kind, both, make_layer):
    layer = _without_recurrent_weights(make_layer(kind, 3, bidirectional=both))
    rates = torch.tensor([0.5, 0.9, 0.99], dtype=torch.float64)
    with torch.no_grad():
        for suffix in ("", "_reverse")[: 2 if both else 1]:
            getattr(layer, f"bias_ih_l0{suffix}")[3:6] = 0.0
            getattr(layer, f"bias_hh_l0{suffix}")[3:6] = (rates / (1 - rates)).log()
    found = half_life(_traced(layer))
    expected = (math.log(0.5) / rates.log()).expand(2 if both else 1, 3)
    assert torch.allclose(found.gates, expected)
    if kind == "lstm":
        assert torch.allclose(found.jacobian, expected, rtol=1e-6)
        assert torch.allclose(found.ablation, expected, rtol=1e-6)


def test_a_memory_that_does_not_fade_has_no_half_life(make_layer):
    layer = _without_recurrent_weights(make_layer("lstm", 2))
    with torch.no_grad():
        layer.bias_hh_l0[2:4] = 100.0
    found = half_life(_traced(layer, 20))
    for measure in (found.gates, found.jacobian, found.ablation):
        assert measure.isinf().all()


def test_a_nudge_and_an_ablation_agree_with_running_the_layer(make_layer):
    layer = make_layer("lstm", 4, scale=1.5)
    x = torch.randn(9, 1, 3, dtype=torch.float64)
    with torch.no_grad(), carrousel.trace(layer) as trace:
        layer(x)
    found, record = half_life(trace[-1]), trace[-1]
    lag = 4
    cell, output = record.cell[0, 8 - lag], record.gates["output"][0, 8 - lag]

    def last_cell(c):
        return layer(x[9 - lag :], ((output * c.tanh())[None], c[None]))[1][1].flatten()

    with torch.no_grad():
        for unit in range(4):
            emptied = cell.clone()
            emptied[0, unit] = 0
            change = (last_cell(emptied) - last_cell(cell)).norm() / cell[0, unit].abs()
            at = found.lags.index(lag)
            assert torch.isclose(found.curves["ablation"][0, at, unit], change)
    jacobian = torch.autograd.functional.jacobian(last_cell, cell)[:, 0]
    assert torch.allclose(found.curves["jacobian"][0, at], jacobian.norm(dim=0))


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_packed_levels_and_directions(kind, make_layer, record_of):
    layer = make_layer(kind, num_layers=2, bidirectional=True)
    found = half_life(record_of(layer, (12, 7, 3)))
    assert found.jacobian.shape == found.ablation.shape == (4, 5)
    assert not found.jacobian.isnan().any()
    assert not found.ablation.isnan().any()
    assert (found.gates is None) == (kind == "rnn")


def test_one_step_has_no_half_life(make_layer, record_of):
    layer = make_layer("gru")
    found = half_life(record_of(layer, (1,)))
    assert found.lags == (0,)
    assert found.ablation.isinf().all()


def test_crossings_are_interpolated():
    curve = torch.tensor([1.0, 0.8, 0.4]).double()[:, None]
    expected = 2 + 2 * math.log(0.8 / 0.5) / math.log(0.8 / 0.4)
    assert first_half(curve, (0, 2, 4)).item() == pytest.approx(expected)


def test_weights_that_have_changed_are_noticed(make_layer):
    layer = make_layer("lstm")
    record = _traced(layer, 10)
    with torch.no_grad():
        layer.weight_hh_l0.add_(1.0)
    with pytest.raises(ValueError, match=r"do not give the recorded states .* trace again"):
        half_life(record)


def test_a_record_that_outlived_its_layer(make_layer):
    layer = make_layer("lstm")
    record = _traced(layer, 10)
    expected = half_life(record).jacobian
    state = layer.state_dict()
    del layer
    with pytest.raises(ValueError, match="pass it as layer="):
        half_life(record)
    again = make_layer("lstm")
    again.load_state_dict(state)
    assert torch.equal(half_life(record, again).jacobian, expected)
