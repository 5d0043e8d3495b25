"""Tables, files and texts against pandas, arithmetic and files as other programs write them."""

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from carrousel import SequenceClassifier
from carrousel.data.read import open_table
from carrousel.sequence import read_folder, read_table, read_texts, read_ts
from carrousel.sequence.inputs import tables
from carrousel.sequence.inputs.texts import TextReader

from .toy import ALONE, QUICK

LONG = {
    "id": ["b", "a", "b", "a", "b"],
    "time": [2, 1, 1, 2, 3],
    "x": [20.0, 1.0, 10.0, 2.0, 30.0],
    "z": [0.5, None, 0.25, 1.0, 0.0],
    "label": ["v", "u", "v", "u", "v"],
}
FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": lambda d: pl.DataFrame(d).to_arrow(),
}


@pytest.fixture(params=[*FRAMES, "csv", "csv with decimal commas", "parquet"])
def table(request, tmp_path):
    frame = pl.DataFrame(LONG)
    if request.param in FRAMES:
        return FRAMES[request.param](LONG)
    path = tmp_path / f"long.{request.param[:7]}"
    if request.param == "parquet":
        frame.write_parquet(path)
    elif request.param == "csv":
        path = tmp_path / "long.csv"
        frame.write_csv(path)
    else:
        path = tmp_path / "long.csv"
        pd.DataFrame(LONG).to_csv(path, sep=";", decimal=",", index=False)
    return path


def test_a_long_table_is_grouped_and_sorted_as_pandas_does(table):
    found = read_table(table, time_col="time", channels=["x", "z"])
    theirs = pd.DataFrame(LONG).sort_values("time").groupby("id", sort=False)
    assert found.ids == ["b", "a"]  # by first appearance
    for name, x in zip(found.ids, found.X, strict=True):
        np.testing.assert_array_equal(x, theirs.get_group(name)[["x", "z"]].to_numpy())
    assert found.y.tolist() == ["v", "u"]
    assert list(found.channels) == ["x", "z"]


def test_a_column_that_counts_the_steps_sorts_them_and_is_no_channel(table):
    found = read_table(table)
    assert list(found.channels) == ["x", "z"]
    assert [x[:, 0].tolist() for x in found.X] == [[10, 20, 30], [1, 2]]
    assert "time counts the steps: it sorts them and is no channel" in found.notes
    asked = read_table(table, channels=["time", "x"])  # who names it wants it
    assert [x.tolist() for x in asked.X] == [[[2, 20], [1, 10], [3, 30]], [[1, 1], [2, 2]]]


@pytest.mark.parametrize("time", [[2, 1, 1, 3, 3], [1, 1, 2, 2, 4], [5, 5, 5, 5, 5]])
def test_without_times_steps_stand_in_their_order_and_channels_are_found(time):
    found = read_table(pl.DataFrame({**LONG, "time": time}))
    assert list(found.channels) == ["time", "x", "z"]
    assert [x[:, 1].tolist() for x in found.X] == [[20, 10, 30], [1, 2]]
    assert "channels: time, x, z" in found.notes


def test_labels_of_steps():
    rows = {**LONG, "label": ["p", "q", "p", "r", "s"]}
    found = read_table(pl.DataFrame(rows), time_col="time", channels=["x"], per_step=True)
    assert [tags.tolist() for tags in found.y] == [["p", "p", "s"], ["q", "r"]]
    with pytest.raises(ValueError, match=r"label must be the same.*'p' and 's' in 'b'.*tagger"):
        read_table(pl.DataFrame(rows), time_col="time", channels=["x"])


@pytest.mark.parametrize(
    ("change", "options", "why"),
    [
        ({}, {"id_col": "who"}, "there is no column 'who'"),
        ({}, {"label_col": "clas"}, "there is no column 'clas'"),
        ({}, {"channels": ["x", "q"]}, "there is no column 'q'"),
        ({"label": ["v", None, "v", "u", "v"]}, {}, "label: row 2 has no label"),
        ({"id": ["a", None, "a", "a", "a"]}, {}, "id: row 2 has no name"),
        ({"x": [1.0, np.inf, 1.0, 1.0, 1.0]}, {}, "infinite"),
        ({"x": ["a", "b", "c", "d", "e"]}, {"channels": ["x"]}, "x"),
    ],
)
def test_what_a_table_lacks_is_named(change, options, why):
    with pytest.raises(ValueError, match=why):
        read_table(pl.DataFrame({**LONG, **change}), **options)


