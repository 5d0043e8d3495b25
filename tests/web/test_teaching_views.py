"""The cell, the gradient and the training, as a person uses them in a real Chromium."""

import re
from typing import Any

import pytest
import torch

from carrousel import trace
from carrousel.lab import cell as lab_cell

from .conftest import go_to

OPENING = "Hier soir j'ai mangé un hamburger et des"
VIEWS = ("cell", "gradient", "train")


def number_in(text: str) -> float:
    """The last number of a text, in either language."""
    return float(re.findall(r"−?\d+(?:[.,]\d+)?", text)[-1].replace("−", "-").replace(",", "."))


def set_slider(page: Any, name: str, value: float) -> None:
    page.locator(f"#{name}").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


@pytest.fixture
def cell_page(open_page: Any, server: str) -> Any:
    page = open_page(f"{server}#cell", reduced_motion="reduce")
    page.locator(".cell-diagram").wait_for()
    return page


def result(page: Any) -> float:
    return number_in(page.locator("#cell-result").inner_text())


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_text_is_there_in_both_languages(open_page: Any, server: str, lang: str):
    page = open_page(f"{server}?lang={lang}#train", reduced_motion="reduce")
    for view in VIEWS:
        go_to(page, view)
        no_bare_keys(page, view)


def no_bare_keys(page: Any, view: str) -> None:
    for kind in ("GRU", "RNN", "LSTM") if view == "cell" else ():
        page.get_by_role("button", name=kind, exact=True).click()
        for step in range(page.locator(".cell-steps button").count()):
            page.locator(".cell-steps button").nth(step).click()
            assert not re.search(r"\bcell\.[a-z]", page.locator("#view").inner_text())
    assert not re.search(rf"\b{view}\.[a-z]", page.locator("#view").inner_text())


@pytest.mark.parametrize("unit", [0, 7])
def test_each_operation_shows_pythons_number(cell_page: Any, language: Any, unit: int):
    tokens = [language.tokenizer.begin, *language.tokenizer.encode(OPENING).tolist()]
    with torch.no_grad(), trace(language.network) as records:
        language.network(torch.tensor(tokens)[None])
    record = records[-1]
    set_slider(cell_page, "cell-unit", unit)
    cell_page.locator("#cell-unit + output").get_by_text(str(unit), exact=True).wait_for()
    expected = {
        **{name: gate[0, -1, 0, unit] for name, gate in record.gates.items()},
        "cell": record.cell[0, -1, 0, unit],
        "hidden": record.hidden[0, -1, 0, unit],
    }
    for name, value in expected.items():
        place = "knot" if name in ("cell", "hidden") else "box"
        cell_page.locator(f"[data-{place}={name}]").click()
        cell_page.locator(f".arithmetic[data-operation={name}]").wait_for()
        assert result(cell_page) == pytest.approx(value.item(), abs=6e-4), name


def test_the_arithmetic_adds_up(cell_page: Any):
    cell_page.locator("[data-box=forget]").click()
    rows = cell_page.locator(".terms tr")
    total = sum(number_in(row.locator("td").nth(-2).inner_text()) for row in rows.all())
    shown = number_in(cell_page.locator(".sum").first.inner_text())
    assert total == pytest.approx(shown, abs=0.0005 * (rows.count() + 1))
    assert result(cell_page) == pytest.approx(torch.tensor(shown).sigmoid().item(), abs=1e-3)


@pytest.mark.parametrize(("kind", "operations"), [("LSTM", 7), ("GRU", 7), ("RNN", 3)])
def test_other_cells_are_shown_by_networks_of_four_units(cell_page: Any, kind, operations):
    cell_page.get_by_role("button", name="GRU" if kind != "GRU" else "RNN", exact=True).click()
    cell_page.get_by_role("button", name=kind, exact=True).click()
    cell_page.locator(f".cell-diagram[data-kind={kind.lower()}]").wait_for()
    assert cell_page.locator(".cell-steps button").count() == operations
    assert cell_page.locator(".chip .strip").first.locator(".unit").count() == 4
    assert "100%" in cell_page.locator(".cell-output").inner_text()


