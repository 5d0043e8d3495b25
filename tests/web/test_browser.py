"""The page as a person uses it, in a real Chromium: typed, clicked, dragged, by keyboard."""

import re
from typing import Any

import pytest
import torch

from carrousel import trace
from carrousel.explain import half_life

from .conftest import go_to

OPENING = "Hier soir j'ai mangé un hamburger et des"


def choose(page: Any, model: str) -> None:
    page.locator("#model").select_option(model)


def box_of(element: Any) -> dict[str, float]:
    """Where it stands, once it does: what is being drawn anew has no box for a moment."""
    element.hover()  # waits until it is there and does not move
    while (box := element.bounding_box()) is None:
        element.page.wait_for_timeout(20)
    return box


def number_in(text: str) -> float:
    """The first number of a text, in either language."""
    found = re.search(r"−?\d+(?:[.,]\d+)?", text)
    assert found, text
    return float(found[0].replace("−", "-").replace(",", "."))


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_view_speaks_both_languages(open_page: Any, server: str, lang: str):
    page = open_page(f"{server}?lang={lang}#sequence")
    other = "fr" if lang == "en" else "en"
    for view in ("sequence", "kept", "forecast"):
        go_to(page, view)
        choose(page, "months" if view == "forecast" else "words")
        page.locator(f"html[lang={lang}] #view .panel").first.wait_for()
        text = page.locator("body").inner_text()
        bare = re.findall(r"\b(?:page|sequence|kept|forecast|tour)\.[a-z-]+", text)
        assert not bare, view
        head = page.evaluate("() => document.getElementById('header').offsetHeight")
        assert head < 80, "the head takes more than one row"
        page.locator("#language").click()
        page.locator(f"html[lang={other}] #view .panel").first.wait_for()
        page.locator("#language").click()


def test_the_browsers_language_is_taken(open_page: Any, server: str):
    page = open_page(f"{server}#sequence", locale="fr-CA")
    page.locator("html[lang=fr]").wait_for()


def test_a_typed_sentence_changes_the_record(open_page: Any, server: str, language: Any):
    page = open_page(f"{server}#sequence")
    page.locator("#sequence canvas").first.wait_for()
    page.locator("#sentence").fill("Elle a bu")
    page.wait_for_function("() => document.querySelectorAll('.word-row .word').length === 4")
    assert page.locator(".word-row .word").all_inner_texts() == ["(start)", "Elle", "a", "bu"]
    page.locator("#sentence").fill("Elle a xyz")
    assert "xyz" in page.locator("#unknown-words").inner_text()


def test_the_half_life_on_screen_is_pythons(open_page: Any, server: str, language: Any):
    page = open_page(f"{server}#sequence")
    page.locator("#sequence canvas").first.wait_for()
    page.locator("#sort-units").select_option("index")
    page.locator(".heat").first.focus()
    page.keyboard.press("ArrowDown")  # from no unit to unit 0 or 1
    page.locator("#unit-name").get_by_text("half-life").wait_for()
    text = page.locator("#unit-name").inner_text()
    unit = int(number_in(text))
    shown = number_in(text.split("half-life")[1])
    tokens = [language.tokenizer.begin, *language.tokenizer.encode(OPENING).tolist()]
    with torch.no_grad(), trace(language.network) as records:
        language.network(torch.tensor(tokens)[None])
    assert shown == pytest.approx(half_life(records[-1]).gates[0, unit].item(), abs=0.06)


def test_a_click_chooses_step_and_unit(open_page: Any, server: str):
    page = open_page(f"{server}#sequence")
    canvas = page.locator(".heat").first
    canvas.wait_for()
    box = box_of(canvas)
    canvas.click(position={"x": 5, "y": box["height"] - 3})
    page.locator(".word-row .word[aria-pressed=true]").get_by_text("(start)").wait_for()
    assert page.locator("#clock-slider").input_value() == "0"


def test_the_clock_steps_and_plays(open_page: Any, server: str):
    page = open_page(f"{server}#kept")
    page.locator("#kept-summary b").first.wait_for()
    last = int(page.locator("#clock-slider").get_attribute("max"))
    page.locator("#clock-back").click()
    assert page.locator("#clock-slider").input_value() == str(last - 1)
    page.keyboard.press("Escape")
    page.locator("h2").first.click()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "n => Number(document.getElementById('clock-slider').value) === n", arg=last - 2
    )
    page.locator("#clock-play").click()
    page.wait_for_function(
        "n => Number(document.getElementById('clock-slider').value) > n", arg=last - 2
    )


