"""Numbers that nobody means are refused by their name, wherever they are given."""

import math
import os
import subprocess
import sys

import pytest

from carrousel import Forecaster, LanguageModel
from carrousel.lab import Options as LabOptions
from carrousel.text.generation import Sampler
from carrousel.text.memory import Options as MemoryOptions
from carrousel.text.memory.study import StudyOptions
from carrousel.training import TrainOptions

REAL = [math.nan, math.inf, -math.inf, -1.0, 1e30, "1", True]
WHOLE = [-1, 10**30, 1.5, math.nan, "1", True]
PLACES = {
    "forecaster": (lambda **o: Forecaster(3, **o), ["learning_rate"],
                   ["context", "hidden_size", "num_layers", "ensemble", "max_steps", "batch_size",
                    "conformal", "seed"]),
    "language model": (LanguageModel, ["learning_rate", "weight_decay", "clip", "average",
                                       "dropout", "embedding_dropout", "weight_drop", "epochs"],
                       ["embedding", "hidden", "layers", "vocabulary", "steps", "batch", "bptt",
                        "patience", "seed"]),
    "training": (TrainOptions, ["learning_rate", "warmup", "weight_decay", "clip", "average"],
                 ["steps", "evaluate_every", "patience", "checkpoint_every", "seed"]),
    "sampler": (Sampler, [], ["top_k", "seed"]),
    "memory": (MemoryOptions, [], ["seed"]),
    "study": (StudyOptions, [], ["each", "replacements", "own", "seed"]),
}  # fmt: skip
CASES = [
    pytest.param(make, name, value, id=f"{place} {name}={value!r}")
    for place, (make, real, whole) in PLACES.items()
    for names, values in ((real, REAL), (whole, WHOLE))
    for name in names
    for value in values
]


@pytest.mark.parametrize(("make", "name", "value"), CASES)
def test_what_nobody_means_is_refused_by_its_name(make, name, value):
    with pytest.raises((ValueError, TypeError), match=rf"^{name} must be|^{name} must lie"):
        make(**{name: value})


@pytest.mark.parametrize("options", [{"jobs": 10**6}, {"seeds": 10**9}, {"jobs": 0}])
def test_of_the_laboratory_too(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        LabOptions(**options)


LINES = {
    "learning rate": (["text", "train", "t", "--out", "m", "--learning-rate", "nan"],
                      "--learning-rate must lie in (0, 100], got nan"),
    "dropout": (["text", "train", "t", "--out", "m", "--dropout", "inf"], "dropout must lie in"),
    "epochs": (["text", "train", "t", "--out", "m", "--epochs", "nan"], "epochs must lie in"),
    "whole": (["text", "train", "t", "--out", "m", "--hidden", "2.5"], "'--hidden'"),
    "far too wide": (["text", "train", "t", "--out", "m", "--hidden", "1000000000"],
                     "hidden must be at most 65,536"),
    "not a folder": (["text", "train", "t", "--out", "t"], "--out: t cannot be made: File exists"),
    "temperature": (["text", "generate", "MODEL", "--temperature", "nan"], "temperature must be"),
    "seed": (["text", "generate", "MODEL", "--seed", "-1"], "seed must be at least 0, got -1"),
    "length": (["text", "generate", "MODEL", "--length", "-1"], "length must be 0 or more"),
    "k": (["text", "complete", "MODEL", "Je", "-k", "99999999"], "k must be at most 10,000"),
    "cell": (["lab", "cell", "--hidden", "0"], "--hidden must be at least 1, got 0"),
    "input": (["lab", "cell", "-x", "nan,1"], "-x must be finite numbers"),
    "lab": (["lab", "adding", "--out", "t"], "--out: t cannot be made: File exists"),
    "page": (["explore", "--export", "t/x.html"], "--export: t/x.html cannot be made"),
    "export": (["explore", "--export", "."], "--export: . is a folder, not a file"),
    "memory": (["text", "memory", "MODEL", "Je", "--out", "t"], "--out: t cannot be made"),
    "neurons": (["text", "neurons", "MODEL", "t", "--out", "t"], "--out: t cannot be made"),
    "predict": (["predict", "m", "t", "--out", "t/x.csv"], "--out: t/x.csv cannot be made"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), LINES.values(), ids=LINES)
def test_commands_refuse_it_before_any_work(arguments, message, tmp_path, monkeypatch, capsys):
    import carrousel
    from carrousel.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "t").write_text("le chat dort. le chien court.\n" * 9)
    shipped = os.path.join(os.path.dirname(carrousel.__file__), "web", "models", "french")
    monkeypatch.setattr("carrousel.text.training.fit", None)  # whoever trains fails otherwise
    with pytest.raises(SystemExit) as ended:
        main([shipped if one == "MODEL" else one for one in arguments])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert message in error
    assert error.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


TERMINALS = """
import sys
from carrousel.cli import main
for line in {lines!r}:
    try:
        main(line)
    except SystemExit as ended:
        assert not ended.code, (line, ended.code)
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_lacks_characters_gets_question_marks(encoding, tmp_path):
    import carrousel

    model = os.path.join(os.path.dirname(carrousel.__file__), "web", "models", "french")
    lines = [
        ["samples"],
        ["lab", "cell"],
        ["text", "complete", model, "Elle a été 日本", "-k", "3"],
        ["text", "complete", model, "Elle", "-k", "3", "--json"],
        ["text", "generate", model, "été → 日本", "--length", "9", "--temperature", "3"],
        ["text", "memory", model, "L'été 日本", "--replacements", "1", "--sentences", "2"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", TERMINALS.format(lines=lines)],
        env={**os.environ, "PYTHONIOENCODING": encoding}, cwd=tmp_path, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode(encoding)
    assert b"?" in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_disk_that_is_full_under_standard_output_is_one_line(tmp_path):
    for command in (["samples"], ["text", "--help"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-c", "from carrousel.cli import main; main()", *command],
                stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            )  # fmt: skip
        assert (done.returncode, done.stderr) == (2, "carrousel: No space left on device\n")
