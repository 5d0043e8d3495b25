"""A contest: several networks of one size on one task, each with its step size tuned alike."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from .learning import Budget
from .networks import Network
from .tasks import Task
from .trials import Tick, Trial, run_trials

Result = dict[str, Any]


@dataclass(frozen=True)
class Contest:
    """Every network gets ``parameters`` numbers, ``budget``, and the same search for its step size:
    each of ``rates`` with each of ``tuning_seeds``, which take no part afterwards."""

    task: Task
    networks: tuple[Network, ...]
    parameters: int
    budget: Budget
    rates: tuple[float, ...] = (0.01, 0.03)
    tuning_seeds: tuple[int, ...] = (100,)
    seeds: int = 10

    def trial(self, network: Network, rate: float, seed: int) -> Trial:
        budget = replace(self.budget, rate=rate)
        return Trial(self.task, network, self.parameters, budget, seed)

    def tuning(self, network: Network) -> list[Trial]:
        if len(self.rates) == 1:
            return []
        return [self.trial(network, r, seed) for r in self.rates for seed in self.tuning_seeds]

    @property
    def cost(self) -> float:
        """Work of all trials, in the unit of ``Trial.cost``."""
        each = self.trial(self.networks[0], self.rates[0], 0).cost
        return each * sum(len(self.tuning(network)) + self.seeds for network in self.networks)

    def run(
        self, folder: Path, jobs: int = 1, tick: Tick = lambda work, label: None
    ) -> list[Result]:
        """Tune, then run every network with its own best step size over all seeds."""
        tuning = [trial for network in self.networks for trial in self.tuning(network)]
        tuned = run_trials(tuning, folder, jobs, tick)
        trials = []
        for network in self.networks:
            own = [result for result in tuned if result["network"] == network.label]
            rate = best_rate(own) if own else self.rates[0]
            trials += [self.trial(network, rate, seed) for seed in range(self.seeds)]
        return run_trials(trials, folder, jobs, tick)


def best_rate(results: Iterable[Result]) -> float:
    """The step size that solved most often, then soonest, then came to the lowest loss.

    >>> slow = {"rate": 0.01, "solved": True, "diverged": False, "sequences": 900, "loss": [0.1]}
    >>> best_rate([slow, slow | {"rate": 0.03, "sequences": 300}])
    0.03
    """
    by_rate: dict[float, list[Result]] = {}
    for result in results:
        by_rate.setdefault(result["rate"], []).append(result)

    def merit(rate: float) -> tuple[float, ...]:
        own = by_rate[rate]
        return (
            -sum(result["solved"] for result in own),
            sum(result["sequences"] for result in own if result["solved"]),
            sum(result["diverged"] for result in own),
            median(map(final_loss, own)),
        )

    return min(by_rate, key=merit)


def final_loss(result: Result) -> float:
    """The loss at the end; of a run without success the mean of its last tenth: it is steadier."""
    tail = 1 if result["solved"] or result["diverged"] else max(1, len(result["loss"]) // 10)
    return sum(result["loss"][-tail:]) / tail


def summary(results: Iterable[Result]) -> list[dict[str, Any]]:
    """One row a (task, network): how often it was solved, how soon, how sure, how long it took."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result["task"], result["network"]), []).append(result)
    return [_row(task, network, own) for (task, network), own in groups.items()]


def _row(task: str, network: str, results: list[Result]) -> dict[str, Any]:
    solved = [result for result in results if result["solved"]]
    needed = sorted(result["sequences"] for result in solved)
    return {
        "task": task,
        "network": network,
        "hidden": results[0]["hidden"],
        "parameters": results[0]["parameters"],
        "rate": results[0]["rate"],
        "runs": len(results),
        "solved": len(solved),
        "diverged": sum(result["diverged"] for result in results),
        "sequences (median)": int(median(needed)) if needed else None,
        "sequences (range)": f"{needed[0]:,}–{needed[-1]:,}" if needed else None,
        "wrong of 2560 (median)": median(r["wrong"] for r in solved) if solved else None,
        "final loss (median)": round(median(map(final_loss, results)), 4),
        "CPU seconds a run": round(sum(result["seconds"] for result in results) / len(results), 1),
    }
