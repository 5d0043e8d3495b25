"""The page for everyone: axe without a finding, the focus never lost, one tab stop a chart."""

from pathlib import Path
from typing import Any

import pytest

from carrousel.web.frame import VIEWS

from .conftest import go_to

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = """async () => {
  const found = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa',
    'best-practice'], resultTypes: ['violations'] });
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary}`));
}"""
FOCUS = "() => document.activeElement !== document.body && document.activeElement !== null"


@pytest.mark.skipif(not AXE.exists(), reason="npm install brings axe-core")
@pytest.mark.parametrize(("theme", "lang"), [("light", "fr"), ("dark", "en")])
def test_axe_finds_nothing_in_any_view(open_page: Any, server: str, theme: str, lang: str):
    page = open_page(f"{server}?theme={theme}&lang={lang}#way", reduced_motion="reduce")
    page.evaluate(AXE.read_text("utf-8"))
    found = {}
    for view in VIEWS:
        page.evaluate(f"() => {{ location.hash = '{view}' }}")
        page.locator(f"#view[data-view={view}] h2").wait_for()
        page.wait_for_timeout(150)
        if problems := page.evaluate(RULES):
            found[view] = problems
    page.locator("#tour-button").click()
    page.locator("#tour-next").wait_for()
    if problems := page.evaluate(RULES):
        found["tour"] = problems
    assert not found, "\n".join(f"{view}: {p}" for view, ps in found.items() for p in ps)


FOCUSED = {
    "cell": [".cell-steps button >> nth=1", "[data-kind=gru]"],
    "sequence": [".word-row .word >> nth=2"],
    "kept": [
        ".kept-steps .word >> nth=2",
        ".row-name >> nth=1",
        ".guess >> nth=1",
        "#language",
        "#theme",
    ],
    "way": ["[data-mode=unrolled]", ".way-words .word >> nth=2"],
    "story": ["[data-letter=c]", "#story-unroll", "[data-chapter=gates] [data-option='0']"],
}


@pytest.mark.parametrize("view", FOCUSED)
def test_the_focus_is_not_lost(open_page: Any, server: str, view: str):
    page = open_page(f"{server}#{view}", reduced_motion="reduce")
    for selector in FOCUSED[view]:
        page.locator(selector.split(" >> ")[0]).first.wait_for()
        page.locator(selector).focus()
        page.keyboard.press("Enter")
        page.wait_for_timeout(120)
        page.wait_for_function(FOCUS)


def test_a_chart_is_one_tab_stop_and_arrows_go_along_it(open_page: Any, server: str):
    page = open_page(f"{server}#forecast")
    page.locator("circle.observation").first.wait_for()
    assert page.locator("circle.observation[tabindex='0']").count() == 1
    page.locator("circle.observation[tabindex='0']").focus()
    here = "() => Number(document.activeElement.dataset.at)"
    before = page.evaluate(here)
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(here) < before
    assert page.locator("circle.observation[tabindex='0']").count() == 1


def test_a_heat_map_says_where_one_is(open_page: Any, server: str):
    page = open_page(f"{server}#sequence")
    page.locator(".heat").first.focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".heat-box output").first.get_by_text("unit").wait_for(state="attached")
    said = page.locator(".heat-box output").first.text_content()
    assert "step et" in said


def test_the_error_goes_back_in_still_pictures(open_page: Any, server: str):
    page = open_page(f"{server}#gradient", reduced_motion="reduce")
    page.locator(".front").first.wait_for(state="detached")
    page.locator("#gradient-send").click()
    page.locator(".front").first.wait_for()


def test_the_diagram_does_not_jump(open_page: Any, server: str):
    page = open_page(f"{server}#cell", reduced_motion="reduce")
    page.locator(".cell-diagram").wait_for()
    tops = set()
    for button in page.locator(".cell-steps button").all():
        button.click()
        top = "() => document.querySelector('.cell-diagram').getBoundingClientRect().top"
        tops.add(page.evaluate(f"{top}"))
    assert len(tops) == 1


TABLES = {
    "sequence": [7],
    "cell": [7],
    "gradient": [4],
    "forecast": [4, 4],
    "train": [4, 6],
    "story": [3, 4, 3, 10],
}


def test_a_table_stands_behind_each_chart(open_page: Any, server: str):
    page = open_page(f"{server}#train", reduced_motion="reduce")
    page.locator("#train-start").click()
    page.wait_for_function("() => document.getElementById('train-updates').dataset.updates > 9")
    page.locator("#train-start").click()
    for view, columns in TABLES.items():
        go_to(page, view)
        if view == "story":
            page.locator("#story-step").click()
            page.locator("#story-race").click()
            page.locator("[data-chapter=race] .story-says").last.get_by_text("RNN: not").wait_for()
        tables = page.locator(".table-behind")
        for at, count in enumerate(columns):
            tables.nth(at).locator("summary").click()
            tables.nth(at).locator("tbody tr").nth(1).wait_for()
            assert tables.nth(at).locator("thead th").count() == count, view
        assert tables.count() == len(columns), view
        assert not any("NaN" in text for text in page.locator(".table-behind td").all_inner_texts())
