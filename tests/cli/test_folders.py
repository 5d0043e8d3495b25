"""Folders of results under bad conditions."""

import errno
import os
from pathlib import Path

import pytest
from tests.faults import killed_everywhere, posix

from carrousel.cli.folders import whole_folder, writable_file, writable_folder

SETUP = """
from pathlib import Path
from carrousel.cli.folders import whole_folder
from carrousel.storage import model_directory
def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*")
            if p.is_file() and ".carrousel-" not in str(p)}
def fill(folder, text):
    (folder / "model").mkdir()
    for name in ("a.csv", "b.json", "model/model.json", "model/x"):
        (folder / name).write_text(text)
target = Path("out")
for text in ("new", "old"):
    with whole_folder(target) as folder:
        fill(folder, text)
"""


@posix
def test_kill_9_at_any_moment_leaves_the_old_results_or_the_new_ones(tmp_path):
    times = killed_everywhere(
        tmp_path,
        SETUP,
        "with whole_folder(target) as folder:\n    fill(folder, 'new')",
        """
with whole_folder(target):
    pass  # the next run clears up
assert sorted(p.name for p in target.iterdir()) == ["a.csv", "b.json", "model"], n
found = files(target)
assert set(found.values()) in ({"old"}, {"new"}), (n, found)
assert killed or set(found.values()) == {"new"}
with whole_folder(target) as folder:
    fill(folder, "old")
""",
    )
    assert times > 20


@pytest.mark.parametrize("name", ["replace", "link", "mkdir"])
@pytest.mark.parametrize("after", range(4))
def test_a_disk_that_is_full_halfway_leaves_the_old_results(name, after, tmp_path, monkeypatch):
    target = tmp_path / "out"
    (target / "model").mkdir(parents=True)
    old = {target / "a": "1", target / "c": "2", target / "model" / "b": "3"}
    for path, text in old.items():
        path.write_text(text)
    real, left = getattr(os, name), [after]

    def full(*args, **options):
        left[0] -= 1
        if left[0] == -1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **options)

    def work():
        with whole_folder(target) as folder:
            for file in ("a", "c", "new/d", "model/b"):
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_text("x")
            monkeypatch.setattr(os, name, full)

    said = None
    try:
        work()
    except OSError as error:
        said = str(error)
    found = {p: p.read_text() for p in target.rglob("*") if p.is_file()}
    if said is None:  # it never asked so often; a link that fails is a copy
        assert found == dict.fromkeys([*old, target / "new" / "d"], "x")
    else:
        assert said == f"--out: cannot write to {target}: No space left on device"
        assert found == old
    assert not list(target.glob(".carrousel-*"))


@pytest.mark.parametrize("kind", ["file", "inside a file"])
def test_a_place_that_is_no_folder_is_refused_first(kind, tmp_path):
    (tmp_path / "f").touch()
    place = tmp_path / "f" if kind == "file" else tmp_path / "f" / "x"
    with pytest.raises(ValueError, match=r"--out: .*f.* cannot be made"), writable_folder(place):
        raise AssertionError
    with pytest.raises(ValueError, match=r"--out: .* cannot be made"), whole_folder(place):
        raise AssertionError


def test_a_place_for_a_file_is_looked_at_first(tmp_path):
    writable_file(tmp_path / "new" / "folder" / "x.csv")
    writable_file(Path("x.csv"))
    (tmp_path / "f").touch()
    with pytest.raises(ValueError, match=r"--out: .* is a folder, not a file"):
        writable_file(tmp_path)
    with pytest.raises(ValueError, match=r"--export: .*f/x cannot be made: .* is not a folder"):
        writable_file(tmp_path / "f" / "x", "--export")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_folder_that_was_made_for_nothing_goes(tmp_path):
    with pytest.raises(KeyError), writable_folder(tmp_path / "a" / "b"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_made_for_something_stays(tmp_path):
    def work():
        with writable_folder(tmp_path / "a" / "b"):
            (tmp_path / "a" / "b" / "checkpoint").touch()
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert (tmp_path / "a" / "b" / "checkpoint").exists()