def test_what_is_kept_adds_up_on_screen(open_page: Any, server: str):
    page = open_page(f"{server}#kept")
    page.locator("td[data-measure=ledger]").first.wait_for()
    survival = [
        float(cell.get_attribute("data-value"))
        for cell in page.locator("td[data-measure=survival]").all()
    ]
    assert survival[-1] == 1
    assert all(0 <= share <= 1 for share in survival)
    error = page.locator("#kept-error").inner_text()
    assert float(re.findall(r"\de[-+]\d+", error)[0]) < 1e-12


def test_another_guess_is_another_question(open_page: Any, server: str):
    page = open_page(f"{server}?lang=fr#kept")
    second = page.locator("#guesses .guess").nth(1)
    second.wait_for()
    word = second.locator("span").first.inner_text()
    second.click()
    page.locator("#kept-summary").get_by_text(f"« {word} »").first.wait_for()


def test_the_forecast_on_screen_is_pythons(open_page: Any, server: str, forecaster: Any):
    page = open_page(f"{server}#forecast")
    choose(page, "months")
    summary = page.locator("#forecast-summary")
    summary.get_by_text("expects").wait_for()
    made = forecaster.forecaster
    median = made.predict_quantiles(made.panel_)[0, 0, 5]
    shown = number_in(summary.inner_text().split("expects")[1])
    assert shown == pytest.approx(median, abs=0.051)


def test_a_dragged_point_changes_the_forecast_at_once(open_page: Any, server: str):
    page = open_page(f"{server}#forecast")
    choose(page, "months")
    summary = page.locator("#forecast-summary")
    summary.get_by_text("expects").wait_for()
    before = summary.inner_text()
    box = box_of(page.locator("circle.observation").last)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"], box["y"] + 60, steps=3)
    page.mouse.up()
    page.wait_for_function(
        "before => document.getElementById('forecast-summary').innerText !== before", arg=before
    )
    page.locator("#forecast-reset").click()
    page.wait_for_function(
        "before => document.getElementById('forecast-summary').innerText === before", arg=before
    )


def test_points_move_by_keyboard(open_page: Any, server: str):
    page = open_page(f"{server}#sequence")
    choose(page, "months")
    point = page.locator("circle.observation").first
    point.wait_for()
    before = float(point.get_attribute("aria-valuenow"))
    point.focus()
    page.keyboard.press("ArrowUp")
    value = "document.querySelector('circle.observation').getAttribute('aria-valuenow')"
    page.wait_for_function(f"before => Number({value}) > before", arg=before)


def test_going_back_in_time_shows_what_happened(open_page: Any, server: str):
    page = open_page(f"{server}#forecast")
    choose(page, "months")
    origin = page.locator("#origin")
    origin.wait_for()
    if origin.is_disabled():
        pytest.skip("the model keeps no more than it reads")
    origin.fill(origin.get_attribute("min"))
    page.locator("circle.actual").first.wait_for()


@pytest.mark.parametrize(("theme", "width"), [("light", 320), ("dark", 390)])
def test_nothing_is_wider_than_a_phone(open_page: Any, server: str, theme: str, width: int):
    """320 pixels are also a screen of 1280, enlarged four times."""
    page = open_page(f"{server}?theme={theme}#way", width=width, height=844)
    for view in ("way", "cell", "sequence", "kept", "change", "gradient", "train", "forecast"):
        go_to(page, view)
        page.locator("#view").evaluate("box => new Promise(requestAnimationFrame)")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, view
        assert page.locator("html").get_attribute("data-theme") == theme


def test_everything_can_be_reached_by_keyboard(open_page: Any, server: str):
    page = open_page(f"{server}#sequence")
    page.locator("#sequence canvas").first.wait_for()
    page.evaluate("() => document.querySelector('.brand').focus()")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        here = "document.activeElement"
        reached.add(page.evaluate(f"() => {here}.id || {here}.className"))
    assert {
        "tab",
        "model",
        "tour-button",
        "language",
        "theme",
        "sentence",
        "sort-units",
        "heat",
    } <= reached
    assert {"clock-back", "clock-play", "clock-forth", "clock-slider"} <= reached


