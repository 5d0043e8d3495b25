"""Nothing is lost: divergence, Ctrl-C, ``kill -9`` and a full disk."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from carrousel import Forecaster
from carrousel.storage import files

from .conftest import make_panel, seasonal_series

OPTIONS = {"max_steps": 40, "ensemble": 2, "hidden_size": 8, "num_layers": 1, "batch_size": 8,
           "context": 48, "seed": 3}  # fmt: skip
DAYS = [seasonal_series(24 * 8, seed=s, level=50.0 * (s + 1)) for s in range(3)]


def test_a_divergence_names_the_series_and_keeps_the_last_good_weights(monkeypatch):
    from carrousel.forecast.network.network import Network

    real, calls = Network.loss, []

    def poisoned(self, window, extra=None, offset=None):
        """After 20 batches (every fourth is read in two parts), series s1 (around 100) has a loss
        that is not a number."""
        calls.append(1)
        bad = ((window + offset)[:, -10:].nanmean(1) - 100).abs() < 20
        return real(self, window, extra, offset) + (
            np.nan if len(calls) > 25 and bad.any() else 0.0
        )

    monkeypatch.setattr(Network, "loss", poisoned)
    forecaster = Forecaster(3, **OPTIONS | {"batch_size": 64})  # s1 is in every batch
    # Made-up series have the units of real ones, so that some of them lie around 100, too.
    blamed = "the loss of series 's1'(, made up to learn from)? is no longer finite"
    with pytest.warns(RuntimeWarning, match=f"update 20: {blamed}; the last good weights"):
        forecaster.fit(make_panel(DAYS))
    assert len(forecaster.networks_) == 1
    assert re.search(blamed, forecaster.notes_[-1])
    assert forecaster.predict()["carrousel"].is_finite().all()


def interrupt_at(name, step):
    def report(network, progress):
        if (network, progress.step) == (name, step):
            raise KeyboardInterrupt

    return report


def test_ctrl_c_keeps_whole_networks_or_the_best_so_far():
    first = Forecaster(3, **OPTIONS).fit(
        make_panel(DAYS), progress=interrupt_at("network 1 of 2", 7)
    )
    assert [run.stopped for run in first.runs_] == ["interrupted"]
    second = Forecaster(3, **OPTIONS).fit(
        make_panel(DAYS), progress=interrupt_at("network 2 of 2", 7)
    )
    assert [run.stopped for run in second.runs_] == ["finished", "interrupted"]
    assert len(second.networks_) == 1
    for forecaster in (first, second):
        assert forecaster.predict()["carrousel"].is_finite().all()


KILLED = """
import sys
from carrousel import Forecaster
from carrousel.training import TrainOptions
from tests.forecast.test_robust import DAYS, OPTIONS, make_panel, often

often()
def say(name, progress):
    print(name, progress.step, flush=True)
Forecaster(3, **OPTIONS).fit(make_panel(DAYS), progress=say, checkpoint=sys.argv[1], resume=True)
"""


def often():
    """Checkpoints every seven updates."""
    from carrousel.forecast import plan

    real = plan.TrainOptions
    plan.TrainOptions = lambda **options: real(**options, checkpoint_every=7)


def test_killed_in_either_network_it_resumes_to_the_same_forecast(tmp_path, monkeypatch):
    from carrousel.forecast import plan

    monkeypatch.setattr(plan, "TrainOptions", plan.TrainOptions)  # so that it comes back
    often()
    expected = Forecaster(3, **OPTIONS).fit(make_panel(DAYS)).predict()
    for lines in (25, 31):  # in the first network, and then in the second
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(lines):
                last = process.stdout.readline()
            process.kill()
    assert last.startswith("network 2 of 2")
    resumed = Forecaster(3, **OPTIONS).fit(make_panel(DAYS), checkpoint=tmp_path, resume=True)
    assert resumed.predict().equals(expected)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["network0.safetensors", "network1.safetensors"]
    with pytest.raises(ValueError, match="other data"):
        Forecaster(3, **OPTIONS).fit(make_panel(DAYS[:2]), checkpoint=tmp_path, resume=True)


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(3, **OPTIONS).fit(make_panel(DAYS))


@pytest.mark.parametrize("written", [0, 1])
def test_a_disk_that_fills_while_saving_keeps_the_old_model(written, fitted, tmp_path, monkeypatch):
    fitted.save(tmp_path)
    expected = Forecaster.load(tmp_path).predict()
    names = sorted(tmp_path.iterdir())
    fitted = Forecaster.load(tmp_path).update(make_panel([np.append(d, d[:5]) for d in DAYS]))
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > written:
            raise OSError(28, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(OSError, match=r"cannot write the model to .*: No space left on device"):
            fitted.save(tmp_path)
    assert sorted(tmp_path.iterdir()) == names
    assert Forecaster.load(tmp_path).predict().equals(expected)
    fitted.save(tmp_path)  # and in memory nothing was lost
    assert Forecaster.load(tmp_path).predict().equals(fitted.predict())
    suffixes = sorted(path.suffix for path in tmp_path.iterdir())
    assert suffixes == [".json", ".md", ".safetensors"]  # and nothing half-written


def test_models_of_format_1_are_read_and_replaced(fitted, tmp_path):
    import json

    fitted.save(tmp_path)
    description = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    (tmp_path / description.pop("weights")).rename(tmp_path / "model.safetensors")
    del description["digest"]  # which came later
    (tmp_path / "model.json").write_text(json.dumps({**description, "format": 1}), "utf-8")
    old = Forecaster.load(tmp_path)
    assert old.predict().equals(fitted.predict())
    old.save(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    assert Forecaster.load(tmp_path).predict().equals(fitted.predict())
