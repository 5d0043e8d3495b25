"""How much of what is said is written down wrongly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ..ctc import Edits, character_error_rate, edits, word_error_rate
from .report import card, figures, page, settings_table


@dataclass(frozen=True)
class TranscriptEvaluation:
    """Texts that were heard beside those that are said.

    Attributes:
        names: What each recording or sequence is called.
        said: What is to be heard, with one blank between words.
        heard: What was.
        chances: How likely that was thought.
    """

    names: Sequence[str]
    said: Sequence[str]
    heard: Sequence[str]
    chances: Sequence[float]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One for each text."""
        return [
            {"recording": name, "said": said, "heard": heard,
             "wrong words": _edits(said, heard).total, "chance": chance}
            for name, said, heard, chance in zip(
                self.names, self.said, self.heard, self.chances, strict=True)
        ]  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Error rates of words, characters and whole texts."""
        wrong = sum(a != b for a, b in zip(self.said, self.heard, strict=True))
        return {
            "recordings": len(self.said),
            "words": sum(len(text.split()) for text in self.said),
            "word_error_rate": word_error_rate(self.said, self.heard),
            "character_error_rate": character_error_rate(self.said, self.heard),
            "string_error_rate": wrong / len(self.said),
        }

    def by_length(self) -> list[dict[str, Any]]:
        """Texts of one word, of two, ...: how many there are, and what is wrong in them."""
        groups: dict[int, list[tuple[str, str]]] = {}
        for said, heard in zip(self.said, self.heard, strict=True):
            groups.setdefault(len(said.split()), []).append((said, heard))
        return [
            {"words": length, "texts": len(pairs), **_changes(pairs),
             "texts not all right": sum(a != b for a, b in pairs)}
            for length, pairs in sorted(groups.items())
        ]  # fmt: skip

    def mistakes(self, most: int | None = None) -> list[dict[str, Any]]:
        """Texts with mistakes, those with the most first, and of these the surest."""
        wrong = [row for row in self.rows if row["said"] != row["heard"]]
        return sorted(wrong, key=lambda row: (-row["wrong words"], -row["chance"]))[:most]


def _edits(said: str, heard: str) -> Edits:
    return edits(said.split(), heard.split())


def _changes(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    total = sum((_edits(*pair) for pair in pairs), Edits())
    return {
        "another word heard": total.substitutions,
        "not heard": total.deletions,
        "heard, not said": total.insertions,
    }


def render_transcripts(
    found: TranscriptEvaluation,
    title: str,
    *,
    settings: Mapping[str, Any] | None = None,
    version: str = "",
) -> str:
    """``report.html``: the whole page as text, to be written as UTF-8."""
    body = [
        f"<h1>{escape(title)}</h1>{transcript_cards(found)}",
        *transcript_sections(found),
        settings_table(settings or {}),
    ]
    return page(title, body, version)


def transcript_cards(found: TranscriptEvaluation) -> str:
    """The three figures that come first."""
    told = found.summary()
    shown = "".join(
        card(f"{told[f'{what}_error_rate']:.1%}", f"of {whole} wrong")
        for what, whole in (
            ("word", f"{told['words']:,} words"), ("character", "characters"),
            ("string", f"{told['recordings']:,} texts"),
        )
    )  # fmt: skip
    return f"<div class='cards'>{shown}</div>"


def transcript_sections(found: TranscriptEvaluation) -> list[str]:
    """What is behind them."""
    worst = found.mistakes(50)
    mistakes = figures(worst) if worst else "<p>There are none.</p>"
    return [
        f"<h2>By length</h2><div class='scroll'>{figures(found.by_length())}</div>",
        f"<h2>Worst mistakes</h2><div class='scroll'>{mistakes}</div>",
    ]
