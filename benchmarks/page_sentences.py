"""A trained sentence model, rounded to a byte a number, as the explorer ships it.

    python -m benchmarks.page_sentences build/french-lstm src/carrousel/web/models/french TEST.txt

Prints the perplexity on held-out sentences before and after, each sentence read from its beginning:
exp of the mean nats per token, the end of the line among them. Sentences count whose words are all
known, as in training.
"""

import argparse
import math
from pathlib import Path

import torch

from carrousel.storage import int8_rows
from carrousel.text import LanguageModel
from carrousel.tokenizers.pieces import pieces


def round_weights(model: LanguageModel) -> None:
    """Matrices to whole multiples of a step for each row, biases to half precision."""
    with torch.no_grad():
        for parameter in model.network.parameters():
            if parameter.ndim == 2:
                parameter.copy_(torch.from_numpy(int8_rows.rounded(parameter.numpy())))
            else:
                parameter.copy_(parameter.half())


def known(model: LanguageModel, lines: list[str]) -> list[str]:
    """The lines of which nothing has to be spelled."""
    words = set(model.tokenizer.to_dict()["words"])
    return [line for line in lines if all(p in words or len(p) == 1 for p in pieces(line))]


def perplexity(model: LanguageModel, lines: list[str]) -> float:
    """Over all tokens of the lines and their ends."""
    tokenizer = model.tokenizer
    rows = sorted((tokenizer.encode(f"{line}\n").tolist() for line in lines), key=len)
    total = 0.0
    for start in range(0, len(rows), 64):
        some = rows[start : start + 64]
        longest = len(some[-1])
        inputs = torch.full((len(some), longest), tokenizer.begin)
        targets = torch.full((len(some), longest), -100)
        for k, row in enumerate(some):
            inputs[k, 1 : len(row)] = torch.tensor(row[:-1])
            targets[k, : len(row)] = torch.tensor(row)
        with torch.inference_mode():
            logits = model.logits(inputs).flatten(0, 1)
            loss = torch.nn.functional.cross_entropy(logits, targets.flatten(), reduction="sum")
        total += loss.item()
    return math.exp(total / sum(map(len, rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("text", type=Path, help="held-out sentences, one a line")
    options = parser.parse_args()
    model = LanguageModel.load(options.trained)
    every = options.text.read_text(encoding="utf-8").splitlines()
    lines = known(model, every)
    before = perplexity(model, lines)
    round_weights(model)
    model.save(options.out)
    after = perplexity(LanguageModel.load(options.out), lines)
    print(
        f"{options.out.name}: perplexity {before:.2f}, in a byte a number {after:.2f}, "
        f"on {len(lines):,} of {len(every):,} sentences"
    )


if __name__ == "__main__":
    main()
