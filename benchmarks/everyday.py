"""Sentences of a text that are made of frequent words only: food for a very small word model.

    python -m benchmarks.everyday SENTENCES.txt EVERYDAY.txt --words 2200

A line is kept if each of its words is among the most frequent or named with ``--also``.
"""

import argparse
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from carrousel.storage.checkpoint import write_bytes
from carrousel.text.memory.phrases import FRENCH
from carrousel.tokenizers.words import pieces

ALSO = ("hamburger", "hamburgers", "frites", "boisson", "mange", "mangé", "bu", "soir")


def everyday(lines: list[str], words: int, also: Collection[str] = ALSO) -> list[str]:
    """The lines all of whose words are frequent, in ``also``, or nouns of the study's templates."""
    nouns = {n for genders in FRENCH.nouns.values() for ns in genders.values() for n in ns}
    found = [(line, pieces(line)) for line in lines if line.strip()]
    counts = Counter(piece for _, parts in found for piece in parts)
    kept = {piece for piece, _ in counts.most_common(words)}
    kept |= {piece for piece in counts if piece.strip() in {*also, *nouns}}
    return [line for line, parts in found if kept.issuperset(parts)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--words", type=int, default=2200)
    parser.add_argument("--also", nargs="*", default=ALSO)
    options = parser.parse_args()
    lines = options.text.read_text(encoding="utf-8").splitlines()
    chosen = everyday(lines, options.words, options.also)
    write_bytes(options.out, ("\n".join(chosen) + "\n").encode())
    print(f"{len(chosen):,} of {len(lines):,} sentences, written to {options.out}")


if __name__ == "__main__":
    main()
