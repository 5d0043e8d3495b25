"""The page listens: what it hears and says is what Python does, live and from files."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carrousel import Transcriber
from carrousel.audio import Recordings, write_sound
from carrousel.web.export import exported
from carrousel.web.library import Library, page_of
from carrousel.web.sequences import sequence_of

from .conftest import CHROMIUMS, running
from .test_accessibility import AXE, RULES
from .test_net_js import run_node

CLOSE = 1e-4
RATE = 8000
STATIC = "./src/carrousel/web/static"


def sounds(count: int, seconds: float = 0.5) -> list[np.ndarray]:
    """Tones that rise and fall, with pauses and some noise."""
    noise = np.random.default_rng(0)
    time = np.arange(int(RATE * seconds)) / RATE
    found = []
    for k in range(count):
        pitch = np.cumsum(300 + 80 * k + 200 * np.sin(9 * time + k)) / RATE
        loud = np.clip(np.sin(2 * np.pi * 2 * time + k), 0, 1) * 0.3
        sound = loud * np.sin(2 * np.pi * pitch) + noise.normal(0, 1e-3, len(time))
        found.append(sound.astype(np.float32))
    return found


def transcriber(**options: Any) -> Transcriber:
    """One that has learned next to nothing, and says something nevertheless."""
    texts = [("a b", "b a c", "c")[k % 3] for k in range(6)]
    model = Transcriber(units="words", bidirectional=False, **({"hidden_size": 12} | options))
    model.set_params(epochs=1, validation_fraction=0.0)
    model.fit(Recordings(sounds(6), RATE, list("uvwxyz"), texts), texts)
    with torch.no_grad():
        head = model.networks_[0].head
        head.weight.normal_(0, 3, generator=torch.Generator().manual_seed(0))
        head.bias.zero_()
    return model


@pytest.fixture(scope="module")
def model() -> Transcriber:
    return transcriber()


@pytest.fixture(scope="module")
def page(model: Transcriber, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("hears")
    model.save(path)
    return page_of(path, "hears")


@pytest.fixture(scope="module")
def address(language: Any, page: dict[str, Any]) -> Iterator[str]:
    yield from running(Library.of(language.page, page))


def listen(page: dict[str, Any], samples: np.ndarray, part: int) -> dict[str, Any]:
    """What the page's modules make of a sound that comes in parts."""
    script = f"""
    import {{ readFileSync }} from "node:fs";
    import {{ loadModel }} from "{STATIC}/net/load.js";
    import {{ Heard }} from "{STATIC}/sound/heard.js";
    import {{ finished }} from "{STATIC}/slices.js";
    const {{ page, samples, part }} = JSON.parse(readFileSync(0));
    const heard = new Heard(loadModel(page), 1e6);
    const {{ sound }} = heard.listener;
    const frame = sound.frame.bind(sound), raw = [];
    sound.frame = (some) => {{ raw.push(frame(some)); return raw.at(-1); }};
    for (let k = 0; k < samples.length; k += part)
      finished(heard.hear(Float32Array.from(samples.slice(k, k + part))));
    heard.finish();
    const rows = (pick) => heard.moments.map((moment) => [...pick(moment)]);
    console.log(JSON.stringify({{ raw: raw.map((row) => [...row]), bands: rows((m) => m.bands),
      chances: rows((m) => m.chances), said: heard.said, kept: heard.samples().length }}));"""
    sent = json.dumps({"page": page, "samples": samples.tolist(), "part": part})
    done = run_node("--input-type=module", "-e", script, stdin=sent)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("part", [1, 777, 10**6])
@pytest.mark.parametrize("seconds", [1.5, 0.01])
def test_frames_chances_and_words_are_pythons(
    model: Transcriber, page: dict[str, Any], part: int, seconds: float
):
    samples = sounds(3, seconds)[2]
    found = listen(page, samples, part)
    reader = model.reader_
    one = Recordings([samples], RATE, ["one"])
    stream = model.stream()
    stream.push(samples)
    stream.finish()
    np.testing.assert_allclose(found["raw"], reader.features(samples), atol=CLOSE)
    np.testing.assert_allclose(found["bands"], reader.read(one).rows, atol=CLOSE)
    np.testing.assert_allclose(found["chances"], model.predict_proba(one)[0], atol=CLOSE)
    assert " ".join(found["said"]) == stream.text
    assert stream.text or seconds < 1
    assert found["kept"] == len(samples)


