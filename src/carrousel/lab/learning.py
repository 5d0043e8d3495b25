"""Learning from a stream of fresh sequences until the task is solved or the budget is spent."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from .tasks import Task

POINTS = 60  # of a learning curve


@dataclass(frozen=True)
class Budget:
    """What every network is given: sequences an update, updates at most, the step size.

    The step size falls in a line to zero at the last update: what is almost learned settles.
    """

    batch: int = 64
    updates: int = 2000
    rate: float = 0.01
    clip: float = 1.0

    @property
    def sequences(self) -> int:
        return self.batch * self.updates


@dataclass
class Course:
    """How the learning went. ``sequences`` counts those seen, the judged ones included."""

    solved: bool = False
    diverged: bool = False
    sequences: int = 0
    at: list[int] = field(default_factory=list)  # sequences seen, at each point of the curves
    loss: list[float] = field(default_factory=list)  # mean since the point before
    right: list[float] = field(default_factory=list)  # share, likewise


def learn(
    net: nn.Module,
    task: Task,
    budget: Budget,
    rng: torch.Generator,
    tick: Callable[[int], None] = lambda updates: None,
) -> Course:
    """Adam on fresh batches; stops when ``task.criterion`` holds. ``tick`` hears of updates done.

    Each batch is judged before the network learns from it.
    """
    course, criterion = Course(), task.criterion
    optimizer = torch.optim.Adam(net.parameters(), lr=budget.rate)
    recent: deque[int] = deque(maxlen=math.ceil(criterion.recent / budget.batch))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-3, budget.updates)
    every = max(1, budget.updates // POINTS)
    losses, rights = [], []
    for update in range(1, budget.updates + 1):
        batch = task.batch(budget.batch, rng)
        output = net(batch.inputs)
        loss = task.loss(output, batch)
        right = int(task.right(output, batch).sum())
        losses.append(float(loss.detach()))
        rights.append(right / budget.batch)
        recent.append(right)
        course.sequences = update * budget.batch
        course.diverged = not math.isfinite(losses[-1])
        enough = len(recent) == recent.maxlen
        course.solved = enough and sum(recent) >= criterion.share * len(recent) * budget.batch
        done = course.solved or course.diverged or update == budget.updates
        if done or update % every == 0:
            _mark(course, losses, rights)
            tick(every)
        if done:
            break
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), budget.clip)
        optimizer.step()
        schedule.step()
    return course


def _mark(course: Course, losses: list[float], rights: list[float]) -> None:
    course.at.append(course.sequences)
    course.loss.append(sum(losses) / len(losses))
    course.right.append(sum(rights) / len(rights))
    losses.clear()
    rights.clear()


@torch.no_grad()
def wrong_among(
    net: nn.Module, task: Task, count: int, rng: torch.Generator, size: int = 256
) -> int:
    """How many of ``count`` fresh sequences are answered wrongly."""
    wrong = 0
    for start in range(0, count, size):
        batch = task.batch(min(size, count - start), rng)
        wrong += int((~task.right(net(batch.inputs), batch)).sum())
    return wrong
