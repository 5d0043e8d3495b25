"""Killed at any moment, full disks, two processes at once: nothing is lost or doubled."""

import hashlib
import subprocess
import sys
from functools import partial

from tests.data.store.test_store import strewn, table
from tests.faults import killed_everywhere, limited, posix

from carrousel.data.store import open_store

STORE = """
from carrousel.data.store import open_store
"""
RESULTS = """
import hashlib
from pathlib import Path
import polars as pl
from carrousel.forecast.large import Results
def run(folder):
    results = Results(folder, {"model": "m"}, 3)
    with results.begun(resume=True):
        for i in results.todo():
            results.write(i, {"": pl.DataFrame({"y": [float(i)] * 3})}, series=3)
        results.finish()
"""


@posix
def test_a_store_that_is_killed_while_it_is_made_is_made_by_the_next(tmp_path):
    rows = table(series=3)
    strewn(rows, tmp_path / "d", files=1)
    killed = killed_everywhere(
        tmp_path,
        STORE + "import os",
        'open_store("d", cache="cache")',
        "import glob\nassert killed or len(glob.glob('cache/*/store/store.json')) == 1",
    )
    assert killed > 10
    store = open_store(tmp_path / "d", cache=tmp_path / "other")
    assert not list((tmp_path / "cache").glob("*/.building-*"))
    made = next((tmp_path / "cache").glob("*/store"))
    for name in ("values.bin", "ids.bin", "offsets.bin"):
        assert (made / name).read_bytes() == (store.folder / name).read_bytes()


@posix
def test_results_that_are_killed_at_every_call_end_in_the_same_files(tmp_path):
    script = RESULTS + "\nrun('whole')"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    expected = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "whole").iterdir()
    }
    killed = killed_everywhere(
        tmp_path,
        RESULTS + f"\nexpected = {expected!r}",
        "run('out')",
        """
for path in Path('out').glob('[pm]a*'):
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected[path.name], path
if not killed:
    assert {path.name for path in Path('out').iterdir()} == set(expected)
""",
    )
    assert killed > 10


OPEN = "from carrousel.data.store import open_store\nprint(open_store('d', cache='cache').identity)"


@posix
def test_a_full_disk_leaves_nothing_of_a_store_and_says_so(tmp_path):
    strewn(table(series=40, longest=300), tmp_path / "d", files=1)
    done = subprocess.run(
        [sys.executable, "-c", OPEN], cwd=tmp_path, capture_output=True, text=True, check=False,
        preexec_fn=partial(limited, 20_000),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("OSError")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert open_store(tmp_path / "d", cache=tmp_path / "cache").n_series == 40


@posix
def test_results_on_a_full_disk_stop_whole_and_go_on(tmp_path):
    big = RESULTS.replace("* 3})}", "* 100_000})}").replace("[float(i)]", "list(range(i, i + 2))")
    script = big + "\nrun('out')"
    how = {"cwd": tmp_path, "capture_output": True, "text": True, "check": False}
    full = subprocess.run([sys.executable, "-c", script], **how, preexec_fn=partial(limited, 300))
    assert full.returncode == 1
    assert "OSError" in full.stderr.splitlines()[-1]
    assert not list((tmp_path / "out").glob("part-*"))
    assert subprocess.run([sys.executable, "-c", script], **how).returncode == 0
    assert len(list((tmp_path / "out").glob("part-*"))) == 3


def test_two_processes_that_want_one_store_get_the_same(tmp_path):
    strewn(table(series=40), tmp_path / "d")
    both = [
        subprocess.Popen([sys.executable, "-c", OPEN], cwd=tmp_path, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    said = {process.communicate()[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(said) == 1
    assert len(list((tmp_path / "cache").glob("*/store"))) == 1