# How much of what the tour speaks of can be seen, and how much of that the card covers.
SUBJECT = """() => {
  const shown = (box, page) => ({
    left: Math.max(box.left, page.left), right: Math.min(box.right, page.right),
    top: Math.max(box.top, page.top), bottom: Math.min(box.bottom, page.bottom),
  });
  const area = ({ left, right, top, bottom }) =>
    Math.max(0, right - left) * Math.max(0, bottom - top);
  const page = document.getElementById('page').getBoundingClientRect();
  const card = document.getElementById('tour').getBoundingClientRect();
  const frames = [...document.querySelectorAll('.tour-frame')].filter((f) => !f.hidden);
  const boxes = frames.map((frame) => frame.getBoundingClientRect());
  return {
    seen: Math.max(0, ...boxes.map((box) => area(shown(box, page)))),
    covered: Math.max(0, ...boxes.map((box) => area(shown(box, card)))),
    card: area(shown(card, { left: 0, top: 0, right: innerWidth, bottom: innerHeight })),
    beside: card.left >= page.right - 1,
    inside: card.right <= innerWidth + 1 && card.bottom <= innerHeight + 1,
  };
}"""


@pytest.mark.parametrize(
    ("lang", "width", "height"), [("en", 1280, 800), ("fr", 390, 844), ("en", 1920, 1080)]
)
def test_the_tour_covers_nothing_that_it_speaks_of(open_page, server, lang, width, height):
    page = open_page(f"{server}?lang={lang}#cell", width, height, reduced_motion="reduce")
    page.locator(".cell-diagram").wait_for()
    page.locator("#tour-button").click()
    seen, titles = set(), set()
    count = int(page.locator("#tour-count").inner_text().split("/")[1])
    assert 10 <= count <= 15
    for k in range(count):
        page.get_by_text(f"{k + 1} / {count}", exact=True).wait_for()
        page.locator(".tour-frame:visible").first.wait_for()
        page.wait_for_function("() => document.activeElement?.id?.startsWith('tour')")
        title = page.locator("#tour-title").inner_text()
        found = page.evaluate(SUBJECT)
        assert found["covered"] == 0, title
        assert found["seen"] > 600, title
        assert found["inside"], title
        assert found["beside"] == (width > 900), title
        assert found["card"] > 10_000, title
        seen.add(page.evaluate("() => location.hash.split('?')[0]"))
        titles.add(title)
        page.locator("#tour-next").click()
    assert seen == {"#way", "#cell", "#gradient", "#sequence", "#kept", "#train", "#forecast"}
    assert len(titles) == count
    page.locator("#tour").wait_for(state="detached")
    page.locator(".cell-diagram").wait_for()  # where it was begun
    assert page.locator("#model").input_value() == "words"


def test_the_tour_asks_and_then_tells(open_page: Any, server: str):
    page = open_page(f"{server}#sequence", reduced_motion="reduce")
    page.locator("#sentence").fill("Elle a bu un verre")
    page.locator("#tour-button").click()
    page.locator(".tour-options button").nth(1).click()
    page.locator(".tour-options .wrong").wait_for()
    page.locator(".tour-options .right").wait_for()
    page.locator(".tour-says").get_by_text("last word alone").wait_for()
    page.locator("#tour-next").click()
    assert page.locator(".tour-says").count() == 0
    page.locator("[data-mode=unrolled]").click()
    page.locator(".tour-says").get_by_text("same weights").wait_for()
    page.locator("#language").click()
    page.locator("#tour-title").get_by_text("La boucle").wait_for()
    page.go_back()
    page.locator("#tour-title").get_by_text("Un réseau sans mémoire").wait_for()
    page.locator("#tour-close").click()
    page.locator("#sequence").wait_for()
    assert page.locator("#sentence").input_value() == "Elle a bu un verre"


def test_the_tour_says_the_number_that_is_on_the_screen(open_page: Any, server: str):
    page = open_page(f"{server}?lang=fr#cell?tour=6", reduced_motion="reduce")
    page.locator(".tour-frame:visible").first.wait_for()
    shown = page.locator("[data-box=forget] .box-number").text_content()
    page.locator("#tour").get_by_text(f"la porte d’oubli vaut {shown}").wait_for()


def test_escape_ends_the_tour(open_page: Any, server: str):
    page = open_page(f"{server}#kept")
    page.locator("#tour-button").click()
    page.locator("#tour-next").wait_for()
    page.keyboard.press("Escape")
    page.locator("#tour").wait_for(state="detached")
