"""Parts to hold out and batches to learn from: which sequences, drawn from seeds alone."""

import numpy as np
import torch
from torch import Tensor

POOL = 16  # batches' worth of sequences that are sorted by length


def folds(count: int, parts: int, strata: np.ndarray | None, seed: int) -> np.ndarray:
    """(count,) the part from 0 that each example is in: each stratum is spread over all parts.

    A stratum with one example is in none (-1): it must be learned from.

    >>> folds(4, 2, np.array([0, 0, 0, 1]), 0)[3]
    np.int64(-1)
    """
    generator = np.random.default_rng(seed)
    strata = np.zeros(count, int) if strata is None else strata
    part, offset = np.full(count, -1), 0
    for stratum in np.unique(strata):
        members = generator.permutation(np.flatnonzero(strata == stratum))
        if len(members) > 1:
            part[members] = (offset + np.arange(len(members))) % parts
            offset += len(members)  # so that the parts are equally large
    return part


class Batches:
    """Batches of sequences of like lengths in random order, each once in an epoch.

    Sequences of like lengths keep the kernels busy to the last step. They are sorted within large
    random pools only, so that who comes with whom differs in every epoch. ``at(step)`` depends on
    the seed and the step alone.
    """

    def __init__(self, lengths: Tensor, size: int, seed: int) -> None:
        self.lengths, self.seed = lengths, seed
        self.per_epoch = -(-len(lengths) // size)
        self._epoch, self._batches = -1, [torch.empty(0, dtype=torch.int64)]

    def at(self, step: int) -> Tensor:
        """The numbers of the sequences in the batch of an update."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._drawn(epoch)
        return self._batches[place]

    def _drawn(self, epoch: int) -> list[Tensor]:
        seed = np.random.SeedSequence([self.seed, epoch]).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(seed >> np.uint64(1)))
        order = torch.randperm(len(self.lengths), generator=generator)
        batches = order.tensor_split(self.per_epoch)
        alike: list[Tensor] = []
        for first in range(0, len(batches), POOL):
            sizes = [len(batch) for batch in batches[first : first + POOL]]
            pool = torch.cat(batches[first : first + POOL])
            alike += pool[self.lengths[pool].argsort(stable=True)].split(sizes)
        mixed = torch.randperm(len(alike), generator=generator).tolist()
        return [alike[k] for k in mixed]
