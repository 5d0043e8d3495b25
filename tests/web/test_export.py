"""The page as one file: complete, small, and it asks nothing of any server."""

import re
from pathlib import Path
from typing import Any

import pytest

from carrousel.web import export as exporting
from carrousel.web.export import exported
from carrousel.web.files import static_files
from carrousel.web.library import SHIPPED, Library

LARGEST = 6_000_000  # bytes
_IMPORTED = re.compile(r"""(?:^import\b[^"';]*|\bimport\()["']([^"']+)["']""", re.MULTILINE)


@pytest.fixture(scope="module")
def page(library: Library) -> str:
    return exported(library)


def test_every_import_is_in_the_map():
    files = {name: content.decode() for name, content in static_files().items()}
    scripts = {name: text for name, text in files.items() if name.endswith(".js")}
    for name, text in scripts.items():
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", exporting._named(text, name), flags=re.DOTALL)
        for imported in _IMPORTED.findall(code):
            assert imported.startswith(exporting.PREFIX), (name, imported)
            assert imported.removeprefix(exporting.PREFIX) in scripts, (name, imported)


def test_every_style_sheet_and_script_of_the_page_is_inside(page: str):
    assert not re.findall(r'(?:href|src)="(?!data:|#)[^"]*"', page.split("<body>")[0])
    assert "<style>" in page


def test_no_file_of_the_page_names_another_server():
    for name, content in static_files().items():
        addresses = re.findall(r"https?://[^\s\"'`)]+", content.decode())
        assert [a for a in addresses if not a.startswith("http://www.w3.org/")] == [], name


def test_a_model_cannot_end_its_script(language: Any):
    meta = language.page["meta"] | {"title": {"en": '</script><b title="x">', "fr": "é"}}
    text = exported(Library.of(language.page | {"meta": meta}))
    assert text.count("</script>") == text.count("<script")
    assert '<b title="x">' not in text


def test_the_shipped_page_is_small(shipped: Library):
    assert list(shipped.models) == list(SHIPPED)
    assert len(exported(shipped).encode()) <= LARGEST


def test_words_that_models_share_stand_there_once(open_page: Any, language: Any):
    meta = language.page["meta"] | {"family": "words", "openings": [], "opening": "Elle a bu"}
    cells = [language.page | {"name": name, "meta": meta} for name in ("words", "others")]
    text = exported(Library.of(*cells))
    assert text.count('" hamburger"') == 1
    assert text.count(language.page["embedding"]["base64"]) == 1
    shown = open_page("about:blank")
    shown.set_content(text)
    for name in ("words", "others"):
        shown.locator(".way-guess b").first.wait_for(state="attached")
        model = shown.evaluate(
            f"async () => (await import('carrousel/source.js')).fetchModel('{name}')"
        )
        assert model == language.page | {"name": name, "meta": meta}


def test_the_sentences_of_the_pages_language_come_first(
    open_page: Any, language: Any, tmp_path: Path
):
    pages = [
        language.page | {"name": name, "meta": language.page["meta"] | {"language": name}}
        for name in ("fr", "en")
    ]
    path = tmp_path / "page.html"
    path.write_text(exported(Library.of(*pages)), encoding="utf-8")
    shown = open_page("about:blank")
    for lang in ("en", "fr"):
        shown.goto(f"{path.as_uri()}?lang={lang}#way")
        shown.locator(".way-guess b").first.wait_for()
        assert shown.locator("#model").input_value() == lang
    shown.locator("#language").click()  # what is read stays
    shown.locator("html[lang=en] .way-guess b").first.wait_for()
    assert shown.locator("#model").input_value() == "fr"


def test_it_is_written_whole(tmp_path: Path, library: Library):
    path = tmp_path / "page.html"
    assert exporting.export(library, path) == path.stat().st_size
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_it_works_from_a_file_without_a_request(open_page: Any, page: str, tmp_path: Path):
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    shown = open_page("about:blank")
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(f"{path.as_uri()}?lang=fr#sequence")
    shown.locator("#sequence canvas").first.wait_for()
    assert shown.locator("h2").first.inner_text().startswith("La séquence")
    shown.goto(f"{path.as_uri()}#kept")
    shown.locator("#kept-summary b").first.wait_for()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
