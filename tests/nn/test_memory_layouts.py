"""Inputs that are views: transposed, sliced, expanded; and what a call leaves untouched."""

from collections.abc import Callable

import pytest
import torch
from tests.nn.twins import assert_twins_agree, every_cell, noise, states, twins
from torch import Tensor

STEPS, BATCH, INPUTS, UNITS = 6, 5, 3, 8

VIEWS: dict[str, Callable[[], Tensor]] = {
    "transposed": lambda: noise(BATCH, STEPS, INPUTS).transpose(0, 1),
    "features first": lambda: noise(INPUTS, STEPS, BATCH).permute(1, 2, 0),
    "slice of features": lambda: noise(STEPS, BATCH, 9)[..., 4:7],
    "every second feature": lambda: noise(STEPS, BATCH, 6)[..., ::2],
    "every second step": lambda: noise(2 * STEPS, BATCH, INPUTS)[::2],
    "slice of the batch": lambda: noise(STEPS, 9, INPUTS)[:, 2:7],
    "one step for all": lambda: noise(1, BATCH, INPUTS).expand(STEPS, -1, -1),
    "one sequence for all": lambda: noise(STEPS, 1, INPUTS).expand(-1, BATCH, -1),
    "one feature for all": lambda: noise(STEPS, BATCH, 1).expand(-1, -1, INPUTS),
    "sliding windows": lambda: (
        noise(STEPS + 9).unfold(0, BATCH, 1)[:STEPS, :, None].expand(-1, -1, INPUTS)
    ),
    "offset storage": lambda: noise(STEPS * BATCH * INPUTS + 1)[1:].view(STEPS, BATCH, INPUTS),
}


@every_cell
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_input_that_is_a_view(cell: str, view: Callable[[], Tensor]) -> None:
    assert_twins_agree(twins(cell, INPUTS, UNITS), view())


@every_cell
def test_initial_states_that_are_views(cell: str) -> None:
    pair = twins(cell, INPUTS, UNITS, 2, bidirectional=True)
    h = noise(4, UNITS, BATCH).transpose(1, 2)
    c = noise(4, 1, UNITS).expand(-1, BATCH, -1)
    assert_twins_agree(pair, noise(STEPS, BATCH, INPUTS), (h, c) if cell == "LSTM" else c)


@every_cell
def test_same_tensor_for_both_states_and_shared_storage(cell: str) -> None:
    pair = twins(cell, UNITS, UNITS)
    x = noise(STEPS, BATCH, UNITS)
    hx = (x[:1], x[1:2]) if cell == "LSTM" else x[:1]
    assert_twins_agree(pair, x, hx)


@every_cell
def test_weights_that_are_views(cell: str) -> None:
    """Weights of another module may be transposed or slices of one flat buffer."""
    pair = twins(cell, INPUTS, UNITS)
    for layer in pair:
        for name in ("weight_ih_l0", "weight_hh_l0"):
            weight = getattr(layer, name).detach()
            setattr(layer, name, torch.nn.Parameter(weight.T.contiguous().T))
    assert_twins_agree(pair, noise(STEPS, BATCH, INPUTS))


@every_cell
def test_gradient_that_is_expanded_or_missing(cell: str) -> None:
    """``sum()`` sends back one number expanded; a loss on one step sends mostly zeros."""
    pair = twins(cell, INPUTS, UNITS)
    for loss in (torch.sum, lambda output: output[2].sum(), lambda output: output[:, 1, 3].sum()):
        gradients = []
        for layer in pair:
            x = noise(STEPS, BATCH, INPUTS).requires_grad_()
            loss(layer(x)[0]).backward()
            gradients.append(x.grad)
        torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-5, atol=1e-7)


@every_cell
def test_inputs_and_states_are_left_untouched(cell: str) -> None:
    _, ours = twins(cell, INPUTS, UNITS)
    x, hx = noise(STEPS, BATCH, INPUTS), states(ours, BATCH)
    before = [t.clone() for t in (x, *(hx if cell == "LSTM" else (hx,)))]
    output, _ = ours(x, hx)
    output.sum().backward()
    after = [x, *(hx if cell == "LSTM" else (hx,))]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


@every_cell
def test_outputs_share_no_memory_with_a_later_call(cell: str) -> None:
    _, ours = twins(cell, INPUTS, UNITS)
    with torch.no_grad():
        first, _ = ours(noise(STEPS, BATCH, INPUTS))
        kept = first.clone()
        ours(noise(STEPS, BATCH, INPUTS, seed=9))
    assert torch.equal(first, kept)
