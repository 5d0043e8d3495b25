"""The page for everyone: axe without a finding, the focus never lost, one tab stop a chart."""

from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("way", "cell", "sequence", "kept", "gradient", "train", "forecast")
RULES = """async () => {
  const found = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa',
    'best-practice'], resultTypes: ['violations'] });
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary}`));
}"""
FOCUS = "() => document.activeElement !== document.body && document.activeElement !== null"


@pytest.mark.skipif(not AXE.exists(), reason="npm install brings axe-core")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(open_page: Any, server: str, theme: str):
    page = open_page(f"{server}?theme={theme}#way", reduced_motion="reduce")
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


@pytest.mark.parametrize(
    ("view", "selector"),
    [
        ("cell", ".cell-steps button >> nth=1"),
        ("cell", "[data-kind=gru]"),
        ("sequence", ".word-row .word >> nth=2"),
        ("kept", ".kept-steps .word >> nth=2"),
        ("kept", ".row-name >> nth=1"),
        ("kept", ".guess >> nth=1"),
        ("kept", "#language"),
        ("kept", "#theme"),
        ("way", "[data-mode=unrolled]"),
        ("way", ".way-words .word >> nth=2"),
    ],
)
def test_the_focus_is_not_lost(open_page: Any, server: str, view: str, selector: str):
    page = open_page(f"{server}#{view}", reduced_motion="reduce")
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


@pytest.mark.parametrize(("view", "columns"), [("sequence", 7), ("gradient", 4), ("forecast", 4)])
def test_a_table_stands_behind_each_chart(open_page: Any, server: str, view: str, columns: int):
    page = open_page(f"{server}#{view}", reduced_motion="reduce")
    page.locator(".table-behind summary").first.click()
    page.locator(".table-behind tbody tr").nth(3).wait_for()
    assert page.locator(".table-behind thead th").count() == columns
    assert not any("NaN" in text for text in page.locator(".table-behind td").all_inner_texts())
