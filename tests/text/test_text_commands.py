"""train and generate on the command line."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest
import torch

from carrousel import LanguageModel

TEXT = "Hier soir j'ai mangé un hamburger et des frites.\n" * 40
QUICK = ("--hidden", 8, "--embedding", 8, "--steps", 6)


@pytest.fixture
def run(command_line, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    return partial(command_line, "text")


@pytest.mark.parametrize("level", ["char", "word", "bpe"])
def test_train_writes_a_model_that_generates(run, tmp_path, level):
    trained = run("train", "text.txt", "--out", "model", "--level", level, *QUICK)
    assert (trained.code, trained.err) == (0, "")
    assert "Learned 1,862 characters" in trained.out
    assert "Validation: " in trained.out
    (weights,) = (tmp_path / "model").glob("model-*.safetensors")
    names = {f.name for f in (tmp_path / "model").iterdir()}
    assert names == {"model.json", weights.name, "README.md"}
    one, two = (run("generate", "model", "Hier soir ", "--length", 9) for _ in range(2))
    assert one.out == two.out
    assert one.out.startswith("Hier soir ")
    assert one.out.endswith("\n")
    model = LanguageModel.load(tmp_path / "model")
    assert one.out == "Hier soir " + "".join(model.generate("Hier soir ", 9)) + "\n"


def test_options_reach_the_model(run, tmp_path):
    options = ("--cell", "gru", "--layers", 2, "--tied", "--dropout", 0.1, "--weight-drop", 0.2)
    more = ("--embedding-dropout", 0.1, "--batch", 4, "--bptt", 9, "--valid", "text.txt")
    assert run("train", "text.txt", "text.txt", "--out", "m", *QUICK, *options, *more).code == 0
    found = LanguageModel.load(tmp_path / "m").options
    assert (found.cell, found.layers, found.tied, found.dropout) == ("gru", 2, True, 0.1)
    assert (found.weight_drop, found.embedding_dropout) == (0.2, 0.1)
    assert (found.batch, found.bptt) == (4, 9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "no.txt", "--out", "m"), "no.txt: No such file or directory"),
        (("train", "text.txt", "--out", "m", "--level", "words"), "level must be one of"),
        (("train", "text.txt", "--out", "m", "--hidden", 0), "hidden must be a whole number"),
        (("train", "text.txt"), "Missing option '--out'"),
        (("generate", "nowhere"), "there is no model in nowhere"),
    ],
)
def test_what_is_wrong_is_one_line(run, arguments, message):
    result = run(*arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_a_library_that_is_not_there_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    result = run("train", "text.txt", "--out", "m", "--level", "bpe", *QUICK)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "pip install 'carrousel[text]'" in result.err


def test_an_empty_file_is_named(run, tmp_path):
    (tmp_path / "empty.txt").touch()
    result = run("train", "empty.txt", "--out", "m")
    assert (result.code, result.err) == (2, "carrousel: the text is empty: empty.txt\n")


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to send")
def test_ctrl_c_keeps_the_best_and_resume_goes_on(run, tmp_path):
    options = ("--hidden", "8", "--steps", "200", "--seed", "3")
    whole = ("train", "text.txt", "--out", "whole", *options)
    assert run(*whole).code == 0
    command = [sys.executable, "-c", STOPPED, "text", "train", "text.txt", "--out", "m", *options]
    # As many threads as this process has: torch's own sums and products depend on their number.
    threads = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    stopped = subprocess.run(
        command, cwd=tmp_path, env=threads, capture_output=True, text=True, check=False
    )
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert "Stopped by Ctrl-C" in stopped.stdout
    assert (tmp_path / "m" / "training.safetensors").exists()
    assert run(*whole[:2], "--out", "m", *options, "--resume").code == 0
    weights = [next((tmp_path / name).glob("model-*.safetensors")) for name in ("whole", "m")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


STOPPED = f"""
import os
from carrousel import training
from carrousel.cli import main
rate = training.TrainOptions.rate
def stop(self, step):
    if step == 50:
        os.kill(os.getpid(), {int(signal.SIGINT)})
    return rate(self, step)
training.TrainOptions.rate = stop
main()
"""
