"""Trainings and blocks of series as tasks of a Ray cluster.

Where a run stops, tasks that are under way are left to their end: a block more is written, and
the end of this process ends them. ``ray.cancel`` would end this process itself where a task is
done at the same moment ("Tried to complete task that was not pending", Ray 2.60)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from ...data.store.store import Broken
from ...training import Progress, Run
from ..ensemble.training import Members, Report
from ..large.results import Part, Results
from ..large.run import Job, log_block
from ..network.network import Network
from .datasets import loaded

A_CPU = 2  # tasks under way, so that no processor waits for the next
AGAIN = 5  # times that a block is done again whose worker dies; then the block is to blame


def members_on_ray(
    members: Members, numbers: Sequence[int], before: Run | None, progress: Report | None
) -> Iterator[tuple[Network, Run]]:
    """Some of the trainings of an ensemble, one a task, in their order; ``progress`` is told when
    one is ready.

    A worker that is killed is replaced: with a checkpoint (in a folder that all machines see) its
    network goes on from there, else it begins anew. Both give the same numbers.
    """
    import ray

    if members.checkpoint is not None:
        if not members.resume:
            for member in numbers:
                (members.checkpoint / f"network{member}.safetensors").unlink(missing_ok=True)
        members = replace(members, checkpoint=members.checkpoint.absolute(), resume=True)
    task = ray.remote(num_cpus=1, max_retries=-1)(_train)
    sent = ray.put(members)
    running = [task.remote(sent, member, before) for member in numbers]
    for member, one in zip(numbers, running, strict=True):
        network, run = _result(one)
        if progress is not None:
            last = run.losses[-1] if run.losses else math.nan
            done = Progress(run.steps, run.steps, last, run.best_score, 0.0)
            progress(f"network {member + 1} of {members.count}", done)
        yield network, run


def _train(members: Members, member: int, before: Run | None) -> tuple[Network, Run]:
    return members.train(member, before)


def blocks_on_ray(job: Job, todo: Sequence[int]) -> Iterator[Part]:
    """Blocks of a run on the workers of a cluster, each of which writes what it has done.

    The folders of the store and of the results must be seen by all machines. A worker that is
    killed is replaced, and its block is done again; a block is written whole or not at all, so that
    nothing is lost or doubled. One whose worker dies again and again counts as broken. Where this
    process is killed, the run can be gone on with (``resume``), on a cluster or without one.
    """
    here = job.results
    there = Results(here.folder.absolute(), here.identity, here.blocks)
    for part, seconds in _done(replace(job, results=there), todo):
        log_block(part, job.store.n_blocks, seconds)
        yield part


def _done(job: Job, todo: Sequence[int]) -> Iterator[tuple[Part, float]]:
    """The blocks as they are done, and their workers' seconds; no more are under way than keep all
    processors busy.

    Raises:
        ValueError: A block fails, and the job is to stop then.
    """
    import ray
    from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

    task = ray.remote(num_cpus=1, max_retries=AGAIN)(_block)
    at_once = A_CPU * max(int(ray.cluster_resources().get("CPU", 1)), 1)
    sent, waiting = ray.put(job), list(reversed(todo))
    running: dict[Any, int] = {}  # tasks, and their blocks
    while waiting or running:
        while waiting and len(running) < at_once:
            block = waiting.pop()
            running[task.remote([sent], block)] = block
        (one, *_), _ = ray.wait(list(running))
        block = running.pop(one)
        try:
            yield _result(one)
        except (NodeDiedError, OutOfMemoryError, WorkerCrashedError) as error:
            reason = f"its worker died {AGAIN + 1} times: {str(error).splitlines()[0]}"
            if job.stop:
                raise ValueError(f"block {block}: {reason}") from None
            yield job.results.write(block, {}, 0, (Broken("block", str(block), reason),)), 0.0


def _block(sent: list[Any], i: int) -> tuple[Part, float]:
    began = perf_counter()
    return loaded(sent[0]).block(i), perf_counter() - began


def _result(task: Any) -> Any:
    """What a task gives; its own error, without Ray's account of where it came from."""
    import ray
    from ray.exceptions import RayTaskError

    try:
        return ray.get(task)
    except RayTaskError as error:
        raise error.cause or error from None