@pytest.mark.parametrize("options", [{"cell": "gru"}, {"cell": "rnn", "num_layers": 2}], ids=str)
def test_other_networks_say_the_same(tmp_path: Path, options: dict[str, Any]):
    model, samples = transcriber(**options), sounds(1)[0]
    model.save(tmp_path)
    found = listen(page_of(tmp_path, "hears"), samples, 500)
    said = model.predict_proba(Recordings([samples], RATE, ["one"]))[0]
    np.testing.assert_allclose(found["chances"], said, atol=CLOSE)


def test_spectrum_companding_and_another_rate():
    noise = np.random.default_rng(0)
    samples = noise.normal(size=64)
    time = np.arange(48_000) / 48_000
    heard = np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 5000 * time)
    script = f"""
    import {{ readFileSync }} from "node:fs";
    import {{ powerSpectrum }} from "{STATIC}/sound/spectrum.js";
    import {{ fromMuLaw }} from "{STATIC}/sound/mu-law.js";
    import {{ Resampler }} from "{STATIC}/sound/resampler.js";
    const {{ samples, heard }} = JSON.parse(readFileSync(0));
    const resampler = new Resampler(48000, 8000);
    const made = [];
    for (let k = 0; k < heard.length; k += 1024)
      made.push(...resampler.push(Float32Array.from(heard.slice(k, k + 1024))));
    console.log(JSON.stringify({{ power: [...powerSpectrum(Float64Array.from(samples))], made,
      loud: [...fromMuLaw("gQABf0A=")] }}));"""  # -127, 0, 1, 127, 64
    sent = json.dumps({"samples": samples.tolist(), "heard": heard.tolist()})
    done = run_node("--input-type=module", "-e", script, stdin=sent)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    np.testing.assert_allclose(found["power"], np.abs(np.fft.rfft(samples)) ** 2, rtol=1e-9)
    assert 7900 < len(found["made"]) <= 8000
    # What half the lower rate cannot hold is gone; what it can is where it was.
    tone = np.sin(2 * np.pi * 440 * np.arange(len(found["made"])) / 8000)
    np.testing.assert_allclose(found["made"][50:], tone[50:], atol=5e-3)
    curve = [-1, 0, (256 ** (1 / 127) - 1) / 255, 1, (256 ** (64 / 127) - 1) / 255]
    np.testing.assert_allclose(found["loud"], curve, atol=1e-6)


def test_what_a_page_cannot_show_is_refused(page: dict[str, Any], tmp_path: Path):
    both = transcriber()
    both.set_params(bidirectional=True, epochs=1)
    texts = ["a", "b"] * 3
    both.fit(Recordings(sounds(6), RATE, list("uvwxyz"), texts), texts).save(tmp_path / "both")
    with pytest.raises(ValueError, match="one-way"):
        page_of(tmp_path / "both", "both")
    steps = [np.eye(2)[[0, 0, 1, 1, 0, 0]]] * 6
    numbers = Transcriber(bidirectional=False, hidden_size=4, epochs=1, layout="ntc").fit(
        steps, ["ab"] * 6
    )
    numbers.save(tmp_path / "numbers")
    with pytest.raises(ValueError, match="reads no recordings"):
        page_of(tmp_path / "numbers", "numbers")
    with pytest.raises(ValueError, match="hears sound"):
        sequence_of(page, "one", None)


def test_a_model_of_ones_own_takes_the_place_of_the_one_that_ships(
    model: Transcriber, shipped: Library, tmp_path: Path
):
    model.save(tmp_path / "mine")
    names = list(Library.given(tmp_path / "mine").models)
    assert names == [*list(shipped.models)[:-1], "mine"]


def heard(shown: Any) -> str:
    """What the page says that it heard, once it has heard something."""
    shown.wait_for_function(
        "() => !document.getElementById('speech-play').disabled"
        " && document.getElementById('speech-status').textContent === ''"
    )
    return shown.locator("#speech-says").text_content()


