"""A saved LanguageModel as a page: its network, its vocabulary, and how it cuts text."""

import json
from pathlib import Path
from typing import Any

from ..text import LanguageModel
from ..text.network import Network
from ..tokenizers.characters import CharacterTokenizer
from ..tokenizers.tokenizer import Tokenizer
from ..tokenizers.words import WordTokenizer
from .pages import FORMAT, layer_pages
from .tensors import encode


def language_page(path: Path, name: str) -> dict[str, Any]:
    model = LanguageModel.load(path)
    return network_page(model.network, model.tokenizer, name)


def network_page(network: Network, tokenizer: Tokenizer, name: str) -> dict[str, Any]:
    state, shape = network.state_dict(), network.shape
    head = {"tied": True} if shape.tied else {"weight": encode(state["decoder.weight"])}
    return {
        "format": FORMAT,
        "name": name,
        "kind": shape.cell,
        "vocab": tokenizer.tokens,
        "embedding": encode(state["embedding.weight"]),
        "layers": [layer_pages(state, f"layers.{k}.", 1)[0] for k in range(shape.layers)],
        "head": {**head, "bias": encode(state["decoder.bias"])},
        "meta": {
            "task": "language",
            "title": {"en": name, "fr": name},
            "tokenizer": tokenizer_page(tokenizer),
        },
    }


def tokenizer_page(tokenizer: Tokenizer) -> dict[str, Any]:
    """What ``static/tokenizer.js`` needs to cut text in the same way."""
    known = tokenizer.to_dict()
    page = {"level": known["level"], "begin": tokenizer.begin}
    if known["level"] == "bpe":
        model = json.loads(known["json"])["model"]
        pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
        ids = sorted(model["vocab"], key=model["vocab"].__getitem__)
        return page | {"ids": ids, "merges": pairs}
    if known["level"] == "word":
        return page | {
            "words": len(known["words"]),
            "characters": "".join(sorted({*known["characters"], "\n"})),
        }
    return page | {"characters": known["characters"], "byte_fallback": known["byte_fallback"]}


def tokenizer_of(page: dict[str, Any]) -> Tokenizer:
    """The tokenizer that ``tokenizer_page`` described."""
    known, vocab = page["meta"]["tokenizer"], page["vocab"]
    if known["level"] == "word":
        return WordTokenizer(vocab[: known["words"]], known["characters"])
    if known["level"] == "char":
        return CharacterTokenizer(known["characters"], known["byte_fallback"])
    raise ValueError("the API reads words and characters; byte pairs are read by the page alone")
