"""The model card: a page beside every saved model that says what it is, in words for people.

It is made from the description alone, names no series and no text that was learned from, and is
never read by the package. Whoever publishes a model adds what only they know: where the data come
from, and the license.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .. import __version__

CARD = "README.md"
MARK = (
    "<!-- Written by carrousel with the model. Without this line the file is yours: it stays. -->"
)
TITLES = {
    "reasons": "What was chosen, and why",
    "notes": "What was done to the data",
    "panel": "The data",
    "report": "How the training went",
    "shape": "The network",
    "options": "How it was set",
}
LONGEST = 8  # entries of a list that is written out


def model_card(description: Mapping[str, Any], numbers: int, size: int, reader: str | None) -> str:
    """The card of a model with this ``model.json``.

    Args:
        description: The content of ``model.json``.
        numbers: How many numbers its tensors hold, in ``size`` bytes.
        reader: The command that reads such models, if there is one.
    """
    kind, weights = description["kind"], description["weights"]
    article = "An" if kind[0] in "aeiou" else "A"
    lines = [
        f"---\nlibrary_name: carrousel\ntags: [{kind.replace(' ', '-')}]\n---\n{MARK}",
        f"# {article} {kind}",
        f"Saved by carrousel {__version__}. `model.json` describes it, `{weights}` holds its "
        f"{numbers:,} numbers ({size / 1e6:.1f} MB). Loading reads numbers and text, and runs no "
        "code.",
    ]
    if reader is not None:
        lines += [f"```sh\n{reader} FOLDER\n```"]
    for name, title in TITLES.items():
        if section := "\n".join(_told(description.get(name))):
            lines += [f"## {title}", section]
    lines += [
        "## What it is for, and what not",
        "It is as good as your data are like those that it learned from; of anything unlike them "
        "it knows nothing, and does not say so. Compare it with a simple method on data of your "
        "own before you rely on it.",
        "## Sources and license",
        "To be filled in by whoever passes it on: what it learned from, and under which license.",
    ]
    return "\n\n".join(lines) + "\n"


def _told(content: Any) -> Iterator[str]:
    """A list as bullets, a mapping as a table; nothing where there is nothing."""
    if isinstance(content, list | tuple):
        yield from (f"- {_cell(one)}" for one in content)
    elif isinstance(content, Mapping):
        rows = [(name, _cell(value)) for name, value in content.items()]
        if rows := [(name, value) for name, value in rows if value]:
            yield "| | |\n|---|---|"
            yield from (f"| {name} | {value} |" for name, value in rows)


def _cell(value: Any) -> str:
    """A value on one line; of what is long, how much there is."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items() if _plain(one))
    if isinstance(value, list | tuple):
        short = len(value) <= LONGEST and all(map(_plain, value)) and not _names(value)
        return ", ".join(map(str, value)) if short else f"{len(value):,}"
    text = "" if value is None or value == "" else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)


def _names(values: list[Any] | tuple[Any, ...]) -> bool:
    """Words of the data's own, which may be nobody else's business."""
    return any(isinstance(one, str) for one in values)
