"""The beginnings that the explorer offers need a memory: exchanging one early word flips the guess.

Measured on the models that ship, in Python and in the page's own engine.
"""

import json
import shutil
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.openings import guesses

from carrousel.text import LanguageModel
from carrousel.text.generation import read_prefix
from carrousel.tokenizers.pieces import pieces
from carrousel.web.export import exported
from carrousel.web.library import SHIPPED, Library, page_of

from .test_page_numbers import ask

MODELS = Path(str(files("carrousel.web") / "models"))
OPENINGS = json.loads((MODELS / "openings.json").read_text(encoding="utf-8"))
EACH = [(family, one) for family, openings in OPENINGS.items() for one in openings]
IDS = [one["text"] for _, one in EACH]
SENTENCES = [name for name in SHIPPED if name.split("-")[0] in OPENINGS]
FOOD = {
    "frites", "légumes", "fruits", "pommes", "œufs", "biscuits", "bananes", "gâteaux", "oranges",
    "carottes", "hamburgers", "tomates", "fraises", "bonbons", "champignons", "patates",
}  # fmt: skip


@cache
def model(name: str) -> LanguageModel:
    return LanguageModel.load(MODELS / name)


@pytest.mark.parametrize(("family", "opening"), EACH, ids=IDS)
def test_exchanging_one_early_word_flips_the_guess(family: str, opening: dict[str, Any]):
    found = guesses(model(family), opening["text"], opening["swap"])
    assert found.flips
    assert found.here[0][0] == opening["guess"]
    assert found.there[0][0] == opening["swapped"]


@pytest.mark.parametrize(("family", "opening"), EACH, ids=IDS)
def test_it_is_not_the_last_word_that_tells(family: str, opening: dict[str, Any]):
    """The last token that is read is the same, and all words are known."""
    tokenizer = model(family).tokenizer
    here, there = (tokenizer.encode(opening[name]).tolist() for name in ("text", "swap"))
    assert here != there
    assert here[-1] == there[-1]
    for name, tokens in (("text", here), ("swap", there)):
        text = opening[name]
        whole = pieces(f"{text}a")[:-1] if text.endswith("'") else pieces(text)
        assert [tokenizer.tokens[token] for token in tokens] == whole
    assert opening["why"].keys() == {"en", "fr"}


@pytest.mark.parametrize("family", ["french", "english"])
def test_there_are_enough_of_them(family: str):
    assert len(OPENINGS[family]) >= 12


def test_none_stands_there_twice():
    assert len({json.dumps(one) for _, one in EACH}) == len(EACH)


def test_after_the_meal_the_network_expects_food():
    """First of all, and not among the first five after something else."""
    opening = OPENINGS["french"][0]
    assert opening["text"] == "Hier soir j'ai mangé un hamburger et des"
    meal, other = (
        {token.strip() for token, _ in model("french").next(opening[which], 5)}
        for which in ("text", "swap")
    )
    assert FOOD & meal, meal
    assert opening["guess"].strip() in FOOD
    assert not FOOD & other, other


@pytest.mark.skipif(shutil.which("node") is None, reason="node is missing")
@pytest.mark.parametrize("name", SENTENCES)
def test_the_page_guesses_as_python_does(name: str):
    openings = OPENINGS[name.split("-")[0]]
    texts = [one[which] for one in openings for which in ("text", "swap")]
    page = page_of(MODELS / name, name)
    answers = ask(page, *({"what": "guesses", "text": text, "count": 5} for text in texts))
    for text, answer in zip(texts, answers, strict=True):
        scores, _, _ = read_prefix(model(name).network, model(name).tokenizer, text)
        chances = torch.from_numpy(scores).softmax(-1)
        assert answer[0]["id"] == int(chances.argmax())
        for word in answer:
            assert word["probability"] == pytest.approx(float(chances[word["id"]]), rel=1e-4)


@pytest.mark.parametrize("name", SENTENCES)
def test_the_weights_that_ship_take_a_byte_a_number(name: str):
    page = page_of(MODELS / name, name)
    assert page["embedding"]["dtype"] == "int8"
    for layer in page["layers"]:
        kinds = {part: stored["dtype"] for part, stored in layer.items()}
        assert kinds["weight_ih"] == kinds["weight_hh"] == "int8"
        assert kinds["bias_ih"] == kinds["bias_hh"] == "float16"


@pytest.mark.parametrize("family", ["french", "english"])
def test_cells_of_a_family_share_their_words(shipped: Library, family: str):
    names = {"lstm": family, "gru": f"{family}-gru", "rnn": f"{family}-rnn"}
    first, *others = [shipped.models[name].page for name in names.values()]
    assert first["meta"]["cells"] == names
    for other in others:
        assert other["vocab"] == first["vocab"]
        assert other["embedding"] == first["embedding"]
        assert other["meta"]["openings"] == first["meta"]["openings"] == OPENINGS[family]


def small_family(language: Any) -> Library:
    """Two cells that read the same sentences, untrained."""
    opening = {
        "text": "Elle a bu un verre de", "swap": "Elle a mangé un verre de",
        "why": {"en": "Because.", "fr": "Parce que."},
    }  # fmt: skip
    meta = language.page["meta"] | {
        "family": "words", "cells": {"lstm": "words", "rnn": "words-rnn"},
        "openings": [opening], "opening": opening["text"],
    }  # fmt: skip
    rnn = rnn_page(language) | {"name": "words-rnn", "meta": meta}
    return Library.of(language.page | {"meta": meta}, rnn)


def rnn_page(language: Any) -> dict[str, Any]:
    from carrousel.text.network import Network, Shape
    from carrousel.web.language import network_page

    torch.manual_seed(1)
    shape = Shape(len(language.tokenizer), "rnn", 12, 16, 2, True)
    return network_page(Network(shape), language.tokenizer, "words-rnn")


def test_another_cell_keeps_the_sentence_and_the_swap_exchanges_the_word(
    open_page: Any, language: Any, tmp_path: Path
):
    path = tmp_path / "page.html"
    path.write_text(exported(small_family(language)), encoding="utf-8")
    page = open_page(f"{path.as_uri()}#sequence")
    page.locator("#opening .opening-cells p").nth(1).wait_for()
    assert "exchange “bu” for “mangé”" in page.locator("#swap").inner_text().lower()
    page.locator("#swap").click()
    field = page.locator("#sentence")
    assert field.input_value() == "Elle a mangé un verre de"
    page.locator("[data-cell=rnn][aria-pressed=false]").click()
    page.locator("#cells [data-cell=rnn][aria-pressed=true]").wait_for()
    assert field.input_value() == "Elle a mangé un verre de"
    page.locator("[data-tab=cell]").click()
    page.locator(".cell-diagram[data-kind=rnn]").wait_for()
    page.locator(".segments [data-kind=lstm]").click()
    page.locator(".cell-diagram[data-kind=lstm]").wait_for()
    assert field.input_value() == "Elle a mangé un verre de"
    assert page.locator("#model option").count() == 1  # a family is one entry
    field.fill("Elle a bu")
    page.locator("#opening").wait_for(state="hidden")
