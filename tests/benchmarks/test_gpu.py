"""The benchmark of the kernels on a GPU says what it could not do, and checks what it can."""

import os
import subprocess
import sys

import pytest
import torch

from benchmarks import gpu

without_a_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@without_a_gpu
def test_without_a_device_nothing_is_timed(capsys):
    assert gpu.main([]) == 2
    assert "no CUDA device" in capsys.readouterr().out


@without_a_gpu
def test_the_check_is_interpreted(capsys, monkeypatch):
    pytest.importorskip("triton")
    monkeypatch.setattr(gpu, "MODES", ("LSTM", "GRU"))
    assert gpu.main(["--check-only"]) == 0
    assert capsys.readouterr().out.count("right") == 2 + len(gpu.NEWER)


@without_a_gpu
def test_what_is_wrong_ends_the_run(capsys, monkeypatch):
    pytest.importorskip("triton")
    monkeypatch.setattr(gpu, "MODES", ("RNN_TANH",))
    monkeypatch.setattr(gpu, "TOLERANCE", {"float32": 0.0})
    assert gpu.main(["--check-only"]) == 1
    assert "WRONG" in capsys.readouterr().out


def test_the_kernels_compile_to_machine_code():
    """The compiler refuses some of what the interpreter takes."""
    pytest.importorskip("triton")
    command = [sys.executable, "-m", "benchmarks.gpu_resources"]
    command += ["--modes", "LSTM_NORM", "SLSTM", "MIN_LSTM", "--units", "5", "--dtypes", "bfloat16"]
    outside = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=outside)
    for mode in ("LSTM_NORM", "SLSTM", "MIN_LSTM"):
        assert run.stdout.count(f"{mode} bfloat16 H 5, fused") == 2
