"""A model's explorer inside a notebook."""

import re
from typing import Any

import pytest
from torch import nn

import carrousel
from carrousel import LanguageModel
from carrousel.web.files import static_files
from carrousel.web.frame import VIEWS


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel("char", hidden=6, steps=2).fit("to be or not to be. " * 40, valid=0)


def test_a_sentence_is_shown_in_a_frame(open_page: Any, model: LanguageModel):
    page = open_page("about:blank")
    shown = carrousel.show(model, "to be <or>", view="sequence", language="fr")
    page.set_content(shown._repr_html_())
    frame = page.frame_locator("iframe")
    frame.locator("#sequence canvas").first.wait_for()
    assert frame.locator("#sentence").input_value() == "to be <or>"
    assert frame.locator("#header").is_hidden()
    assert frame.locator("html").get_attribute("lang") == "fr"


def test_a_forecaster_opens_on_its_forecast(open_page: Any, forecaster: Any):
    page = open_page("about:blank")
    page.set_content(carrousel.show(forecaster.forecaster, series="gappy")._repr_html_())
    frame = page.frame_locator("iframe")
    frame.locator("#forecast-summary").get_by_text("expects").wait_for()
    chosen = "select => select.selectedOptions[0].text"
    assert frame.locator("#forecast-series").evaluate(chosen) == "gappy"


def test_every_view_of_the_page_can_be_named():
    found = tuple(re.findall(r'id: "(\w+)"', static_files()["views.js"].decode()))
    assert found == (*VIEWS, "speech")  # which is of a model that hears: a notebook shows none


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"model": 3}, TypeError, "model must be a LanguageModel or a Forecaster, got int"),
        ({"view": "cel"}, ValueError, "view must be one of .*did you mean 'cell'"),
        ({"series": "a"}, ValueError, "series must be None for a LanguageModel, got 'a'"),
        ({"language": "de"}, ValueError, "language must be one of 'en', 'fr', got 'de'"),
    ],
)
def test_what_cannot_be_shown(model: LanguageModel, given: dict, error: type, message: str):
    with pytest.raises(error, match=message):
        carrousel.show(**({"model": model} | given))


class Stranger(nn.Module):
    """A classifier as anybody writes one."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(9, 4), nn.LSTM(4, 5, bidirectional=True)
        self.head = nn.Linear(10, 3)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (Stranger(), TypeError, r"got Stranger; .* carrousel\.trace\(model\) records"),
        (nn.LSTM(3, 4), TypeError, "got LSTM; a page has to know what a network reads"),
        (carrousel.SequenceClassifier(), TypeError, "its explain says what an answer relied on"),
        (LanguageModel("char"), RuntimeError, r"learned nothing yet: call fit\(text\)"),
        (carrousel.Forecaster(3), RuntimeError, r"learned nothing yet: call fit\(data\)"),
    ],
)
def test_what_to_do_with_another_model(model: Any, error: type, message: str):
    with pytest.raises(error, match=message):
        carrousel.show(model, "to be" if isinstance(model, LanguageModel) else None)


def test_a_text_that_is_none(model: LanguageModel):
    with pytest.raises(TypeError, match="text must be a str or None, got list"):
        carrousel.show(model, ["to be"])  # type: ignore[arg-type]


def test_a_page_that_is_too_large_for_a_notebook(model: LanguageModel, monkeypatch: Any):
    monkeypatch.setattr("carrousel.web.frame.LARGE", 100)
    with pytest.warns(UserWarning, match="the page has 1 MB, and the notebook keeps all of it"):
        carrousel.show(model, "to be")


def test_a_series_that_is_not_there(forecaster: Any):
    with pytest.raises(ValueError, match="series must be one of 'steady', 'gappy', got 'x'"):
        carrousel.show(forecaster.forecaster, series="x")
    with pytest.raises(ValueError, match="text must be None for a Forecaster"):
        carrousel.show(forecaster.forecaster, "a word")
