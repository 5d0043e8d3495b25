"""One trial: a network, a task, a seed. Finished trials are files, so that a run can resume."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from math import nan
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from ..storage.files import write_json
from ..storage.plain import parsed
from .learning import Budget, learn, wrong_among
from .networks import Network, build
from .tasks import Task

REVISION = 1  # raise it when a task, the loop or a network changes: old files no longer count
TESTED = 2560  # fresh sequences after success, as in the article of 1997
Tick = Callable[[float, str], None]  # (work done since the last call, what is at work)


@dataclass(frozen=True)
class Trial:
    """Everything that decides the outcome; equal trials have equal results."""

    task: Task
    network: Network
    parameters: int
    budget: Budget
    seed: int

    @property
    def label(self) -> str:
        return f"{self.task.name}, {self.network.label}, seed {self.seed}"

    @property
    def cost(self) -> float:
        """Work in steps of one sequence, at most (success ends a trial early)."""
        return float(self.budget.sequences * self.task.span)

    @property
    def file(self) -> str:
        """A name that reads well and differs whenever a setting differs."""
        settings = json.dumps([REVISION, asdict(self)], sort_keys=True)
        digest = hashlib.sha256(settings.encode()).hexdigest()[:10]
        words = "".join(c if c.isalnum() else "-" for c in self.label).replace("--", "-")
        return f"{words}-{digest}.json"

    def run(self, tick: Callable[[float], None] = lambda work: None) -> dict[str, Any]:
        """Learn, then test on fresh sequences if the task was solved."""
        begin = time.process_time()  # other programs do not count
        net = build(self.network, self.task, self.parameters, self.seed)
        rng = torch.Generator().manual_seed(10_000 + self.seed)
        share = self.cost / self.budget.updates
        course = learn(net, self.task, self.budget, rng, lambda updates: tick(updates * share))
        wrong = wrong_among(net, self.task, TESTED, rng) if course.solved else None
        return {
            "task": self.task.name,
            "network": self.network.label,
            "seed": self.seed,
            "rate": self.budget.rate,
            "parameters": sum(weight.numel() for weight in net.parameters()),
            "hidden": net.answer.in_features,
            **asdict(course),
            "wrong": wrong,
            "seconds": round(time.process_time() - begin, 2),
        }


def run_trials(
    trials: Sequence[Trial], folder: Path, jobs: int = 1, tick: Tick = lambda work, label: None
) -> list[dict[str, Any]]:
    """Results in the order of ``trials``; those that ``folder`` already holds are read, not run.

    With ``jobs`` > 1 the trials are spread over that many processes; each takes its share of the
    cores, this process keeps its own thread settings.
    """
    found = {trial: _read(folder / trial.file) for trial in trials}
    for trial in trials:
        if found[trial] is not None:
            tick(trial.cost, trial.label)
    missing = [trial for trial in trials if found[trial] is None]
    runner = _in_turn if jobs == 1 else _in_parallel
    for trial, outcome in runner(missing, jobs, tick):
        write_json(folder / trial.file, outcome)
        found[trial] = outcome
    return [result for trial in trials if (result := found[trial]) is not None]


def _read(path: Path) -> dict[str, Any] | None:
    """A finished trial; one that cannot be read is run again."""
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        found = parsed(path.read_bytes())
        if isinstance(found, dict):  # a loss that diverged stands as null there
            return found | {"loss": [nan if one is None else one for one in found["loss"]]}
    return None


Outcome = tuple[Trial, dict[str, Any]]


def _in_turn(trials: Sequence[Trial], _jobs: int, tick: Tick) -> Iterator[Outcome]:
    for trial in trials:
        done = 0.0

        def advance(work: float, label: str = trial.label) -> None:
            nonlocal done
            done += work
            tick(work, label)

        yield trial, trial.run(advance)
        tick(trial.cost - done, trial.label)


def _in_parallel(trials: Sequence[Trial], jobs: int, tick: Tick) -> Iterator[Outcome]:
    threads = max(1, (os.cpu_count() or 1) // jobs)
    context = get_context("spawn")  # a fork would copy a process whose threads may hold locks
    pool = ProcessPoolExecutor(jobs, context, _start_worker, (threads,))
    try:
        waiting = {pool.submit(trial.run): trial for trial in trials}
        for done in as_completed(waiting):
            trial = waiting[done]
            yield trial, done.result()
            tick(trial.cost, trial.label)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt waits for nobody
        raise
    pool.shutdown()


def _start_worker(threads: int) -> None:
    torch.set_num_threads(threads)  # of a process that runs trials and nothing else
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
