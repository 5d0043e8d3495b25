"""Train the network that listens in the explorer: `make models` runs this.

    python -m benchmarks.page_digits fsdd.npz src/carrousel/web/models/digits

It learns strings of digits from the training part of the Free Spoken Digit Dataset and hears them
forwards, as they are said (`benchmarks/speech.py` measures the same network). Beside it goes
page.json: titles, how much it heard wrongly of strings from the test part, and strings that a
``Voice`` says, which learned from the training part, too: no recording ships.
"""

import argparse
import base64
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carrousel import Transcriber
from carrousel.audio import join_words, resampled
from carrousel.sequence.ctc import word_error_rate
from carrousel.sequence.synthesis import Voice

from . import speech

TITLE = {"en": "Spoken digits", "fr": "Chiffres parlés"}
SAID = ("1 9 4 7", "3 5 8 2", "0 6", "9 1 1 7 4 0")  # each in the voice of another speaker
MU = 255  # of the companded bytes; ``static/sound/mu-law.js`` reads them


def companded(samples: np.ndarray) -> str:
    """Samples (n,) from -1 to 1, a byte each, as base64."""
    loud = np.abs(samples).clip(0, 1)
    curved = np.sign(samples) * np.log1p(MU * loud) / np.log1p(MU)
    return base64.b64encode(np.rint(127 * curved).astype(np.int8).tobytes()).decode("ascii")


def figures(model: Transcriber, unseen: Any, speakers: int) -> dict[str, Any]:
    """Words heard wrongly, of the strings that ``benchmarks/speech.py strings`` makes."""
    clean = join_words(unseen, speech.STRINGS["test"], speech.generator(1000))
    noisy = speech.noisy(clean, 10, 1001)
    wrong = [
        round(word_error_rate(part.labels, model.predict(part).tolist()), 4)
        for part in (clean, noisy)
    ]
    return {"speakers": speakers, "wrong": wrong[0], "noisy": wrong[1]}


def examples(learned: Any) -> list[dict[str, str]]:
    voice = Voice(seed=0).fit(learned)
    found = []
    for text, who in zip(SAID, voice.speakers_, strict=False):
        said = resampled(voice.speak(text, who), voice.rate, learned.rate)
        found.append({"text": text, "sound": companded(said)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="fsdd.npz")
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, help="folder in which models are kept")
    given = parser.parse_args()
    torch.set_num_threads(1)
    speech.MODELS = given.models
    recordings, test = speech.load(given.data)
    learned, unseen = recordings.take(np.flatnonzero(~test)), recordings.take(np.flatnonzero(test))
    model = speech.kept("strings-one-0", partial(speech.transcriber, learned, False, 0))
    model.save(given.out)
    page = {
        "title": TITLE,
        "heard": figures(model, unseen, len(set(learned.speakers))),
        "examples": examples(learned),
    }
    text = json.dumps(page, ensure_ascii=False, indent=1)
    (given.out / "page.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
