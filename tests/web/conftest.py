"""A small library of models, a server on a free port, and one Chromium for all browser tests."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from carrousel import Forecaster
from carrousel.text.network import Network, Shape
from carrousel.tokenizers.words import WordTokenizer
from carrousel.web.language import network_page
from carrousel.web.library import Library, page_of

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPENING = "Hier soir j'ai mangé un hamburger et des"
TEXT = f"{OPENING} frites.\nIl fait froid, mets ton manteau.\nElle a bu un verre de vin.\n"


@pytest.fixture(scope="session")
def language() -> SimpleNamespace:
    """An untrained language model: what is checked is that page and Python agree."""
    tokenizer = WordTokenizer.learn(iter([TEXT * 2]), 100)
    torch.manual_seed(0)
    network = Network(Shape(len(tokenizer), "lstm", 12, 16, 2, True))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((4 * parameter).half().float())
    page = network_page(network, tokenizer, "words")
    page["meta"] |= {"language": "fr", "opening": OPENING, "beginnings": [OPENING, "Elle a bu un"]}
    return SimpleNamespace(network=network, tokenizer=tokenizer, page=page)


@pytest.fixture(scope="session")
def forecaster(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A forecaster of two monthly series, one with a gap, that has learned for a few steps."""
    rng = np.random.default_rng(0)
    month = np.arange(72)
    start = pl.datetime_range(pl.datetime(2015, 1, 1), pl.datetime(2020, 12, 1), "1mo", eager=True)
    series = {
        "steady": 100 + month + 20 * np.sin(month / 6 * np.pi) + rng.normal(0, 3, 72),
        "gappy": np.where((month > 30) & (month < 35), np.nan, 50 - month / 4),
    }
    table = pl.concat(
        [pl.DataFrame({"ds": start, "y": y, "unique_id": [k] * 72}) for k, y in series.items()]
    )
    made = Forecaster(
        6,
        ensemble=1,
        hidden_size=12,
        num_layers=2,
        max_steps=12,
        season_length=12,
        pretrained_share=0,
    ).fit(table)
    with torch.no_grad():  # so that the head says something, whatever twelve steps have taught
        network = made.networks_[0]
        network.head.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    path = tmp_path_factory.mktemp("models") / "months"
    made.save(path)
    return SimpleNamespace(forecaster=made, path=path, page=page_of(path, "months"))


@pytest.fixture(scope="session")
def library(language: Any, forecaster: Any) -> Library:
    return Library.of(language.page, forecaster.page)


@pytest.fixture(scope="session")
def shipped() -> Library:
    """The models inside the package."""
    return Library.shipped()


@pytest.fixture(scope="session")
def server(library: Library) -> Iterator[str]:
    """The address of a running explorer, "http://127.0.0.1:PORT/"."""
    yield from running(library)


def running(library: Library) -> Iterator[str]:
    from carrousel.web.serve import bound, server_of

    listening, uvicorn = bound(0), server_of(library)
    thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not uvicorn.started:
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    uvicorn.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for the session; skipped only where there is none to be had."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
        own = playwright.chromium.executable_path
        if found is None and not os.path.exists(own):
            pytest.skip("no Chromium: apt-get install chromium, or playwright install chromium")
        browser = playwright.chromium.launch(executable_path=found or own, args=["--no-sandbox"])
        yield browser
        browser.close()


def go_to(page: Any, view: str) -> None:
    """Another view of a page that is open: quicker than another page."""
    page.evaluate("view => { location.hash = view }", view)
    page.locator(f"#view[data-view={view}] h2").first.wait_for()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Any]:
    """``open_page(address, width=1280, ...)``: a page; a message on its console fails the test."""
    contexts, problems = [], []

    def open_one(address: str, width: int = 1280, height: int = 800, **options: Any) -> Any:
        options = {"locale": "en-GB"} | options
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # of a machine that is shared
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: m.type in ("error", "warning") and problems.append(m.text))
        page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not problems, problems