def test_a_table_to_predict_needs_no_labels():
    found = read_table(pl.DataFrame(LONG).drop("label"), label_col=None, channels=["x"])
    assert found.y is None
    with pytest.raises(ValueError, match="holds no labels"):
        found.answers("it")


@pytest.mark.parametrize("name", ["films.tsv", "films.csv"])
@pytest.mark.parametrize("label_first", [True, False])
def test_texts_and_labels_need_no_header(tmp_path, name, label_first):
    rows = [("+", "a good film"), ("-", "so bad"), ("+", "good, good"), ("-", "bad film")]
    frame = pl.DataFrame(rows if label_first else [row[::-1] for row in rows], orient="row")
    separator = "," if name.endswith("csv") else "\t"
    frame.write_csv(tmp_path / name, include_header=False, separator=separator)
    found = read_texts(tmp_path / name)
    assert [text for _, text in rows] == found.X
    assert found.y.tolist() == ["+", "-", "+", "-"]
    one, two = ("label", "text") if label_first else ("text", "label")
    assert found.notes == [f"no header: column 1 read as {one!r}, column 2 read as {two!r}"]
    assert read_texts(tmp_path / name, label_col=None).X == found.X


def test_a_file_of_texts_is_read_once(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(
        tables, "open_table", lambda *given: opened.append(given[0]) or open_table(*given)
    )
    (tmp_path / "a.csv").write_text("label,text\n+,good\n-,bad\n")
    found = read_texts(tmp_path / "a.csv")
    assert (found.X, found.y.tolist(), len(opened)) == (["good", "bad"], ["+", "-"], 1)


@pytest.mark.parametrize(
    "lines",
    [
        "kind,what\n+,good\n-,bad\n+,better\n",
        "+,a\n-,b\n?,c\n!,d\n",
        "1,2\n1,3\n1,4\n",
        "+,a,b\n+,c,d\n",
    ],
    ids=["names", "as many labels as texts", "numbers", "three columns"],
)
def test_what_may_be_something_else_is_not_guessed(tmp_path, lines):
    (tmp_path / "a.csv").write_text(lines)
    with pytest.raises(ValueError, match="text_col"):
        read_texts(tmp_path / "a.csv")


HEAD = """# a comment
@problemName Toy
@timeStamps false
@univariate {uni}
@classLabel {label}
@data
"""


def ts(tmp_path, text: str, label: str = "true up down", uni: str = "false"):
    path = tmp_path / "toy.ts"
    path.write_text(HEAD.format(label=label, uni=uni) + text, encoding="utf-8")
    return path


def test_a_ts_file_is_read_as_it_is_written(tmp_path):
    found = read_ts(ts(tmp_path, "1,2,?:4,5,6:up\n\n7.5:NaN:down\n"))
    np.testing.assert_array_equal(found.X[0], [[1, 4], [2, 5], [np.nan, 6]])
    np.testing.assert_array_equal(found.X[1], [[7.5, np.nan]])
    assert found.y.tolist() == ["up", "down"]
    assert not found.notes


def test_channels_of_unequal_length_are_missing_at_the_end(tmp_path):
    found = read_ts(ts(tmp_path, "1,2,3:4:up\n"))
    np.testing.assert_array_equal(found.X[0], [[1, 4], [2, np.nan], [3, np.nan]])
    assert found.notes == ["1 series with channels of unequal length: missing at the end"]


def stamped(tmp_path, text: str):
    path = ts(tmp_path, text)
    path.write_text(path.read_text().replace("@timeStamps false", "@timeStamps true"))
    return path


def test_timestamps_sort_the_steps_of_all_channels(tmp_path):
    text = "(2,7.5),(0,5),(1,?):(0,1),(2,2):up\n(0.5,1),(1.0,2):(1,3):down\n"
    found = read_ts(stamped(tmp_path, text))
    np.testing.assert_array_equal(found.X[0], [[5, 1], [np.nan, np.nan], [7.5, 2]])
    np.testing.assert_array_equal(found.X[1], [[1, np.nan], [2, 3]])
    assert found.y.tolist() == ["up", "down"]
    assert not found.notes


def test_timestamps_may_be_dates_and_lie_unevenly(tmp_path):
    times = ["2024-01-01 00:00:00", "2024-01-01 06:30:00", "2024-01-02"]
    values = ",".join(f"({time},{k})" for k, time in enumerate(times))
    found = read_ts(stamped(tmp_path, f"{values}:up\n"))
    np.testing.assert_array_equal(found.X[0], [[0], [1], [2]])
    assert found.notes == [
        "1 series with times that are not equally far apart: they sort the steps only"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(0,1),2:up\n", r"line 7: must be \(time,value\) pairs"),
        ("1,2:up\n", r"line 7: must be \(time,value\) pairs"),
        ("(0,1),(0,2):up\n", "line 7: a channel has two values at one time"),
        ("(0,1),(nan,2):up\n", "line 7: a time is missing"),
        ("(0,1),(noon,2):up\n", "line 7: times must be numbers or dates like"),
        ("(0,1):(2024-01-01,2):up\n", "line 7: times must be numbers or dates, got both"),
        ("(0,x):up\n", "line 7: could not convert"),
    ],
)
def test_damaged_timestamps_name_the_line(tmp_path, text, why):
    with pytest.raises(ValueError, match=why):
        read_ts(stamped(tmp_path, text))


