"""The models that an explorer shows: those that ship with the package, or the one it was given."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from ..sequence import Transcriber
from ..storage.model_directory import beside
from .language import language_page
from .network import PageNetwork
from .series import forecaster_page
from .speech import speech_page

SHIPPED = (
    "french", "french-gru", "french-rnn", "english", "english-gru", "english-rnn", "bikes", "jobs",
    "digits",
)  # fmt: skip
OPENINGS = "openings.json"  # of each family of sentence models: beginnings, each with its swap
CONVERTERS = {"language": language_page, "forecast": forecaster_page, "speech": speech_page}


def compact(content: Any) -> str:
    """JSON without spaces."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Model:
    """One model as the page knows it; see ``pages`` for what the dictionary holds."""

    page: dict[str, Any]

    @property
    def name(self) -> str:
        return self.page["name"]

    @property
    def task(self) -> str:
        return self.page["meta"]["task"]

    @property
    def summary(self) -> dict[str, Any]:
        """What the page's menu needs to know of it."""
        meta = self.page["meta"]
        named = ("family", "language")
        about = {"title": meta.get("title", {})} | {key: meta.get(key) for key in named}
        return {"name": self.name, "task": self.task, "kind": self.page["kind"], **about}

    @cached_property
    def text(self) -> bytes:
        """The page as JSON."""
        return compact(self.page).encode()

    @cached_property
    def network(self) -> PageNetwork:
        return PageNetwork(self.page).eval()


@dataclass(frozen=True)
class Library:
    """Models by name, in the order of the page's menu."""

    models: dict[str, Model]

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models.values())

    @classmethod
    def of(cls, *pages: dict[str, Any]) -> "Library":
        return cls({page["name"]: Model(page) for page in pages})

    @classmethod
    def shipped(cls) -> "Library":
        """The models inside the package."""
        found = []
        with as_file(package_files("carrousel.web") / "models") as folder:
            openings = json.loads((folder / OPENINGS).read_text(encoding="utf-8"))
            for name in SHIPPED:
                found.append(page_of(folder / name, name))
        for page in found:
            _join_family(page, found, openings)
        return cls.of(*found)

    @classmethod
    def given(cls, path: Path) -> "Library":
        """The model that the user named, and nothing else of the file system.

        ``path`` may also be the folder of results that ``carrousel forecast`` wrote, in which the
        model is one of several things.
        """
        inside = path / "model" if (path / "model" / "model.json").is_file() else path
        page = page_of(inside, path.resolve().name)
        if page["meta"]["task"] != "speech":
            return cls.of(page)
        # All views but one show networks that read.
        others = [one.page for one in cls.shipped() if one.task != "speech"]
        return cls.of(*others, page)


def page_of(path: Path, name: str) -> dict[str, Any]:
    """Read a saved ``LanguageModel``, ``Forecaster`` or ``Transcriber``.

    Beside a shipped model may stand ``page.json``: titles, examples and results that take longer
    to compute than a page takes to open.

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is a model that the page cannot show.
    """
    page = CONVERTERS[kind_of(path)](path, name)
    more = path / "page.json"
    if more.exists():
        page["meta"] |= json.loads(more.read_text(encoding="utf-8"))
    return page


def _join_family(
    page: dict[str, Any], pages: list[dict[str, Any]], openings: dict[str, list[dict[str, Any]]]
) -> None:
    """Tell a sentence model what reads the same sentences with another cell, and what to try."""
    family = page["meta"].get("family")
    if family is None:
        return
    members = [one for one in pages if one["meta"].get("family") == family]
    page["meta"] |= {
        "cells": {one["kind"]: one["name"] for one in members},
        "openings": openings[family],
        "opening": openings[family][0]["text"],
    }


def kind_of(path: Path) -> str:
    """ "language", "forecast" or "speech", from the model's description."""
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}{beside(path)}")
    description = path / "model.json" if path.is_dir() else path
    try:
        found = json.loads(description.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} is not a model: carrousel explore shows folders that Forecaster.save, "
            "LanguageModel.save or Transcriber.save wrote"
        ) from error
    if isinstance(found, dict) and found.get("kind") == Transcriber.kind:
        return "speech"
    return "forecast" if isinstance(found, dict) and "quantiles" in found else "language"
