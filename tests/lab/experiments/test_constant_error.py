"""The constant error carousel does what its name says."""

import pytest
import torch

from carrousel.lab.experiments.constant_error import (
    HELD,
    OPEN,
    START,
    derivative,
    held,
    keepers,
    unit,
)


def test_with_open_memory_and_closed_gates_the_derivative_over_500_steps_is_one():
    assert derivative(unit(OPEN), 500) == 1.0


@pytest.mark.parametrize("bias", [0.0, 1.0, 3.0, 5.0])
@pytest.mark.parametrize("steps", [1, 7, 50])
def test_otherwise_it_is_a_power_of_the_forget_gate(bias, steps):
    gate = float(torch.tensor(bias).sigmoid())
    assert derivative(unit(bias), steps) == pytest.approx(gate**steps, rel=1e-4)


def test_closed_gates_hold_a_state_for_a_thousand_steps_of_noise_and_others_do_not():
    noise = torch.randn(HELD, 1, 1, generator=torch.Generator().manual_seed(0))
    kept = {name: held(keeper, noise) for name, keeper in keepers().items()}
    for name in ("lstm, gates closed", "gru, update gate 1"):
        assert kept[name] == pytest.approx([START] * HELD, abs=1e-5), name
    for name in (
        "lstm, input gate open by 2 %",
        "lstm, forget gate 0.993",
        "rnn, recurrent weight 1",
    ):
        assert max(abs(value - START) for value in kept[name]) > 0.2, name