def test_targets_and_no_labels(tmp_path):
    path = ts(tmp_path, "1,2:0.5\n3:2e1\n", label="false\n@targetLabel true")
    assert read_ts(path).y.tolist() == [0.5, 20.0]
    found = read_ts(ts(tmp_path, "1,2\n3\n", label="false"))
    assert found.y is None
    assert [len(x) for x in found.X] == [2, 1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no series below @data"),
        ("1,2:sideways\n", "line 7: the label 'sideways' is not among"),
        ("1,a:up\n", "line 7: could not convert"),
        ("1,2:up\n1:2:up\n", "line 8: must have 1 channels, got 2"),
        ("1,inf:up\n", "line 7: a value is infinite"),
        (":up\n", "line 7: a channel is empty"),
        ("up\n", "line 7: must have values and a label"),
    ],
)
def test_a_damaged_ts_file_names_the_line(tmp_path, text, why):
    with pytest.raises(ValueError, match=why):
        read_ts(ts(tmp_path, text))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("1,2:up", "must begin with # or @"),
        ("@problemName Toy\n", "no line @data"),
        ("@classLabel maybe\n@data\n1:up", "@classlabel must be true or false"),
    ],
)
def test_what_is_no_ts_file_is_refused(tmp_path, content, why):
    path = tmp_path / "toy.ts"
    path.write_text(content)
    with pytest.raises(ValueError, match=why):
        read_ts(path)
    with pytest.raises(FileNotFoundError):
        read_ts(tmp_path / "nowhere.ts")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not text in UTF-8"):
        read_ts(path)


def test_texts_from_tables_and_folders(tmp_path):
    rows = {"text": ["good film", "bad, film"], "label": ["pos", "neg"]}
    pl.DataFrame(rows).write_csv(tmp_path / "films.csv")
    found = read_texts(tmp_path / "films.csv")
    assert rows["text"] == found.X
    assert found.y.tolist() == rows["label"]
    with pytest.raises(ValueError, match="text: row 2 holds no text"):
        read_texts(pl.DataFrame({**rows, "text": ["a", " "]}))
    for label, text in zip(rows["label"], rows["text"], strict=True):
        (tmp_path / "films" / label).mkdir(parents=True)
        (tmp_path / "films" / label / "1.txt").write_text(text, encoding="utf-8")
    found = read_folder(tmp_path / "films")
    assert dict(zip(found.y.tolist(), found.X, strict=True)) == {
        "neg": "bad, film",
        "pos": "good film",
    }
    with pytest.raises(ValueError, match="must hold folders with files"):
        read_folder(tmp_path / "films" / "pos")
    (tmp_path / "films" / "pos" / "2.txt").write_text("  ")
    with pytest.raises(ValueError, match="it holds no text"):
        read_folder(tmp_path / "films")


