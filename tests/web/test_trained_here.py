"""A series of one's own, pasted: networks learn from it, and every forecaster reads it."""

import math
from typing import Any

import pytest
import torch

from carrousel.web.observations import Observations

from .conftest import go_to

VALUES = [1000 + 5 * k + 300 * math.sin(k * math.pi / 6) for k in range(48)]
HOLES = (30, 31)


def french(value: float) -> str:
    """As a French spreadsheet writes it: a thin space for thousands, a comma."""
    return f"{value:,.1f}".replace(",", "\u202f").replace(".", ",")


ROWS = [
    f"{2020 + k // 12}-{k % 12 + 1:02d}-01;" + ("" if k in HOLES else french(value))
    for k, value in enumerate(VALUES)
]
PASTED = "\n".join(["date;ventes", *ROWS])


@pytest.fixture
def pasted(open_page: Any, server: str) -> Any:
    page = open_page(f"{server}#train?train.task=series&train.steps=12", reduced_motion="reduce")
    page.locator("#train-series").fill(PASTED)
    page.locator("#train-use").click()
    return page


def test_what_was_trained_here_opens_in_every_view(pasted: Any):
    pasted.locator("#train-start").click()
    pasted.wait_for_function(
        "() => Number(document.getElementById('train-updates').dataset.updates) > 20"
    )
    pasted.locator("[data-door=gru]").click()
    pasted.locator("#forecast-summary").get_by_text("For 2024-01 the network expects").wait_for()
    pasted.locator(".scores").get_by_text("as now").wait_for()
    go_to(pasted, "kept")
    pasted.locator("th").get_by_text("2023-12-01").wait_for()
    pasted.locator(".guess").nth(1).click()
    pasted.locator("#kept-error").get_by_text("Further ahead").wait_for()
    go_to(pasted, "sequence")
    assert pasted.locator("circle.observation").count() == 12
    go_to(pasted, "cell")
    pasted.locator(".cell-diagram[data-kind=gru]").wait_for()
    go_to(pasted, "way")
    pasted.locator("[data-cell=lstm]").click()
    pasted.locator(".way-box").get_by_text("LSTM").wait_for()
    assert pasted.locator("#model option:checked").inner_text() == "trained here: your series"
    pasted.locator("#model").select_option("words")
    pasted.locator(".way-words").wait_for()


@pytest.mark.parametrize(("task", "said"), [("recall", "“"), ("adding", "12"), ("sine", "13")])
def test_each_task_opens(open_page: Any, server: str, task: str, said: str):
    page = open_page(f"{server}#train?train.task={task}&train.steps=12", reduced_motion="reduce")
    page.locator("[data-door=lstm]").click()
    page.locator("[data-station=input]").get_by_text(said).wait_for()
    for view in ("kept", "change", "forecast", "way"):
        go_to(page, view)
    page.locator("[data-station=input]").get_by_text(said).wait_for()


def test_a_forecaster_reads_the_pasted_series_as_python_does(pasted: Any, forecaster: Any):
    pasted.locator("#model").select_option("months")
    go_to(pasted, "forecast")
    pasted.locator("#forecast-series").select_option("your series")
    pasted.locator("#paste-note").get_by_text("never measured").wait_for()
    said = pasted.locator("#forecast-summary")
    said.get_by_text("For 2024-01 the").wait_for()
    values = [None if k in HOLES else round(value, 1) for k, value in enumerate(VALUES)]
    with torch.no_grad():
        row = Observations.of(forecaster.page, values).answer(torch.empty(0))["quantiles"][0]
    assert f"expects {row[5]:.1f}; " in said.inner_text()
    assert f"between {row[3]:.1f} and {row[7]:.1f}." in said.inner_text()
    go_to(pasted, "kept")
    pasted.locator("th").get_by_text("2023-").last.wait_for()
    pasted.wait_for_function("() => location.hash.includes('own.series')")
    pasted.reload()
    pasted.locator("th").get_by_text("2023-").last.wait_for()
    go_to(pasted, "forecast")
    pasted.locator("#paste-series").fill("1 2 3")
    pasted.locator("#paste-use").click()
    pasted.get_by_role("alert").get_by_text("from 12 to 5000 can be used").wait_for()


TRAINED = "() => Number(document.getElementById('train-updates').dataset.updates) > 20"


def test_what_was_trained_survives_a_reload_until_it_is_deleted(open_page: Any, server: str):
    page = open_page(f"{server}?lang=en#train?train.steps=6", reduced_motion="reduce")
    page.locator("#train-start").click()
    page.wait_for_function(TRAINED)
    page.locator("[data-door=gru]").click()
    page.locator(".way-words").wait_for()
    page.wait_for_function("() => location.hash.includes('model=trained-gru')")
    guess = page.locator(".way-guess").first.inner_text()
    page.reload()
    page.locator(".way-words").wait_for()
    assert page.locator("#model option:checked").inner_text() == "trained here: letters"
    assert page.locator(".way-guess").first.inner_text() == guess
    page.locator("#share summary").click()
    page.locator("#share").get_by_text("the link opens it here only").wait_for()
    page.locator("#model").select_option("words")
    page.locator(".way-words").get_by_text("hamburger").wait_for()
    page.reload()
    page.locator("#model option").get_by_text("trained here").wait_for(state="attached")
    go_to(page, "train")
    page.wait_for_function(TRAINED)
    page.locator("#train-forget").click()
    page.locator("#train-forget").wait_for(state="detached")
    assert page.locator("#train-updates").get_attribute("data-updates") == "0"
    page.locator("#model option").get_by_text("trained here").wait_for(state="detached")
    page.goto(f"{server}?lang=en&model=trained-gru#sequence")
    page.locator("#missing").get_by_text("not here: trained-gru").wait_for()


REFUSALS = {
    "a private window": ("IDBFactory.prototype.open", "SecurityError"),
    "a full disk": ("IDBObjectStore.prototype.put", "QuotaExceededError"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_browser_that_keeps_nothing_is_said_to(open_page: Any, server: str, refusal: str):
    page = open_page("about:blank", reduced_motion="reduce")
    asked, error = REFUSALS[refusal]
    page.add_init_script(f"{asked} = () => {{ throw new DOMException('', '{error}'); }};")
    page.goto(f"{server}?lang=en#train?train.steps=6")
    page.locator("#train-start").click()
    page.wait_for_function(TRAINED)
    page.locator("#train-start").click()
    page.locator(".train-keeps").get_by_text("a reload loses these networks").wait_for()
