"""``carrousel voice`` and ``carrousel speak``, as a user runs them."""

import json
import wave

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile")

RATE = 8000
QUICK = ("--steps", 30, "--hidden-size", 8)


@pytest.fixture
def folder(tmp_path):
    """Two words by two speakers."""
    for k, name in enumerate(("1", "two")):
        for who in ("ann", "bo"):
            (tmp_path / "words" / name / who).mkdir(parents=True)
            tone = 0.3 * np.sin(np.arange(2000) * (0.2 + 0.5 * k))
            soundfile.write(tmp_path / "words" / name / who / "a.wav", tone, RATE)
    return tmp_path / "words"


def test_what_was_heard_is_said(run, folder, tmp_path):
    result = run("voice", folder, "--out", "model", "--speakers", *QUICK)
    assert result.code == 0, result.err
    assert "Learned 2 words by 2 speakers from 4 recordings." in result.out
    said = run("speak", "two", "1", "two", "--model", "model", "--speaker", "bo", "--json")
    found = json.loads(said.out)
    assert (found["words"], found["rate"]) == (["two", "1", "two"], RATE)
    with wave.open(str(tmp_path / "said.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        assert file.getnframes() / RATE == found["seconds"]

    for line, says in (
        ("speak three --model model", "words must be among '1', 'two', got 'three'"),
        ("speak 1 --model model --speaker cy", "--speaker must be one of 'ann', 'bo', got 'cy'"),
        ("speak 1 --model model --out said.mp3", "--out must end in .wav, got 'said.mp3'"),
        ("speak 1 --model nowhere", "there is no model in nowhere"),
        ("transcribe predict model words/1/ann/a.wav", "carrousel speak reads it"),
        ("voice words --out new", "(--speakers)"),
        ("voice words --out new --speakers --steps 0", "--steps must be at least 1"),
    ):
        wrong = run(*line.split())
        assert wrong.code == 2
        assert says in wrong.err
        assert wrong.err.count("\n") == 1
    assert not (tmp_path / "new").exists()


COLUMNS = {
    "of labels": ("--path-col file", "--label-col: there is no column 'label'"),
    "of paths": ("--label-col word", "--path-col: there is no column 'path'"),
    "of paths, nearly": ("--path-col files --label-col word", "perhaps --path-col file is meant"),
    "of speakers": ("--path-col file --label-col word --speaker-col whom", "--speaker-col who is"),
}


@pytest.mark.parametrize("command", ["voice", "transcribe train"])
@pytest.mark.parametrize(("named", "why"), COLUMNS.values(), ids=COLUMNS.keys())
def test_a_column_that_is_absent_is_named_by_its_option(command, named, why, run, tmp_path):
    (tmp_path / "a.csv").write_text("file,word,who\n1.wav,one,ann\n")
    wrong = run(*command.split(), "a.csv", *named.split(), "--out", "m")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert why in wrong.err


def test_a_voice_without_speakers_takes_none(run, folder):
    for who in folder.glob("*/bo/*.wav"):
        who.rename(who.parent.parent / "a.wav")
    for who in folder.glob("*/ann/*.wav"):
        who.unlink()
    assert run("voice", folder, "--out", "model", *QUICK).code == 0
    assert run("speak", "two", "--model", "model").code == 0
    wrong = run("speak", "two", "--model", "model", "--speaker", "bo")
    assert "--speaker must be None for a voice that learned no names, got 'bo'" in wrong.err
