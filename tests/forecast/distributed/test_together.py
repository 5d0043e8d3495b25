"""Several processes that train one network: the numbers of one process, within rounding."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import torch

from carrousel import Forecaster
from carrousel.forecast.network.distribution import SIDE
from carrousel.forecast.network.loss import training_loss
from carrousel.training.peers import Peers, training_among

OPTIONS = {"ensemble": 1, "max_steps": 20, "hidden_size": 16, "pretrained_share": 0}

SCRIPT = """
import sys, torch
from carrousel import Forecaster
from carrousel.forecast.distributed import fit_together
torch.set_num_threads(1)
table, folder, resume, options = sys.argv[1], sys.argv[2], sys.argv[3] == "resume", {options}
how = dict(checkpoint=folder + "/state", resume=resume)
fitted = fit_together(Forecaster(3, **options), table, **how)
import os
if os.environ["RANK"] == "0":
    fitted.save(folder + "/model")
"""


def _table(path: Path) -> Path:
    rng, parts = np.random.default_rng(0), []
    for s in range(9):
        n = 40 + 3 * s
        y = 10.0**s * (5 + np.sin(np.arange(n) * np.pi / 6) + rng.normal(0, 0.3, n))
        y[rng.random(n) < 0.05 * (s % 2)] = np.nan
        parts.append(pl.DataFrame({"unique_id": [f"s{s}"] * n, "ds": range(n), "y": y}))
    pl.concat(parts).write_parquet(path)
    return path


def _torchrun(processes: int, *arguments: object) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    script = Path(str(arguments[1])) / "train.py"
    script.write_text(SCRIPT.format(options=OPTIONS))
    count = f"--nproc-per-node={processes}"
    done = subprocess.run(
        [*command, count, str(script), *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_twenty_updates_of_two_processes_are_those_of_one(tmp_path):
    table = _table(tmp_path / "table.parquet")
    _torchrun(2, table, tmp_path, "anew")
    shared = Forecaster.load(tmp_path / "model")
    alone = Forecaster(3, **OPTIONS).fit(table)
    before = Forecaster(3, **{**OPTIONS, "max_steps": 1}).fit(table)
    theirs, ours = shared.networks_[0].state_dict(), alone.networks_[0].state_dict()
    moved = max(
        float((value - before.networks_[0].state_dict()[name]).abs().max())
        for name, value in ours.items()
    )
    assert moved > 1e-2  # there is something to be compared
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-4, atol=1e-5, msg=name)


class _Half(Peers):
    """One of two processes, which knows what the other one would say."""

    def __init__(self, rank: int, sums: list[list[float]]) -> None:
        super().__init__(rank, 2)
        self.sums = sums

    def total(self, *numbers: float) -> list[float]:
        self.sums.append(list(numbers))
        return list(np.sum([self.sums[0], numbers], 0)) if len(self.sums) == 2 else list(numbers)


def test_losses_of_parts_of_a_batch_add_up_to_that_of_the_batch():
    torch.manual_seed(0)
    rows, steps, h, kinds, side = 6, 4, 3, 5, SIDE
    whole = {
        "out": torch.randn(rows, steps, kinds * h + 2 * h + 2 * side, dtype=torch.float64),
        "anchors": torch.randn(rows, steps, kinds, h, dtype=torch.float64),
        "target": torch.randn(rows, steps, h, dtype=torch.float64),
    }
    whole["target"][1:4, :2] = torch.nan
    scale = torch.rand(rows, steps, 1, dtype=torch.float64) + 0.1
    size, level = scale * torch.rand_like(scale) * 20, torch.zeros_like(scale)
    origin, age = torch.zeros(rows, 1, dtype=torch.float64), torch.ones(rows, steps).long()

    def loss(which: slice, peers: Peers | None) -> float:
        scaled = SimpleNamespace(
            origin=origin[which], scale=scale[which], size=size[which], age=age[which],
            level=level[which],
        )  # fmt: skip
        out, anchors, target = (x[which].clone() for x in whole.values())
        with training_among(peers):
            return float(training_loss(out, anchors, scaled, target))

    halves, told = [slice(0, None, 2), slice(1, None, 2)], []
    for which in halves:  # what each says of its own rows
        loss(which, _Half(0, sums := []))
        told.append(sums[0])
    parts = sum(loss(half, _Half(k, [told[1 - k]])) for k, half in enumerate(halves))
    np.testing.assert_allclose(parts, loss(slice(None), None), rtol=1e-12)
