"""Training the pretrained network: its batches, its loss, and that it goes on bit for bit."""

import torch

from carrousel.forecast.pretrained.network import Network, Shape
from carrousel.forecast.pretrained.training import AHEAD, Batches, Bucket, Study, loss, train

TINY = Study(
    Shape(4, 32, 8, 1, 16, 1),
    (Bucket(48, 12, 6, 3, 0.5, 32), Bucket(96, 24, 4, 3, 0.5, 32)),
    ("exponential smoothing", "counts"),
    {"least": 1},
)


def test_origins_end_patches_and_targets_are_what_follows():
    batches = Batches(TINY, 0, "cpu")
    for step in range(8):
        batch = batches(step, torch.Generator().manual_seed(step))
        steps = batch.shown.shape[1]
        assert batch.ahead.shape == batch.target.shape == (*batch.origin.shape, AHEAD)
        assert ((batch.origin + 1) % 4 == 0).all()
        assert (batch.origin >= steps - 32).all()
        assert (batch.origin < steps).all()
        assert (batch.ahead >= 1).all()
        assert batch.target.isfinite().all()
        inside = batch.origin[..., None] + batch.ahead
        row, one, which = (inside < steps).nonzero().T[:, :200]
        shown = batch.shown[row, inside[row, one, which]]
        seen = shown.isfinite()
        assert torch.equal(shown[seen], batch.target[row, one, which][seen])


def test_the_loss_is_finite_and_falls():
    torch.manual_seed(0)
    network = Network(TINY.shape, torch.nn.LSTM)
    batch = Batches(TINY, 0, "cpu")(0, torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        value = loss(network, batch)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0]


def test_a_training_that_was_stopped_goes_on_bit_for_bit(tmp_path):
    whole = train(TINY, tmp_path, "whole", 4, 0, "cpu")
    again = train(TINY, tmp_path, "whole", 4, 0, "cpu")  # from its last checkpoint: nothing to do
    for ours, theirs in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    other = Batches(TINY, 0, "cpu")
    first = [other(step, torch.Generator().manual_seed(step)) for step in range(3)]
    fresh = Batches(TINY, 0, "cpu")(2, torch.Generator().manual_seed(2))
    assert torch.equal(first[2].target, fresh.target)  # a batch follows from its step alone
