"""Every example runs: Python in README and docs, files in examples/, doctests in the package."""

import doctest
import linecache
import pkgutil
import re
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

import carrousel

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(carrousel.__path__, "carrousel.")
    if not m.name.endswith(("__main__", "._core"))
)


def blocks(page: Path) -> list[tuple[int, str]]:
    """(line, code) of every Python block of a page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [(text[: m.start()].count("\n") + 2, m[1]) for m in found]


@contextmanager
def skipped_where_an_extra_is_missing() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        if "pip install carrousel[" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_page(page, tmp_path, monkeypatch):
    """The blocks of a page run one after the other, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "__main__"}
    with skipped_where_an_extra_is_missing():
        for line, code in blocks(page):
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_script(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    with skipped_where_an_extra_is_missing():
        runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, tmp_path, monkeypatch):
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        pytest.skip(f"needs {error.name}")
    monkeypatch.chdir(tmp_path)
    linecache.clearcache()  # doctest looks whether any of these files changed, each time
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
