"""``report.html`` of very many series: who won, by how much, where it failed, what was found."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..evaluation.report.page import NOT_MEASURED, header, page, table_of
from .scores import Scores


def render(title: str, record: Mapping[str, Any], scores: Scores | None) -> str:
    """The whole page as text, to be written as UTF-8."""
    cards = [
        (f"{record[name]:,}", label)
        for name, label in (("series", "series"), ("rows", "rows forecast"), ("blocks", "parts"))
    ]
    body, verdict = ["<main>"], NOT_MEASURED
    if scores is not None:
        verdict, *lost = scores.sentences
        told = "".join(f"<p>{escape(sentence)}</p>" for sentence in lost)
        means = [{"method": name, **of} for name, of in scores.means.items()]
        body += [
            _section("How good they are", told + _table(means)),
            _section(f"{scores.measure.upper()} by group", _table(scores.groups)),
            _section("The largest errors", _table(scores.worst)),
        ]
    if record["broken"]:
        body.append(_section("Left out", _table(record["broken"])))
    notes = "".join(f"<li>{escape(str(note))}</li>" for note in record["notes"])
    body += [_section("What was found", f"<ul>{notes}</ul>"), "</main>"]
    return page(title, header(title, verdict, cards) + "".join(body))


def _section(title: str, body: str) -> str:
    return f'<h2>{escape(title)}</h2><section class="box">{body}</section>'


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p>None.</p>"
    cells = ([_written(value) for value in row.values()] for row in rows)
    return f'<div class="scroll">{table_of(list(rows[0]), cells)}</div>'


def _written(value: Any) -> str:
    """
    >>> _written(0.12345), _written(1234), _written(None)
    ('0.123', '1,234', '-')
    """
    if isinstance(value, float):
        return f"{value:,.3f}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
