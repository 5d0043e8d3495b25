"""How results show themselves in a notebook: the one maker of ``_repr_html_``.

What a result says in words, its table and its picture stand below each other; what it does not have
is left out. Everything that came from data is escaped, colors and fonts are the notebook's own.
"""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

MOST_ROWS, PIXELS_AN_INCH = 20, 80


class Shown:
    """A result that a notebook can show; a class says what of it is worth reading.

    >>> class Result(Shown):
    ...     def _sentences(self):
    ...         return ["1 < 2"]
    >>> Result()._repr_html_()
    '<div><strong>Result</strong><p>1 &lt; 2</p></div>'
    """

    def _sentences(self) -> Sequence[str]:
        """Lines of text; what its fields hold, if a class says nothing else."""
        return list(_fields(self)) if is_dataclass(self) else [repr(self)]

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        """A table."""
        return ()

    def _figure(self) -> Any:
        """A matplotlib figure, or None."""
        return None

    def _repr_html_(self) -> str:
        parts = [f"<strong>{type(self).__name__}</strong>"]
        parts += [f"<p>{escape(line)}</p>" for line in self._sentences()]
        if rows := self._rows():
            parts.append(html_table(rows))
        if (figure := self._figure()) is not None:
            parts.append(html_picture(figure))
        return f"<div>{''.join(parts)}</div>"


def html_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A row for each of ``rows``, as far as a notebook has room.

    >>> html_table([{"a": 0.5, "b": None}])
    '<table><tr><th>a</th><th>b</th></tr><tr><td>0.5</td><td></td></tr></table>'
    """
    lines = ["".join(f"<th>{escape(str(name))}</th>" for name in rows[0])]
    lines += [
        "".join(f"<td>{escape(_cell(one))}</td>" for one in row.values())
        for row in rows[:MOST_ROWS]
    ]
    if (more := len(rows) - MOST_ROWS) > 0:
        lines.append(f'<td colspan="{len(rows[0])}">and {more:,} more</td>')
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def html_picture(figure: Any) -> str:
    """A figure inside the page, small enough for a notebook that is passed on."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=PIXELS_AN_INCH)
    text = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="" src="data:image/png;base64,{text}">'


def _fields(result: Any) -> Iterator[str]:
    """The fields of a dataclass: of arrays their shape, of much how much it is."""
    for field in fields(result):
        value = getattr(result, field.name)
        if value is None or field.name.startswith("_"):
            continue
        shape = getattr(value, "shape", None)
        if shape is not None and len(shape):
            yield f"{field.name}: {' × '.join(map(str, shape))} {getattr(value, 'dtype', '')}"
        elif isinstance(value, bool | int | float | str):
            yield f"{field.name}: {_cell(value)}"
        elif isinstance(value, Sequence | Mapping):
            yield f"{field.name}: {len(value):,}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return "" if value is None else str(value)
