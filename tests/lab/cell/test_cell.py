"""One step, operation by operation, against torch's cells and a hand-worked example."""

import math

import pytest
import torch
from torch import nn

import carrousel
from carrousel.lab.cell import Weights, step

CELLS = [
    nn.LSTMCell,
    nn.GRUCell,
    nn.RNNCell,
    carrousel.LSTMCell,
    carrousel.GRUCell,
    carrousel.RNNCell,
]


@pytest.mark.parametrize("make", CELLS)
@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (2, 3), (5, 17)])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_step_is_what_torch_computes(make, inputs, hidden, bias):
    cell = make(inputs, hidden, bias=bias).double()
    x, h, c = (torch.randn(4, size).double() for size in (inputs, hidden, hidden))
    done = step(cell, x, h, c)
    if isinstance(cell, nn.LSTMCell):
        expected_h, expected_c = cell(x, (h, c))
        torch.testing.assert_close(done.cell, expected_c)
    else:
        expected_h = cell(x, h)
        assert done.cell is None
    torch.testing.assert_close(done.hidden, expected_h)


def test_an_lstm_step_worked_by_hand():
    one = torch.ones(4, 1)
    weights = Weights("lstm", one, 2 * one, torch.zeros(4), torch.tensor([0.0, 1.0, 0.0, -1.0]))
    done = step(weights, torch.tensor([0.5]), torch.tensor([0.25]), torch.tensor([2.0]))
    total = 0.5 + 2 * 0.25  # the weighted sum of x and h, before the bias

    def sigmoid(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    cell = sigmoid(total + 1) * 2 + sigmoid(total) * math.tanh(total)
    expected = {
        "concatenated": [0.25, 0.5],
        "forget gate": [sigmoid(total + 1)],
        "input gate": [sigmoid(total)],
        "candidate": [math.tanh(total)],
        "kept memory": [sigmoid(total + 1) * 2],
        "added memory": [sigmoid(total) * math.tanh(total)],
        "new cell state": [cell],
        "output gate": [sigmoid(total - 1)],
        "new hidden state": [sigmoid(total - 1) * math.tanh(cell)],
    }
    for name, value in expected.items():
        assert done[name].tolist() == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("make", [carrousel.LSTM, carrousel.GRU, carrousel.RNN, nn.LSTM])
def test_any_layer_and_direction_of_a_model_can_be_shown(make):
    layer = make(3, 4, num_layers=2, bidirectional=True)
    x = torch.randn(1, 1, 8)
    single = make(8, 4)
    own = {
        name: getattr(layer, f"{name}_l1_reverse")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    single.load_state_dict({f"{name}_l0": value for name, value in own.items()})
    done = step(Weights.of(layer, layer=1, reverse=True), x[0])
    torch.testing.assert_close(done.hidden, single(x)[0][0].detach())


def test_a_relu_cell_is_shown_with_relu():
    cell = nn.RNNCell(2, 3, nonlinearity="relu")
    x = torch.randn(1, 2)
    done = step(cell, x)
    torch.testing.assert_close(done.hidden, cell(x).detach())
    assert "relu" in list(done)[-1].formula


def test_weights_are_found_in_a_saved_model_by_name():
    model = nn.ModuleDict({"encoder": nn.GRU(2, 3), "decoder": nn.LSTM(2, 3)})
    state = model.state_dict()
    assert Weights.from_state(state, "encoder").kind == "gru"
    assert Weights.from_state(state, "decoder").ih.equal(state["decoder.weight_ih_l0"])
    assert Weights.from_state(nn.RNN(2, 3).state_dict()).kind == "rnn"
    with pytest.raises(ValueError, match="recurrent layers with a layer 0 are: 'encoder', 'dec"):
        Weights.from_state(state)
    with pytest.raises(ValueError, match="are: none"):
        Weights.from_state({})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Weights.of(nn.Linear(2, 2)), TypeError, "module must be .* got Linear"),
        (
            lambda: Weights.of(nn.LSTM(2, 3), layer=1),
            ValueError,
            "layer is 1, but the module has 1",
        ),
        (lambda: Weights.of(nn.LSTM(2, 3), reverse=True), ValueError, "runs forwards only"),
        (lambda: Weights.of(nn.LSTM(2, 3, proj_size=1)), ValueError, "proj_size is 1"),
        (lambda: Weights.random("ann", 1, 1), ValueError, "kind must be one of 'rnn'"),
        (lambda: Weights.random("gru", 0, 1), ValueError, "inputs must be .* got 0"),
        (lambda: step(nn.GRU(2, 3), torch.zeros(3)), ValueError, r"x has shape \(3,\)"),
        (
            lambda: step(nn.GRU(2, 3), torch.zeros(2), torch.zeros(2)),
            ValueError,
            r"h has shape \(2,\), but must have \(3,\)",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_unknown_operation_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match="forget gate"):
        step(nn.LSTM(1, 1), torch.zeros(1))["gate of heaven"]
