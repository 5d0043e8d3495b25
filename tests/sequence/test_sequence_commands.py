"""classify and tag on the command line: from a file to a model, answers and a page."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from carrousel import SequenceClassifier

from .toy import waves

QUICK = ("--hidden-size", 6, "--ensemble", 1, "--epochs", 8, "--batch-size", 8, "--no-convolution")
ALONE = (*QUICK, "--no-companion")


def long_table(count: int = 40, seed: int = 0, tags: bool = False) -> pl.DataFrame:
    X, y = waves(count, seed=seed)
    rows = [
        {"id": f"s{k}", "t": t, "x": v[0], "z": v[1],
         "label": (("+" if v[0] > 0 else "-") if tags else label)}
        for k, (x, label) in enumerate(zip(X, y, strict=True)) for t, v in enumerate(x)
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture
def run(command_line, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    long_table().write_csv("train.csv")
    long_table(seed=1).write_csv("test.csv")
    return command_line


COLUMNS = ("--time-col", "t")


def test_from_a_table_to_a_page(run, tmp_path):
    trained = run("classify", "train", "train.csv", "--out", "model", *COLUMNS, *ALONE)
    assert trained.code == 0, trained.err
    assert "train.csv: 40 sequences of 3-8 steps, 2 channels" in trained.err
    assert "channels: x, z" in trained.err
    assert "Held out: " in trained.out
    (weights,) = (tmp_path / "model").glob("model-*.safetensors")
    names = {"README.md", "model.json", "report.html", weights.name}
    assert {file.name for file in (tmp_path / "model").iterdir()} == names

    found = run("classify", "evaluate", "model", "test.csv", "--out", "found", *COLUMNS)
    assert found.code == 0, found.err
    for part in ("macro F1", "What was taken for what", "report.html"):
        assert part in found.out
    names = {"report.html", "confusion.png", "answers.csv", "evaluation.json"}
    assert names == {file.name for file in (tmp_path / "found").iterdir()}
    figures = json.loads((tmp_path / "found" / "evaluation.json").read_text())
    answers = pl.read_csv(tmp_path / "found" / "answers.csv")
    right = (answers["truth"] == answers["answer"]).mean()
    assert figures["accuracy"] == pytest.approx(right)
    assert answers["name"].to_list() == [f"s{k}" for k in range(40)]

    said = run("classify", "predict", "model", "test.csv", *COLUMNS)
    table = pl.read_csv(said.out.encode())
    assert table.columns == ["id", "answer", "p(down)", "p(up)"]
    assert table["answer"].to_list() == answers["answer"].to_list()
    model = SequenceClassifier.load("model")
    X, _ = waves(seed=1)
    np.testing.assert_allclose(table["p(up)"], model.predict_proba(X)[:, 1], atol=1e-6)
    assert run("classify", "predict", "model", "test.csv", "--out", "a.parquet", *COLUMNS).code == 0
    assert pl.read_parquet("a.parquet").equals(table)


def test_a_training_leaves_a_page(run, tmp_path):
    quick = (*QUICK, "--json")
    found = json.loads(run("classify", "train", "train.csv", "--out", "m", *COLUMNS, *quick).out)
    assert found["written"] == ["m", str(Path("m", "report.html"))]
    page = (tmp_path / "m" / "report.html").read_text()
    assert f"<b>{found['held_out']['accuracy']:.1%}</b>right of 4 sequences" in page
    for part in (*found["chosen"], "fixed features", "How it learned", "macro F1", "<svg",
                 "What was taken for what", "Worst mistakes", "hidden_size"):  # fmt: skip
        assert part in page
    assert "<script" not in page
    long_table(tags=True).write_csv("tags.csv")
    assert run("tag", "train", "tags.csv", "--out", "t", *COLUMNS, *QUICK).code == 0
    assert "steps" in (tmp_path / "t" / "report.html").read_text()
    long_table(5).write_csv("few.csv")  # of which nothing is held out
    assert run("classify", "train", "few.csv", "--out", "m", *COLUMNS, *QUICK).code == 0
    assert "nothing was held out" in (tmp_path / "m" / "report.html").read_text()


def test_what_was_written_is_listed_in_json(run, tmp_path):
    assert run("classify", "train", "train.csv", "--out", "m", *COLUMNS, *ALONE).code == 0
    told = run("classify", "evaluate", "m", "test.csv", "--out", "e", "--json", *COLUMNS).out
    files = {str(file.relative_to(tmp_path)) for file in (tmp_path / "e").iterdir()}
    assert set(json.loads(told)["written"]) == files
    told = run("classify", "evaluate", "m", "test.csv", "--json", *COLUMNS).out
    assert "written" not in json.loads(told)
    told = run("classify", "explain", "m", "test.csv", "--out", "why.png", "--json", *COLUMNS).out
    assert json.loads(told)["written"] == ["why.png"]


def test_an_answer_is_explained_and_drawn(run, tmp_path):
    run("classify", "train", "train.csv", "--out", "model", *COLUMNS, *ALONE)
    found = run("classify", "explain", "model", "test.csv", "--sequence", "s3", "--out", "why.png",
                *COLUMNS)  # fmt: skip
    assert found.code == 0, found.err
    assert "s3: " in found.out
    assert (tmp_path / "why.png").stat().st_size > 1000
    wrong = run("classify", "explain", "model", "test.csv", "--sequence", "s99", *COLUMNS)
    assert (wrong.code, "there is no 's99' in test.csv" in wrong.err) == (2, True)


def test_a_model_learns_on_and_is_judged_by_a_file(run, tmp_path):
    run("classify", "train", "train.csv", "--out", "model", *COLUMNS, *ALONE)
    varied = run("classify", "train", "train.csv", "--out", "v", *COLUMNS, *ALONE, "--vary")
    assert "nats an unseen label with variations" in varied.out
    assert not (tmp_path / "v" / "training").exists()
    refused = run("tag", "train", "train.csv", "--out", "v", *COLUMNS, "--vary")
    assert "--vary: there is none where each step has a label" in refused.err
    more = ("--init", "model", "--validation", "test.csv", "--json")
    found = run("classify", "train", "train.csv", "--out", "model2", *COLUMNS, *ALONE, *more)
    assert found.code == 0, found.err
    assert json.loads(found.out)["held_out"]["held_out"] == 40
    resumed = run("classify", "train", "train.csv", "--out", "model", "--resume", *COLUMNS, *ALONE)
    assert resumed.code == 0, resumed.err


def test_labels_of_steps(run, tmp_path):
    long_table(tags=True).write_csv("train.csv")
    long_table(seed=1, tags=True).write_csv("test.csv")
    trained = run("tag", "train", "train.csv", "--out", "model", *COLUMNS, *QUICK)
    assert trained.code == 0, trained.err
    assert "steps" in trained.out
    found = run("tag", "evaluate", "model", "test.csv", *COLUMNS, "--json")
    assert json.loads(found.out)["examples"] == len(long_table(seed=1))
    said = run("tag", "predict", "model", "test.csv", *COLUMNS)
    assert pl.read_csv(said.out.encode()).columns == ["id", "step", "answer", "p(+)", "p(-)"]
    assert run("tag", "explain", "model", "test.csv", "--step", 1, *COLUMNS).code == 0


def test_texts_and_ts_files_and_folders(run, tmp_path):
    texts = ["a good film", "so bad", "good good", "a bad film"] * 5
    rows = {"text": texts, "label": ["+", "-"] * 10}
    pl.DataFrame(rows).write_csv("films.csv")
    assert run("classify", "train", "films.csv", "--out", "m", *ALONE).code == 0
    assert run("classify", "evaluate", "m", "films.csv").code == 0
    pl.DataFrame(rows).write_csv("bare.csv", include_header=False)
    bare = run("classify", "evaluate", "m", "bare.csv")
    assert "no header: column 1 read as 'text'" in bare.err
    assert bare.code == 0
    for k, (label, text) in enumerate(zip(["plus", "minus"] * 10, texts, strict=True)):
        (tmp_path / "films" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / label / f"{k}.txt").write_text(text)
    assert run("classify", "train", "films", "--out", "m2", *ALONE).code == 0
    X, y = waves(20, channels=1)
    lines = [f"{','.join(map(str, x[:, 0]))}:{label}" for x, label in zip(X, y, strict=True)]
    head = "@timeStamps false\n@classLabel true up down\n@data\n"
    (tmp_path / "toy.ts").write_text(head + "\n".join(lines))
    assert run("classify", "train", "toy.ts", "--out", "m3", *ALONE).code == 0
    found = run("classify", "evaluate", "m3", "toy.ts", "--json")
    assert json.loads(found.out)["examples"] == 20


def test_a_label_that_was_never_learned_is_told(run):
    run("classify", "train", "train.csv", "--out", "model", *COLUMNS, *ALONE)
    table = long_table(seed=1).with_columns(
        pl.when(pl.col("id") == "s4").then(pl.lit("new")).otherwise(pl.col("label")).alias("label")
    )
    table.write_csv("test.csv")
    found = run("classify", "evaluate", "model", "test.csv", *COLUMNS)
    assert found.code == 0
    assert "labels that were never learned: new; 1 answer wrong for that" in found.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("train", "no.csv", "--out", "m"), "no.csv: there is no such file"),
        (("train", "train.csv"), "Missing option '--out'"),
        (("train", "train.csv", "--out", "m", "--id-col", "who"), "--id-col: there is no column"),
        (("train", "train.csv", "--out", "m", "--label-col", "who"), "there is no column 'who'"),
        (
            ("train", "train.csv", "--out", "m", "--hidden-size", 0),
            "--hidden-size must be at least",
        ),
        (("train", "train.csv", "--out", "m", "--cell", "tcn"), "must be one of"),
        (("train", "train.csv", "--out", "m", "--label-col", "t"), "are for a tagger"),
        (("predict", "nowhere", "test.csv"), "there is no model in nowhere"),
        (("predict", "model", "test.csv", "--channel", "x"), "reads 2 channels, the file has 1"),
        (("predict", "model", "test.csv", "--out", "a.txt"), "--out must end in .csv"),
        (("explain", "model", "test.csv", "--step", "1"), "--step: the whole sequence has one"),
        (("explain", "model", "test.csv", "--answer", "q", "--time-col", "t"), "--answer must be"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(run, arguments, why):
    if "model" in arguments:
        run("classify", "train", "train.csv", "--out", "model", *COLUMNS, *ALONE, "--epochs", 1)
    found = run("classify", *arguments)
    assert found.code == 2
    assert why in found.err
    assert "Traceback" not in found.err


TEXTS = {"key": [f"k{n}" for n in range(20)], "text": ["good film", "so bad"] * 10,
         "label": ["+", "-"] * 10}  # fmt: skip
NAMED_IN_VAIN = {
    "an id of texts": ("classify train texts.csv --id-col keys", "perhaps --id-col key is meant"),
    "a time of texts": ("classify train texts.csv --time-col key", "--time-col key is not for a"),
    "a channel of texts": (
        "classify train texts.csv --text-col text --channel key",
        "--channel key is not for a table of texts",
    ),
    "texts with a label for each step": (
        "tag train train.csv --text-col t",
        "--text-col t is not for a table with a label for each step",
    ),
    "columns of a .ts file": ("classify train a.ts --channel x", "is not for a .ts file"),
    "columns of a folder": ("classify train words --id-col who", "is not for a folder"),
    "a channel that is absent": (
        "classify train train.csv --channel lable",
        "--channel: there is no column 'lable'",
    ),
}


@pytest.mark.parametrize(("line", "why"), NAMED_IN_VAIN.values(), ids=NAMED_IN_VAIN.keys())
def test_a_column_that_is_not_read_is_refused(line, why, run, tmp_path):
    pl.DataFrame(TEXTS).write_csv("texts.csv")
    (tmp_path / "words").mkdir()
    found = run(*line.split(), "--out", "m")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert why in found.err


def test_texts_have_names_and_a_model_of_them_reads_nothing_else(run):
    pl.DataFrame(TEXTS).write_csv("texts.csv")
    learn = ("classify", "train", "--out", "m", *ALONE, "--epochs", 1)
    assert run(*learn, "texts.csv", "--id-col", "key").code == 0
    rows = json.loads(run("classify", "predict", "m", "texts.csv", "--id-col", "key", "--json").out)
    assert [row["id"] for row in rows] == TEXTS["key"]
    rows = json.loads(run("classify", "predict", "m", "texts.csv", "--json").out)
    assert [row["id"] for row in rows] == list(range(1, 21))
    wrong = run("classify", "explain", "m", "texts.csv", "--sequence", "k1")
    assert "there is no 'k1' in texts.csv; there are 1, 2, 3 and 17 more" in wrong.err
    for command in ("predict", "evaluate", "explain"):
        wrong = run("classify", command, "m", "train.csv")
        assert wrong.code == 2
        assert "the model reads texts, the file holds numbers" in wrong.err
    assert run(*learn, "train.csv", *COLUMNS).code == 0
    wrong = run("classify", "predict", "m", "texts.csv")
    assert "the model reads numbers, the file holds texts" in wrong.err


def test_one_class_alone_is_refused_before_a_model_is_written(run, tmp_path):
    long_table().with_columns(label=pl.lit("same")).write_csv("train.csv")
    found = run("classify", "train", "train.csv", "--out", "model", *COLUMNS, *ALONE)
    assert found.code == 2
    assert "at least two classes" in found.err
    assert not (tmp_path / "model").exists()