TEXTS = [
    "what a good film",
    "good good good",
    "a bad film",
    "so bad",
    "good film",
    "bad bad film",
] * 4
FEELINGS = ["pos", "pos", "neg", "neg", "pos", "neg"] * 4


@pytest.mark.parametrize("level", ["word", "char"])
def test_texts_are_classified_and_saved(tmp_path, level):
    model = SequenceClassifier(
        **{**QUICK, "level": level, "embedding_size": 8, "epochs": 60, "learning_rate": 0.02}
    )
    model.fit(TEXTS, FEELINGS)
    assert model.score(TEXTS, FEELINGS) > 0.9
    unseen = ["an unseen word is spelled: 言葉", "x"]
    model.save(tmp_path)
    again = SequenceClassifier.load(tmp_path)
    assert (again.predict_proba(unseen) == model.predict_proba(unseen)).all()


@pytest.mark.parametrize(
    ("X", "why"),
    [(["a", ""], r"X\[1\] must have at least one word"), (["a", 3], r"X\[1\] must be a text")],
)
def test_what_is_no_text_is_refused(X, why):
    with pytest.raises((TypeError, ValueError), match=why):
        SequenceClassifier(**ALONE).fit(X, ["p", "n"])
    model = SequenceClassifier(**{**QUICK, "epochs": 1}).fit(TEXTS, FEELINGS)
    with pytest.raises(TypeError, match="must be a text"):
        model.predict([np.zeros((3, 1))])


VECTORS = ["good 1 0 0.5", "film 0 1 0", "Bad 0 0 -1", "rare 9 9 9", "new york 1 2 3"]


@pytest.mark.parametrize("form", ["glove", "word2vec", "gzip"])
def test_pretrained_vectors_become_the_embedding(tmp_path, form):
    path = tmp_path / ("vectors.txt.gz" if form == "gzip" else "vectors.txt")
    lines = VECTORS[:4] if form == "word2vec" else VECTORS
    text = "\n".join([*(["4 3"] if form == "word2vec" else []), *lines, ""])
    path.write_bytes(gzip.compress(text.encode()) if form == "gzip" else text.encode())
    model = SequenceClassifier(**{**QUICK, "epochs": 1, "learning_rate": 1e-9, "vectors": path})
    model.fit(TEXTS, FEELINGS)
    table = model.networks_[0].entry.embedding.weight
    tokens = model.reader_.tokenizer.tokens
    assert table.shape == (len(tokens), 3)
    for word, numbers in (("good", [1, 0, 0.5]), ("film", [0, 1, 0]), ("rare", [9, 9, 9])):
        row = table[tokens.index(f" {word}")]
        torch.testing.assert_close(
            row, torch.tensor(numbers, dtype=row.dtype), atol=1e-3, rtol=1e-3
        )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("good 1 2\nfilm 1\n", "line 2: must have a word and 2 numbers"),
        ("good 1 b\n", "line 1"),
        ("good 1 nan\n", "line 1: a number is not finite"),
        ("other 1 2\n", "knows none of the words"),
        ("", "knows none of the words"),
    ],
)
def test_damaged_vectors_name_the_line(tmp_path, text, why):
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        SequenceClassifier(**ALONE, vectors=path).fit(TEXTS, FEELINGS)
    with pytest.raises(FileNotFoundError):
        SequenceClassifier(**ALONE, vectors=tmp_path / "no").fit(TEXTS, FEELINGS)


def test_what_is_a_text_is_recognized():
    assert TextReader.recognizes(["a"])
    assert TextReader.recognizes(np.array(["a"]))
    assert TextReader.recognizes(pd.Series(["a"]))
    for other in ([], [1.0], np.zeros(3), {"a": 1}, pd.DataFrame({"a": ["b"]}), "text", 5):
        assert not TextReader.recognizes(other)
