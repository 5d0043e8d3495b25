"""The benchmark measures what it says: all contestants compute the same, medians alternate."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from benchmarks._grid import BARS, CELLS, KINDS, SIZES, Bar, Row, geometric_mean, rows
from benchmarks._measure import alternating, peak_bytes
from benchmarks.cells import contestants, verdict

from benchmarks import _jax, _peers

SMALL = (3, 5, 2, 4)
DEEP = {"one layer": {}, "two layers": {"layers": 2}, "both directions": {"directions": 2}}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("deep", DEEP.values(), ids=DEEP.keys())
@pytest.mark.parametrize("kind", ["train", "forward", "packed", "stream", "float64"])
def test_contestants_compute_the_same(kind: str, cell: str, deep: dict[str, int]) -> None:
    steps = contestants(Row(kind, cell, SMALL, **deep), skipped=set())
    assert {"ours", "torch"} <= steps.keys()
    ours = steps["ours"]()
    for name, step in steps.items():
        assert _peers.disagreement(ours, step()) < 1e-5, name


def test_disagreement_is_seen() -> None:
    a = torch.ones(3)
    assert _peers.disagreement((a,), (a * 1.5,)) == pytest.approx(1 / 3)
    assert _peers.disagreement((a,), (torch.ones(4),)) == math.inf


def test_a_missing_peer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    theirs, _, x, _ = _peers.setting(Row("forward", "LSTM", SMALL))
    with pytest.raises(_peers.Missing, match="jax is not installed"):
        _jax.jax_forwards(Row("forward", "LSTM", SMALL), theirs, x)


def test_calls_alternate() -> None:
    order: list[str] = []
    times = alternating({name: lambda name=name: order.append(name) for name in "ab"}, rounds=2)
    assert times.keys() == {"a", "b"}
    assert "".join(order[-1000:]).count("ab") >= 1
    assert order[0] == "a"
    assert order[-1] == "b"


def test_peak_memory_of_a_known_allocation() -> None:
    peak = peak_bytes(lambda: torch.ones(8_000_000).sum())
    if peak is None:
        pytest.skip("not Linux")
    assert peak == pytest.approx(32e6, rel=0.2)


def test_operations_of_an_lstm() -> None:
    batch, steps, inputs, units = SMALL
    forward = 2 * 4 * units * (inputs + units) * batch * steps
    assert Row("forward", "LSTM", SMALL).operations() == forward
    assert Row("train", "LSTM", SMALL).operations() == 3 * forward


def test_every_size_and_kind_is_in_the_full_grid() -> None:
    every = list(rows(quick=False))
    assert {row.kind for row in every} == set(KINDS)
    for kind in ("train", "forward"):
        assert {row.size for row in every if row.kind == kind} == set(SIZES)
    assert len(list(rows(quick=True))) < len(every) / 3
    assert all(any(bar.takes(row) for row in every) for bar in BARS)


def test_verdict_names_the_worst_row() -> None:
    found = [
        (Row("train", "GRU", size), value) for size, value in zip(SIZES, (8.0, 2.0), strict=False)
    ]
    v = verdict(Bar("bar", "train", 4.0, 1.2), found)
    assert v["mean"] == geometric_mean([8.0, 2.0]) == pytest.approx(4.0)
    assert v["worst"] == 2.0
    assert "512" in v["worst_row"]
    most = verdict(Bar("bar", "tracing", 1.05, 1.1, most=True), found)
    assert most["worst"] == 8.0
    assert not most["reached"]


def test_program_writes_its_numbers(tmp_path: Path) -> None:
    file = tmp_path / "cells.json"
    command = [sys.executable, "-m", "benchmarks.cells", "--quick", "--only", "stream"]
    command += ["--filter", "GRU", "--json", str(file)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "ratio" in done.stdout
    content = json.loads(file.read_text())
    assert content["machine"]["threads"]
    assert content["rows"][0]["cell"] == "GRU"
    assert set(content["rows"][0]["values"]) == {"ours", "torch"}
