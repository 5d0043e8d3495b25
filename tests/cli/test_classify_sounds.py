"""``carrousel classify`` with recordings."""

import json

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile")

RATE = 4000
QUICK = ("--epochs", 8, "--hidden-size", 8, "--ensemble", 1)


@pytest.fixture
def folder(tmp_path):
    """Twelve recordings of each of two words."""
    noise = np.random.default_rng(0)
    for hertz, name in ((200, "low"), (1000, "high")):
        (tmp_path / "words" / name).mkdir(parents=True)
        for k in range(12):
            time = np.arange(int(noise.integers(1000, 1500))) / RATE
            sound = sum(0.2 * np.sin(2 * np.pi * hertz * f * time) for f in (1, 1.3, 1.6))
            soundfile.write(tmp_path / "words" / name / f"{k:02}.wav", sound, RATE)
    return tmp_path / "words"


def test_words_are_learned_heard_and_explained(run, folder, tmp_path):
    result = run("classify", "train", folder, "--out", "m", *QUICK)
    assert result.code == 0, result.err
    assert "words: 24 recordings at 4,000 Hz" in result.err
    found = json.loads(run("classify", "evaluate", "m", folder, "--out", "e", "--json").out)
    assert found["accuracy"] > 0.9
    assert (tmp_path / "e" / "report.html").exists()
    one = run("classify", "predict", "m", folder / "low" / "00.wav")
    assert ",low," in one.out
    table = tmp_path / "list.csv"
    table.write_text("path,label\nwords/low/01.wav,low\nwords/high/02.wav,high\n")
    assert json.loads(run("classify", "evaluate", "m", table, "--json").out)["accuracy"] == 1
    told = run("classify", "explain", "m", folder / "high", "--out", "why.png")
    assert told.code == 0, told.err
    assert (tmp_path / "why.png").exists()


@pytest.mark.filterwarnings("default")
def test_what_does_not_fit_is_one_line(run, folder, tmp_path):
    assert run("classify", "train", folder, "--out", "m", *QUICK).code == 0
    rows = "\n".join(f"{k},{k / 9},{k / 7}" for k in range(5))
    (tmp_path / "table.csv").write_text("id,x,y\n" + rows)
    for line, says in (
        ("classify predict m table.csv", "the model reads sound, the file holds numbers"),
        ("classify predict m words", "must hold *.wav"),
        ("tag train words --out t", "recordings have no label for each step"),
    ):
        wrong = run(*line.split())
        assert wrong.code == 2, line
        assert says in wrong.err
    soundfile.write(tmp_path / "a.wav", np.zeros(9000), 3 * RATE)
    other = run("classify", "predict", "m", "a.wav")
    assert other.code == 0
    assert "resampled to 4,000 Hz" in other.err
    assert "it is silent" in other.err
