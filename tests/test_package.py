"""The package as a whole: light to import, honest about itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import carrousel

ROOT = Path(__file__).parent.parent


def loaded_by(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after ``code``."""
    script = f"{code}\nimport sys\nsys.stderr.write(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


def test_import_is_light():
    assert not loaded_by("import carrousel") & {"torch", "numpy", "polars", "matplotlib", "typer"}


@pytest.mark.parametrize("arguments", ["--help", "forecast --help", "backtest --help"])
def test_help_is_light(arguments):
    code = (
        "from carrousel.cli import main\n"
        f"try: main({arguments.split()})\n"
        "except SystemExit as end: assert not end.code"
    )
    assert not loaded_by(code) & {"torch", "numpy", "polars", "matplotlib"}


@pytest.mark.parametrize("name", carrousel.__all__)
def test_public_names_exist(name):
    assert getattr(carrousel, name) is not None
    assert name in dir(carrousel)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'Transformer'"):
        _ = carrousel.Transformer


def test_one_version_everywhere():
    written = re.compile(rf"(?<![\d.]){re.escape(carrousel.__version__)}(?![\d.])")
    places = [ROOT / "pyproject.toml", ROOT / "CITATION.cff", *(ROOT / "src").rglob("*.py")]
    said = re.compile(rf"version.*{written.pattern}")
    found = [path.name for path in places if said.search(path.read_text("utf-8"))]
    assert found == ["__init__.py"]
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {carrousel.__version__}" in log


def test_all_is_every_extra_that_is_for_users():
    text = (ROOT / "pyproject.toml").read_text("utf-8").split("[project.optional-dependencies]")[1]
    extras = set(re.findall(r"^(\w+) = \[", text.split("\n[")[0], re.MULTILINE))
    (every,) = re.findall(r'^all = \["carrousel\[(.*)\]"\]', text, re.MULTILINE)
    assert set(every.split(",")) == extras - {"all", "test", "peers", "docs", "notebooks"}


def test_the_site_has_every_page_and_every_public_package():
    from .test_architecture import PUBLIC

    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [f"{page.name}" for page in (ROOT / "docs").glob("*.md")]
    packages = [f"reference/{name}.md" for name in PUBLIC]
    assert [page for page in [*pages, *packages] if f": {page}\n" not in site] == []


SHOWN = {
    "an example": ("One.\n\n>>> f(x[:, -1])\n1\n\nTwo.",
                   "One.\n\n```pycon\n>>> f(x[:, -1])\n1\n```\n\nTwo."),
    "an example with a body": (">>> if a:\n...     b", "```pycon\n>>> if a:\n...     b\n```"),
    "a reference": ("see :class:`torch.nn.LSTM`", "see `torch.nn.LSTM`"),
    "an equation": ("With z::\n\n    h = z", "With z:\n\n    h = z"),
    "names": ("a_b, c:\n    one\n    two\nd : three",
              "- `a_b`, `c`: one\n    two\n- `d`: three"),
    "shared": ("Args:\n    a, b: one\n        two\n    c: three",
               "Args:\n    a: one\n        two\n    b: one\n        two\n    c: three"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "shown"), SHOWN.values(), ids=SHOWN.keys())
def test_docstrings_become_markdown_for_the_site(written, shown, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from docstrings import as_markdown

    assert as_markdown(written) == shown


def test_docstrings_have_one_dialect():
    underlined = re.compile(r"^ +(Parameters|Returns|Raises|Attributes|Examples?)\n +---", re.M)
    files = (ROOT / "src").rglob("*.py")
    assert [path.name for path in files if underlined.search(path.read_text("utf-8"))] == []


def test_issue_forms_ask_what_it_runs_on():
    for name in ("bug", "slow"):
        form = (ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text("utf-8")
        assert "carrousel --version --verbose" in form


def test_readme_opens_with_the_two_commands():
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    assert blocks[0].split("#")[0].strip().endswith("make demo")
    assert "make test" in blocks[0]


def test_links_in_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
