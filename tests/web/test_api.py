"""The API: a sequence in, what the network did with it out; the same as Python's own numbers."""

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from carrousel import trace
from carrousel.explain import ledger, survival

from .conftest import OPENING
from .test_security import post


def get(server: str, path: str) -> Any:
    with urllib.request.urlopen(server + path) as answer:
        return json.load(answer)


def test_the_menu_lists_the_models(server: str):
    menu = get(server, "api/models")
    assert [(one["name"], one["task"]) for one in menu] == [
        ("words", "language"),
        ("months", "forecast"),
    ]


def test_the_record_of_a_sentence_is_that_of_the_model(server: str, language: Any):
    status, answer = post(server, "/api/models/words/record", {"text": OPENING})
    tokens = torch.from_numpy(language.tokenizer.encode(OPENING))
    tokens = torch.cat([torch.tensor([language.tokenizer.begin]), tokens])
    with torch.no_grad(), trace(language.network) as records:
        logits, _ = language.network(tokens[None])
    assert status == 200
    assert len(answer["steps"]) == len(tokens)
    for layer, record in zip(answer["layers"], records, strict=True):
        for name, gate in record.gates.items():
            np.testing.assert_allclose(layer["gates"][name], gate[0, :, 0], atol=1e-6)
        np.testing.assert_allclose(layer["cell"], record.cell[0, :, 0], atol=1e-6)
        np.testing.assert_allclose(layer["hidden"], record.hidden[0, :, 0], atol=1e-6)
    likeliest = logits[0, -1].softmax(-1).max().item()
    assert answer["next"][0]["probability"] == pytest.approx(likeliest, rel=1e-5)


@pytest.mark.parametrize("at", [0, 3, None])
def test_what_is_kept_of_a_sentence_is_the_ledger(server: str, language: Any, at: int | None):
    status, answer = post(
        server, "/api/models/words/kept", {"text": OPENING, "at": at, "target": "vin"}
    )
    assert status == 200
    tokens = [language.tokenizer.begin, *language.tokenizer.encode(OPENING).tolist()]
    with torch.no_grad(), trace(language.network) as records:
        language.network(torch.tensor(tokens)[None])
    seen = len(tokens) - 1 if at is None else at
    weight = language.network.decoder.weight.detach()
    row = weight[language.tokenizer.tokens.index(" vin")] - weight.mean(0)
    books = ledger(records[-1], seen).project(row[None])
    np.testing.assert_allclose(answer["ledger"], books.steps[: seen + 1, 0, 0], atol=1e-6)
    assert sum(answer["ledger"]) == pytest.approx(answer["total"], abs=1e-6)
    assert answer["survival"][-1] == 1
    share = survival(records[-1], seen)[-1, : seen + 1, 0]
    assert np.all(np.array(answer["survival"]) <= share.max(-1).values.numpy() + 1e-6)


def test_the_record_of_a_series_has_the_forecast(server: str, forecaster: Any):
    panel = forecaster.forecaster.panel_
    for s in range(2):
        values = [None if np.isnan(y) else float(y) for y in panel.series(s)]
        status, answer = post(server, "/api/models/months/record", {"series": values})
        expected = forecaster.forecaster.predict_quantiles(panel)[s]
        assert status == 200
        np.testing.assert_allclose(answer["quantiles"], expected, rtol=1e-5)


def test_a_short_series_is_read_too(server: str):
    status, answer = post(server, "/api/models/months/record", {"series": [1, 2, None]})
    assert status == 200
    assert np.isfinite(answer["quantiles"]).all()


def test_the_account_of_a_forecast_adds_up_to_its_reading(server: str):
    _, answer = post(server, "/api/models/months/kept", {"series": list(range(60)), "target": "6"})
    parts = sum(answer["ledger"]) + answer["initial"]
    assert parts == pytest.approx(answer["total"], abs=1e-5 * (1 + abs(answer["total"])))
    assert answer["target"] == "6"


@pytest.mark.parametrize(
    ("model", "body", "reason"),
    [
        ("nothing", {"text": "a"}, "there is no model 'nothing'; there are: words, months"),
        ("words", {"text": " "}, "text holds no word"),
        ("words", {"series": [1]}, "words reads sentences: send text, and no series"),
        ("words", {"text": "a" * 3000}, "text: String should have at most 2000 characters"),
        ("words", {"text": "xyz " * 400}, "the sequence has"),
        ("words", {"text": "a", "more": 1}, "more: Extra inputs are not permitted"),
        ("words", {"text": "a", "at": 99}, "at must be a step of the sequence, 0 to"),
        ("words", {"text": "a", "at": -1}, "at: Input should be greater than or equal to 0"),
        ("words", {"text": "a", "target": "xyzzy"}, "target must be a token"),
        ("months", {"text": "a"}, "months reads series: send series, and no text"),
        ("months", {"series": [None, None]}, "series holds no value"),
        ("months", {"series": []}, "series holds no value"),
        ("months", {"series": ["x"]}, "series.0: Input should be a valid number"),
        ("months", {"series": [1.0] * 20_001}, "series: List should have at most 20000 items"),
        ("months", {"series": [1, 2], "target": "7"}, "target must be a step ahead, 1 to 6"),
    ],
)
def test_errors_say_what_was_wrong(server: str, model: str, body: dict, reason: str):
    status, answer = post(server, f"/api/models/{model}/kept", body)
    assert status in (404, 422)
    assert reason in answer["error"]


def test_numbers_that_json_does_not_know_are_refused(server: str):
    status, answer = post(server, "/api/models/months/record", {"series": [float("nan"), 1.0]})
    assert status == 422
    assert "series.0" in answer["error"]


def test_the_api_describes_itself(server: str):
    described = get(server, "api/openapi.json")
    assert set(described["paths"]) == {
        "/api/models",
        "/api/models/{name}",
        "/api/models/{name}/record",
        "/api/models/{name}/kept",
    }
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["summary"]


def test_fifty_readers_at_once_get_their_own_records(server: str):
    opening = OPENING.split()
    questions = [
        (f"/api/models/words/{('record', 'kept')[k % 2]}", {"text": " ".join(opening[: 1 + k % 8])})
        for k in range(12)
    ]
    questions += [
        ("/api/models/months/record", {"series": [k + (m * 7 % 5) for m in range(20 + k)]})
        for k in range(4)
    ]
    alone = [post(server, *question) for question in questions]
    assert {status for status, _ in alone} == {200}
    gate = threading.Barrier(50)

    def reader(number: int) -> list[bool]:
        gate.wait()
        asked = [(number + 5 * turn) % len(questions) for turn in range(4)]
        return [post(server, *questions[k]) == alone[k] for k in asked]

    with ThreadPoolExecutor(50) as pool:
        assert all(all(found) for found in pool.map(reader, range(50)))
