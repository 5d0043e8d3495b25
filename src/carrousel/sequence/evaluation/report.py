"""``report.html``: an evaluation on one page that fetches nothing."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ... import colors
from ...console import cell
from .evaluation import Evaluation

MOST_LABELS = 40  # in the table of confusion
# Nothing is fetched, whatever stands in the data.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 0 auto; padding: 20px; }
table { border-collapse: collapse; margin: 10px 0 24px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 10px; text-align: right; }
th:first-child, td:first-child { text-align: left; }
tr + tr { border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
.scroll { overflow-x: auto; } .soft { opacity: 0.7; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; }
.card { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: 10px;
  padding: 12px 16px; } .card b { display: block; font-size: 1.5rem; }
.confusion td { background: color-mix(in srgb, var(--right) var(--share), transparent); }
.chart { position: relative; margin: 6px 0 40px 64px; }
.chart svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.chart .x, .chart .y { position: absolute; font-size: 12px; opacity: 0.7; white-space: nowrap; }
.chart .x { top: calc(100% + 5px); transform: translateX(-50%); }
.chart .y { right: calc(100% + 8px); transform: translateY(-50%); }
.line, .dot { fill: none; vector-effect: non-scaling-stroke; stroke-width: 1.8; }
.dot { stroke-width: 6; stroke-linecap: round; }
.grid { stroke: color-mix(in srgb, currentColor 18%, transparent); stroke-width: 1; }
.learned { stroke: var(--right); } .judged { stroke: var(--wrong); }
.legend span { margin-right: 16px; } .legend i { display: inline-block; width: 16px; height: 3px;
  margin-right: 6px; vertical-align: middle; } .legend i.learned { background: var(--right); }
.legend i.judged { background: var(--wrong); }
.confusion td.wrong { background: color-mix(in srgb, var(--wrong) var(--share), transparent); }
"""


def render(
    evaluation: Evaluation,
    title: str,
    *,
    what: str = "sequences",
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    version: str = "",
) -> str:
    """The whole page as text, to be written as UTF-8."""
    body = [
        f"<h1>{escape(title)}</h1>{cards(evaluation, what)}",
        _notes(evaluation, notes),
        *sections(evaluation),
        settings_table(settings or {}),
    ]
    return page(title, body, version)


def cards(evaluation: Evaluation, what: str) -> str:
    """The three figures that come first."""
    shown = [
        (f"{evaluation.accuracy:.1%}", f"right of {len(evaluation.truth):,} {what}"),
        (f"{evaluation.macro_f1:.3f}", "macro F1"),
        (f"{evaluation.calibration_error:.3f}", "expected calibration error"),
    ]
    return f"<div class='cards'>{''.join(card(a, b) for a, b in shown)}</div>"


def sections(evaluation: Evaluation) -> list[str]:
    """What is behind them."""
    return [
        f"<h2>By class</h2><div class='scroll'>{figures(evaluation.by_class)}</div>",
        "<h2>What was taken for what</h2><p class='soft'>Rows are true labels, columns answers."
        f"</p><div class='scroll'>{_confusion(evaluation)}</div>",
        _mistakes(evaluation),
        "<h2>Do the probabilities mean what they say?</h2><p class='soft'>Answers by their "
        f"probability, and how many of them were right.</p>{figures(evaluation.reliability)}",
    ]


def page(title: str, body: Iterable[str], version: str) -> str:
    """A whole page around parts of HTML."""
    foot = f"<footer class='soft'>Made by carrousel {escape(version)}.</footer>"
    palette = f":root{{--right:{colors.BLUE};--wrong:{colors.ORANGE};}}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{palette}{STYLE}</style>\n</head>\n"
        f"<body>\n{''.join(body)}{foot}\n</body>\n</html>\n"
    )


def card(figure: str, what: str) -> str:
    return f'<div class="card"><b>{figure}</b>{escape(what)}</div>'


def _notes(evaluation: Evaluation, notes: Sequence[str]) -> str:
    told = list(notes)
    if evaluation.unseen:
        names = ", ".join(map(str, evaluation.unseen))
        told.append(f"Never learned, so that every answer is a mistake: {names}.")
    return "".join(f"<p>{escape(note)}</p>" for note in told)


def _confusion(evaluation: Evaluation) -> str:
    labels, counts = evaluation.labels, evaluation.confusion
    if len(labels) > MOST_LABELS:
        return f"<p>{len(labels)} labels: see confusion.png and evaluation.json.</p>"
    head = "".join(f"<th>{escape(str(label))}</th>" for label in ["", *labels])
    lines = [f"<tr>{head}</tr>"]
    for row, label in enumerate(labels):
        total = max(int(counts[row].sum()), 1)
        cells = "".join(
            f"<td{'' if row == column else ' class=wrong'} style='--share:"
            f"{100 * count / total:.0f}%'>{count:,}</td>"
            for column, count in enumerate(counts[row].tolist())
        )
        lines.append(f"<tr><th>{escape(str(label))}</th>{cells}</tr>")
    return f"<table class='confusion'>{''.join(lines)}</table>"


def _mistakes(evaluation: Evaluation) -> str:
    worst = evaluation.mistakes(20)
    if not worst:
        return "<h2>Worst mistakes</h2><p>There are none.</p>"
    return f"<h2>Worst mistakes</h2><div class='scroll'>{figures(worst)}</div>"


def settings_table(settings: Mapping[str, Any]) -> str:
    """Options of what is judged; nothing if there are none."""
    rows = [{"option": name, "value": str(value)} for name, value in settings.items()]
    return f"<h2>How it was made</h2>{figures(rows)}" if rows else ""


def figures(rows: Iterable[Mapping[str, Any]]) -> str:
    """A table of rows, the first of which names the columns."""
    rows = list(rows)
    head = "".join(f"<th>{escape(str(name))}</th>" for name in rows[0])
    lines = [
        "".join(f"<td>{escape(cell(value)[:80])}</td>" for value in row.values()) for row in rows
    ]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
