"""Several processes that train one model: each learns from its rows of every batch.

All draw the same batches and keep the same parameters: the gradient is the sum over the processes,
so that a training is, within rounding, the one of a single process with the same batches.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

PEERS: ContextVar["Peers | None"] = ContextVar("peers", default=None)


class Peers:
    """The processes of torch's default group, as the training loop sees them.

    Args:
        rank: Which of them this is.
        count: How many there are.
    """

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count

    def own(self, *rows: Tensor) -> tuple[Tensor, ...]:
        """Of each of some columns (B,) the rows that this process learns from."""
        if len(rows[0]) < self.count:
            raise ValueError(
                f"batch_size: {len(rows[0])} windows cannot be shared among {self.count} processes"
            )
        return tuple(column[self.rank :: self.count] for column in rows)

    def total(self, *numbers: float) -> list[float]:
        """Sums over all processes."""
        sums = torch.tensor(numbers, dtype=torch.float64)
        torch.distributed.all_reduce(sums)
        return sums.tolist()

    def agreed(self, value: Any) -> Any:
        """What the first process has."""
        box = [value]
        torch.distributed.broadcast_object_list(box)
        return box[0]

    def shared(self, model: nn.Module, loss: Callable[[nn.Module, Any], Tensor]) -> nn.Module:
        """A module from a batch to its loss, whose gradients are means over the processes."""
        objective = _Objective(model, loss)
        return nn.parallel.DistributedDataParallel(objective, broadcast_buffers=False)


class _Objective(nn.Module):
    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Any], Tensor]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Any) -> Tensor:
        return self.loss(self.model, batch)


@contextmanager
def training_among(peers: Peers | None) -> Iterator[None]:
    """Trainings inside are shared with these processes; None: with nobody."""
    token = PEERS.set(peers)
    try:
        yield
    finally:
        PEERS.reset(token)
