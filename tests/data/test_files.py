"""Files of every kind: the same table, whatever program wrote it."""

import gzip
import os
import threading

import numpy as np
import openpyxl
import pandas as pd
import pytest
from tests.fuzz.tables import check, draw

from carrousel.data import ReadOptions, to_panel

DAYS = pd.date_range("2024-01-01", periods=30)
ROWS = [f"{day:%Y-%m-%d},{k}.5" for k, day in enumerate(DAYS)]
TEXT = "\n".join(["ds,y", *ROWS, ""])
CONTENT = {
    "UTF-8": TEXT.encode(),
    "a byte order mark": TEXT.encode("utf-8-sig"),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-be"),
    "UTF-16 without a mark, little end first": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "UTF-32 without a mark": TEXT.encode("utf-32-be"),
    "UTF-32 without a mark, little end first": TEXT.encode("utf-32-le"),
    "gzip": gzip.compress(TEXT.encode()),
    "gzip of UTF-16": gzip.compress(TEXT.encode("utf-16")),
    "Windows line ends": TEXT.replace("\n", "\r\n").encode(),
    "old Mac line ends": TEXT.replace("\n", "\r").encode(),
    "titles above": f"Sales, of 2024\nExported 2024-05-01\n\n{TEXT}".encode(),
    "comments above": f"# made by hand, twice\n# in May\n{TEXT}".encode(),
    "no header": "\n".join(ROWS).encode(),
    "bars": TEXT.replace(",", "|").encode(),
    "quotes": TEXT.replace(",", '","').replace("\n", '"\n"').join('""').encode()[:-3],
    "empty rows below": f"{TEXT},\n,\n".encode(),
    "German": TEXT.replace(",", ";").replace(".5", ",5").encode("cp1252"),
    "German without a header": "\n".join(ROWS).replace(",", ";").replace(".5", ",5").encode(),
}


@pytest.mark.parametrize("case", CONTENT)
def test_the_same_table_is_read(case, tmp_path):
    (tmp_path / "a.csv").write_bytes(CONTENT[case])
    panel, _ = to_panel(tmp_path / "a.csv")
    np.testing.assert_array_equal(panel.times(0), DAYS.to_numpy("M8[us]"))
    np.testing.assert_array_equal(panel.y, np.arange(30) + np.float32(0.5))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_rows_above_empty_ones_are_kept_however_few(rows, tmp_path):
    path, days = tmp_path / "a.csv", DAYS.to_numpy("M8[us]")[:rows]
    path.write_text("\n".join(["ds,y", *ROWS[:rows], ",", ",", ""]))
    panel, _ = to_panel(path, freq="1d")
    np.testing.assert_array_equal(panel.times(0), days)
    np.testing.assert_array_equal(panel.y, np.arange(rows) + np.float32(0.5))


def test_what_was_decided_is_announced(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "Ventes\n" + "\n".join(f"Été;{row}".replace(",", ";") for row in ROWS), "cp1252"
    )
    panel, notes = to_panel(path)
    assert panel.ids == ["Été"]
    assert notes == [
        "not UTF-8: text read as Western European (cp1252)", "1 line above the table left out",
        "no header: column 1 read as 'unique_id', column 2 read as 'ds', column 3 read as 'y'",
    ]  # fmt: skip


def test_how_a_text_was_read_is_told_where_its_columns_are_not_found(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("\n".join(["datum,počet", *ROWS]).encode("cp1250"))
    with pytest.raises(ValueError, match=r"there is no column 'ds'.*'poèet'.*read as .*cp1252"):
        to_panel(path)
    panel, _ = to_panel(
        path, time_col="datum", target_col="počet", reading=ReadOptions(encoding="cp1250")
    )
    np.testing.assert_array_equal(panel.y, np.arange(30) + np.float32(0.5))


@pytest.mark.parametrize("header", ["ds,y,y", "ds, y ,y", "ds,ds,y"])
def test_two_columns_of_the_name_that_is_looked_for_are_refused(header, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([header, *(f"{row},1" for row in ROWS)]))
    with pytest.raises(ValueError, match=r"2 columns are called '(ds|y)'; rename all but one"):
        to_panel(path)


def test_two_other_columns_of_one_name_are_nobodys_business(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["ds,y,note,note", *(f"{row},1,2" for row in ROWS)]))
    assert to_panel(path)[0].n_series == 1


