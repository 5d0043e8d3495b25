"""``report.html`` of very many series: who won, by how much, where it failed, what was found."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..evaluation.report.page import page
from .scores import Scores


def render(title: str, record: Mapping[str, Any], scores: Scores | None) -> str:
    """The whole page as text, to be written as UTF-8."""
    cards = "".join(
        f'<div class="card"><b>{record[name]:,}</b><span>{label}</span></div>'
        for name, label in (("series", "series"), ("rows", "rows forecast"), ("blocks", "parts"))
    )
    body = [f"<header><h1>{escape(title)}</h1><div>{cards}</div></header>", "<main>"]
    if scores is None:
        body.append(_section("How good they are", "<p>Nothing was held out: it was not measured."))
    else:
        told = "".join(f"<p>{escape(sentence)}</p>" for sentence in scores.sentences)
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
    return page(title, "".join(body))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(str(name))}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_written(value))}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _written(value: Any) -> str:
    """
    >>> _written(0.12345), _written(1234), _written(None)
    ('0.123', '1,234', '-')
    """
    if isinstance(value, float):
        return f"{value:,.3f}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
