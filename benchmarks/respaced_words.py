"""What a sentence model gains where words are read as those that differ by the space before them.

    python -m benchmarks.respaced_words src/carrousel/web/models/french TEST.txt

Held-out sentences, one a line, whose words are all known but for one kind, which is known only
after a space, or only without one. Printed is the perplexity of what follows the last of these, its
letters spelled (``encode``) and read as that word (``read``).
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import torch

from carrousel.console import console, table
from carrousel.text import LanguageModel
from carrousel.tokenizers.pieces import pieces


def kinds(model: LanguageModel, lines: list[str]) -> Iterator[tuple[str, str, int]]:
    """(kind, sentence, where the last of its words ends that differ by their space)."""
    words = set(model.tokenizer.to_dict()["words"])
    for line in [*lines, *(line[:1].lower() + line[1:] for line in lines)]:
        cut = pieces(line)
        strange = [k for k, one in enumerate(cut) if len(one) > 1 and one not in words]
        other = [cut[k][1:] if cut[k].startswith(" ") else f" {cut[k]}" for k in strange]
        if strange and words.issuperset(other):
            names = {name_of(cut, k) for k in strange}
            if len(names) == 1:
                yield names.pop(), line, sum(map(len, cut[: strange[-1] + 1]))


def name_of(cut: list[str], at: int) -> str:
    if at == 0:
        return "first in its line"
    if cut[at].startswith(" "):
        return "after a space"
    return f"after {cut[at - 1][-1]}"


def following(model: LanguageModel, line: str, end: int, respaced: bool) -> tuple[float, int]:
    """Nats and tokens of what stands behind the character ``end``, the end of the line with it."""
    tokenizer, text = model.tokenizer, f"{line}\n"
    tokens = tokenizer.read(text)[0] if respaced else tokenizer.encode(text)
    count = len(tokenizer.encode(text[end:]))  # nothing else in it is spelled
    some = torch.tensor([tokenizer.begin, *tokens.tolist()])
    with torch.inference_mode():
        scores = model.logits(some[None, :-1])[0, -count:].log_softmax(-1)
    return -scores.gather(-1, some[-count:, None]).sum().item(), count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path, help="held-out sentences, one a line")
    options = parser.parse_args()
    model = LanguageModel.load(options.model)
    sums: dict[str, list[float]] = {}
    for name, line, end in kinds(model, options.text.read_text(encoding="utf-8").splitlines()):
        (spelled, count), (read, _) = (following(model, line, end, on) for on in (False, True))
        row = sums.setdefault(name, [0, 0, 0, 0])
        for k, value in enumerate((1, count, spelled, read)):
            row[k] += value
    rows = [
        {
            "a word known otherwise": name,
            "sentences": f"{lines:.0f}",
            "spelled": f"{math.exp(spelled / count):.1f}",
            "read as that word": f"{math.exp(read / count):.1f}",
        }
        for name, (lines, count, spelled, read) in sums.items()
        if lines >= 10
    ]
    console().print(table(rows))


if __name__ == "__main__":
    main()
