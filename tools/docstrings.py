"""Docstrings as Markdown, for the site.

They are written to be read in a terminal. Examples (``>>>``) become blocks of code, references
(``:class:`LSTM```) names, ``name:`` with what is indented below it an item of a list, the two
colons before equations one, and several arguments that share an explanation get one each.
"""

import re

EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1\S.*)*", re.MULTILINE)
ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
ITEM = re.compile(r"^([a-z_]\w*(?:, \w+)*)(?::\n +| : )(?=\S)", re.MULTILINE)
SHARED = re.compile(r"^(    )(\w+(?:, \w+)+):((?: .*)?(?:\n     +\S.*)*)", re.MULTILINE)


def as_markdown(text: str) -> str:
    text = ROLE.sub(r"`\1`", text)
    text = re.sub(r"::$", ":", text, flags=re.MULTILINE)
    text = ITEM.sub(lambda found: f"- {_names(found[1])}: ", text)
    text = SHARED.sub(_one_each, text)
    return EXAMPLE.sub(r"\1```pycon\n\g<0>\n\1```", text)


def _names(listed: str) -> str:
    return ", ".join(f"`{name}`" for name in listed.split(", "))


def _one_each(found: re.Match[str]) -> str:
    indent, names, explained = found.groups()
    return "\n".join(f"{indent}{name}:{explained}" for name in names.split(", "))
