"""Take the pictures of the explorer anew, with the models that ship: ``make pictures``.

Each view once, at 1280 x 800, into docs/images/explorer-VIEW.png; one in French, one dark, one on
a phone.
"""

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from carrousel.web.export import export
from carrousel.web.library import Library

IMAGES = Path(__file__).parent / "images"
LARGEST = 150_000  # bytes
WAIT = 2500  # milliseconds for baselines and transitions
VIEWS = {
    "way": ("?lang=en&theme=light&model=french#way", 1280, 800),
    "story": ("?lang=en&theme=light&model=french#story", 1280, 800),
    "cell": ("?lang=en&theme=light&model=french#cell", 1280, 800),
    "sequence": ("?lang=en&theme=light&model=french#sequence", 1280, 800),
    "kept": ("?lang=fr&theme=light#kept", 1280, 800),
    "change": ("?lang=en&theme=light&model=french#change", 1280, 800),
    "gradient": ("?lang=en&theme=light&model=french#gradient", 1280, 800),
    "train": ("?lang=en&theme=light&model=french#train", 1280, 800),
    "forecast": ("?lang=en&theme=light&model=french#forecast", 1280, 800),
    "speech": ("?lang=en&theme=light#speech", 1280, 800),
    "dark": ("?lang=en&theme=dark#forecast", 1280, 800),
    "phone": ("?lang=fr&theme=light#cell", 390, 844),
    "tour": ("?lang=fr&theme=light#cell", 1280, 800),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        export(Library.shipped(), path)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (address, width, height) in VIEWS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(0)
            page.goto(path.as_uri() + address)
            page.locator("#view h2").first.wait_for()
            prepare(page, name)
            page.wait_for_timeout(WAIT)
            small(page.screenshot()).save(IMAGES / f"explorer-{name}.png", optimize=True)
            page.close()
        browser.close()


def small(screenshot: bytes) -> Image.Image:
    """In full color if that is small enough, else in the 256 colors that cover it best."""
    image = Image.open(BytesIO(screenshot)).convert("RGB")
    full = BytesIO()
    image.save(full, "png", optimize=True)
    if len(full.getvalue()) <= LARGEST:
        return image
    return image.quantize(256, kmeans=3, dither=Image.Dither.NONE)


def prepare(page: Page, name: str) -> None:
    """What a person would have done before the picture was taken."""
    if name == "speech":
        page.locator("#speech-examples").select_option("0")
        page.locator("#speech-says", has_text="1").wait_for()
    if name in ("forecast", "dark"):
        page.locator("#model").select_option("bikes" if name == "forecast" else "jobs")
        page.locator("#ahead").fill("9")
    if name == "story":
        page.locator("[data-letter=c]").click()
    if name == "kept":
        page.locator(".kept-table .usual").first.wait_for()
    if name == "change":
        page.locator("#sentence").fill("Mon père ne")
        page.locator("#change-swap").check()
    if name == "train":
        page.locator("#train-start").click()
        page.wait_for_timeout(20_000)
    if name == "gradient":
        page.locator("#gradient-send").click()
        page.wait_for_timeout(3000)
    if name == "tour":
        page.locator("#tour-button").click()
        for _ in range(8):
            page.locator("#tour-next").click()
            page.wait_for_timeout(700)


if __name__ == "__main__":
    main()
