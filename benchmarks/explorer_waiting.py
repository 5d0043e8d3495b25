"""What the explorer makes a visitor wait for: its first picture, its frames, its bytes.

    python -m benchmarks.explorer_waiting --rounds 5

Each view of the models that ship is opened with nothing cached in Chromium, from a server on the
loopback interface. "picture ms" is the time until it is there with its heading; "frames/s" how
often the sequence is drawn while its clock is moved at every frame. Medians over the rounds.
"""

import argparse
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from carrousel.console import console, table
from carrousel.web.export import exported
from carrousel.web.frame import VIEWS
from carrousel.web.library import Library
from carrousel.web.serve import bound, server_of

SETTLED = 2000  # milliseconds
# When the frame with the view's heading is drawn, as the page itself knows it: whoever asks from
# outside asks again only every half second.
SHOWN = """new Promise((done) => {
  const look = () => {
    const there = document.querySelector("#view[data-view=VIEW] h2");
    requestAnimationFrame(there ? () => done(performance.now()) : look);
  };
  look();
})"""
FRAMES = """() => new Promise((done) => {
  let count = 0;
  const began = performance.now();
  const clock = document.getElementById("clock-slider");
  const frame = (now) => {
    count += 1;
    clock.value = count % (Number(clock.max) + 1);
    clock.dispatchEvent(new Event("input"));
    if (now - began < 2000) requestAnimationFrame(frame);
    else done((1000 * count) / (now - began));
  };
  requestAnimationFrame(frame);
})"""


@contextmanager
def served(library: Library) -> Iterator[str]:
    """The address of a running explorer."""
    listening, server = bound(0), server_of(library)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    server.should_exit = True
    thread.join()


def chromium(playwright: Playwright) -> Browser:
    path = shutil.which("chromium") or playwright.chromium.executable_path
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


def opened(browser: Browser, address: str, view: str) -> tuple[Page, float]:
    """A page with nothing cached, and the milliseconds until it shows its view."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(f"window.shown = {SHOWN.replace('VIEW', view)};")
    page.goto(f"{address}?lang=en#{view}", wait_until="commit")
    return page, page.evaluate("() => window.shown")


def waiting(browser: Browser, address: str, view: str) -> float:
    page, picture = opened(browser, address, view)
    page.context.close()
    return picture


def frames(browser: Browser, address: str, rounds: int) -> float:
    page, _ = opened(browser, address, "sequence")
    page.wait_for_timeout(SETTLED)
    return median(page.evaluate(FRAMES) for _ in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = range(parser.parse_args().rounds)
    library = Library.shipped()
    with served(library) as address, sync_playwright() as playwright:
        browser = chromium(playwright)
        rows = [
            {"view": view, "picture ms": median(waiting(browser, address, view) for _ in rounds)}
            for view in VIEWS
        ]
        console().print(table(rows))
        console().print(f"frames/s: {frames(browser, address, len(rounds)):.0f}")
        browser.close()
    console().print(f"exported page: {len(exported(library).encode()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
