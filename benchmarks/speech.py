"""Speech: spoken digits by their sound, strings of them, and digits that the network itself says.

    python benchmarks/speech.py fsdd.npz official --seeds 3
    python benchmarks/speech.py fsdd.npz speakers
    python benchmarks/speech.py fsdd.npz strings
    python benchmarks/speech.py fsdd.npz spoken

``fsdd.npz`` holds the Free Spoken Digit Dataset (Jackson et al., github.com/Jakobovits/
free-spoken-digit-dataset, CC BY-SA 4.0): ``samples`` int16 one recording behind the other,
``offsets``, and of each ``label``, ``speaker`` and whether it is in the official ``test`` part.
Settings were chosen on training parts: with one speaker left out of all, on two others.
"""

import argparse
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from carrousel import SequenceClassifier, Transcriber
from carrousel.audio import Recordings, as_samples, join_words, vary
from carrousel.sequence.ctc import word_error_rate
from carrousel.sequence.synthesis import Voice

MODELS: Path | None = None
COPIES = 4  # variations of each recording
STRINGS = {"learned": 5000, "held out": 100, "test": 300}
STREAMED = 100  # of the test strings


def load(path: str) -> tuple[Recordings, np.ndarray]:
    """All recordings, and which are in the official test part."""
    data = np.load(path)
    parts = np.split(data["samples"], data["offsets"][1:-1])
    count = len(parts)
    names = [f"{d}_{s}_{i}" for d, s, i in zip(data["label"], data["speaker"], data["index"],
                                               strict=True)]  # fmt: skip
    assert len(names) == count
    return (
        Recordings([as_samples(part) for part in parts], int(data["sample_rate"]), names,
                   [str(d) for d in data["label"]], [str(s) for s in data["speaker"]]),
        data["test"],
    )  # fmt: skip


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def kept(name: str, make: Any) -> Any:
    """A model of an earlier run, or one that is learned now, if folders of models are kept."""
    folder = None if MODELS is None else MODELS / name
    kind = SequenceClassifier if name.startswith("digits") else Transcriber
    if folder is not None and folder.exists():
        return kind.load(folder)
    model = make()
    if folder is not None:
        model.save(folder)
    return model


def classifier(learned: Recordings, seed: int) -> SequenceClassifier:
    """One that nothing is held out for: what it learns from are variations of one another."""
    many = vary(learned, COPIES, generator(seed))
    model = SequenceClassifier(
        convolution=False, ensemble=1, batch_size=128, epochs=8, validation_fraction=0.0,
        random_state=seed,
    )  # fmt: skip
    return model.fit(many, many.labels)


def told(name: str, values: list[float], began: float) -> None:
    spread = f" ± {np.std(values):.4f}" if len(values) > 1 else ""
    seconds = perf_counter() - began
    print(f"{name}: {np.mean(values):.4f}{spread} ({len(values)}; {seconds:.0f} s)", flush=True)


def official(recordings: Recordings, test: np.ndarray, seeds: int) -> None:
    """The 300 recordings of the official test part; speakers are those that were learned from."""
    learned, unseen = recordings.take(np.flatnonzero(~test)), recordings.take(np.flatnonzero(test))
    began, scores = perf_counter(), []
    for seed in range(seeds):
        model = kept(f"digits-{seed}", partial(classifier, learned, seed))
        scores.append(model.score(unseen, unseen.labels))
        print(f"  seed {seed}: {scores[-1]:.4f}", flush=True)
    told("official split, accuracy over seeds", scores, began)


def speakers(recordings: Recordings, test: np.ndarray, seeds: int) -> None:
    """Each speaker by what was learned from the five others."""
    people = np.array(recordings.speakers)
    began, means = perf_counter(), []
    for seed in range(seeds):
        scores = []
        for who in np.unique(people):
            model = classifier(recordings.take(np.flatnonzero(people != who)), seed)
            unseen = recordings.take(np.flatnonzero(people == who))
            scores.append(model.score(unseen, unseen.labels))
            print(f"  seed {seed}, {who}: {scores[-1]:.4f}", flush=True)
        means.append(float(np.mean(scores)))
        told("one speaker left out, accuracy over speakers", scores, began)
    if seeds > 1:
        told("the same, over seeds", means, began)


def noisy(recordings: Recordings, decibels: float, seed: int) -> Recordings:
    return vary(recordings, 1, generator(seed), speed=1, gain=0, noise=decibels, noisy=1, pause=0,
                keep=False)  # fmt: skip


