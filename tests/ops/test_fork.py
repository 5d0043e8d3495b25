"""A process that forks after it has computed on several threads has children that compute, too."""

import subprocess
import sys

import pytest
from tests.faults import posix

SCRIPT = """
import multiprocessing, os, sys
import numpy as np, polars as pl, torch
from datetime import date, timedelta
import carrousel
from carrousel import Forecaster

torch.set_num_threads(2)
days = [date(2024, 1, 1) + timedelta(k) for k in range(200)]
table = pl.concat([pl.DataFrame({"unique_id": str(s), "ds": days, "y": np.arange(200.0) % 7 + s})
                   for s in range(8)])
layer, x = carrousel.GRU(32, 64), torch.randn(50, 64, 32)
make = lambda data: Forecaster(7, max_steps=3, ensemble=1).fit(data)
model = make(table)

def refused():
    try:
        make(table)
    except RuntimeError as error:
        return str(error)

def layers():
    out = layer(x)[0]
    out.square().sum().backward()
    return out.detach().numpy().tobytes(), layer.weight_hh_l0.grad.numpy().tobytes()

def answer(queue, what):
    queue.put({"layer": layers, "predict": lambda: model.predict().rows(),
               "fit": lambda: make(model.panel_).window_quantiles(model.panel_, [0]).shape,
               "read": refused}[what]())

here, before = layers(), model.predict().rows()
layer.zero_grad()
what = sys.argv[1]
context = multiprocessing.get_context("fork")
queue = context.SimpleQueue()
child = context.Process(target=answer, args=(queue, what))
child.start()
found = queue.get()
child.join()
assert torch.get_num_threads() == 2  # of the parent nothing changes
if what == "layer":
    assert found == here
elif what == "predict":
    assert found == before
elif what == "fit":
    assert found[1:3] == (8, 7)
else:
    assert "'spawn' or 'forkserver'" in found  # polars alone would hang
"""


@posix
@pytest.mark.parametrize("what", ["layer", "predict", "fit", "read"])
def test_a_forked_child_computes(what):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, what],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
