"""Files appear whole or not at all, and the dead leave nothing that stays."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from carrousel.storage.files import write_bytes, write_csv, write_json
from carrousel.storage.tempfiles import OLD, hold, is_abandoned

posix = pytest.mark.skipif(os.name != "posix", reason="locks are POSIX; elsewhere age decides")


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 100_000])
def test_what_is_written_is_read(content, tmp_path):
    path = tmp_path / "new" / "file"
    for _ in range(2):
        write_bytes(path, content)
        assert path.read_bytes() == content
        assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_holds_what_json_can_hold(tmp_path):
    data = {"é": np.float32(0.5), "a": np.array([1.0, np.nan, np.inf]), 3: (None, True, "x")}
    write_json(tmp_path / "a.json", data)
    text = (tmp_path / "a.json").read_text("utf-8")
    assert text.endswith("}\n")
    assert "é" in text

    def refuse(name):
        raise AssertionError(name)

    found = json.loads(text, parse_constant=refuse)
    assert found == {"é": 0.5, "a": [1.0, None, None], "3": [None, True, "x"]}


def test_csv_is_what_other_programs_read(tmp_path):
    rows = [{"word": 'a "b", c', "n": 1, "x": 0.1}, {"word": "é\n", "n": 2, "x": None}]
    write_csv(tmp_path / "a.csv", rows)
    assert b"\r" not in (tmp_path / "a.csv").read_bytes()
    found = pd.read_csv(tmp_path / "a.csv")
    assert found.astype(object).where(found.notna(), None).to_dict("records") == rows


@pytest.mark.parametrize("write", [write_csv, write_json])
def test_what_cannot_be_written_leaves_the_old_file(write, tmp_path, monkeypatch):
    path = tmp_path / "file"
    write(path, [{"a": 1}])
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", _full)
    with pytest.raises(OSError, match="No space left"):
        write(path, [{"a": 2}])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def _full(*_):
    raise OSError(28, "No space left on device")


DYING = """
import os, sys, signal
from pathlib import Path
from carrousel.storage.files import write_bytes
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_bytes(Path(sys.argv[1]), b"half")
"""


@posix
def test_the_next_writer_clears_up_after_a_killed_one(tmp_path):
    path, other = tmp_path / "file[1]", tmp_path / ".file[1].keep"
    path.write_bytes(b"old")
    other.touch()
    subprocess.run([sys.executable, "-c", DYING, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == 3
    assert path.read_bytes() == b"old"
    write_bytes(path, b"new")
    assert sorted(tmp_path.iterdir()) == [other, path]


@posix
def test_what_is_held_is_not_abandoned(tmp_path):
    path = tmp_path / "f"
    with hold(path):
        assert not is_abandoned(path)
    assert is_abandoned(path)


def test_a_folder_without_a_lock_is_abandoned_when_old(tmp_path):
    assert not is_abandoned(tmp_path)
    then = tmp_path.stat().st_mtime - OLD - 60
    os.utime(tmp_path, (then, then))
    assert is_abandoned(tmp_path)
    assert not is_abandoned(tmp_path / "gone")


def test_many_writers_at_once_each_write_a_whole_file(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([k]) * 50_000 for k in range(8)]
    threads = [threading.Thread(target=write_bytes, args=(path, c)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]