def strings(recordings: Recordings, test: np.ndarray, seeds: int) -> None:
    """1 to 7 digits of one speaker with random gaps, of recordings that were not learned from."""
    began = perf_counter()
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        clean = join_words(recordings.take(np.flatnonzero(test)), STRINGS["test"], generator(1000))
        parts = {"clean": clean, "10 dB": noisy(clean, 10, 1001), "0 dB": noisy(clean, 0, 1002)}
        for ways, name in ((True, "both directions"), (False, "one direction")):
            learned = recordings.take(np.flatnonzero(~test))
            key = f"strings-{'both' if ways else 'one'}-{seed}"
            model = kept(key, partial(transcriber, learned, ways, seed))
            for part, given in parts.items():
                said = model.predict(given).tolist()
                wrong = np.mean([a != b for a, b in zip(said, given.labels, strict=True)])
                found.setdefault(f"{name}, {part}, words", []).append(
                    word_error_rate(given.labels, said)
                )
                found.setdefault(f"{name}, {part}, strings", []).append(float(wrong))
                print(f"  seed {seed}, {name}, {part}: {found[f'{name}, {part}, words'][-1]:.4f} "
                      f"{wrong:.4f} ({perf_counter() - began:.0f} s)", flush=True)  # fmt: skip
            if not ways:
                live(model, clean.take(range(STREAMED)), found)
    for name, values in found.items():
        told(name, values, began)


def transcriber(learned: Recordings, both: bool, seed: int) -> Transcriber:
    """One of words that are joined from recordings; those held out are judged on."""
    order = np.random.default_rng(seed).permutation(len(learned))
    rest, held = learned.take(order[150:]), learned.take(order[:150])
    many = join_words(rest, STRINGS["learned"], generator(seed))
    many = vary(many, 1, generator(seed + 1), keep=False)
    held = join_words(held, STRINGS["held out"], generator(seed + 2))
    model = Transcriber(
        units="words", bidirectional=both, hidden_size=64 if both else 96, epochs=13,
        batch_size=16, learning_rate=5e-3, dropout=0.1, random_state=seed,
    )  # fmt: skip
    return model.fit(many, many.labels, validation=(held, held.labels))


def live(model: Transcriber, strings: Recordings, found: dict[str, list[float]]) -> None:
    """The same by a stream in parts of a fiftieth of a second; how long after the last loud sample
    of a digit it is told, of strings with one digit (below zero: before its end)."""
    said, late = [], []
    step = strings.rate // 50
    for samples, label in zip(strings.samples, strings.labels, strict=True):
        stream, told_at = model.stream(), None
        for start in range(0, len(samples), step):
            if stream.push(samples[start : start + step]) and told_at is None:
                told_at = start + step
        stream.finish()
        said.append(stream.text)
        if " " not in label and told_at is not None:
            loud = np.flatnonzero(np.abs(samples) > 0.1 * np.abs(samples).max())
            late.append((told_at - loud[-1]) / strings.rate)
    found.setdefault("one direction, stream, words", []).append(
        word_error_rate(strings.labels, said)
    )
    found.setdefault("seconds from the end of a digit to its word", []).append(
        float(np.median(late))
    )


def spoken(recordings: Recordings, test: np.ndarray, seeds: int) -> None:
    """Each digit by each speaker, and strings, said by a voice that learned the training part and
    heard by networks that learned its real recordings only."""
    began = perf_counter()
    learned = recordings.take(np.flatnonzero(~test))
    single = kept("digits-0", partial(classifier, learned, 0))
    several = kept("strings-both-0", partial(transcriber, learned, True, 0))
    print(f"  recognizers learned ({perf_counter() - began:.0f} s)", flush=True)
    words, texts = [], []
    for seed in range(seeds):
        voice = Voice(seed=seed).fit(learned)
        print(f"  seed {seed}: {voice.report_} ({perf_counter() - began:.0f} s)", flush=True)
        pairs = [(word, who) for word in voice.words_ for who in voice.speakers_]
        said = Recordings([voice.speak(*pair) for pair in pairs], voice.rate,
                          [f"{word} by {who}" for word, who in pairs])  # fmt: skip
        words.append(single.score(said, [word for word, _ in pairs]))
        draw = np.random.default_rng(seed)
        strings = [" ".join(draw.choice(voice.words_, draw.integers(1, 8))) for _ in range(100)]
        said = Recordings(
            [voice.speak(text, voice.speakers_[k % 6]) for k, text in enumerate(strings)],
            voice.rate, strings,
        )  # fmt: skip
        texts.append(word_error_rate(strings, several.predict(said).tolist()))
        print(f"  seed {seed}: {words[-1]:.4f}, {texts[-1]:.4f}", flush=True)
    told("spoken digits, accuracy of what is heard", words, began)
    told("spoken strings, word error of what is heard", texts, began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="fsdd.npz")
    parts = {"official": official, "speakers": speakers, "strings": strings, "spoken": spoken}
    parser.add_argument("part", choices=parts)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--models", type=Path, help="folder in which models are kept")
    given = parser.parse_args()
    global MODELS
    MODELS = given.models
    torch.set_num_threads(1)
    recordings, test = load(given.data)
    parts[given.part](recordings, test, given.seeds)


if __name__ == "__main__":
    main()
