"""Docstrings for the site: what griffe, which reads them, is extended by (mkdocs.yml)."""

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))  # griffe reads this file from elsewhere
from docstrings import as_markdown


class Docstrings(griffe.Extension):
    """Makes Markdown of each docstring before its sections are looked for."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
