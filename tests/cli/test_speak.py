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
