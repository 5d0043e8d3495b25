"""The documentation as a site: ``make docs`` writes it to build/site, and a warning is an error.

The pages are those of docs/ and of the root, as they stand. Added are a page for each public
package, from ``__all__`` and the docstrings, one for the commands, the notebooks, and the explorer
as one file. Links to files that are no pages become their names.
"""

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docstrings import as_markdown

ROOT = Path(__file__).resolve().parent.parent
SOURCE, SITE = ROOT / "build" / "site-source", ROOT / "build" / "site"
PAGES = {  # pages of the root, by the name that they have in the site
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
}
PACKAGES = re.findall(r"reference/(carrousel[\w.]*)\.md", (ROOT / "mkdocs.yml").read_text("utf-8"))
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")


def main() -> None:
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE, ignore=shutil.ignore_patterns("*.py"))
    for name, page in PAGES.items():
        (SOURCE / page).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    explorer()
    for page in SOURCE.glob("*.md"):
        old = next((ROOT / one for one, new in PAGES.items() if new == page.name), None)
        text = page.read_text("utf-8")
        page.write_text(relinked(text, old or ROOT / "docs" / page.name), "utf-8")
    reference()
    commands()
    notebooks()
    build()
    print(f"written to {SITE.relative_to(ROOT)}: {len(list(SITE.rglob('*.html')))} pages")


def build() -> None:
    """The pages from their sources. Not with --quiet, for which no warning counts."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(SITE)],
        capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    if done.returncode:
        sys.exit(re.sub(r"^INFO .*(\n  - .*)*\n", "", done.stderr, flags=re.MULTILINE))


def relinked(text: str, page: Path) -> str:
    """Links of ``page`` as they are in the site; what has no page there becomes its name."""

    def link(found: re.Match[str]) -> str:
        picture, words, target, anchor = found.groups()
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        path = (page.parent / target).resolve()
        at = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else target
        if at in PAGES:
            new = PAGES[at]
        elif path.parent in (ROOT / "docs", ROOT / "docs" / "images") or target.endswith(".html"):
            new = at.removeprefix("docs/")
        elif path == ROOT / "notebooks":
            new = "notebooks.md"
        else:
            return f"{words} (`{at}`)" if words != at else f"`{at}`"
        return f"{picture}[{words}]({new}{anchor or ''})"

    return LINK.sub(link, text)


def reference() -> None:
    """A page for each public package, with every name of its ``__all__``.

    What several packages offer is described by the innermost of them; the others lead there.
    """
    (SOURCE / "reference").mkdir()
    described: dict[str, str] = {}
    for name in sorted(PACKAGES, key=lambda name: -name.count(".")):
        module = importlib.import_module(name)
        lines = [f"# {name}", "", _summary(module), ""]
        for public in sorted(module.__all__):
            value = getattr(module, public)
            if type(value).__name__ == "module" or public == "__version__":
                continue
            home = _home(name, public, value)
            if home is None:
                lines += [f"## {public}", "", f"`{name}.{public}`", ""]
            elif described.setdefault(home, name) == name:
                lines += [f"::: {home}", ""]
            else:
                lines += [f"## {public}", "", f"{_summary(value)} [More][{home}]", ""]
        (SOURCE / "reference" / f"{name}.md").write_text("\n".join(lines), "utf-8")


def _summary(value: object) -> str:
    return as_markdown(inspect.cleandoc(value.__doc__ or "").split("\n\n")[0])


def _home(package: str, public: str, value: object) -> str | None:
    """Where a class or function is written; None for a constant."""
    home = getattr(value, "__module__", None)
    own = isinstance(value, type) or callable(value)
    return f"{home}.{value.__qualname__}" if own and home else None  # type: ignore[attr-defined]


def commands() -> None:
    """The help of every command, as a terminal shows it."""
    from typer.main import get_command

    sys.path.insert(0, str(ROOT / "src"))
    from carrousel.cli import app

    lines = [
        "# Commands",
        "",
        "What `--help` says. [In scripts](../command-line.md): JSON, exit codes.",
        "",
    ]
    pending = [((), get_command(app))]
    environment = {**os.environ, "COLUMNS": "90", "NO_COLOR": "1", "TERM": "dumb"}
    while pending:
        words, command = pending.pop(0)
        told = subprocess.run(
            [sys.executable, "-m", "carrousel", *words, "--help"],
            capture_output=True, text=True, check=True, env=environment,
        ).stdout  # fmt: skip
        lines += [
            f"## carrousel {' '.join(words)}".rstrip(),
            "",
            "```text",
            told.strip("\n"),
            "```",
            "",
        ]
        pending += [((*words, name), one) for name, one in getattr(command, "commands", {}).items()]
    (SOURCE / "reference" / "commands.md").write_text("\n".join(lines), "utf-8")


def notebooks() -> None:
    """The notebooks as pages: their texts and their code, without outputs."""
    listed = ["# Notebooks", "", "Run them from the folder `notebooks` of the source.", ""]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells]
        shown = [
            text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
            for cell, text in zip(cells, texts, strict=True)
        ]
        page = f"notebook-{path.stem}.md"
        (SOURCE / page).write_text("\n\n".join(shown) + "\n", "utf-8")
        listed.append(f"- [{texts[0].splitlines()[0].lstrip('# ')}]({page})")
    (SOURCE / "notebooks.md").write_text("\n".join(listed) + "\n", "utf-8")


def explorer() -> None:
    subprocess.run(
        [sys.executable, "-m", "carrousel", "explore", "--quiet", "--export",
         str(SOURCE / "explorer-page.html")],
        check=True,
    )  # fmt: skip
    page = SOURCE / "explorer.md"
    page.write_text(f"{page.read_text('utf-8')}\n[Open it here](explorer-page.html).\n", "utf-8")


if __name__ == "__main__":
    main()
