"""Everyday French: train a word model, complete twenty beginnings, leave the verdict to a reader.

    python -m benchmarks.french tatoeba_fra.train.txt --out french

It learns from sentences made of the 4,000 most frequent words (benchmarks/everyday.py).
The bar: at most 15 minutes on two cores, and among the first five words a sensible one in at least
15 of 20. On a machine that others use too, ``--pace`` measures the seconds of one update (of a few)
and multiplies; ``--model`` completes with a model that is there already.
"""

import argparse
import time
from itertools import islice, pairwise
from pathlib import Path

import torch
from benchmarks.everyday import everyday

from carrousel.text import LanguageModel
from carrousel.text.memory.next_words import next_words

BEGINNINGS = {
    "food": (
        "Hier soir j'ai mangé un hamburger et des",
        "Je voudrais un verre de",
        "Nous avons bu une tasse de",
        "Elle a mangé une",
    ),
    "weather": (
        "Il fait très",
        "Demain il va",
        "Il a plu toute la",
        "Le ciel est",
    ),
    "time": (
        "Il est déjà huit",
        "Je me lève à six",
        "Nous nous sommes vus la semaine",
        "Le train est arrivé en",
    ),
    "family": (
        "Ma mère est",
        "Mon frère est plus grand que",
        "Il a deux filles et un",
        "Mes parents sont",
    ),
    "travel": (
        "Je suis allé à Paris en",
        "À quelle heure part le",
        "Nous avons passé nos vacances à la",
        "J'ai perdu mon",
    ),
}
WORDS = 4000
OPTIONS = {
    "level": "word", "embedding": 320, "hidden": 320, "tied": True, "dropout": 0.3, "batch": 32,
    "bptt": 32, "learning_rate": 6e-3, "weight_decay": 1e-3,
}  # fmt: skip


def trained(options: argparse.Namespace) -> LanguageModel:
    torch.set_num_threads(options.threads)
    size = {"steps": options.pace} if options.pace else {"epochs": options.epochs}
    model, start = LanguageModel(**OPTIONS, **size), time.perf_counter()
    seen: list[float] = []
    lines = options.text.read_text(encoding="utf-8").splitlines()
    chosen = everyday(lines, WORDS)
    print(f"{len(chosen):,} of {len(lines):,} sentences")
    model.fit(
        "\n".join(chosen) + "\n",
        valid=0 if options.pace else 0.03,
        progress=lambda now: _progress(now, seen, start),
        checkpoint=options.out / "checkpoint" if options.out else None,
        resume=options.out is not None,
    )
    each = sorted(b - a for a, b in pairwise(seen))[len(seen) // 2]
    print(
        f"{model.report['steps']:,} updates in {time.perf_counter() - start:.0f} s, median "
        f"{each * 1000:.0f} ms, {options.threads} threads; {model.report['tokens']:,} tokens; "
        f"validation loss {model.report['valid_loss']}"
    )
    return model


def _progress(now, seen: list[float], start: float) -> None:
    seen.append(time.perf_counter())
    if now.step % 200 == 0:
        print(f"{now.step:,} of {now.steps:,}, loss {now.loss:.3f}, validation {now.score}, "
              f"{seen[-1] - start:.0f} s", flush=True)  # fmt: skip


def show(model: LanguageModel) -> None:
    for topic, beginnings in BEGINNINGS.items():
        print(f"\n{topic}")
        for beginning in beginnings:
            words = (pair for pair in next_words(model, beginning, 6) if pair[0] != "\n")
            found = ", ".join(f"{word} {p:.2f}" for word, p in islice(words, 5))
            print(f"  {beginning} …\n      {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, nargs="?", help="a sentence a line")
    parser.add_argument("--epochs", type=float, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for the model; an interrupted run resumes")
    parser.add_argument("--model", type=Path, help="complete with this one, train nothing")
    parser.add_argument("--pace", type=int, default=0, help="measure so many updates and stop")
    options = parser.parse_args()
    if options.model is not None:
        return show(LanguageModel.load(options.model))
    if options.text is None:
        parser.error("name a text, or a --model")
    model = trained(options)
    if options.pace:
        return None
    if options.out is not None:
        model.save(options.out)
    return show(model)


if __name__ == "__main__":
    main()
