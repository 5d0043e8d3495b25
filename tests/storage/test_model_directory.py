"""Models on disk: killed, out of space, shared by processes; another model's numbers, or lies."""

import errno
import json
import math
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.faults import killed_everywhere, limited, posix
from tests.fuzz import files as fuzz

import carrousel
from carrousel import Forecaster, LanguageModel
from carrousel.storage.model_card import model_card
from carrousel.storage.model_directory import write_model
from carrousel.storage.tempfiles import with_lock

SETUP = {
    "forecaster": """
from carrousel import Forecaster
import numpy as np, polars as pl, datetime as dt
days = pl.date_range(dt.date(2024, 1, 1), dt.date(2024, 2, 9), eager=True)
def model(k):
    return Forecaster(2, "ann", max_steps=1, ensemble=1, hidden_size=4, seed=k).fit(
        pl.DataFrame({"ds": days, "y": np.arange(40.0) % 7}))
def said(model): return model.predict()["carrousel"].to_list()
load = Forecaster.load
""",
    "language model": """
from carrousel import LanguageModel
def model(k):
    return LanguageModel("char", hidden=4, embedding=4, steps=1, seed=k).fit("to be or " * 9)
def said(model): return model.loss("to be")
load = LanguageModel.load
""",
}
BOTH = """
import torch
torch.set_num_threads(1)  # the children are forks
from pathlib import Path
folder = Path("model")
one, two = model(1), model(2)
one.save(folder)
"""


@posix
@pytest.mark.parametrize("kind", SETUP)
def test_kill_9_at_any_moment_of_a_save_leaves_the_old_model_or_the_new(kind, tmp_path):
    times = killed_everywhere(
        tmp_path,
        SETUP[kind] + BOTH,
        "two.save(folder)",
        """
found = said(load(folder))
assert found == said(two) or (killed and found == said(one)), n
one.save(folder)
assert said(load(folder)) == said(one)
assert len(list(folder.iterdir())) == 3, list(folder.iterdir())
""",
    )
    assert times > 10


@pytest.fixture(scope="module")
def models():
    return {kind: fuzz.MODELS[kind]() for kind in fuzz.MODELS}


def same(kind, one, two):
    return fuzz.said(kind, one) == fuzz.said(kind, two)


def load(kind, path):
    return {"forecaster": Forecaster, "language model": LanguageModel}[kind].load(path)


@pytest.mark.parametrize("kind", SETUP)
@pytest.mark.parametrize("name", ["replace", "fsync"])
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_save_that_fails_leaves_the_old_model(
    kind, name, after, code, models, tmp_path, monkeypatch
):
    old, new = models[kind]
    old.save(tmp_path)
    real, left = getattr(os, name), [after]

    def fails(*args):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(code, os.strerror(code))
        return real(*args)

    monkeypatch.setattr(os, name, fails)
    with pytest.raises(OSError, match=f"cannot write the model to .*: {os.strerror(code)}$"):
        new.save(tmp_path)
    monkeypatch.undo()
    assert same(kind, load(kind, tmp_path), old)
    assert len(list(tmp_path.iterdir())) == 3  # description, weights, card


@posix
@pytest.mark.parametrize("size", [100, 3_000])
def test_a_command_on_a_full_disk_ends_with_one_line_and_changes_nothing(size, models, tmp_path):
    models["language model"][0].save(tmp_path / "m")
    (tmp_path / "text.txt").write_text("to be or not " * 20)
    before = {p.name: p.read_bytes() for p in (tmp_path / "m").iterdir()}
    command = ["text", "train", "text.txt", "--out", "m", "--steps", "2", "--hidden", "64"]
    done = subprocess.run(
        [sys.executable, "-c", "from carrousel.cli import main; main()", *command],
        cwd=tmp_path, preexec_fn=lambda: limited(size), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert {p.name: p.read_bytes() for p in (tmp_path / "m").iterdir()} == before


def test_only_weights_of_ours_are_ever_removed(models, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"mine")
    (tmp_path / "model.json").write_text(json.dumps({"weights": "notes.txt"}))
    (tmp_path / "notes.txt").write_text("mine")
    models["forecaster"][0].save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "model.safetensors").read_bytes() == b"mine"


SAVER = """
import os, sys
import torch
from carrousel.storage.model_directory import write_model
who = int(sys.argv[2])
for k in range(15):
    write_model(__import__("pathlib").Path(sys.argv[1]), "forecaster", 3, {"who": who},
                {"x": torch.full((2000,), float(who))})
"""
READER = """
import sys
from pathlib import Path
from carrousel.storage.model_directory import read_model
seen = set()
while not Path("stop").exists():
    files = read_model(Path(sys.argv[1]), "forecaster", 3)
    assert (files.tensors["x"] == files.description["who"]).all()
"""


