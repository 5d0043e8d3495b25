"""The story: every chapter does what it says, with Python's numbers, by mouse and by keyboard."""

import json
import math
import re
from typing import Any

import numpy as np
import pytest
import torch

POINTS = np.array([[0.5, 0.9], [1, 1.3], [1.5, 2.6], [2, 2.8]])
CHAPTERS = ("network", "error", "race", "vanishing", "gates", "uses")


def numbers_in(text: str) -> list[float]:
    return [float(n.replace("−", "-")) for n in re.findall(r"−?\d+(?:\.\d+)?", text)]


@pytest.fixture
def story(open_page: Any, server: str) -> Any:
    page = open_page(f"{server}#story", reduced_motion="reduce")
    page.locator("[data-chapter=uses]").wait_for()
    return page


def slide(page: Any, name: str, value: float) -> None:
    page.locator(f"#story-{name}").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def letters_network(page: Any) -> tuple[torch.nn.RNN, torch.nn.Linear]:
    weights = page.evaluate(
        "async () => JSON.stringify((await import('./net/letters-weights.js')).WEIGHTS.rnn)"
    )
    found = json.loads(weights)
    layer, head = torch.nn.RNN(5, 4), torch.nn.Linear(4, 5)
    state = {f"{n}_l0": torch.tensor(w) for n, w in found["layers"][0].items()}
    layer.load_state_dict({n: w.view(layer.state_dict()[n].shape) for n, w in state.items()})
    head.load_state_dict(
        {n: torch.tensor(w).view(head.state_dict()[n].shape) for n, w in found["head"].items()}
    )
    return layer, head


def test_the_loop_remembers_as_pythons_does(story: Any):
    layer, head = letters_network(story)
    story.locator("[data-letter=c]").click()
    for figure, signs in {"ann": [4], "rnn": [2, 3, 4]}.items():  # of a, b, c, · and ?
        with torch.no_grad():
            chances = head(layer(torch.eye(5)[signs][:, None])[0])[-1, 0].softmax(-1)
        shown = story.locator(f"[data-figure={figure}] [data-chance]")
        told = [float(one.get_attribute("data-chance")) for one in shown.all()]
        assert told == pytest.approx(chances[:4].tolist(), abs=2e-6)
    assert story.locator("[data-figure=rnn] .way-loop").count() == 1
    story.locator("#story-unroll").focus()
    story.keyboard.press("Enter")
    assert story.locator("[data-figure=rnn] .way-box").count() == 3
    assert story.evaluate("() => document.activeElement.id") == "story-unroll"


def test_a_step_goes_down_the_slope(story: Any):
    x, y = POINTS.T
    slide(story, "weight", 3)
    slide(story, "rate", 0.2)
    slope = np.mean(2 * x * (3 * x - y))
    said = numbers_in(story.locator(".story-sum").inner_text())
    assert said == pytest.approx([3, 0.2, slope, 3 - 0.2 * slope], abs=0.0051)
    story.locator("#story-step").click()
    ball = float(story.locator(".story-ball").get_attribute("data-weight"))
    assert ball == pytest.approx(3 - 0.2 * slope)
    slide(story, "rate", 0.6)
    story.get_by_text("The error explodes").wait_for()
    story.locator("#story-again").click()
    assert story.locator(".story-past").count() == 0


def test_an_open_gate_lets_the_gradient_through(story: Any):
    shown = story.locator("#story-gradient")
    shown.get_by_text("The gate wears").wait_for()
    assert float(shown.get_attribute("data-left")) < 1e-6
    story.locator("#story-bias").focus()
    story.keyboard.press("End")
    shown.get_by_text("Through the open gate").wait_for()
    gate = 1 / (1 + math.exp(-6))
    assert f"{gate:.3f}, 50 times in a row, leaves {gate**50:.3f}" in shown.inner_text()


def test_three_doors_open_and_shut(story: Any):
    at = {"memory": -1.5, "forget": 0.25, "input": 1, "candidate": 0.6, "output": 0.75}
    for name, value in at.items():
        slide(story, name, value)
    cell = at["forget"] * at["memory"] + at["input"] * at["candidate"]
    for name, wanted in {"cell": cell, "hidden": at["output"] * math.tanh(cell)}.items():
        (told,) = numbers_in(story.locator(f"[data-sum={name}]").inner_text())
        assert told == pytest.approx(wanted, abs=6e-4)
    assert story.locator("[data-door]").count() == 3
    story.locator("[data-chapter=gates] [data-option='2']").click()
    story.get_by_text("No. Forget, input and output.").wait_for()


def test_the_race_and_the_uses_live(story: Any, language: Any):
    story.locator("[data-to=race]").click()
    story.locator("#story-race").click()
    said = story.locator("[data-chapter=race] .story-says").last
    said.get_by_text("RNN: not there").wait_for()
    assert said.inner_text().count("there after") == 2
    story.locator("#story-listen").click()
    story.locator("#story-heard").get_by_text("120 updates").wait_for()
    _, heard, _, said_pair, _ = re.split("[“”]", story.locator("#story-heard").inner_text())
    assert heard == said_pair
    written = story.locator(".story-written")
    before = written.inner_text()
    best = story.locator("[data-use=text] .way-guess b").first.inner_text()
    story.locator("#story-write").click()
    assert written.inner_text().startswith(before)
    assert written.inner_text().rstrip().endswith(best.rstrip("␣"))
    summary = story.locator("[data-use=series] .story-says")
    told = summary.inner_text()
    story.locator("[data-use=series] circle.observation").last.focus()
    story.keyboard.press("ArrowUp")
    story.wait_for_function(
        "told => document.querySelector('[data-use=series] .story-says').innerText !== told",
        arg=told,
    )
    story.locator("#story-trade").click()
    story.locator("[data-use=market] .scores").wait_for()


def test_it_is_told_in_french_on_a_phone(open_page: Any, server: str):
    page = open_page(f"{server}?lang=fr#story", width=390, height=844, reduced_motion="reduce")
    page.locator("[data-chapter=uses]").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    text = page.locator("#view").inner_text()
    assert not re.search(r"\b(story|way|forecast|gradient)\.[a-z]", text)
    assert page.locator(".story-chapter").count() == len(CHAPTERS)