def test_back_to_the_network_that_was_opened(cell_page: Any):
    cell_page.get_by_role("button", name="4 units").click()
    cell_page.locator(".wire-token").get_by_text("“a”").wait_for()
    cell_page.get_by_role("button", name="12 units").click()
    cell_page.locator(".wire-token").get_by_text("“des”").wait_for()


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_other_views_follow_to_the_small_network(cell_page: Any, kind: str):
    cell_page.get_by_role("button", name="4 units").click()
    cell_page.get_by_role("button", name=kind, exact=True).click()
    cell_page.locator("[data-tab=sequence]").click()
    cell_page.locator(".heat").first.wait_for()
    cell_page.locator("[data-tab=kept]").click()
    cell_page.locator("#kept-summary b").first.wait_for()
    cell_page.locator("#model").select_option("words")
    cell_page.wait_for_function(f"() => document.getElementById('sentence').value === {OPENING!r}")


def test_every_number_of_the_small_network_is_the_laboratorys(cell_page: Any):
    """What the page says of its own small network, against carrousel.lab.cell.operations."""
    cell_page.get_by_role("button", name="4 units").click()
    cell_page.locator(".wire-token").get_by_text("“a”").wait_for()
    weights = cell_page.evaluate(
        "async () => (await import('./net/letters-weights.js')).WEIGHTS.lstm.layers[0]"
    )
    layer = torch.nn.LSTM(5, 4)
    shapes = {name: parameter.shape for name, parameter in layer.named_parameters()}
    layer.load_state_dict(
        {f"{n}_l0": torch.tensor(w).view(shapes[f"{n}_l0"]) for n, w in weights.items()}
    )
    first = lab_cell.step(layer, torch.eye(5)[3])
    step = lab_cell.step(layer, torch.eye(5)[0], first.hidden, first.cell)
    for name, chip in {
        "new cell state": "cell",
        "kept memory": "kept",
        "added memory": "added",
    }.items():
        shown = number_in(cell_page.locator(f"[data-chip={chip}] .chip-number").text_content())
        assert shown == pytest.approx(step[name][2].item(), abs=6e-3), name


def test_playing_goes_operation_by_operation_into_the_next_step(cell_page: Any):
    cell_page.locator("#clock-back").click()
    cell_page.locator("#cell-pace").select_option("fast")
    cell_page.locator("#clock-play").click()
    pressed = ".cell-steps button[aria-pressed=true]"
    names = []
    for _ in range(40):
        name = cell_page.locator(pressed).inner_text()
        if not names or names[-1] != name:
            names.append(name)
        if names[-1] == "g":
            break
        cell_page.wait_for_timeout(150)
    assert names[-4:] == ["[h, x]", "f", "i", "g"]
    cell_page.locator("#clock-play").click()
    assert cell_page.locator(".traveler").count() == 0  # less motion was asked for


def test_numbers_travel_along_the_wires(open_page: Any, server: str):
    page = open_page(f"{server}#cell")
    page.locator("#clock-play").click()
    page.locator(".traveler[visibility=visible]").first.wait_for()


def test_steps_forth_and_back(cell_page: Any):
    pressed = cell_page.locator(".cell-steps button[aria-pressed=true]")
    assert pressed.inner_text() == "h"
    cell_page.locator("#cell-back").click()
    assert pressed.inner_text() == "o"
    assert cell_page.locator("[data-chip=hidden].later").count() == 1
    cell_page.locator("#cell-forth").click()
    assert pressed.inner_text() == "h"


def test_a_wire_shows_its_vector(cell_page: Any):
    cell_page.locator("[data-wire=forget]").hover(force=True)
    peek = cell_page.locator(".peek")
    peek.get_by_text("forget gate").wait_for()
    assert peek.locator(".peek-bar").count() == 12


def test_gates_open_by_keyboard(cell_page: Any):
    cell_page.locator("[data-box=output]").focus()
    cell_page.keyboard.press("Enter")
    cell_page.locator(".arithmetic[data-operation=output]").wait_for()
    cell_page.keyboard.press("ArrowLeft")  # the clock
    cell_page.locator(".wire-token").get_by_text("“et”").wait_for()


def test_upright_on_a_phone(open_page: Any, server: str):
    page = open_page(f"{server}#cell", width=390, height=844)
    page.locator(".cell-diagram").wait_for()
    page.wait_for_function(
        "() => document.querySelector('.cell-diagram').viewBox.baseVal.width === 390"
    )