@posix
def test_writers_and_readers_of_one_folder_never_meet_half_a_model(tmp_path):
    write_model(tmp_path / "m", "forecaster", 3, {"who": 0}, {"x": torch.zeros(2000)})
    start = [sys.executable, "-c"]
    readers = [subprocess.Popen([*start, READER, "m"], cwd=tmp_path, stderr=subprocess.PIPE)]
    writers = [subprocess.Popen([*start, SAVER, "m", str(k)], cwd=tmp_path) for k in (1, 2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    (tmp_path / "stop").touch()
    for reader in readers:
        error = reader.communicate()[1]
        assert reader.returncode == 0, error.decode()
    assert len(list((tmp_path / "m").iterdir())) == 3  # description, weights, card


HOLDER = """
import sys, time
from pathlib import Path
from carrousel.storage.tempfiles import with_lock
with with_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@posix
def test_a_lock_is_waited_for_refused_and_ends_with_its_holder(tmp_path, monkeypatch):
    monkeypatch.setattr("carrousel.storage.tempfiles.TOLD_AFTER", 0.0)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"locked\n"
        with (
            pytest.raises(BlockingIOError, match="is being written by another process"),
            with_lock(tmp_path, wait=False),
        ):
            raise AssertionError
        context = multiprocessing.get_context("spawn")
        killer = context.Process(target=_kill, args=(holder.pid,))
        killer.start()
        with pytest.warns(RuntimeWarning, match="waiting for it to finish"), with_lock(tmp_path):
            holder.wait()
        killer.join()


def _kill(pid):
    time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)


def test_a_lock_may_be_entered_again(tmp_path):
    with with_lock(tmp_path), with_lock(tmp_path), with_lock(tmp_path, wait=False):
        pass
    with with_lock(tmp_path / "nowhere"):
        pass


UPDATE = [sys.executable, "-c", "from carrousel.cli import main; main()", "update", "model"]


@posix
def test_updates_at_the_same_time_are_all_there_afterwards(tmp_path):
    from datetime import date, timedelta

    days = [date(2024, 1, 1) + timedelta(k) for k in range(40)]
    names = ["a", "b"]
    table = pl.concat(
        [pl.DataFrame({"unique_id": name, "ds": days, "y": np.arange(40.0) % 7}) for name in names]
    )
    Forecaster(2, "ann", max_steps=1, ensemble=1, hidden_size=4).fit(table).save(tmp_path / "model")
    for name in names:
        new = pl.DataFrame({"unique_id": name, "ds": [date(2024, 2, 10)], "y": [3.0]})
        new.write_csv(tmp_path / f"{name}.csv")
    running = [
        subprocess.Popen([*UPDATE, f"{name}.csv"], cwd=tmp_path, stdout=subprocess.DEVNULL)
        for name in names
    ]
    assert [one.wait() for one in running] == [0, 0]
    assert (Forecaster.load(tmp_path / "model").panel_.ends == np.datetime64("2024-02-10")).all()


@pytest.mark.parametrize("kind", fuzz.MODELS)
def test_models_of_earlier_formats_are_read(kind):
    import carrousel

    shipped = Path(carrousel.__file__).parent / "web" / "models"
    load(kind, shipped / {"forecaster": "bikes", "language model": "french"}[kind])


def test_mutated_files_load_unchanged_or_are_refused_in_one_line():
    assert fuzz.run(seconds=math.inf, seed=0, cases=60) == 60  # the same on every machine


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (("panel.offsets",), torch.tensor([0, 10**9]), "panel.offsets do not cut"),
        (("panel.offsets",), torch.tensor([0, 999, 40]), "panel.offsets do not cut"),
        (("panel.start",), torch.tensor([2**62]), "times that cannot be"),
        (("panel.y",), torch.zeros(3, dtype=torch.int32), "panel.y must be numbers in a row"),
        (("network0.embed.bias",), torch.zeros(4, dtype=torch.float64), "must be torch.float32"),
        (("network0.embed.bias",), torch.zeros(5), r"must have the shape \(4\)"),
        (("network0.embed.bias",), torch.full((4,), torch.nan), "is not finite"),
        (("network0.more",), torch.zeros(1), "more is too many"),
        (("shape", "steps"), 10**12, "windows or seasons of more than"),
        (("shape", "seasons"), [], "shape.seasons must be lags"),
        (("shape", "seasons"), [-7], "shape.seasons must be lags"),
        (("shape", "hidden"), 2**40, "impossible sizes|must have the shape"),
        (("shape", "layers"), 10**9, "layers must be 1 to"),
        (("shape", "cell"), "gru", "not of one horizon and cell"),
        (("networks",), 10**9, "networks must be 1 to"),
        (("networks",), True, "networks must be a whole number, got True"),
        (("quantiles",), [0.1, 0.9], "quantiles must be"),
        (("calibration",), [1.0, 1.0, -1.0, 1.0, 1.0], "factors above 0"),
        (("options", "h"), "2", "options.h must be a whole number, got '2'"),
        (("options",), [], "options must be an object"),
        (("panel", "freq", "step"), 2**63 - 1, "times that cannot be"),
        (("panel", "freq", "unit"), "int", "does not fit the times"),
        (("panel", "ids"), ["a", "b"], "do not cut 40 values into 2 series|twice"),
        (("panel", "time_zone"), "Nowhere/None", "time_zone 'Nowhere/None' is unknown"),
        (("surprise",), 1, "has no field 'surprise'"),
    ],
)  # fmt: skip
def test_a_forecaster_that_lies_is_refused_by_name(field, value, message, models, tmp_path):
    models["forecaster"][0].save(tmp_path)
    fuzz.rewrite(tmp_path, field, value)
    with pytest.raises(ValueError, match=message):
        Forecaster.load(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (("shape", "tokens"), 10**12, "but the tokenizer has"),
        (("shape", "hidden"), 5, "shape.hidden is 5, but the option 4"),
        (("options", "learning_rate"), "fast", "learning_rate must be a finite number"),
        (("tokenizer", "level"), "wörd", "tokenizer.level must be one of"),
        (("tokenizer", "characters"), 3, "tokenizer.characters must be text, got 3"),
        (("tokenizer", "characters"), "ba\n", "out of order"),
        (("tokenizer", "words"), [], "tokenizer.words is unknown"),
        (("embedding.weight",), torch.zeros(3, 4), "must have the shape"),
        (("report",), None, "report must be an object, got None"),
    ],
)
def test_a_language_model_that_lies_is_refused_by_name(field, value, message, models, tmp_path):
    models["language model"][0].save(tmp_path)
    fuzz.rewrite(tmp_path, field, value)
    with pytest.raises(ValueError, match=message):
        LanguageModel.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated or no JSON"),
        (b"\xff\xfe\xfa", "truncated or no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format": NaN}', "NaN, which JSON does not know"),
        (b'{"format": ' + b"9" * 5000 + b"}", "truncated or no JSON"),
        (b"[1]", "not written by carrousel"),
        (b'{"format": "3"}', "has format '3'"),
        (b'{"format": 3}', "changed after it was saved"),
        (b'{"format": 3, "kind": ["x"]}', "is no forecaster"),
        (b'{"format": 2, "weights": "../../x"}', "weights is '../../x'"),
    ],
)
def test_a_description_that_is_none_is_refused(content, message, tmp_path):
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Forecaster.load(tmp_path)


def test_a_changed_description_is_refused_however_small_the_change(models, tmp_path):
    models["forecaster"][0].save(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    file = tmp_path / "b" / "model.json"
    description = json.loads(file.read_text())
    file.write_text(json.dumps(description, indent=3))  # another layout is no change
    assert same("forecaster", load("forecaster", tmp_path / "b"), models["forecaster"][0])
    description["shape"]["seasons"] = [6]
    file.write_text(json.dumps(description))
    with pytest.raises(ValueError, match="changed after it was saved"):
        Forecaster.load(tmp_path / "b")


def test_a_card_says_in_words_what_was_saved(models, tmp_path):
    for kind, reader in {"forecaster": "predict", "language model": "text complete"}.items():
        models[kind][0].save(tmp_path)
        card = (tmp_path / "README.md").read_text("utf-8")
        (weights,) = tmp_path.glob("model-*.safetensors")
        assert f"# A {kind}\n" in card
        assert f"carrousel {reader} FOLDER" in card
        assert f"`{weights.name}`" in card
        assert "Sources and license" in card
        assert "\n| cell | lstm |\n" in card


def test_somebodys_own_card_stays(models, tmp_path):
    models["forecaster"][0].save(tmp_path)
    (tmp_path / "README.md").write_text("mine")
    models["forecaster"][1].save(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_card_names_no_series_and_is_one_line_a_row():
    description = {"kind": "odd | kind", "weights": "w", "panel": {"ids": ["Smith", "Jones"]},
                   "notes": ["two\nlines"], "report": {"a|b": None, "loss": 0.5}}  # fmt: skip
    card = model_card(description, 3, 12, None)
    assert "Smith" not in card
    assert "| ids | 2 |" in card
    assert "- two lines\n" in card
    assert "| loss | 0.5 |" in card
    assert "# An odd" in card


SHIPPED = Path(carrousel.__file__).parent


@pytest.mark.parametrize(
    "folder", sorted({p.parent for p in SHIPPED.rglob("model.json")}, key=str), ids=lambda p: p.name
)
def test_every_model_that_ships_has_its_card(folder):
    card = (folder / "README.md").read_text("utf-8")
    assert "license" in card.lower()
    assert "To be filled in" not in card
