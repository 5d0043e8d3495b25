"""A link shows what its sender saw; nothing is lost on the way between models and views."""

from typing import Any

import pytest

from .conftest import go_to

SENTENCE = "Elle a bu un verre"


def test_a_reload_loses_nothing(open_page: Any, server: str):
    page = open_page(f"{server}#gradient", reduced_motion="reduce")
    page.locator("#gradient-steps").fill("30")
    page.locator("[data-tab=sequence]").click()
    page.locator("#sentence").fill(SENTENCE)
    page.locator(".heat").first.focus()
    page.keyboard.press("ArrowLeft")
    page.locator("#language").click()
    page.locator("#theme").click()
    page.wait_for_function(
        "() => /unit=\\d/.test(location.hash) && /theme=dark/.test(location.hash)"
    )
    step = page.locator("#clock-slider").input_value()
    unit = page.locator("#unit-name").inner_text()
    page.reload()
    page.locator("#sequence canvas").first.wait_for()
    assert page.locator("#sentence").input_value() == SENTENCE
    assert page.locator("#clock-slider").input_value() == step
    page.locator("#unit-name").get_by_text("unité").wait_for()
    assert page.locator("#unit-name").inner_text() == unit
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator("[data-tab=gradient]").click()
    page.locator(".lane").first.wait_for()
    assert page.locator("#gradient-steps").input_value() == "30"


def test_a_reload_keeps_what_is_chosen_in_a_view(open_page: Any, server: str):
    page = open_page(f"{server}?lang=en#change", reduced_motion="reduce")
    page.locator("#change-gate").select_option("output")
    page.locator("[data-held=shut]").click()
    page.locator("#change-onwards").uncheck()
    page.locator("#change-other").fill(SENTENCE)
    page.locator("#change-swap").check()
    page.locator("#change-summary").get_by_text("likeliest").wait_for()
    told = page.locator("#change-summary").inner_text()
    go_to(page, "sequence")
    page.locator("#sort-units").select_option("now")
    go_to(page, "kept")
    page.locator("#guesses .guess").nth(2).click()
    page.locator("#guesses .guess:nth-child(3)[aria-pressed=true]").wait_for()
    asked = page.locator("#guesses .guess[aria-pressed=true]").inner_text()
    page.wait_for_function("() => location.hash.includes('kept.target')")
    page.reload()
    page.locator("#guesses .guess[aria-pressed=true]").get_by_text(asked.split("\n")[0]).wait_for()
    page.wait_for_timeout(600)  # the address was written anew
    page.reload()  # and says what other views, not opened since, were asked for
    go_to(page, "sequence")
    assert page.locator("#sort-units").input_value() == "now"
    go_to(page, "change")
    page.locator("#change-summary").get_by_text("likeliest").wait_for()
    assert page.locator("#change-summary").inner_text() == told
    assert page.locator("#change-other").input_value() == SENTENCE
    page.locator("#sentence").fill("Elle a bu")
    go_to(page, "kept")
    page.locator("#guesses .guess:first-child[aria-pressed=true]").wait_for()  # the likeliest


def test_the_sentence_comes_back_from_a_small_network(open_page: Any, server: str):
    page = open_page(f"{server}#cell", reduced_motion="reduce")
    page.locator("#sentence").fill(SENTENCE)
    page.get_by_role("button", name="RNN", exact=True).click()
    page.locator(".cell-diagram[data-kind=rnn]").wait_for()
    page.get_by_role("button", name="LSTM", exact=True).first.click()
    page.get_by_role("button", name="12 units").click()
    page.wait_for_function(f"() => document.getElementById('sentence').value === '{SENTENCE}'")


def test_the_forecast_opens_a_forecaster_and_gives_the_sentence_back(open_page: Any, server: str):
    page = open_page(f"{server}#kept")
    page.locator("#sentence").fill(SENTENCE)
    page.locator("[data-tab=forecast]").click()
    page.locator("#forecast-summary").get_by_text("expects").wait_for()
    page.locator("[data-tab=sequence]").click()
    page.locator(".word-row").wait_for()
    assert page.locator("#sentence").input_value() == SENTENCE


def test_an_empty_field_is_an_empty_sentence(open_page: Any, server: str):
    page = open_page(f"{server}#sequence")
    page.locator("#sequence canvas").first.wait_for()
    page.locator("#sentence").fill("")
    page.wait_for_function("() => document.querySelectorAll('.word-row .word').length === 1")
    page.locator("#unknown-words").get_by_text("Type a sentence").wait_for()
    page.locator("#sentence").fill("xyz 🍔")
    page.locator("#unknown-words").get_by_text("xyz, 🍔").wait_for()
    page.locator("#sentence").fill("a " * 500)
    page.locator("#unknown-words").get_by_text("up to 400").wait_for()


def test_continue_writes_the_guess_behind_the_sentence(open_page: Any, server: str):
    page = open_page(f"{server}#way", reduced_motion="reduce")
    guess = page.locator(".way-guess b").first
    guess.wait_for()
    word, before = guess.inner_text(), page.locator("#sentence").input_value()
    page.locator("#way-continue").click()
    page.wait_for_function(
        "before => document.getElementById('sentence').value.length > before.length", arg=before
    )
    assert page.locator("#sentence").input_value().endswith(word)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_head_is_one_row_and_its_menu_inside_the_window(open_page: Any, server: str, lang: str):
    page = open_page(f"{server}?lang={lang}#way", width=1280)
    page.locator("#view h2").wait_for()
    tabs, tools = (page.locator(f"#header {part}").bounding_box() for part in (".tabs", ".tools"))
    assert tabs["x"] + tabs["width"] <= tools["x"]
    assert tabs["y"] < tools["y"] + tools["height"]
    assert tools["y"] < tabs["y"] + tabs["height"]
    assert page.locator(".tabs").evaluate("box => box.scrollWidth <= box.clientWidth")
    page.locator("#share summary").click()
    menu = page.locator(".share-panel").bounding_box()
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 1280
    assert menu["y"] + menu["height"] <= 800


def test_a_link_without_controls_and_a_figure_to_take_along(open_page: Any, server: str):
    page = open_page(f"{server}#cell", reduced_motion="reduce")
    page.locator(".cell-diagram").wait_for()
    page.locator("#share summary").click()
    page.locator("#share-hide").check()
    link = page.locator("#share-link").input_value()
    assert "hide=1" in link
    with page.expect_download() as found:
        page.get_by_role("button", name="SVG Diagram of the cell").click()
    text = found.value.path().read_text("utf-8")
    assert text.startswith("<svg")
    assert "candidate" in text
    with page.expect_download() as found:
        page.get_by_role("button", name="PNG Diagram of the cell").click()
    assert found.value.path().read_bytes()[:4] == b"\x89PNG"
    page.goto(link)  # the page reads its address anew
    page.locator(".cell-diagram").wait_for()
    assert page.locator(".toolbar").first.is_hidden()


def test_a_lecture_is_large_and_turns_pages(open_page: Any, server: str):
    page = open_page(f"{server}#way?present=1", width=1920, height=1080)
    page.locator(".way-guess").first.wait_for()
    size = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"
    assert page.evaluate(size) >= 24
    page.locator("h2").first.click()
    page.keyboard.press("PageDown")
    page.locator(".story-chapter").first.wait_for()
    page.keyboard.press("PageDown")
    page.locator(".cell-diagram").wait_for()
