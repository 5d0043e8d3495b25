"""A series in each line, its label before it."""

import numpy as np
import polars as pl
import pytest

from carrousel.cli.sequences import read_dataset
from carrousel.data import ReadOptions
from carrousel.sequence import read_wide

COLUMNS = {"id_col": "id", "time_col": None, "label_col": "label", "text_col": None,
           "channels": ()}  # fmt: skip


def opened(path):
    """As the command line finds out what a file is."""
    return read_dataset(path, COLUMNS, ReadOptions(), per_step=False, labeled=True)


@pytest.mark.parametrize(
    "text",
    ["1\t0.5\t-1\t2\t3\n2\t1\t2\tNaN\tNaN\n", "1,0.5,-1,2,3\r\n2,1,2,,\r\n",
     "  1.0000000e+00  5e-1 -1 2 3\n\n  2.0000000e+00 1 2 NaN NaN\n",
     "label;0;1;2;3\n1;0.5;-1;2;3\n2;1;2;?;?\n"],
    ids=["tabs", "commas", "blanks", "a header"],
)  # fmt: skip
def test_lines_are_series_and_ends_that_are_missing_are_none(tmp_path, text):
    path = tmp_path / "series.txt"
    path.write_bytes(text.encode())
    for found in (read_wide(path), opened(path)):
        assert [x.tolist() for x in found.X] == [[[0.5], [-1], [2], [3]], [[1], [2]]]
        assert found.y.tolist() == ["1", "2"]
    assert "a series in each line" in found.notes[0]


def test_what_polars_writes_is_read(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 7))
    frame = pl.DataFrame({"class": ["a", "b", "a", "b", "a"]}).hstack(
        pl.DataFrame(values, schema=[f"t{k}" for k in range(7)])
    )
    frame.write_csv(tmp_path / "wide.csv")
    found = opened(tmp_path / "wide.csv")
    np.testing.assert_array_equal(np.stack(found.X)[..., 0], values)
    assert found.y.tolist() == frame["class"].to_list()


def test_a_number_in_the_midst_may_be_missing(tmp_path):
    (tmp_path / "s.tsv").write_text("u\t1\tNaN\t3\t4\nv\t1\t2\t3\t4\n")
    assert np.isnan(read_wide(tmp_path / "s.tsv").X[0][:, 0]).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("text", "why"),
    [("1,2,3,4\n2,3,x,4\n", "line 2: 'x' in column 3 is no number"),
     ("1,2,3,4\n2,NaN,NaN,NaN\n", "line 2: it holds no numbers"),
     ("1,2,3,4\n,2,3,4\n", "line 2: it has no label"), ("\n", "it holds no series")],
    ids=["a word", "nothing", "no label", "empty"],
)  # fmt: skip
def test_the_line_that_cannot_be_read_is_named(tmp_path, text, why):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=why):
        read_wide(tmp_path / "bad.csv")


@pytest.mark.parametrize(
    "text",
    ["id,t,x,y,label\na,0,1,2,u\na,1,1,2,u\nb,0,1,2,v\n",
     "label,id,x,y\n5,1,1,2\n5,1,1,2\n6,2,1,2\n"],
    ids=["its label last", "its label first"],
)  # fmt: skip
def test_a_table_of_steps_stays_one(tmp_path, text):
    (tmp_path / "long.csv").write_text(text)
    assert [len(x) for x in opened(tmp_path / "long.csv").X] == [2, 1]