def test_the_gradient_answers_to_its_sliders(open_page: Any, server: str):
    page = open_page(f"{server}#gradient", reduced_motion="reduce")

    def left(kind: str) -> float:
        return float(
            page.locator(f".lane[data-network={kind}] [data-left]").get_attribute("data-left")
        )

    page.locator(".lane").first.wait_for()
    assert left("rnn") < 1e-6
    closed = left("lstm")
    set_slider(page, "gradient-forgetBias", 5)
    page.wait_for_function(
        "before => document.querySelector('[data-network=lstm] [data-left]').dataset.left"
        " > 10 * before",
        arg=closed,
    )
    set_slider(page, "gradient-scale", 4.5)
    page.locator(".lane[data-network=rnn] .explodes").wait_for()
    set_slider(page, "gradient-steps", 12)
    page.wait_for_function(
        "() => document.querySelectorAll('.lane[data-network=gru] .lane-step').length === 12"
    )


def test_the_gradient_on_screen_is_the_networks(open_page: Any, server: str):
    page = open_page(f"{server}#gradient", reduced_motion="reduce")
    page.locator(".lane").first.wait_for()
    made = page.evaluate(
        "async () => (await import('./net/error-flow.js')).errorFlow("
        "{kind: 'gru', steps: 50, scale: 1, forgetBias: 0, seed: 1}).norms[0]"
    )
    shown = page.locator(".lane[data-network=gru] [data-left]").get_attribute("data-left")
    assert float(shown) == made


def test_the_error_travels_back(open_page: Any, server: str):
    page = open_page(f"{server}#gradient")
    page.locator(".front").first.wait_for()
    page.locator(".front").first.wait_for(state="detached")


@pytest.fixture
def train_page(open_page: Any, server: str) -> Any:
    page = open_page(f"{server}#train")
    page.locator("#train-start").wait_for()
    return page


def test_a_short_task_is_learned_in_the_page(train_page: Any):
    set_slider(train_page, "train-steps", 5)
    train_page.locator("input[value=lstm]").uncheck()
    train_page.locator("#train-start").click()
    train_page.locator("[data-network=gru]", has_text="solved after").wait_for(timeout=60_000)
    train_page.locator("#train-start").click()
    right = train_page.locator(".answer-row[data-network=gru] .right").inner_text()
    assert number_in(right) > 80
    assert train_page.locator(".gate-map").count() == 2


def test_speed_pause_and_a_new_beginning(train_page: Any):
    def updates() -> int:
        return int(train_page.locator("#train-updates").get_attribute("data-updates"))

    set_slider(train_page, "train-pace", 0)
    train_page.locator("#train-start").click()
    train_page.wait_for_function(
        "() => Number(document.querySelector('#train-updates').dataset.updates) >= 2"
    )
    assert updates() < 12
    train_page.locator("#train-start").get_by_text("Pause").click()
    paused = updates()
    train_page.wait_for_timeout(300)
    assert updates() == paused
    train_page.locator("#train-reset").click()
    assert updates() == 0


@pytest.mark.parametrize(
    ("task", "picture"), [("adding", ".answer-dot"), ("sine", ".said"), ("series", ".said")]
)
def test_every_task_shows_what_each_network_says(train_page: Any, task: str, picture: str):
    train_page.locator("#train-task").select_option(task)
    assert train_page.locator(f".train-answers {picture}").count() == 3


@pytest.mark.parametrize(
    ("lang", "text", "message"),
    [
        ("en", "1 2 x", "“x” is not a number."),
        ("fr", "1 2 3", "Il y a 3 nombres ; il en faut de 12 à 5000."),
        ("en", "7", "There is 1 number; from 12 to 5000 can be used."),
    ],
)
def test_what_is_wrong_with_a_pasted_series(open_page: Any, server: str, lang, text, message):
    page = open_page(f"{server}?lang={lang}#train")
    page.locator("#train-task").select_option("series")
    page.locator("#train-series").fill(text)
    page.locator("#train-use").click()
    assert " ".join(page.locator(".train-error").inner_text().split()) == message
    page.locator("#train-series").fill(" ".join(str(k % 7) for k in range(30)))
    page.locator("#train-use").click()
    assert page.locator(".train-error").is_hidden()


def test_what_was_learned_is_still_there_after_another_view(train_page: Any):
    set_slider(train_page, "train-steps", 5)
    train_page.locator("#train-start").click()
    train_page.wait_for_function(
        "() => Number(document.querySelector('#train-updates').dataset.updates) > 3"
    )
    train_page.locator("[data-tab=gradient]").click()
    train_page.locator(".lane").first.wait_for()
    train_page.locator("[data-tab=train]").click()
    train_page.locator("#train-start").get_by_text("Go on").wait_for()
    assert int(train_page.locator("#train-updates").get_attribute("data-updates")) > 3