def test_hundreds_of_columns_are_not_all_named(tmp_path):
    path = tmp_path / "a.csv"
    names = [f"c{k}" for k in range(300)]
    path.write_text("\n".join([",".join(["ds", *names]), ",".join(["2024-01-01", *["1"] * 300])]))
    with pytest.raises(ValueError, match=r"'c18' and 281 more") as told:
        to_panel(path)
    assert len(str(told.value)) < 400


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_read_like_a_file(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(TEXT,))
    writer.start()
    panel, _ = to_panel(path)
    writer.join()
    np.testing.assert_array_equal(panel.y, np.arange(30) + np.float32(0.5))


def test_values_too_small_for_float32_are_zero_beside_others(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ds,y\n2024-01-01,1e-310\n2024-01-02,5\n2024-01-03,-1e-45\n")
    np.testing.assert_array_equal(to_panel(path)[0].y, [0, 5, 0])


def test_encodings_that_are_given(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("unique_id,ds,y\nŁódź,1,1\nŁódź,2,1\n".encode("cp1250"))
    assert to_panel(path, reading=ReadOptions(encoding="cp1250"))[0].ids == ["Łódź"]
    with pytest.raises(ValueError, match="byte 15 is not utf-8; give encoding"):
        to_panel(path, reading=ReadOptions(encoding="utf-8"))
    with pytest.raises(ValueError, match=r"encoding must be that of a text, .* got 'klingon'"):
        to_panel(path, reading=ReadOptions(encoding="klingon"))


BAD = {
    "half of a gzip file": (gzip.compress(TEXT.encode())[:60], "the gzip file is damaged"),
    "no text": (bytes(range(256)), "it is not text"),
    "a decimal comma too many": (TEXT.replace(".5", ",5").encode(), "has 3 fields, the header has"),
    "two numbers": (b"1,2\n3,4\n", "give header=False"),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_cannot_be_read(case, tmp_path):
    content, message = BAD[case]
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        to_panel(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


def test_a_header_that_is_said_to_be_or_not_to_be(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(f"{k},{k * 2}" for k in range(9)))
    panel, _ = to_panel(path, reading=ReadOptions(header=False))
    assert (panel.start[0], panel.y[1]) == (0, 2)
    path.write_text("\n".join(ROWS))
    with pytest.raises(ValueError, match="there is no column 'ds'"):
        to_panel(path, reading=ReadOptions(header=True))


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


TABLE = [["ds", "y"], *([day.to_pydatetime(), k + 0.034] for k, day in enumerate(DAYS))]


@pytest.mark.filterwarnings("ignore:.*utcnow.*:DeprecationWarning")
def test_workbooks(tmp_path):
    path = tmp_path / "a.xlsx"
    workbook(path, notes=[["hello"]], sales=[["Report"], [], *TABLE])
    expected = np.arange(30) + 0.034
    for sheet in (None, "sales", 2, "2"):
        panel, notes = to_panel(path, reading=ReadOptions(sheet=sheet))
        np.testing.assert_array_equal(panel.times(0), DAYS.to_numpy("M8[us]"))
        np.testing.assert_array_equal(panel.y, expected)
        assert notes == ["sheet 'sales' read", "2 lines above the table left out"]
    for sheet, message in (("no", "the sheets are 'notes', 'sales'"), (3, "sheet must be 1 to 2")):
        with pytest.raises(ValueError, match=message):
            to_panel(path, reading=ReadOptions(sheet=sheet))
    workbook(path, one=TABLE, two=TABLE)
    with pytest.raises(ValueError, match=r"which sheet is meant\? Give sheet .*: 'one', 'two'"):
        to_panel(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="cannot be read as a workbook"):
        to_panel(path)


def test_a_sheet_of_a_text_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text(TEXT)
    with pytest.raises(ValueError, match=r"sheet: a\.csv is no workbook"):
        to_panel(tmp_path / "a.csv", reading=ReadOptions(sheet=1))


def test_pandas_frames_with_times_in_the_index():
    frame = pd.DataFrame({"y": np.arange(30.0)}, index=DAYS)
    panel, notes = to_panel(frame)
    np.testing.assert_array_equal(panel.times(0), DAYS.to_numpy("M8[us]"))
    assert notes == ["the index of the frame read as 'ds'"]
    assert to_panel(frame.rename_axis("ds"))[1] == []
    periods = frame.set_axis(pd.period_range("2024-01", periods=30, freq="M"))
    assert to_panel(periods)[0].freq.alias == "1mo"
    both = pd.concat({"a": frame, "b": frame})
    assert to_panel(both)[0].ids == ["a", "b"]


@pytest.mark.parametrize("block", range(4))
def test_tables_written_at_random_are_read_as_they_were_written(block, tmp_path):
    """More of them: tests/fuzz/tables.py."""
    read = sum(check(draw(10_000 * block + k), tmp_path / "a.csv") for k in range(40))
    assert read >= 20  # the others may be read in two ways