def test_a_recording_is_heard_and_looked_at(
    open_page: Any, address: str, model: Transcriber, tmp_path: Path
):
    samples = sounds(3, 1.5)[2]
    write_sound(str(tmp_path / "said.wav"), samples, RATE)
    stream = model.stream()
    stream.push(samples)
    stream.finish()
    shown = open_page(f"{address}#speech")
    shown.locator("#speech-listen").wait_for()
    assert shown.locator("[data-tab=speech]").count() == 1
    assert "hears" not in shown.locator(".model option").all_inner_texts()
    shown.locator("#speech-file").set_input_files(tmp_path / "said.wav")
    assert heard(shown) == stream.text
    shown.locator("#speech-shown").select_option("hidden")
    shown.locator(".speech-inside canvas").focus()
    shown.keyboard.press("ArrowDown")
    shown.locator("aside h3", has_text="Unit 1").wait_for()
    shown.locator(".table-behind summary").click()
    shown.locator(".table-behind tbody tr").first.wait_for()
    frames = shown.locator(".table-behind tbody tr").count()
    assert frames == len(model.reader_.features(samples))
    if AXE.exists():
        shown.evaluate(AXE.read_text("utf-8"))
        assert shown.evaluate(RULES) == []
    shown.locator("#speech-play").click()
    shown.locator("#language").click()  # what was heard stays
    shown.locator("h2", has_text="écoute").wait_for()
    assert heard(shown) == stream.text


@pytest.mark.parametrize(("lang", "width"), [("en", 1280), ("fr", 390)])
def test_the_tour_lets_it_listen(
    open_page: Any, address: str, tmp_path: Path, lang: str, width: int
):
    write_sound(str(tmp_path / "said.wav"), sounds(3, 1.5)[2], RATE)
    shown = open_page(f"{address}?lang={lang}#train?tour=12", width, 844, reduced_motion="reduce")
    shown.locator("#tour-next").click()
    shown.locator("[data-view=speech] .speech-bar").wait_for()
    shown.locator(".tour-frame:visible").first.wait_for()
    frame, card = (shown.locator(one).bounding_box() for one in (".tour-frame:visible", "#tour"))
    assert frame["x"] + frame["width"] <= card["x"] or frame["y"] + frame["height"] <= card["y"]
    assert shown.locator(".tour-says").count() == 0
    shown.locator("#speech-file").set_input_files(tmp_path / "said.wav")
    shown.locator(".tour-says").wait_for()


@pytest.mark.parametrize("content", [b"", b"no sound at all"], ids=["empty", "text"])
def test_a_file_that_is_no_sound_is_named(open_page: Any, address: str, content: bytes):
    shown = open_page(f"{address}#speech")
    sent = {"name": "notes.wav", "mimeType": "audio/wav", "buffer": content}
    shown.locator("#speech-file").set_input_files(sent)
    shown.locator("#speech-status", has_text="notes.wav cannot be read").wait_for()


def test_a_page_without_a_model_that_hears_says_so(open_page: Any, server: str):
    shown = open_page(f"{server}#speech")
    shown.locator("#view .hint", has_text="No model of this page hears").wait_for()
    assert shown.locator("[data-tab=speech]").count() == 0


def test_the_exported_page_listens_to_a_microphone(
    chromium: Any, language: Any, page: dict[str, Any], tmp_path: Path
):
    """A browser of its own: its microphone is a made-up one."""
    write_sound(str(tmp_path / "said.wav"), sounds(3, 1.5)[2], RATE)
    path = tmp_path / "page.html"
    path.write_text(exported(Library.of(language.page, page)), encoding="utf-8")
    args = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    args.append(f"--use-file-for-fake-audio-capture={tmp_path / 'said.wav'}")
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    asked, problems = [], []
    with chromium.browser_type.launch(executable_path=found, args=args) as browser:
        shown = browser.new_page()
        shown.on("request", lambda request: asked.append(request.url))
        shown.on("pageerror", lambda error: problems.append(str(error)))
        shown.on("console", lambda m: m.type in ("error", "warning") and problems.append(m.text))
        shown.goto(f"{path.as_uri()}#speech")
        shown.locator("#speech-listen").click()
        shown.wait_for_function(
            "() => parseFloat(document.querySelector('aside h3').textContent.slice(3)) > 1"
        )
        shown.locator("#speech-listen").click()
        assert heard(shown) != "nothing yet"
    assert not problems
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
