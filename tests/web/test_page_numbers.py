"""The page computes what Python computes: tokens, forecasts, what is kept. Node runs the page."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carrousel import trace
from carrousel.explain import half_life, ledger
from carrousel.forecast.intervals.calibration import calibrated
from carrousel.text.network import Network, Shape
from carrousel.tokenizers.characters import CharacterTokenizer
from carrousel.web.language import network_page, tokenizer_page
from carrousel.web.library import Library
from carrousel.web.network import PageNetwork
from carrousel.web.sentence import Sentence

from .conftest import OPENING, TEXT

SCRIPT = Path(__file__).parent / "js" / "page.js"
CLOSE = {"rtol": 1e-5, "atol": 1e-5}  # float32 against the page's float64
SENTENCES = (
    OPENING,
    "Aujourd'hui, l’homme qu'elle a vu n'est pas là !",
    "it's 12 o'clock, isn't it?",
    "naïve cœur — 50 % «déjà»  deux  espaces",
    "e\u0301te\u0301 日本 🙂 ½",
    "",
    "Ça\tva ?\nOui_non",
    "j’ai",
    "Il n'",
    "Elle l’",
    "elles'",
    "hier l'hamburger est Elle, manteau-Il l'",
    "हिन्दी में मुहम्मद مُحَمَّد می‌خواهم ภาษาไทยดี",
    "x" * 250 + "'été " + "日" * 130,
)

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="node is missing (Debian: apt-get install nodejs)"
)


def ask(page: dict[str, Any], *questions: dict[str, Any]) -> list[Any]:
    asked = json.dumps({"page": page, "questions": questions})
    done = subprocess.run(
        ["node", str(SCRIPT)], input=asked, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def with_tokenizer(page: dict[str, Any], tokenizer: Any) -> dict[str, Any]:
    meta = page["meta"] | {"tokenizer": tokenizer_page(tokenizer)}
    return page | {"meta": meta, "vocab": tokenizer.tokens}


def test_words_are_cut_alike(language: Any):
    answers = ask(language.page, *({"what": "tokens", "text": text} for text in SENTENCES))
    for text, tokens in zip(SENTENCES, answers, strict=True):
        begin, *rest = tokens
        assert begin == language.tokenizer.begin
        assert rest == language.tokenizer.read(text)[0].tolist(), text


@pytest.mark.parametrize("fallback", [True, False], ids=["bytes", "no bytes"])
def test_characters_are_cut_alike(language: Any, fallback: bool):
    tokenizer = CharacterTokenizer(TEXT, byte_fallback=fallback)
    sentences = SENTENCES if fallback else (OPENING,)
    page = with_tokenizer(language.page, tokenizer)
    answers = ask(page, *({"what": "tokens", "text": text} for text in sentences))
    for text, tokens in zip(sentences, answers, strict=True):
        assert tokens[1:] == tokenizer.encode(text).tolist(), text


def test_byte_pairs_are_cut_alike(language: Any):
    pytest.importorskip("tokenizers", reason="tokenizers (the text extra) is not installed")
    from carrousel.tokenizers.byte_pairs import BytePairTokenizer

    tokenizer = BytePairTokenizer.learn(iter([TEXT * 3]), 300)
    page = with_tokenizer(language.page, tokenizer)
    answers = ask(page, *({"what": "tokens", "text": text} for text in SENTENCES))
    for text, tokens in zip(SENTENCES, answers, strict=True):
        assert tokens[1:] == tokenizer.encode(text).tolist(), text


ALPHABET = [
    *"aeinotud' '’’  .,!-«»\"\n_5", " j'", "don", "n't", " aujourd'", "hui", " Il", "qu'", "ʼ", "œ",
    " des", "½", "Ⅻ", "e\u0301", "हि", "日", "🙂", "\u200d", "ª", "\u2028", "\ufeff",
]  # fmt: skip


@pytest.fixture(scope="module")
def random_texts() -> list[str]:
    """Thousands of texts of what tokenizers stumble over, most of them with an end to be healed."""
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(ALPHABET, rng.integers(0, 14))) for _ in range(3000)]
    ends = ("", " ", "'", "’", "don'", " don'", "n'", " l’", "  ", "aujourd'", ".'")
    return [text + str(rng.choice(ends)) for text in texts]


def made_of(kind: str) -> Any:
    """A tokenizer that knows "don't", "aujourd'hui" and some elisions, of three kinds."""
    text = f"{TEXT}Je don't, aujourd'hui l'un n'est, qu'elle j'ai. " * 3
    if kind == "words":
        from carrousel.tokenizers.words import WordTokenizer

        return WordTokenizer.learn(iter([text]), 100)
    if kind == "characters":
        return CharacterTokenizer(text)
    pytest.importorskip("tokenizers", reason="tokenizers (the text extra) is not installed")
    from carrousel.tokenizers.byte_pairs import BytePairTokenizer

    return BytePairTokenizer.learn(iter([text]), 320)


@pytest.mark.parametrize("kind", ["words", "characters", "byte pairs"])
def test_random_texts_and_their_ends_are_read_alike(language: Any, random_texts: Any, kind: str):
    tokenizer = made_of(kind)
    page = with_tokenizer(language.page, tokenizer)
    asked = [{"what": what, "text": text} for text in random_texts for what in ("tokens", "ends")]
    answers = iter(ask(page, *asked))
    for text in random_texts:
        assert next(answers)[1:] == tokenizer.read(text)[0].tolist(), repr(text)
        read, left = tokenizer.split_end(text)
        tokens = [tokenizer.begin, *tokenizer.read(read)[0].tolist()]
        assert next(answers) == [read, left, tokens, left], repr(text)


@pytest.mark.parametrize("text", ["Je", "Je ", "Je don'", "Hier soir j'ai mangé un hamburger "])
def test_half_a_word_is_left_to_be_written(language: Any, text: str):
    """Page, server and ``LanguageModel.next`` guess the same after it."""
    from carrousel.text.generation import read_prefix

    tokenizer = made_of("words")
    torch.manual_seed(0)
    network = Network(Shape(len(tokenizer), "gru", 8, 8, 1, True))
    page = network_page(network, tokenizer, "half")
    scores, _, left = read_prefix(network, tokenizer, text)
    chances = torch.from_numpy(scores).softmax(-1)
    sentence = Sentence.of(page, text)
    asked = {"what": "sentence", "text": text, "at": len(sentence.inputs) - 1, "target": 0}
    (answer,) = ask(page, asked)
    assert answer["best"]["id"] == int(chances.argmax())
    assert answer["best"]["probability"] == pytest.approx(chances.max().item(), rel=1e-5)
    served = sentence.answer(PageNetwork(page)(sentence.inputs)[-1])["next"]
    assert served[0]["probability"] == pytest.approx(chances.max().item(), rel=1e-5)
    assert all(one["token"].startswith(left) for one in served)


@pytest.mark.parametrize("at", [0, 1, 8])
def test_what_is_kept_of_a_sentence(language: Any, library: Library, at: int):
    target = language.tokenizer.tokens.index(" vin")
    (answer,) = ask(
        language.page, {"what": "sentence", "text": OPENING, "at": at, "target": target}
    )
    sentence = Sentence.of(language.page, OPENING)
    with torch.no_grad(), trace(language.network) as records:
        logits, _ = language.network(sentence.inputs[None])
    weight = language.network.decoder.weight.detach()
    reader = weight[target] - weight.mean(0)
    books = ledger(records[-1], at).project(reader[None])
    np.testing.assert_allclose(answer["ledger"], books.steps[: at + 1, 0, 0], **CLOSE)
    np.testing.assert_allclose(answer["cell"], records[-1].cell[0, :, 0].flatten(), **CLOSE)
    np.testing.assert_allclose(answer["half"], half_life(records[-1]).gates[0], rtol=1e-4)
    chances = logits[0, at].softmax(-1)
    assert answer["best"]["id"] == int(chances.argmax())
    assert answer["best"]["probability"] == pytest.approx(chances.max().item(), rel=1e-5)
    assert answer["error"] < 1e-12
    assert answer["occlusion"][0] is None  # the beginning cannot be taken away


@pytest.mark.parametrize("series", [0, 1], ids=["steady", "with a gap"])
def test_forecasts(forecaster: Any, series: int):
    (answer,) = ask(forecaster.page, {"what": "forecast", "series": series, "ahead": 0})
    expected = forecaster.forecaster.predict_quantiles(forecaster.forecaster.panel_)[series]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(np.array(answer["quantiles"]) / scale, expected / scale, atol=1e-5)


def test_calibrated_forecasts_of_counts(forecaster: Any):
    meta = forecaster.page["meta"]
    factors = (1.5, 1.2, 1.0, 0.9, 2.0)
    series = [one | {"nonnegative": True} for one in meta["series"]]
    page = forecaster.page | {"meta": meta | {"calibration": factors, "series": series}}
    values = [float(60 - v + 9 * (v % 2)) for v in range(60)]  # on their way to nothing
    asked = {"what": "forecast", "series": 0, "values": values, "ahead": 0}
    plain, finished = ask(forecaster.page, asked)[0], ask(page, asked)[0]
    expected = calibrated(np.array(plain["quantiles"]), factors)
    assert expected.min() < 0
    np.testing.assert_allclose(finished["quantiles"], np.maximum(expected, 0), **CLOSE)


@pytest.mark.parametrize(
    "values",
    [
        [3.0],
        [3.0] * 60,
        [None] * 20 + [1e6, 1e6 + 1.0] * 10,
        [0.0] * 30,
        list(range(-40, 40)),
        [*range(30, 80), 5000, *range(80, 90)],
        [1e9 + (k * k) % 7 for k in range(60)],
        [*range(70), *[None] * 5],
        [*range(70), *[None] * 60],
    ],
    ids=[
        "one value",
        "constant",
        "large",
        "zeros",
        "through zero",
        "an outlier",
        "an offset",
        "a gap at the end",
        "a long gap at the end",
    ],
)
def test_forecasts_of_edges(forecaster: Any, library: Library, values: list):
    from carrousel.forecast.ensemble.training import predict_quantiles
    from carrousel.forecast.network.windows import Windows
    from carrousel.web.observations import Observations, network_of

    (answer,) = ask(
        forecaster.page, {"what": "forecast", "series": 0, "values": values, "ahead": 5}
    )
    seen = Observations.of(forecaster.page, values)
    network, values = network_of(forecaster.page), np.array(values, np.float64)
    windows = Windows.of(alone(values), network.shape.history, network.shape.h)
    expected = predict_quantiles([network], windows)[0]
    meta = forecaster.page["meta"] | {"calibration": None, "nonnegative": False}
    page = forecaster.page | {"meta": meta}
    served = replace(seen, page=page).answer(torch.empty(0))["quantiles"]
    scale = np.abs(expected).max() + 1e-9
    np.testing.assert_allclose(served, expected, rtol=1e-6, atol=1e-6 + 1e-7 * scale)
    np.testing.assert_allclose(np.array(answer["quantiles"]) / scale, expected / scale, atol=2e-5)


def alone(values):
    """A panel of one series."""
    from carrousel.data import Frequency, Panel

    return Panel(values, np.array([0, len(values)]), ["a"], np.array([0]), Frequency.parse(1))


def test_what_a_forecast_owes(forecaster: Any, library: Library):
    from carrousel.web.inside import Run, kept_json
    from carrousel.web.observations import Observations

    network = library.models["months"].network
    values = forecaster.forecaster.panel_.series(0).tolist()
    seen = Observations.of(forecaster.page, values)
    run = Run.of(network, seen.inputs)
    last = len(seen.steps) - 1
    for ahead in (0, 5):
        (answer,) = ask(forecaster.page, {"what": "forecast", "series": 0, "ahead": ahead})
        reader, _ = seen.reader(network, run.output[last], last, str(ahead + 1))
        kept = kept_json(run.records[-1], last, reader)
        size = np.abs(kept["ledger"]).max()
        np.testing.assert_allclose(
            np.array(answer["ledger"]) / size, np.array(kept["ledger"]) / size, atol=1e-4
        )
        np.testing.assert_allclose(answer["survival"], kept["survival"], **CLOSE)


@pytest.mark.parametrize("name", ["bikes", "jobs"])
def test_forecasts_of_the_shipped_models(shipped: Library, name: str):
    page = shipped.models[name].page
    series = range(len(page["meta"]["series"]))
    answers = ask(page, *({"what": "forecast", "series": s, "ahead": 0} for s in series))
    for one, answer in zip(page["meta"]["series"], answers, strict=True):
        scale = np.abs(one["quantiles"]).max()
        difference = np.abs(np.array(answer["quantiles"]) - one["quantiles"]) / scale
        assert difference.max() < 1e-5, f"{one['id']}: train it anew (make models)"


def test_the_shipped_sentence_model_reads_the_opening(shipped: Library):
    page = shipped.models["french"].page
    text = {"what": "sentence", "text": OPENING, "at": 9, "target": 0}
    (answer,) = ask(page, text)
    sentence = Sentence.of(page, OPENING)
    assert [step.strip() for step in sentence.steps[1:]] == [
        "Hier", "soir", "j'", "ai", "mangé", "un", "hamburger", "et", "des",
    ]  # fmt: skip
    network = shipped.models["french"].network
    with torch.no_grad():
        chances = network(sentence.inputs)[-1].softmax(-1)
    assert answer["best"]["id"] == int(chances.argmax())
    assert answer["best"]["probability"] == pytest.approx(chances.max().item(), rel=1e-5)
