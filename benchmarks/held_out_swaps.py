"""How far a word is remembered: held-out sentences in which one early word is exchanged.

    python -m benchmarks.held_out_swaps tatoeba_fra.valid.txt MODEL [MODEL ...] --show 40

Every sentence is read as it is and with each word of the lists below exchanged for its partner. The
guess flips if the likeliest token is another one than without the exchange, each likelier after
its own beginning. The columns are shares of flips 1, 2, ... words after the one exchanged; what
follows it directly needs no memory and does not count. ``--show`` prints the beginnings whose guess
flips most clearly in the first model: a guide to openings for the explorer.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from carrousel.text import LanguageModel

PAIRS = {
    "gender": "il elle|Il Elle|frère sœur|père mère|garçon fille|homme femme|Cet Cette|mari femme|"
    "Un Une|Le La|Mon Ma|mon ma",
    "number and person": "Je Nous|je nous|Tu Vous|tu vous|Il Ils|Elle Elles|Nous Ils",
    "negation": "ne le|n' l'|Ne Le",
    "question": "Qui Tom|Qui Il|Pourquoi Hier|Quand Hier|Où Là|Comment Ainsi",
    "meaning": "mangé bu|mangé lu|mangé vu|manger boire|manger lire|mange boit|mange lit|"
    "boire lire|bu lu|acheté mangé|Hier Demain|perdu mangé|écrit mangé|parler manger|voir manger|"
    "jouer manger|parle joue",
}
FARTHEST = 6  # words between the exchanged one and the guess


@dataclass(frozen=True)
class Swap:
    """A beginning and its swap, ``n`` words after the exchanged one."""

    kind: str
    here: list[int]
    there: list[int]
    n: int


def swaps(model: LanguageModel, lines: list[str]) -> Iterator[Swap]:
    tokenizer = model.tokenizer
    known = {token: k for k, token in enumerate(tokenizer.to_dict()["words"])}
    partners: dict[int, list[tuple[str, int]]] = {}
    for kind, pairs in PAIRS.items():
        for pair in pairs.split("|"):
            for a, b in (pair.split(), pair.split()[::-1]):
                for space in ("", " "):
                    if space + a in known and space + b in known:
                        found = partners.setdefault(known[space + a], [])
                        found.append((kind, known[space + b]))
    for line in lines:
        tokens = [tokenizer.begin, *tokenizer.encode(line).tolist()]
        for at, token in enumerate(tokens):
            for kind, other in partners.get(token, ()):
                for n in range(1, FARTHEST + 1):
                    here = tokens[: at + 1 + n]
                    if len(here) == at + 1 + n:
                        yield Swap(kind, here, [*here[:at], other, *here[at + 1 :]], n)


def odds(model: LanguageModel, found: list[Swap]) -> Tensor:
    """(S,) log of how much likelier each guess is after its own beginning, the smaller of the two;
    0 where both guess the same."""
    scores = []
    for start in range(0, len(found), 256):
        some = found[start : start + 256]
        rows = [row for swap in some for row in (swap.here, swap.there)]
        padded = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
        for k, row in enumerate(rows):
            padded[k, : len(row)] = torch.tensor(row)
        last = torch.tensor([len(row) - 1 for row in rows])
        with torch.inference_mode():
            hidden, _ = model.network.read(padded.T)
            chances = model.network.decoder(hidden[last, torch.arange(len(rows))]).log_softmax(-1)
        one, two = chances[::2], chances[1::2]
        a, b = one.argmax(1, keepdim=True), two.argmax(1, keepdim=True)
        gain = torch.minimum(
            one.gather(1, a) - two.gather(1, a), two.gather(1, b) - one.gather(1, b)
        )
        scores.append(torch.where(a == b, 0.0, gain)[:, 0])
    return torch.cat(scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    models = {path.name: LanguageModel.load(path) for path in options.models}
    first = next(iter(models.values()))
    found = list(swaps(first, options.text.read_text(encoding="utf-8").splitlines()))
    for name, model in models.items():
        gains = odds(model, found)
        for kind in PAIRS:
            shares = []
            for n in range(1, FARTHEST + 1):
                chosen = torch.tensor([s.kind == kind and s.n == n for s in found])
                shares.append(f"{100 * float((gains[chosen] > 0).float().mean()):5.1f}")
            print(f"{name:14}{kind:20}", *shares)
        if model is first:
            best = gains.argsort(descending=True).tolist()
    for kind in PAIRS:
        shown = [k for k in best if found[k].kind == kind and found[k].n > 1][: options.show]
        for k in shown:
            swap = found[k]
            print(f"{kind}: {first.text(swap.here[1:])}  <>  {first.text(swap.there[1:])}")


if __name__ == "__main__":
    main()
