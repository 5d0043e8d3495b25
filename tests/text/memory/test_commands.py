"""complete, memory and neurons on the command line, on a small model trained here."""

import json
from functools import partial

import pytest

from carrousel.text import LanguageModel
from carrousel.text.memory.next_words import next_words
from carrousel.text.memory.templates import sentences

BEGINNING = "Last night I ate the"


@pytest.fixture
def run(command_line, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return partial(command_line, "text")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    text = "".join(f"{sentence.text}.\n" for sentence in sentences("english", 20))
    path = tmp_path_factory.mktemp("model")
    made = LanguageModel("word", embedding=16, hidden=16, epochs=8, batch=8, bptt=16)
    made.fit(text, valid=0).save(path)
    return path


def test_complete(run, model):
    result = run("complete", model, BEGINNING, "-k", 5)
    assert result.code == 0
    assert len(result.out.strip().splitlines()) == 7  # two of them head the table
    for option, which in (("--tokens", LanguageModel.next), ("--json", next_words)):
        found = json.loads(run("complete", model, BEGINNING, "-k", 3, "--json", option).out)
        expected = which(LanguageModel.load(model), BEGINNING, 3)
        assert [(row["next"], row["probability"]) for row in found] == expected


def test_memory_of_a_sentence(run, model):
    few = ("--replacements", 2, "--sentences", 4)
    result = run("memory", model, BEGINNING, *few, "--out", "out")
    assert result.code == 0, result.err
    assert [line.split()[0] for line in result.out.splitlines()[3:8]] == BEGINNING.split()
    with open("out/memory.json", encoding="utf-8") as file:
        data = json.load(file)
    assert data["words"] == BEGINNING.split()
    assert len(data["survival"]["values"][0]) == 5
    with open("out/memory.csv", encoding="utf-8") as file:
        assert file.readline().strip() == ("word,change,(change),survival,(survival),share,(share)")
    with open("out/memory.png", "rb") as file:
        assert file.read(4) == b"\x89PNG"


def test_study(run, model):
    result = run("memory", model, "--study", "english", "--sentences", 2, "--replacements", 1,
                 "--out", "out")  # fmt: skip
    assert result.code == 0, result.err
    assert "content words" in result.out
    with open("out/study.json", encoding="utf-8") as file:
        effects = json.load(file)["effects"]
    assert {"difference", "low", "high", "verdict", "first", "second"} <= effects[0].keys()


def test_words_that_the_model_does_not_know_are_named(run, model):
    result = run("memory", model, "--study", "french", "--sentences", 1, "--replacements", 1)
    assert "in pieces" in result.out


def test_neurons(run, model, tmp_path):
    text = "".join(f"{sentence.text}.\n" for sentence in sentences("english", 4, seed=9))
    (tmp_path / "new.txt").write_text(text, encoding="utf-8")
    result = run("neurons", model, "new.txt", "--out", "out", "--feature", "position in line")
    assert result.code == 0, result.err
    assert "position in line" in result.out
    assert (tmp_path / "out/neurons.html").read_text(encoding="utf-8").startswith("<!doctype")
    with open("out/neurons.json", encoding="utf-8") as file:
        assert json.load(file)[0]["feature"] == "position in line"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["memory", "MODEL"], "name either a SENTENCE or a --study"),
        (["memory", "MODEL", "A cat", "--study", "french"], "name either"),
        (["memory", "MODEL", " "], "must hold a word"),
        (["memory", "MODEL", "The", "--layer", "2", "--sentences", "2"], "--layer"),
        (
            ["memory", "MODEL", "The", "--replacements", "0"],
            "replacements must be at least 1, got 0",
        ),
        (["memory", "MODEL", "--study", "latin"], "must be one of 'french'"),
        (["memory", "nowhere", "The"], "nowhere"),
        (["complete", "MODEL", "The", "-k", "0"], "must be at least 1"),
        (["neurons", "MODEL", "nowhere.txt"], "nowhere.txt: No such file"),
        (["neurons", "MODEL", "MODEL/model.json", "--feature", "verbs"], "got 'verbs'"),
        (["neurons", "MODEL", "MODEL/model.json", "--strings", "0"], "at least 1"),
    ],
)
def test_errors_are_one_line(run, model, arguments, message):
    result = run(*[argument.replace("MODEL", str(model)) for argument in arguments])
    assert result.code == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1
