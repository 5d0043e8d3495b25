"""Pictures: they draw what they are given, say what it is, and leave no global state behind."""

import sys

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn.utils.rnn import pack_sequence

import carrousel
from carrousel.explain import attribute, fidelity, gradient_flow, half_life


def _record(layer, x):
    with torch.no_grad(), carrousel.trace(layer) as trace:
        layer(x)
    return trace[-1]


def _drawn(figure: Figure) -> Figure:
    figure.canvas.draw()  # warnings, of fonts or layouts, would be errors
    return figure


def _labels(figure: Figure) -> list[str]:
    return [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()]


@pytest.mark.parametrize(
    ("kind", "gates"),
    [
        (nn.LSTM, ["forget", "input", "candidate", "output", "cell"]),
        (nn.GRU, ["reset", "update", "candidate"]),
        (nn.RNN, []),
    ],
)
@pytest.mark.parametrize("steps", [1, 30])
def test_a_record_is_the_input_and_an_image_per_gate_and_state(kind, gates, steps):
    figure = _drawn(_record(kind(2, 3), torch.randn(steps, 1, 2)).plot())
    assert _labels(figure) == ["input", *gates, "hidden"]


def test_images_hold_the_gate_in_the_order_of_the_units():
    record = _record(nn.LSTM(2, 3), torch.randn(8, 2, 2))
    figure = record.plot(sequence=1, sort=False)
    image = figure.axes[1].images[0].get_array()
    assert torch.equal(torch.as_tensor(image.data), record.gates["forget"][0, :, 1].T)
    figure = record.plot(sequence=1)
    order = [int(text.get_text()) for text in figure.axes[1].get_yticklabels()]
    assert order == record.gates["forget"][0, :, 1].mean(0).argsort(descending=True).tolist()


def test_level_direction_and_length_of_the_sequence():
    layer = nn.GRU(9, 4, num_layers=2, bidirectional=True)
    record = _record(layer, pack_sequence([torch.randn(7, 9), torch.randn(4, 9)]))
    figure = _drawn(record.plot(sequence=1, level=0, direction=1, tokens=["a", "bcd", "e", "f"]))
    assert figure.axes[1].images[0].get_array().shape == (4, 4)
    assert "level 0, reverse" in figure.get_suptitle()
    texts = [text.get_text() for text in figure.axes[4].get_xticklabels()]
    assert texts == ["a", "bcd", "e", "f"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequence": 2}, "sequence must be one of the record's 2"),
        ({"level": 1}, "level must be one of the record's 1"),
        ({"units": [3]}, "units must be among the layer's 3, got \\[3\\]"),
        ({"tokens": ["a"]}, "tokens has 1 texts for 8 steps"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        _record(nn.LSTM(2, 3), torch.randn(8, 2, 2)).plot(**options)


def test_projected_states():
    layer = carrousel.LSTM(2, 5, proj_size=3)
    _drawn(_record(layer, torch.randn(8, 2, 2)).plot())


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_explanations(kind):
    layer = kind(2, 3, batch_first=True)
    x = torch.randn(2, 12, 2)

    def last(output):
        return output[0][:, -1, 0]

    _drawn(gradient_flow(layer, x).plot())
    _drawn(gradient_flow(layer, x, of=last).plot(sequence=1))
    _drawn(half_life(_record(layer, x)).plot())
    found = attribute(layer, x, last, method="gradient_x_input")
    _drawn(found.plot(tokens=list("abcdefghijkl")))
    _drawn(fidelity(layer, x, found, last, randomize=False).plot())


def test_pyplot_is_left_alone():
    plotting = "matplotlib.pyplot" in sys.modules
    _record(nn.LSTM(2, 3), torch.randn(8, 2, 2)).plot()
    assert ("matplotlib.pyplot" in sys.modules) == plotting
