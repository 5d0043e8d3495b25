"""Trials: equal settings, equal results; finished ones are kept and not run again."""

import json
from dataclasses import replace

import pytest
import torch

from carrousel.lab.contest import Contest, best_rate, final_loss, summary
from carrousel.lab.learning import Budget, learn
from carrousel.lab.networks import Network, build
from carrousel.lab.tasks import Criterion, Recall
from carrousel.lab.trials import Trial, run_trials

EASY = Recall(0, criterion=Criterion(recent=64))
TRIAL = Trial(EASY, Network("ann"), 300, Budget(batch=16, updates=200, rate=0.03), seed=0)


def without_time(result: dict) -> dict:
    return {name: value for name, value in result.items() if name != "seconds"}


def test_a_solvable_task_is_solved_and_tested_on_fresh_sequences():
    result = TRIAL.run()
    assert result["solved"]
    assert result["sequences"] < TRIAL.budget.sequences
    assert result["wrong"] == 0
    assert result["at"][-1] == result["sequences"]
    assert len(result["at"]) == len(result["loss"]) == len(result["right"])


def test_equal_trials_have_equal_results_and_others_other_files(tmp_path):
    assert without_time(TRIAL.run()) == without_time(TRIAL.run())
    others = [
        replace(TRIAL, seed=1),
        replace(TRIAL, budget=replace(TRIAL.budget, rate=0.01)),
        replace(TRIAL, task=Recall(0)),
    ]
    assert len({trial.file for trial in (TRIAL, *others)}) == 4


def test_success_is_judged_before_learning_so_that_no_sequence_is_seen_twice():
    class Always(Recall):
        def right(self, output, batch):
            return torch.ones(output.shape[0], dtype=torch.bool)

    task = Always(0, criterion=Criterion(recent=64))
    net = build(Network("ann"), task, 300, 0)
    before = [weight.clone() for weight in net.parameters()]
    course = learn(net, task, Budget(batch=64, updates=9), torch.Generator().manual_seed(0))
    assert (course.solved, course.sequences) == (True, 64)
    assert all(a.equal(b) for a, b in zip(before, net.parameters(), strict=True))


def test_a_diverging_run_stops_and_says_so():
    class Broken(Recall):
        def loss(self, output, batch):
            return super().loss(output, batch) * float("nan")

    net = build(Network("ann"), EASY, 300, 0)
    course = learn(net, Broken(0), Budget(16, 50), torch.Generator().manual_seed(0))
    assert (course.diverged, course.solved, course.sequences) == (True, False, 16)


def test_finished_trials_are_read_and_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    trials = [replace(TRIAL, seed=seed) for seed in range(3)]
    run, calls = Trial.run, []

    def counted(self, *args):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(self.seed)
        return run(self, *args)

    monkeypatch.setattr(Trial, "run", counted)
    with pytest.raises(KeyboardInterrupt):
        run_trials(trials, tmp_path)
    assert calls == [0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(t.file for t in trials[:2])
    monkeypatch.setattr(Trial, "run", run)
    work = []
    results = run_trials(trials, tmp_path, tick=lambda amount, label: work.append(amount))
    assert [result["seed"] for result in results] == [0, 1, 2]
    assert sum(work) == pytest.approx(sum(trial.cost for trial in trials))


def test_processes_give_the_results_of_one_process(tmp_path):
    trials = [replace(TRIAL, seed=seed) for seed in range(2)]
    alone, shared = run_trials(trials, tmp_path / "a"), run_trials(trials, tmp_path / "b", jobs=2)
    assert list(map(without_time, alone)) == list(map(without_time, shared))


def test_the_files_are_whole_json(tmp_path):
    run_trials([TRIAL], tmp_path)
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["network"] == "ann"


def test_tuning_prefers_more_successes_then_sooner_ones_then_lower_loss():
    run = {"solved": False, "diverged": False, "sequences": 900, "loss": [1.0, 0.5]}
    assert best_rate([run | {"rate": 0.1}, run | {"rate": 0.2, "loss": [0.4]}]) == 0.2
    solved = run | {"solved": True}
    assert best_rate([run | {"rate": 0.1, "loss": [0.1]}, solved | {"rate": 0.2}]) == 0.2
    assert best_rate([solved | {"rate": 0.1}, solved | {"rate": 0.2, "sequences": 800}]) == 0.2


def test_every_network_has_the_same_tuning_and_tuning_seeds_take_no_part_afterwards(tmp_path):
    contest = Contest(EASY, (Network("ann"), Network("rnn")), 300, TRIAL.budget, seeds=2)
    tuned = [len(contest.tuning(network)) for network in contest.networks]
    assert tuned == [2, 2]
    results = contest.run(tmp_path)
    assert sorted({result["seed"] for result in results}) == [0, 1]
    rows = summary(results)
    assert [row["runs"] for row in rows] == [2, 2]
    assert all(row["parameters"] <= 300 for row in rows)


def test_failures_stay_in_the_summary():
    result = {
        "task": "t", "network": "rnn", "hidden": 2, "parameters": 9, "rate": 0.1, "solved": False,
        "diverged": True, "sequences": 5, "loss": [3.0, 2.0], "wrong": None, "seconds": 1.0,
    }  # fmt: skip
    (row,) = summary([result])
    assert (row["solved"], row["diverged"], row["sequences (median)"]) == (0, 1, None)
    assert final_loss(result) == 2.0
