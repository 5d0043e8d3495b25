"""The training loop: it learns, stops, survives, resumes, and leaves global state alone."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from carrousel.training import TrainOptions, fit, loop

OPTIONS = TrainOptions(
    steps=60, learning_rate=0.05, average=0.9, evaluate_every=10, checkpoint_every=20
)


def new_model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))


def batches(step, generator):
    x = torch.rand(16, 2, generator=generator)
    return x, x.sum(-1, keepdim=True)


def loss(model, batch):
    return (model(batch[0]) - batch[1]).square().mean()


def validate(model):
    x = torch.linspace(0, 1, 20).reshape(10, 2)
    return (model(x) - x.sum(-1, keepdim=True)).square().mean().item()


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_it_learns():
    model = new_model()
    run = fit(model, batches, loss, replace(OPTIONS, steps=300), validate=validate)
    assert run.losses[-1] < 0.05 * run.losses[0]
    assert run.best_score == min(score for _, score in run.scores) == validate(model)
    assert (run.steps, run.stopped, model.training) == (300, "finished", False)


def test_two_runs_are_one_run_bit_for_bit():
    one, two = new_model(), new_model()
    first, second = (fit(m, batches, loss, OPTIONS, validate=validate) for m in (one, two))
    assert same(one, two)
    assert first.losses == second.losses


@pytest.mark.parametrize("killed_at", [1, 20, 33, 59])
def test_a_killed_run_resumes_bit_for_bit(tmp_path, killed_at):
    whole, killed = new_model(), new_model()
    expected = fit(whole, batches, loss, OPTIONS, validate=validate)
    path = tmp_path / "state.safetensors"

    class Killed(Exception):
        pass

    def kill(progress):
        if progress.step == killed_at:
            raise Killed

    with pytest.raises(Killed):
        fit(killed, batches, loss, OPTIONS, validate=validate, progress=kill, checkpoint=path)
    resumed = new_model()
    run = fit(resumed, batches, loss, OPTIONS, validate=validate, checkpoint=path, resume=True)
    assert same(whole, resumed)
    assert run.losses == expected.losses
    assert run.scores == expected.scores


def test_a_finished_run_resumes_to_itself(tmp_path):
    path, model, again = tmp_path / "s", new_model(), new_model()
    fit(model, batches, loss, OPTIONS, validate=validate, checkpoint=path)
    run = fit(again, batches, loss, OPTIONS, validate=validate, checkpoint=path, resume=True)
    assert same(model, again)
    assert run.steps == OPTIONS.steps


def test_early_stopping_returns_the_best():
    model, scores = new_model(), iter([4.0, 3.0, 1.0, 2.0, 2.0, 2.0])
    run = fit(model, batches, loss, replace(OPTIONS, patience=3), validate=lambda m: next(scores))
    assert (run.stopped, run.best_step, run.steps) == ("early", 20, 50)
    best = new_model()
    fit(best, batches, loss, OPTIONS, progress=stop_after(20))
    assert same(model, best)


def stop_after(step):
    def interrupt(progress):
        if progress.step == step:
            raise KeyboardInterrupt

    return interrupt


def test_an_interrupt_keeps_the_best_so_far():
    model = new_model()
    run = fit(model, batches, loss, OPTIONS, validate=validate, progress=stop_after(25))
    assert run.stopped == "interrupted"
    assert validate(model) == run.best_score


def test_a_loss_that_is_not_finite_stops_with_the_last_good_weights():
    def poisoned(step, generator):
        x, y = batches(step, generator)
        return (x, y * torch.nan) if step == 12 else (x, y)

    model, good = new_model(), new_model()
    run = fit(model, poisoned, loss, OPTIONS)
    assert (run.stopped, run.steps) == ("diverged", 12)
    fit(good, batches, loss, OPTIONS, progress=stop_after(12))
    assert same(model, good)


def test_global_random_state_is_untouched():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(new_model(), batches, loss, OPTIONS)
    assert torch.equal(torch.rand(3), expected)


def test_checkpoints_of_other_options_are_refused(tmp_path):
    path = tmp_path / "s"
    fit(new_model(), batches, loss, OPTIONS, checkpoint=path)
    with pytest.raises(ValueError, match="other options"):
        fit(new_model(), batches, loss, replace(OPTIONS, clip=2), checkpoint=path, resume=True)


def test_truncated_checkpoints_are_refused(tmp_path):
    path = tmp_path / "s"
    fit(new_model(), batches, loss, OPTIONS, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="truncated"):
        fit(new_model(), batches, loss, OPTIONS, checkpoint=path, resume=True)
    assert [file.name for file in tmp_path.iterdir()] == ["s"]  # no temporary left behind


def test_progress_reports_every_step():
    told = []
    fit(new_model(), batches, loss, OPTIONS, validate=validate, progress=told.append)
    assert [p.step for p in told] == list(range(1, 61))
    assert told[0].score == told[8].score  # of the initial parameters
    assert told[9].score < told[8].score
    assert all(p.rate > 0 and p.steps == 60 for p in told)


def test_the_schedule_warms_up_and_ends_near_zero():
    options = TrainOptions(steps=100, learning_rate=1.0, warmup=0.1)
    rates = [options.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == pytest.approx(1.0)
    assert 0 < rates[-1] < 0.001
    assert replace(options, schedule="constant").rate(99) == 1.0
    half = replace(options, steps=50, length=100)
    assert [half.rate(step) for step in range(50)] == rates[:50]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"schedule": "line"}, {"average": 1.0}])
def test_wrong_options_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TrainOptions(**wrong)


def test_only_matrices_decay():
    model = nn.Linear(2, 2)
    start = [p.detach().clone() for p in model.parameters()]
    options = TrainOptions(steps=1, learning_rate=0.1, weight_decay=0.5, warmup=0)
    fit(model, lambda s, g: None, lambda m, b: sum(p.sum() * 0 for p in m.parameters()), options)
    assert torch.allclose(model.weight, start[0] * 0.95)
    assert torch.equal(model.bias, start[1])


def test_a_divergence_is_explained():
    def poisoned(step, generator):
        x, y = batches(step, generator)
        return x, y * (torch.nan if step == 3 else 1.0)

    def blame(model, batch):
        rows = (model(batch[0]) - batch[1]).isfinite().logical_not().sum()
        return f"{rows} of {len(batch[0])} rows have no finite loss"

    run = fit(new_model(), poisoned, loss, OPTIONS, diagnose=blame)
    assert run.reason == "16 of 16 rows have no finite loss"
    assert "no longer finite" in fit(new_model(), poisoned, loss, OPTIONS).reason


def test_a_validation_that_is_not_finite_is_never_the_best():
    scores = iter([torch.nan, 3.0, torch.nan, 2.0, 5.0, torch.inf, torch.nan])
    run = fit(new_model(), batches, loss, OPTIONS, validate=lambda m: next(scores))
    assert (run.best_score, run.best_step) == (2.0, 30)


def test_a_validation_that_is_not_finite_survives_a_checkpoint(tmp_path):
    path, scores = tmp_path / "c", [torch.nan, 3.0, torch.inf]

    def stops(step, generator):
        if step == 20:
            raise KeyboardInterrupt
        return batches(step, generator)

    options = replace(OPTIONS, checkpoint_every=10)
    said = iter(scores)
    fit(new_model(), stops, loss, options, validate=lambda m: next(said), checkpoint=path)
    score = lambda m: 5.0  # noqa: E731
    run = fit(new_model(), batches, loss, options, validate=score, checkpoint=path, resume=True)
    assert (run.best_score, run.best_step) == (3.0, 10)
    assert [s for _, s in run.scores[1:4]] == [3.0, pytest.approx(torch.nan, nan_ok=True), 5.0]


def test_a_full_disk_stops_no_training_and_spoils_no_checkpoint(tmp_path, monkeypatch):
    path, model, expected = tmp_path / "s", new_model(), new_model()
    fit(expected, batches, loss, OPTIONS)
    real, written = loop.save_checkpoint, []

    def full_after_the_first(*arguments):
        if written:
            raise OSError(28, "No space left on device")
        written.append(arguments)
        real(*arguments)

    monkeypatch.setattr(loop, "save_checkpoint", full_after_the_first)
    with pytest.warns(RuntimeWarning, match="No space left on device.*training goes on"):
        fit(model, batches, loss, OPTIONS, checkpoint=path)
    assert same(model, expected)
    monkeypatch.setattr(loop, "save_checkpoint", real)
    resumed = new_model()
    fit(resumed, batches, loss, OPTIONS, checkpoint=path, resume=True)
    assert same(resumed, expected)


def test_checkpoints_of_other_data_are_refused(tmp_path):
    path = tmp_path / "s"
    fit(new_model(), batches, loss, OPTIONS, checkpoint=path, identity="a")
    with pytest.raises(ValueError, match="on other data"):
        fit(new_model(), batches, loss, OPTIONS, checkpoint=path, resume=True, identity="b")


KILLED = """
import sys, time
from tests.test_train import OPTIONS, batches, fit, loss, new_model, validate
def slowly(progress):
    print(progress.step, flush=True)
fit(new_model(), batches, loss, OPTIONS, validate=validate, progress=slowly,
    checkpoint=sys.argv[1], resume=True)
"""


def test_killed_again_and_again_it_arrives_at_the_same_model(tmp_path):
    """``kill -9`` at a moment of chance, in two runs, the second of which resumes the first."""
    path, whole, resumed = tmp_path / "s", new_model(), new_model()
    expected = fit(whole, batches, loss, OPTIONS, validate=validate)
    for lines in (25, 12):
        command = [sys.executable, "-c", KILLED, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(lines):
                process.stdout.readline()
            process.kill()
    run = fit(resumed, batches, loss, OPTIONS, validate=validate, checkpoint=path, resume=True)
    assert same(whole, resumed)
    assert run.losses == expected.losses
    assert [file.name for file in tmp_path.iterdir()] == ["s"]
