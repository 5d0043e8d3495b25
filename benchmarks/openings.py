"""Which beginnings of sentences show a memory: the guesses after each and after its swap.

    python -m benchmarks.openings CANDIDATES.json MODEL [MODEL ...]

CANDIDATES.json is a list of {"text": ..., "swap": ...}; ``--family`` names one of the explorer's
openings.json. An opening flips a model's guess if the likeliest token after the text and after the
swap are two, each likelier after its own beginning.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch

from carrousel.text import LanguageModel
from carrousel.text.generation import read_prefix

SHOWN = 4


@dataclass(frozen=True)
class Guesses:
    """Of one model after an opening and after its swap, likeliest first: (token, probability)."""

    here: list[tuple[str, float]]
    there: list[tuple[str, float]]
    odds: float  # log of how much likelier each guess is after its own beginning; the smaller

    @property
    def flips(self) -> bool:
        return self.here[0][0] != self.there[0][0] and self.odds > 0


def guesses(model: LanguageModel, text: str, swap: str, count: int = SHOWN) -> Guesses:
    found = [read_prefix(model.network, model.tokenizer, one)[0] for one in (text, swap)]
    chances = [torch.from_numpy(scores).softmax(-1) for scores in found]
    names = model.tokenizer.tokens
    lists = []
    for chance in chances:
        best = chance.topk(count)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        lists.append([(names[token], p) for token, p in pairs])
    first, second = (int(chance.argmax()) for chance in chances)
    odds = [
        math.log(chances[0][first] / chances[1][first]),
        math.log(chances[1][second] / chances[0][second]),
    ]
    return Guesses(*lists, min(odds))


def _shown(pairs: list[tuple[str, float]]) -> str:
    return ", ".join(f"{token.strip() or repr(token)} {100 * p:.0f}" for token, p in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("openings", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--family")
    options = parser.parse_args()
    openings = json.loads(options.openings.read_text(encoding="utf-8"))
    openings = openings[options.family] if options.family else openings
    models = {path.name: LanguageModel.load(path) for path in options.models}
    flips = dict.fromkeys(models, 0)
    for opening in openings:
        print(f"{opening['text']}  <>  {opening['swap']}")
        for name, model in models.items():
            found = guesses(model, opening["text"], opening["swap"])
            flips[name] += found.flips
            sign = "flips" if found.flips else "-"
            print(
                f"  {name:12} {sign:6}{found.odds:5.1f}  {_shown(found.here)}"
                f"  <>  {_shown(found.there)}"
            )
    print({name: f"{count} of {len(openings)}" for name, count in flips.items()})


if __name__ == "__main__":
    main()
