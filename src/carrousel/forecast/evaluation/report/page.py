"""The page: sections of HTML around the charts, with style and script inside."""

from collections.abc import Iterable, Sequence, Set
from html import escape
from pathlib import Path

import numpy as np

from ....colors import COLORS, DARK
from ....wording import written
from ...explanation.explanation import Explanation
from .. import Evaluation
from . import charts
from .content import Content

HERE = Path(__file__).parent
MOST_SERIES = 40  # charts in one page
MOST_UNITS = 8
NOT_MEASURED = "Nothing was held out: how good these forecasts are was not measured."
# Nothing is fetched, whatever stands in the data.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def render(content: Content) -> str:
    """The whole page as text, to be written as UTF-8."""
    body = [_header(content), "<main>", _forecasts(content)]
    if content.evaluation is not None:
        body.append(_evaluation(content.evaluation))
    if content.explanations:
        body.append(_memory(content))
    body += [_made(content), "</main>", _footer(content)]
    return page(f"{content.title}: forecast", "".join(body))


def page(title: str, body: str) -> str:
    """A page that fetches nothing, in the look of all reports."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>\n{_colors()}{_file('page.css')}</style>\n</head>\n<body>\n{body}\n<script>\n{_file('page.js')}</script>\n"
        "</body>\n</html>\n"
    )


def _colors() -> str:
    light = "".join(f"--{name}:{value};" for name, value in COLORS.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK.items())
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _header(content: Content) -> str:
    panel, h = content.panel, content.future.median.shape[1]
    cards = [
        (f"{panel.n_series:,}", "series" if panel.n_series > 1 else "one series"),
        (f"{h:,}", f"steps forecast ({panel.freq})"),
    ]
    verdict = NOT_MEASURED
    if content.evaluation is not None:
        verdict = content.evaluation.verdict
        cards += _cards(content.evaluation)
    return header(content.title, verdict, cards)


def header(title: str, sentence: str, cards: Sequence[tuple[str, str]]) -> str:
    """The head of a page: what it is about, what came out, and figures with what they count."""
    shown = "".join(f'<div class="card"><b>{a}</b><span>{escape(b)}</span></div>' for a, b in cards)
    return (
        f"<header><h1>{escape(title)}</h1><p>{escape(sentence)}</p>"
        f'<div class="cards">{shown}</div></header>'
    )


def _cards(evaluation: Evaluation) -> list[tuple[str, str]]:
    """The figures that matter most: our MASE beside the best other, and the coverage."""
    metrics, (ours, *others) = evaluation.metrics, evaluation.means.values()
    mase = metrics["mase"]
    best = min((of["mase"] for of in others if of["mase"] is not None), default=None)
    return [
        (mase.written(ours["mase"]), f"MASE held out; best simple method {mase.written(best)}"),
        *(
            (
                metric.written(ours[metric.name]),
                f"of held-out values inside the {level:g} % interval",
            )
            for level, metric in evaluation.coverages.items()
        ),
    ]


def _forecasts(content: Content) -> str:
    panel = content.panel
    count = min(panel.n_series, MOST_SERIES)
    captions = {} if content.evaluation is None else content.evaluation.captions
    more = f" The first {count} of {panel.n_series:,} series." if count < panel.n_series else ""
    figures = "".join(
        f'<section class="box" data-group="forecasts"><div class="bar"><h3>{escape(str(name))}</h3>'
        f'<span class="soft">{escape(captions.get(name, ""))}</span></div>'
        f"{charts.forecast_chart(content, s)}</section>"
        for s, name in enumerate(panel.ids[:count])
    )
    return (
        "<h2>Forecasts</h2><p class='soft'>The line is the median: the value is as likely to lie "
        f"above as below. Point at a chart to read values off.{more}</p>"
        f"{_chooser('forecasts', panel.ids[:count])}{figures}"
    )


def _chooser(group: str, names: Sequence[object]) -> str:
    if len(names) < 2:
        return ""
    options = "".join(f"<option>{escape(str(name))}</option>" for name in names)
    return (
        '<p class="chooser" hidden><label>Series: '
        f'<select data-shows="{group}">{options}</select></label></p>'
    )


def _evaluation(evaluation: Evaluation) -> str:
    count = len(evaluation.hidden)
    windows = "one window" if count == 1 else f"{count} windows"
    return (
        "<h2>How good would it have been?</h2>"
        f"<p>{np.isfinite(evaluation.targets).sum():,} values at the end of the series ({windows}) "
        "were forecast without being seen. MASE and MSIS count errors in units of the mean change "
        "from season to season in the past, sMAPE in percent of the values, CRPS in parts of "
        "them.</p>"
        f'<section class="box"><div class="scroll">{_scores(evaluation)}</div>'
        f'<div class="two"><div><h3>Error by step of the horizon</h3>'
        f"{charts.error_chart(evaluation)}</div>"
        f"<div><h3>Intervals: asked (dashed) and found</h3>{charts.coverage_chart(evaluation)}"
        f"</div></div>{_intervals(evaluation)}</section>"
    )


def _scores(evaluation: Evaluation) -> str:
    metrics, best = evaluation.metrics, evaluation.best
    head = ["method", *(metric.label for metric in metrics.values())]
    rows = [
        [method, *(metric.written(means[name]) for name, metric in metrics.items())]
        for method, means in evaluation.means.items()
    ]
    marked = {
        (r, k)
        for r, method in enumerate(evaluation.methods)
        for k, name in enumerate(metrics, 1)
        if method in best[name]
    }
    return table_of(head, rows, marked)


def _intervals(evaluation: Evaluation) -> str:
    """A sentence for each level: whether what was found can be chance."""
    lines = []
    y = evaluation.targets
    for level, metric in evaluation.coverages.items():
        share = evaluation.means[evaluation.methods[0]][metric.name]
        if share is None:
            continue
        # Errors of neighboring steps are alike: a window of a series counts as one draw.
        draws = max(np.isfinite(y).sum() // y.shape[2], 1)
        asked = level / 100
        spread = 2 * np.sqrt(asked * (1 - asked) / draws)
        verdict = (
            "within what chance allows" if abs(share - asked) <= spread
            else "too narrow: expect more surprises than it says" if share < asked
            else "wider than it needs to be"
        )  # fmt: skip
        lines.append(f"<li>{level:g} % interval: {share:.0%} inside, {verdict}.</li>")
    return f"<ul>{''.join(lines)}</ul>"


def _memory(content: Content) -> str:
    found = content.explanations
    figures = "".join(_explained(one) for one in found)
    return (
        "<h2>What the forecasts relied on</h2><p>Removal measures how the forecast changes when a "
        "past step is taken away. The account says where its parts came from: copied by simple "
        "forecasts, or kept by the units of the recurrent memory, read from the record of its "
        "gates. An account is not a cause; below it is tested against the order of removal, of "
        "recency and of chance.</p>"
        f"{_chooser('memory', [one.unique_id for one in found])}{figures}"
    )


def _explained(found: Explanation) -> str:
    first, last = map(written, found.panel.local(found.times)[[0, -1]])
    when = first if len(found.times) == 1 else f"{first} to {last} (mean)"
    sentences = "".join(f"<li>{escape(line)}</li>" for line in found.sentences())
    return (
        f'<section class="box" data-group="memory"><h3>{escape(str(found.unique_id))}: forecast '
        f"for {when}</h3><ul>{sentences}</ul>{charts.effect_chart(found)}"
        '<div class="two"><div><h3>How far back the memory reaches (steps)</h3>'
        f"{charts.reach_chart(found)}</div><div><h3>Is the account true? (higher is truer)</h3>"
        f"{charts.fidelity_chart(found)}</div></div>"
        f'<div class="two"><div class="scroll"><h3>Simple forecasts, weighed by the network</h3>'
        f'{_simple(found)}</div><div class="scroll"><h3>Units whose memory gave most</h3>'
        f"{_units(found)}</div></div></section>"
    )


def _simple(found: Explanation) -> str:
    simple = found.simple
    rows = [
        f"<tr><td>{escape(str(name))}</td><td>{value:,.4g}</td><td>{weight:.0%}</td>"
        f'<td style="text-align:left"><span class="weight" style="width:{90 * weight:.0f}px">'
        "</span></td></tr>"
        for name, value, weight in zip(
            simple["name"], simple["forecast"], simple["weight"], strict=True
        )
    ]
    head = "<tr><th>name</th><th>forecast</th><th>weight</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _units(found: Explanation) -> str:
    units = found.units
    if not len(units["unit"]):
        return "<p class='soft'>This cell has no memory that is a sum.</p>"
    rows = [
        [f"network {units['network'][k] + 1}, unit {units['unit'][k]}",
         f"{units['gave'][k]:+,.3g}", f"{units['age'][k]:.1f}"]
        for k in range(min(len(units["unit"]), MOST_UNITS))
    ]  # fmt: skip
    return table_of(["unit of the last layer", "gave", "mean age (steps)"], rows)


def _made(content: Content) -> str:
    lines = [*content.notes, *content.chosen]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    rows = [[name, str(value)] for name, value in content.settings.items()]
    return (
        f'<h2>How it was made</h2><section class="box"><ul>{items}</ul><details><summary>Settings'
        f'</summary><div class="scroll">{table_of(["option", "value"], rows)}</div></details>'
        "</section>"
    )


def _footer(content: Content) -> str:
    return (
        f"<footer>Made by carrousel {escape(content.version)}. This file fetches nothing.</footer>"
    )


def table_of(
    head: Sequence[str], rows: Iterable[Sequence[str]], best: Set[tuple[int, int]] = frozenset()
) -> str:
    """Texts under their names; the ``best`` (row, column) stand out."""
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = [
        "".join(
            f'<td class="best">{escape(text)}</td>'
            if (r, k) in best
            else f"<td>{escape(text)}</td>"
            for k, text in enumerate(row)
        )
        for r, row in enumerate(rows)
    ]
    return f"<table><tr>{top}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
