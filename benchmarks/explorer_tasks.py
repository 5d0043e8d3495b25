"""The longest tasks on the main thread of the explorer's page, view by view, in Chromium.

    python -m benchmarks.explorer_tasks

Each view is opened and used as a person would; printed are the three longest tasks of the page's
own main thread, in milliseconds of processor time (of wall time in brackets: on a machine that
others use, only the first says something). A page answers at once while none is longer than 50.
"""

import json
from collections.abc import Callable
from typing import Any

from benchmarks.explorer_waiting import chromium, served
from playwright.sync_api import Browser, Page, sync_playwright

from carrousel.web.library import Library

TRACED = ["toplevel", "devtools.timeline", "__metadata"]
LONG = "Hier soir j'ai mangé un hamburger et des frites parce que mon père l'a voulu. " * 25
PAUSE = 1500  # milliseconds: what was asked for is drawn


def type_a_word(page: Page) -> None:
    field = page.locator("#sentence")
    field.click()
    field.press_sequentially(" frites et", delay=150)


def move_length(page: Page) -> None:
    page.locator("#gradient-steps").focus()
    for _ in range(10):
        page.keyboard.press("PageUp")
        page.wait_for_timeout(100)


def learn(page: Page) -> None:
    page.locator("#train-start").click()
    page.wait_for_timeout(2 * PAUSE)
    page.locator("[data-door=lstm]").click()


def paste_a_long_text(page: Page) -> None:
    field = page.locator("#sentence")
    field.fill(LONG)
    page.wait_for_timeout(PAUSE)
    field.press_sequentially(" frites", delay=300)


def look_ahead(page: Page) -> None:
    page.locator("#ahead").fill("9")


def race(page: Page) -> None:
    for name in ("race", "listen", "trade"):
        page.locator(f"#story-{name}").click()
        page.wait_for_timeout(PAUSE)


USED: dict[str, Callable[[Page], None]] = {  # view, or view and what is done there
    "way": type_a_word,
    "story": race,
    "cell": type_a_word,
    "sequence": type_a_word,
    "kept": type_a_word,
    "change": type_a_word,
    "gradient": move_length,
    "train": learn,
    "forecast": look_ahead,
    **{
        f"{view}, 400 tokens": paste_a_long_text
        for view in ("way", "cell", "sequence", "kept", "change")
    },
}


def main() -> None:
    with served(Library.shipped()) as address, sync_playwright() as playwright:
        browser = chromium(playwright)
        for name, use in USED.items():
            view = name.split(",")[0]
            longest = sorted(tasks(browser, address, view, use), reverse=True)[:3]
            print(f"{name:22}", *(f"{cpu:5.0f} ({wall:.0f})" for cpu, wall in longest), flush=True)
        browser.close()


def tasks(
    browser: Browser, address: str, view: str, use: Callable[[Page], None]
) -> list[tuple[float, float]]:
    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page.set_default_timeout(120_000)
    browser.start_tracing(page=page, categories=TRACED)
    page.goto(f"{address}#{view}")
    page.locator(f"#view[data-view={view}] h2").wait_for()
    page.wait_for_timeout(PAUSE)
    use(page)
    page.wait_for_timeout(PAUSE)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    page.close()
    return of_the_page(events, address)


def of_the_page(events: list[dict[str, Any]], address: str) -> list[tuple[float, float]]:
    """(processor, wall) milliseconds of the tasks on the threads that ran the page's modules."""
    own = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") in ("FunctionCall", "EvaluateScript")
        and str(event.get("args", {}).get("data", {}).get("url", "")).startswith(address)
    }
    return [
        (event.get("tdur", 0) / 1000, event["dur"] / 1000)
        for event in events
        if event.get("ph") == "X"
        and event["name"].endswith("RunTask")
        and (event["pid"], event["tid"]) in own
    ]


if __name__ == "__main__":
    main()
