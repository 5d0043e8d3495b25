"""Zoneout, recurrent dropout, peepholes and coupled gates: their kernel against the equations."""

import pytest
import torch
from tests.nn.test_newer_layers import passes, threads_back  # noqa: F401  (a fixture)
from tests.nn.twins import noise
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.layer_options import WithOptions

OPTIONS = {
    "LSTM, zoneout": (carrousel.LSTM, {"zoneout": (0.4, 0.3)}),
    "LSTM, zoneout of h": (carrousel.LSTM, {"zoneout": (0.4, 0.0)}),
    "LSTM, recurrent dropout": (carrousel.LSTM, {"recurrent_dropout": 0.3}),
    "LSTM, peepholes": (carrousel.LSTM, {"peepholes": True}),
    "LSTM, coupled": (carrousel.LSTM, {"coupled": True}),
    "LSTM, all": (
        carrousel.LSTM, {"peepholes": True, "coupled": True, "zoneout": 0.2, "bias": False},
    ),
    "LSTM, peepholes and zoneout": (carrousel.LSTM, {"peepholes": True, "zoneout": 0.2}),
    "GRU, zoneout": (carrousel.GRU, {"zoneout": 0.3}),
    "GRU, both": (carrousel.GRU, {"zoneout": 0.3, "recurrent_dropout": 0.2, "bias": False}),
    "RNN, both": (carrousel.RNN, {"zoneout": 0.3, "recurrent_dropout": 0.2}),
    "RNN, relu": (carrousel.RNN, {"zoneout": 0.3, "nonlinearity": "relu"}),
}  # fmt: skip
every = pytest.mark.parametrize("which", OPTIONS)


def made(which: str, units: int, dtype=torch.float64, **more):
    torch.manual_seed(5)
    cls, options = OPTIONS[which]
    return cls(4, units, dtype=dtype, num_layers=2, bidirectional=True, **options, **more)


def batch(steps: int, sequences: int, packed: bool, dtype=torch.float64):
    x = noise(steps, sequences, 4, dtype=dtype)
    if not packed:
        return x
    lengths = torch.arange(sequences) % steps + 1
    lengths[0] = steps
    return pack_padded_sequence(x, lengths, enforce_sorted=False)


def run(layer, x, hx=None):
    torch.manual_seed(11)  # the same masks
    return passes(layer, x, hx)


@every
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])
def test_the_kernel_gives_what_the_equations_say(which, packed, training, monkeypatch):
    layer = made(which, 19).train(training)
    x, shape = batch(5, 9, packed), (4, 9, 19)
    h = noise(*shape, seed=1, dtype=torch.float64)
    hx = (h, noise(*shape, seed=2, dtype=torch.float64)) if "LSTM" in which else h
    ours = run(layer, x, hx)
    monkeypatch.setattr(WithOptions, "_rule", lambda self: None)
    torch.testing.assert_close(ours, run(layer, x, hx), rtol=1e-9, atol=1e-11)


@every
def test_a_trace_is_that_of_the_equations(which, monkeypatch):
    layer, x = made(which, 7), batch(5, 3, True)

    def traced():
        torch.manual_seed(11)
        with carrousel.trace(layer) as trace:
            layer(x)[0].data.square().sum().backward()
        return trace[0].arrays()

    ours = traced()
    monkeypatch.setattr(WithOptions, "_rule", lambda self: None)
    theirs = traced()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        torch.testing.assert_close(array, theirs[name], equal_nan=True)


@every
def test_threads_change_no_bit(which, threads_back):  # noqa: F811
    layer, x = made(which, 40, torch.float32), batch(12, 13, True, torch.float32)
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(run(layer, x))
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))
