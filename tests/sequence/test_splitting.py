"""Parts and batches: everything once, nothing by chance that a seed does not say."""

import numpy as np
import pytest
import torch

from carrousel.sequence.splitting import Batches, folds


@pytest.mark.parametrize("count", [5, 64, 101])
def test_each_stratum_is_in_all_parts(count):
    strata = np.arange(count) % 2
    part = folds(count, 2, strata, 3)
    sizes = np.array([[((part == p) & (strata == s)).sum() for p in range(2)] for s in range(2)])
    assert sizes.sum() == count
    assert np.ptp(sizes, axis=1).max() <= 1
    assert np.array_equal(part, folds(count, 2, strata, 3))


@pytest.mark.parametrize(("count", "size"), [(1, 8), (7, 3), (65, 64), (1000, 7)])
def test_every_sequence_comes_once_in_an_epoch(count, size):
    lengths = torch.arange(count) % 13 + 1
    batches = Batches(lengths, size, 0)
    for epoch in range(2):
        steps = range(epoch * batches.per_epoch, (epoch + 1) * batches.per_epoch)
        drawn = [batches.at(step) for step in steps]
        assert torch.cat(drawn).sort().values.tolist() == list(range(count))
        sizes = [len(one) for one in drawn]
        assert max(sizes) <= size
        assert max(sizes) - min(sizes) <= 1


def test_batches_follow_from_seed_and_step():
    lengths = torch.arange(100) + 1
    one, other = Batches(lengths, 8, 4), Batches(lengths, 8, 4)
    forwards = [one.at(step).tolist() for step in range(30)]
    assert [other.at(step).tolist() for step in reversed(range(30))] == forwards[::-1]
    assert forwards[: one.per_epoch] != forwards[one.per_epoch : 2 * one.per_epoch]


def test_sequences_of_like_lengths_come_together():
    lengths = torch.randint(1, 1000, (1024,), generator=torch.manual_seed(0))
    batches = Batches(lengths, 32, 0)
    spreads = [np.ptp(lengths[batches.at(step)].numpy()) for step in range(batches.per_epoch)]
    assert np.mean(spreads) < 150
