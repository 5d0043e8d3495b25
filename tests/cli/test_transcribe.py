"""``carrousel transcribe``, as a user runs it: chords for words."""

import json
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from carrousel.audio import Recordings, read_recordings
from carrousel.sequence import Transcriber

soundfile = pytest.importorskip("soundfile")

RATE = 4000
PITCH = {"low": 250, "high": 1000}
QUICK = ("--epochs", 50, "--hidden-size", 16, "--learning-rate", 0.03)


def word(name: str, k: int) -> np.ndarray:
    """A chord, and a little of the silence around it."""
    noise = np.random.default_rng(k)
    time = np.arange(int(noise.integers(360, 480))) / RATE
    phase = 2 * np.pi * PITCH[name] * time
    sound = np.pad(0.2 * (np.sin(phase) + np.sin(1.3 * phase) + np.sin(1.6 * phase)), 300)
    return sound + noise.normal(0, 0.003, len(sound))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve recordings of each of two words."""
    path = tmp_path_factory.mktemp("words")
    for name in PITCH:
        (path / name).mkdir()
        for k in range(12):
            soundfile.write(path / name / f"{k:02}.wav", word(name, k), RATE)
    return path


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    """One that listens live, learned from joined strings."""
    from carrousel.cli import main

    out = tmp_path_factory.mktemp("models") / "tones"
    line = ["transcribe", "train", folder, "--out", out, "--strings", 60, "--longest", 3,
            "--one-way", "--copies", 1, *QUICK]  # fmt: skip
    with pytest.raises(SystemExit) as end:
        main([str(one) for one in line])
    assert not end.value.code
    return out


def string(path, words: str):
    parts = [word(name, 50 + k) for k, name in enumerate(words.split())]
    soundfile.write(path, np.concatenate(parts), RATE)
    return path


def test_strings_are_heard_and_written(run, model, tmp_path):
    string(tmp_path / "a.wav", "low high low")
    string(tmp_path / "b.wav", "high")
    result = run("transcribe", "predict", model, tmp_path, "--out", "said.csv", "-k", 2)
    assert result.code == 0, result.err
    lines = (tmp_path / "said.csv").read_text().splitlines()
    assert lines[0] == "recording,text,chance"
    assert ",low high low," in lines[1]
    assert ",high," in lines[3]
    rows = json.loads(run("transcribe", "predict", model, tmp_path / "b.wav", "--json").out)
    assert rows[0]["text"] == "high"


def test_mistakes_are_counted(run, model, folder, tmp_path):
    found = json.loads(run("transcribe", "evaluate", model, folder, "--json", "--out", "e").out)
    assert (found["recordings"], found["words"]) == (24, 24)
    assert found["word_error_rate"] < 0.1
    written = json.loads((tmp_path / "e" / "evaluation.json").read_text())
    assert {**written, "written": found["written"]} == found
    table = (tmp_path / "e" / "texts.csv").read_text().splitlines()
    assert len(table) == 25
    page = (tmp_path / "e" / "report.html").read_text()
    assert "of 24 words wrong" in page
    assert "default-src 'none'" in page
    noisy = run("transcribe", "evaluate", model, folder, "--noise", -30, "--strings", 20)
    assert noisy.code == 0, noisy.err
    assert "20 recordings" in noisy.out
    assert "heard" in noisy.out


@pytest.mark.filterwarnings("default")
def test_another_rate_is_resampled_and_announced(run, model, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.repeat(word("low", 3), 4), 4 * RATE)
    result = run("transcribe", "predict", model, "a.wav")
    assert result.code == 0
    assert "resampled to 4,000 Hz: 1 recording at 16,000 Hz" in result.err


def test_what_is_said_is_heard_live(run, model, monkeypatch, tmp_path):
    sound, _ = soundfile.read(string(tmp_path / "a.wav", "low high"), dtype="float32")

    class Stream:
        def __init__(self, blocksize, callback, **options):
            assert options["samplerate"] == RATE
            for k in range(0, len(sound), blocksize):
                callback(sound[k : k + blocksize, None], blocksize, None, None)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    fake = SimpleNamespace(InputStream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    length = str(len(sound) / RATE)
    result = run("transcribe", "predict", model, "--microphone", "--seconds", length)
    whole = Transcriber.load(model).set_params(beam_width=1)
    wanted = whole.predict(Recordings([sound], RATE, ["a.wav"]))[0]
    assert "high" in wanted
    assert result.out.split() == wanted.split()
    assert "listening at 4,000 Hz" in result.err


def test_a_missing_microphone_library_is_one_line(run, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    result = run("transcribe", "predict", model, "--microphone")
    assert result.code == 2
    assert "pip install carrousel[microphone]" in result.err
    assert result.err.count("\n") == 1


def test_a_model_of_both_directions_cannot_listen(run, folder, monkeypatch):
    quick = ("--epochs", 1, "--hidden-size", 2, "--copies", 0)
    assert run("transcribe", "train", folder, "--out", "m", *quick).code == 0
    result = run("transcribe", "predict", "m", "--microphone")
    assert result.code == 2
    assert "bidirectional must be False to stream" in result.err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train nowhere --out m", "nowhere: there is no such file or folder"),
        ("train WORDS --out m --units letters", "--units must be one of 'words', 'characters'"),
        ("train WORDS --out m --strings -1", "--strings must be at least 0"),
        ("train WORDS --out m --copies -1", "--copies must be at least 0"),
        ("train WORDS --out m --rate 5", "--rate must be at least 100"),
        ("train WORDS/low --out m", "must hold label/*.wav, got 00.wav"),
        ("train bad --out m", "1 recording of 2 cannot be used: bad/x/a.wav: cannot be read"),
        ("predict MODEL", "name either RECORDINGS or --microphone"),
        ("predict MODEL WORDS --microphone", "name either RECORDINGS or --microphone"),
        ("predict MODEL WORDS", "must hold *.wav, got high/00.wav"),
        ("predict MODEL WORDS/low --out a.txt", "--out must end in .csv or .json"),
        ("predict MODEL WORDS/low --seconds 3", "--seconds goes with --microphone"),
        ("predict nowhere WORDS/low", "there is no model in nowhere"),
        ("evaluate MODEL WORDS --noise nan", "--noise must lie in"),
        ("evaluate MODEL WORDS/low/00.wav", "one recording has no label"),
    ],
)
def test_what_cannot_be_is_one_line(run, folder, model, tmp_path, line, says):
    (tmp_path / "bad" / "x").mkdir(parents=True)
    (tmp_path / "bad" / "x" / "a.wav").write_text("no sound")
    soundfile.write(tmp_path / "bad" / "x" / "b.wav", word("low", 0), RATE)
    typed = line.replace("WORDS", str(folder)).replace("MODEL", str(model)).split()
    result = run("transcribe", *typed)
    assert result.code == 2, result
    assert says in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "m").exists()


@pytest.mark.filterwarnings("default")
def test_a_training_that_was_stopped_goes_on_to_the_same_model(run, folder, tmp_path, monkeypatch):
    from carrousel.cli import sequences

    line = ("transcribe", "train", folder, "--copies", 0, "--epochs", 4, "--hidden-size", 2)
    assert run(*line, "--out", "whole").code == 0

    def stop(name, progress):
        if progress.step == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sequences, "training_bar", lambda _: nullcontext(stop))
        assert "interrupted after 7 updates" in run(*line, "--out", "stopped").err
    assert (tmp_path / "stopped" / "training").exists()
    found = run(*line, "--out", "stopped", "--resume")
    assert found.code == 0, found.err
    assert not (tmp_path / "stopped" / "training").exists()
    whole, resumed = (Transcriber.load(tmp_path / name) for name in ("whole", "stopped"))
    given = read_recordings(folder, RATE)
    for mine, theirs in zip(resumed.predict_proba(given), whole.predict_proba(given), strict=True):
        np.testing.assert_array_equal(mine, theirs)
