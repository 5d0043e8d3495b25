"""``carrousel explore`` as it is typed."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from carrousel.cli import main

EXPLORE = [sys.executable, "-c", "from carrousel.cli import main; main()", "explore"]


def run(*arguments: str, capsys: Any) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["explore", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_it_exports_the_model_it_was_given(forecaster: Any, tmp_path: Path, capsys: Any):
    page = tmp_path / "page.html"
    code, out, err = run(str(forecaster.path), "--export", str(page), capsys=capsys)
    assert (code, err) == (0, "")
    assert re.fullmatch(r"wrote .*page\.html \(\d\.\d MB\)\n", out)
    assert 'id="model:months"' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nothing", "there is no model at"), (".", "is not a model: carrousel explore shows folders")],
)
def test_what_is_no_model_is_said_in_one_line(tmp_path: Path, capsys: Any, name: str, reason: str):
    code, out, err = run(str(tmp_path / name), capsys=capsys)
    assert (code, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1


def test_a_folder_of_results_is_opened_too(forecaster: Any, tmp_path: Path, capsys: Any):
    results = tmp_path / "sales"
    results.mkdir()
    (results / "model").symlink_to(forecaster.path)
    code, _, _ = run(str(results), "--export", str(tmp_path / "page.html"), capsys=capsys)
    assert code == 0
    assert 'id="model:sales"' in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_it_serves_until_it_is_interrupted(forecaster: Any):
    command = [*EXPLORE, str(forecaster.path), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"(http://127\.0\.0\.1:\d+/) \(Ctrl-C stops\)\n", line)
            assert found, line
            with urllib.request.urlopen(found[1], timeout=60) as answer:
                assert b"<title>carrousel</title>" in answer.read()
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130)
