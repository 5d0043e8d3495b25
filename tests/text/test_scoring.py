"""The loss in parts is torch's, and so are its gradients."""

import pytest
import torch
from torch.nn import functional as F

from carrousel.text import scoring


@pytest.mark.parametrize("at_once", [1, 100, 1 << 20])
@pytest.mark.parametrize(("n", "h", "v"), [(1, 1, 1), (1, 5, 3), (17, 3, 11), (64, 8, 33)])
def test_loss_and_gradients_are_torchs(monkeypatch, at_once, n, h, v):
    monkeypatch.setattr(scoring, "SCORES_AT_ONCE", at_once)
    random = torch.Generator().manual_seed(n)
    sizes = ((n, h), (v, h), (v,))
    inputs = [torch.randn(s, generator=random, dtype=torch.float64) * 3 for s in sizes]
    for tensor in inputs:
        tensor.requires_grad_()
    x, weight, bias = inputs
    targets = torch.randint(v, (n,), generator=random)
    ours = scoring.linear_cross_entropy(x, weight, bias, targets)
    torchs = F.cross_entropy(F.linear(x, weight, bias), targets)
    torch.testing.assert_close(ours, torchs)
    torch.testing.assert_close(
        torch.autograd.grad(3 * ours, inputs), torch.autograd.grad(3 * torchs, inputs)
    )
    assert scoring.summed_loss(x, weight, bias, targets) == pytest.approx(n * torchs.item())


def test_a_token_that_seemed_impossible_costs_what_it_should():
    weight, bias = torch.tensor([[0.0], [-300.0]]), torch.zeros(2)
    args = (torch.ones(1, 1), weight, bias, torch.tensor([1]))
    assert scoring.linear_cross_entropy(*args).item() == pytest.approx(300)
