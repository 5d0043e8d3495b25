"""Everyday English: the whole sentences of the chitchat data set, in three parts.

    pip install chitchat-dataset==0.9.0
    python -m benchmarks.chat_sentences build

7,168 conversations between students (BYU Perception, Control & Cognition Lab, MIT license; the PyPI
package holds them). A sentence begins with a capital and ends with its mark; what is said twice
counts once. Of every twenty conversations one is for validation and one for the test. Sentences
with an unwanted word are left out: the model that learns from the rest is shown to pupils.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from carrousel.storage.files import write_bytes
from carrousel.tokenizers.pieces import normalized

SENTENCE = re.compile(r"[A-Z][^.!?\n]*[^.!?\s][.!?]")
WORDS = range(3, 21)  # of a sentence
UNWANTED = re.compile(
    r"\b(shit\w*|fuck\w*|damn\w*|crap\w*|bitch\w*|ass|asshole|sex\w*|porn\w*|rape\w*|suicid\w*|"
    r"nazi\w*|nigg\w*|gay|drugs?|weed|drunk|kill\w*|hell|boob\w*|penis|vagina)\b",
    re.IGNORECASE,
)


def sentences(conversation: dict[str, Any]) -> Iterator[str]:
    for message in conversation["messages"]:
        for utterance in message:
            for found in SENTENCE.findall(normalized(utterance["text"])):
                words = found.split()
                if len(words) in WORDS and not UNWANTED.search(found):
                    yield " ".join(words)


def parts(conversations: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Sentences for training, validation and test, none in two parts."""
    found: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    seen: set[str] = set()
    for k, conversation in enumerate(conversations):
        part = {0: "test", 1: "valid"}.get(k % 20, "train")
        for sentence in sentences(conversation):
            if sentence not in seen:
                seen.add(sentence)
                found[part].append(sentence)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    text = (files("chitchat_dataset") / "dataset.json").read_text(encoding="utf-8")
    for part, lines in parts(json.loads(text).values()).items():
        write_bytes(options.out / f"chat_eng.{part}.txt", ("\n".join(lines) + "\n").encode())
        print(f"{len(lines):,} sentences for {part}")


if __name__ == "__main__":
    main()
