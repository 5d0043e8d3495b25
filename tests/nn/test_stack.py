"""Layers of their own widths on top of each other."""

import pytest
import torch
from tests.nn.twins import noise
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.nn import Stack


def of_three(**options) -> Stack:
    torch.manual_seed(2)
    return Stack(
        carrousel.LSTM(3, 8, bidirectional=True, **options),
        torch.nn.GRU(16, 5, **options),
        carrousel.SLSTM(5, 4, num_heads=2, **options),
    )


@pytest.mark.parametrize("how", ["padded", "batch first", "packed", "no batch"])
def test_it_calls_its_layers_in_turn(how):
    stack = of_three(batch_first=how == "batch first")
    x = noise(6, 2, 3)
    x = {
        "padded": x, "batch first": x.transpose(0, 1), "no batch": x[:, 0],
        "packed": pack_padded_sequence(x, torch.tensor([3, 6]), enforce_sorted=False),
    }[how]  # fmt: skip
    expected, states = x, []
    for layer in stack.layers:
        expected, last = layer(expected)
        states.append(last)
    output, found = stack(x)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(found, tuple(states))


def test_states_of_every_layer_are_handed_out():
    stack = Stack(carrousel.LSTM(3, 8, num_layers=2), carrousel.MinGRU(8, 5), dropout=0.5).eval()
    x = noise(6, 2, 3)
    output, states, opened = stack(x, return_states=True)
    torch.testing.assert_close((output, states), stack(x))
    assert [one.hidden.shape for one in opened] == [(2, 6, 2, 8), (1, 6, 2, 5)]
    torch.testing.assert_close(opened[1].hidden[0], output)
    with pytest.raises(TypeError, match=r"layers\[1\], a GRU that hands out no states; give"):
        of_three()(x, return_states=True)


def test_its_states_go_on():
    stack, x = of_three(), noise(6, 2, 3)[:, :, :]
    forward_only = Stack(carrousel.LSTM(3, 8), carrousel.MinGRU(8, 5))
    whole, _ = forward_only(x)
    first, states = forward_only(x[:4])
    second, _ = forward_only(x[4:], states)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    with carrousel.trace(stack) as trace:
        stack(x)
    assert trace.names == ["layers.0", "layers.1", "layers.2"]


def test_dropout_is_between_layers():
    stack = Stack(torch.nn.RNN(3, 4), torch.nn.RNN(4, 5), dropout=1.0)
    x = noise(6, 2, 3)
    silent = stack.layers[1](torch.zeros(6, 2, 4))[0]
    torch.testing.assert_close(stack(x)[0], silent)
    torch.testing.assert_close(stack.eval()(x)[0], stack.layers[1](stack.layers[0](x)[0])[0])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Stack(), ValueError, "at least one"),
        (lambda: carrousel.GRU(3, [4, 5]), TypeError, "give carrousel.nn.Stack a layer for each"),
        (lambda: carrousel.SLSTM(3, [4]), ValueError, r"got \[4\]; give carrousel.nn.Stack"),
        (lambda: Stack(torch.nn.Linear(3, 4)), TypeError, "recurrent layer, got Linear"),
        (lambda: Stack(torch.nn.GRU(3, 4), torch.nn.GRU(5, 4)), ValueError, "input_size=4"),
        (
            lambda: Stack(torch.nn.GRU(3, 4), torch.nn.GRU(4, 4, batch_first=True)),
            ValueError,
            "batch_first",
        ),
        (lambda: Stack(torch.nn.GRU(3, 4), dropout=2), ValueError, "dropout"),
        (lambda: Stack(torch.nn.GRU(3, 4))(torch.zeros(1, 1, 3), []), ValueError, "1 layers"),
    ],
)
def test_a_wrong_argument_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()
