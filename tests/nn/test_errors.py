"""What torch refuses, ours refuses with the same type of exception."""

from typing import Any

import pytest
import torch
from tests.nn.twins import assert_same_failure, every_cell, noise, twins
from torch import nn

import carrousel

BAD_INPUTS: dict[str, Any] = {
    "no steps": torch.zeros(0, 2, 4),
    "no steps, unbatched": torch.zeros(0, 4),
    "one dimension": torch.zeros(4),
    "four dimensions": torch.zeros(1, 3, 2, 4),
    "too few features": torch.zeros(3, 2, 3),
    "too many features": torch.zeros(3, 2, 5),
    "another float dtype": torch.zeros(3, 2, 4, dtype=torch.float64),
    "integers": torch.zeros(3, 2, 4, dtype=torch.int64),
    "a list": [[[0.0] * 4]],
}


@every_cell
@pytest.mark.parametrize("x", BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_bad_input(cell: str, x: Any) -> None:
    theirs, ours = twins(cell, 4, 8)
    assert_same_failure(lambda: theirs(x), lambda: ours(x))


BAD_STATES = {
    "another batch size": (1, 3, 8),
    "another number of units": (1, 2, 7),
    "too many layers": (2, 2, 8),
    "two dimensions": (2, 8),
}


@every_cell
@pytest.mark.parametrize("shape", BAD_STATES.values(), ids=BAD_STATES.keys())
def test_bad_initial_state(cell: str, shape: tuple[int, ...]) -> None:
    theirs, ours = twins(cell, 4, 8)
    bad = noise(*shape)
    hx = (bad, bad) if cell == "LSTM" else bad
    assert_same_failure(lambda: theirs(noise(3, 2, 4), hx), lambda: ours(noise(3, 2, 4), hx))


@every_cell
def test_bad_initial_state_of_unbatched_input(cell: str) -> None:
    theirs, ours = twins(cell, 4, 8)
    bad = noise(1, 1, 8)
    hx = (bad, bad) if cell == "LSTM" else bad
    assert_same_failure(lambda: theirs(noise(3, 4), hx), lambda: ours(noise(3, 4), hx))


@pytest.mark.parametrize("wrong", [0, 1], ids=["wrong h", "wrong c"])
def test_bad_half_of_an_lstm_state(wrong: int) -> None:
    theirs, ours = twins("LSTM", 4, 8)
    hx = [noise(1, 2, 8), noise(1, 2, 8)]
    hx[wrong] = noise(1, 2, 9)
    x = noise(3, 2, 4)
    assert_same_failure(lambda: theirs(x, tuple(hx)), lambda: ours(x, tuple(hx)))


@every_cell
def test_initial_state_of_another_dtype(cell: str) -> None:
    theirs, ours = twins(cell, 4, 8)
    other = noise(1, 2, 8).double()
    hx = (other, other) if cell == "LSTM" else other
    x = noise(3, 2, 4)
    assert_same_failure(lambda: theirs(x, hx), lambda: ours(x, hx))


BAD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "no layers": {"num_layers": 0},
    "no units": {"hidden_size": 0},
    "fractional units": {"hidden_size": 2.5},
    "negative dropout": {"dropout": -0.1},
    "dropout above one": {"dropout": 1.1},
    "dropout as a word": {"dropout": "often"},
    "negative projection": {"proj_size": -1},
    "projection as wide as the layer": {"proj_size": 8},
    "unknown argument": {"speed": "high"},
}


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("wrong", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_arguments(name: str, wrong: dict[str, Any]) -> None:
    arguments = {"input_size": 4, "hidden_size": 8} | wrong
    assert_same_failure(
        lambda: getattr(nn, name)(**arguments), lambda: getattr(carrousel, name)(**arguments)
    )


def test_projection_is_for_the_lstm_alone() -> None:
    for name in ("GRU", "RNN"):
        assert_same_failure(
            lambda name=name: getattr(nn, name)(4, 8, proj_size=3),
            lambda name=name: getattr(carrousel, name)(4, 8, proj_size=3),
        )


def test_unknown_nonlinearity() -> None:
    assert_same_failure(
        lambda: nn.RNN(4, 8, nonlinearity="sin"), lambda: carrousel.RNN(4, 8, nonlinearity="sin")
    )


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_dropout_with_one_layer_warns_as_torch_does(name: str) -> None:
    with pytest.warns(UserWarning, match="dropout"):
        getattr(carrousel, name)(4, 8, dropout=0.5)


@every_cell
def test_parameters_cannot_be_loaded_into_another_size(cell: str) -> None:
    theirs, _ = twins(cell, 4, 8)
    _, smaller = twins(cell, 4, 7)
    with pytest.raises(RuntimeError, match="size mismatch"):
        smaller.load_state_dict(theirs.state_dict())


@every_cell
def test_nan_stays_where_it_entered(cell: str) -> None:
    """A NaN reaches its own sequence from its own step on, and no other sequence of the batch."""
    _, ours = twins(cell, 4, 17)
    x = noise(6, 5, 4)
    clean = ours(x)[0]
    x[3, 2, 1] = float("nan")
    output = ours(x)[0]
    assert output[3:, 2].isnan().all() or cell == "relu RNN"
    assert output[3:, 2].isnan().any()
    others = [0, 1, 3, 4]
    assert torch.equal(output[:, others], clean[:, others])
    assert torch.equal(output[:3], clean[:3])
