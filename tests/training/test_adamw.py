"""The same numbers as torch's own class."""

import subprocess
import sys

import pytest
import torch

from carrousel.training.adamw import AdamW


def test_every_step_is_that_of_torch():
    draw = torch.Generator().manual_seed(0)
    ours, theirs = (
        [torch.nn.Parameter(torch.ones(3, 4)), torch.nn.Parameter(torch.ones(4)),
         torch.nn.Parameter(torch.ones(2, 2), requires_grad=False)]
        for _ in range(2)
    )  # fmt: skip
    groups = [{"params": theirs[:1], "weight_decay": 0.1}, {"params": theirs[1:2]}]
    expected = torch.optim.AdamW(groups, weight_decay=0.0, fused=True)
    optimizer = AdamW(ours, 0.1)
    for step in range(10):
        optimizer.zero_grad()
        assert ours[0].grad is None
        for p, q in zip(ours[:2], theirs, strict=False):
            p.grad = torch.randn(p.shape, generator=draw)
            q.grad = p.grad.clone()
        if step == 5:  # a parameter that took no part stays as it is
            ours[1].grad = theirs[1].grad = None
        for group in expected.param_groups:
            group["lr"] = 0.01 * (step + 1)
        optimizer.step(0.01 * (step + 1))
        expected.step()
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_norm_and_shortened_gradients_are_those_of_torch():
    draw = torch.Generator().manual_seed(0)
    ours, theirs = (
        [torch.nn.Parameter(torch.ones(30, 41)), torch.nn.Parameter(torch.ones(4))]
        for _ in range(2)
    )  # fmt: skip
    ours.append(torch.nn.Parameter(torch.ones(2)))  # one that took no part
    expected = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.0, fused=True)
    optimizer = AdamW(ours, 0.0)
    assert optimizer.norm() == 0
    for limit in (0.5, 2.0, 1e6):
        for p, q in zip(ours, theirs, strict=False):
            p.grad = torch.randn(p.shape, generator=draw)
            q.grad = p.grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(theirs, limit)
        assert optimizer.norm() == pytest.approx(norm.item())
        expected.step()
        optimizer.step(0.01, max((optimizer.norm() + 1e-6) / limit, 1.0))
        torch.testing.assert_close(ours[:2], theirs)


def test_training_imports_no_compiler():
    code = (
        "import sys, torch, carrousel.training as t; m = torch.nn.Linear(1, 1);"
        "t.fit(m, lambda s, g: torch.ones(1, 1), lambda m, x: m(x).sum(), t.TrainOptions(steps=2));"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
