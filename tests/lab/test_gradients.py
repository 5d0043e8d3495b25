"""What the theory says of gradients over distance."""

import pytest
import torch
from torch import nn

import carrousel
from carrousel.lab.gradients import jacobian_norms, spectral_norm, spectral_radius, update_shares

KINDS = [carrousel.RNN, carrousel.GRU, carrousel.LSTM]


def layer_of(make, size: int = 6, seed: int = 0) -> nn.RNNBase:
    torch.manual_seed(seed)
    return make(3, size).double()


def inputs_of(steps: int, count: int = 2) -> torch.Tensor:
    return torch.randn(steps, count, 3, generator=torch.Generator().manual_seed(1)).double()


@pytest.mark.parametrize("make", KINDS)
def test_the_jacobian_agrees_with_finite_differences(make):
    layer, inputs = layer_of(make, 3), inputs_of(4, 1)
    columns = []
    states = 2 if make is carrousel.LSTM else 1
    for place in range(3 * states):
        shift = torch.zeros(states, 1, 1, 3, dtype=torch.float64)
        shift.view(-1)[place] = 1e-6
        ends = []
        for sign in (1, -1):
            start = tuple(sign * shift) if states == 2 else sign * shift[0]
            ends.append(layer(inputs, start)[0][-1, 0].detach())
        columns.append((ends[0] - ends[1]) / 2e-6)
    expected = torch.linalg.matrix_norm(torch.stack(columns, 1), 2)
    assert float(jacobian_norms(layer, inputs)[-1]) == pytest.approx(float(expected), rel=1e-6)


def test_the_gradient_of_a_plain_rnn_stays_below_the_bound_and_falls_exponentially():
    layer, steps = layer_of(carrousel.RNN, 17), 60
    with torch.no_grad():
        layer.weight_hh_l0 *= 0.9 / spectral_norm(layer)
    norms = jacobian_norms(layer, inputs_of(steps))
    bound = 0.9 ** torch.arange(steps + 1)
    assert (norms <= bound * (1 + 1e-9)).all()
    assert norms[60] < 1e-3 * norms[30] < 1e-6
    assert spectral_radius(layer) <= 0.9


@pytest.mark.parametrize("make", KINDS)
def test_no_distance_means_no_loss(make):
    norms = jacobian_norms(layer_of(make), inputs_of(1))
    assert norms.shape == (2,)
    assert float(norms[0]) == pytest.approx(1.0)


@pytest.mark.parametrize("make", KINDS)
def test_the_shares_of_the_steps_add_up_to_the_gradient_of_the_weights(make):
    layer, answer, inputs = layer_of(make), nn.Linear(6, 4).double(), inputs_of(1, 5)
    target = torch.tensor([0, 1, 2, 3, 0])
    shares, size = update_shares(layer, answer, inputs, target)  # one step: its share is all
    loss = nn.functional.cross_entropy(answer(layer(inputs)[0][-1]), target)
    grads = torch.autograd.grad(loss, list(layer.parameters()))
    total = torch.stack([grad.square().sum() for grad in grads]).sum().sqrt()
    assert float(shares[0]) == pytest.approx(float(total), rel=1e-9)
    weights = torch.stack([w.detach().square().sum() for w in layer.parameters()]).sum().sqrt()
    assert size == pytest.approx(float(weights), rel=1e-9)
