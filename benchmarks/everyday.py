"""Sentences of a text that are made of frequent words only: food for a very small word model.

    python -m benchmarks.everyday SENTENCES.txt EVERYDAY.txt --words 2200

A line is kept if each of its words is among the most frequent or named with ``--also``. With
``--meals N`` a line about food stands there N times, in a drawn order: of a hundred sentences three
are about a meal, too few for a small model to learn what is eaten.
"""

import argparse
import random
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from carrousel.storage.files import write_bytes
from carrousel.text.memory.phrases import FRENCH
from carrousel.tokenizers.pieces import pieces

ALSO = ("hamburger", "hamburgers", "frites", "boisson", "mange", "mangé", "bu", "soir")

FOOD = frozenset(
    re.findall(
        r"\w+",
        """
    mange manges mangé mangés mangée mangées manger mangeons mangez mangent mangeait mangeais
    mangeaient mangea mangera mangerai mangerons repas déjeuner dîner nourriture pain viande bœuf
    porc poulet poisson poissons légume légumes fruit fruits pomme pommes poire poires orange
    oranges banane bananes fraise fraises raisin raisins cerise cerises citron citrons œuf œufs
    fromage beurre lait riz pâtes soupe salade sandwich sandwichs pizza pizzas hamburger
    hamburgers frites gâteau gâteaux tarte tartes biscuit biscuits chocolat chocolats bonbon
    bonbons glace sucre sel carotte carottes tomate tomates haricots champignons nouilles huîtres
    oignons steak jambon confiture miel crêpes croissants chips sushi sushis épinards patates
    desserts dessert cookies noix escargots saucisses crevettes
    """,
    )
)


def weighted(lines: list[str], meals: int, seed: int = 0) -> list[str]:
    """The lines in a drawn order, those with a word of ``FOOD`` ``meals`` times."""
    about = [line for line in lines if FOOD & {piece.strip().lower() for piece in pieces(line)}]
    drawn = lines + about * (meals - 1)
    random.Random(seed).shuffle(drawn)
    return drawn


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
    parser.add_argument("--meals", type=int, default=1)
    options = parser.parse_args()
    lines = options.text.read_text(encoding="utf-8").splitlines()
    also = {*options.also, *(FOOD if options.meals > 1 else ())}
    chosen = everyday(lines, options.words, also)
    read = weighted(chosen, options.meals) if options.meals > 1 else chosen
    write_bytes(options.out, ("\n".join(read) + "\n").encode())
    print(f"{len(chosen):,} of {len(lines):,} sentences, {len(read):,} lines in {options.out}")


if __name__ == "__main__":
    main()
