"""Gates held and memories taken in a real Chromium, against carrousel.intervene."""

from typing import Any

import pytest
import torch

import carrousel

OPENING = "Hier soir j'ai mangé un hamburger et des"


@pytest.fixture
def page(open_page: Any, server: str) -> Any:
    page = open_page(f"{server}#change")
    page.locator(".guess").first.wait_for()
    return page


def first_words(page: Any, after: bool) -> list[tuple[str, float]]:
    rows = page.locator("aside .guesses").nth(int(after)).locator(".guess").all()
    pairs = [(row.locator("span").first, row.locator(".number")) for row in rows]
    texts = [(word.inner_text(), share.inner_text()) for word, share in pairs]
    return [(word, float(share.rstrip("%").replace(",", "."))) for word, share in texts]


def expected(language: Any, ask: Any) -> list[tuple[str, float]]:
    tokenizer, network = language.tokenizer, language.network
    ids = torch.as_tensor([tokenizer.begin, *tokenizer.encode(OPENING)])[None]
    with torch.no_grad(), carrousel.intervene(network) as change:
        ask(change, ids.shape[1])
        chances = network(ids)[0][0, -1].softmax(-1)
    best = chances.argsort(descending=True)[:6].tolist()
    return [(tokenizer.tokens[k].strip() or "␣", 100 * float(chances[k])) for k in best]


def assert_alike(found: list[tuple[str, float]], wanted: list[tuple[str, float]]) -> None:
    assert [share for _, share in found] == pytest.approx([s for _, s in wanted], abs=0.051)
    assert found[0][0] == wanted[0][0]


def test_a_gate_held_shut_gives_the_words_of_python(page: Any, language: Any):
    assert_alike(first_words(page, True), expected(language, lambda change, steps: None))
    page.locator(".word").nth(3).click()
    page.locator("#change-gate").select_option("forget")
    page.locator("[data-held=shut]").click()
    page.wait_for_function("!document.querySelector('#change-summary').innerText.includes('yet')")

    def ask(change: Any, steps: int) -> None:
        for layer in ("layers.0", "layers.1"):
            change.set("forget", 0.0, steps=range(3, steps), layer=layer)

    assert_alike(first_words(page, True), expected(language, ask))
    assert first_words(page, False) != first_words(page, True)


def test_another_sentences_memory_is_taken(page: Any, language: Any):
    page.locator("#change-other").fill("Elle a bu un verre de")
    page.locator("#change-swap").check()
    page.wait_for_function("!document.querySelector('#change-summary').innerText.includes('yet')")
    tokenizer, network = language.tokenizer, language.network
    ids = torch.as_tensor([tokenizer.begin, *tokenizer.encode("Elle a bu un verre de")])[None]
    with torch.no_grad():
        chances = network(ids)[0][0, -1].softmax(-1)
    # At the last word of the opening nothing of it is left: the other's next words follow.
    shares = chances.sort(descending=True)[0][:6]
    found = [share for _, share in first_words(page, True)]
    assert found == pytest.approx([100 * float(share) for share in shares], abs=0.051)
