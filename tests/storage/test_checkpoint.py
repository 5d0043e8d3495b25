"""Files appear whole or not at all, and the dead leave nothing that stays."""

import os
import subprocess
import sys
import threading

import pytest

from carrousel.storage.checkpoint import write_bytes
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


DYING = """
import os, sys, signal
from pathlib import Path
from carrousel.storage.checkpoint import write_bytes
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
