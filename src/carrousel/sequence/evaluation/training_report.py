"""``report.html`` of a training: what was chosen and why, how it learned, how good it is unseen."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from ...html_chart import Chart, span, value_ticks
from ...training import Run
from .evaluation import Evaluation
from .report import cards, page, sections, settings_table
from .transcripts import TranscriptEvaluation, transcript_cards, transcript_sections

POINTS = 60  # of a curve: each is the mean loss of as many updates as fit


def render_training(
    title: str,
    runs: Sequence[Run],
    found: Evaluation | TranscriptEvaluation | None,
    *,
    what: str = "sequences",
    notes: Sequence[str] = (),
    reasons: Sequence[str] = (),
    report: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    version: str = "",
) -> str:
    """The whole page as text, to be written as UTF-8.

    Args:
        title: Its heading.
        runs: Of the networks, one after the other.
        found: Of what was held out; None: nothing was, or it cannot be judged.
        what: That the figures count.
        notes: How the data were read.
        reasons: What was chosen, and why.
        report: The estimator's ``report_``.
        settings: Its options.
        version: Of carrousel.
    """
    first, rest = _figures(found, what)
    body = [
        f"<h1>{escape(title)}</h1>{first}",
        "".join(f"<p>{escape(note)}</p>" for note in notes),
        _chosen([*reasons, *_of_both(report or {})]),
        f"<h2>How it learned</h2>{learning_chart(runs)}",
        *rest,
        settings_table(settings or {}),
    ]
    return page(title, body, version)


def _figures(found: Evaluation | TranscriptEvaluation | None, what: str) -> tuple[str, list[str]]:
    """What comes first, and what is behind it."""
    if found is None:
        return "<p>How good the answers are was not measured: nothing was held out.</p>", []
    where = "<p class='soft'>Of what was held out: answers that were not learned from it.</p>"
    if isinstance(found, Evaluation):
        return cards(found, what) + where, sections(found)
    return transcript_cards(found) + where, transcript_sections(found)


def _chosen(reasons: Sequence[str]) -> str:
    lines = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f"<h2>What was chosen, and why</h2><ul>{lines}</ul>" if reasons else ""


def _of_both(report: Mapping[str, Any]) -> list[str]:
    """How much of the answer is the companion's, and what both are worth alone."""
    companion, networks = report.get("companion"), report.get("networks")
    if companion is None or networks is None:
        return []
    told = f"the companion, fixed features and a regression: {companion['share']:.0%} of the answer"
    if "accuracy" not in companion:
        return [f"{told}, which is best for what was held out"]
    alone = f"alone it is right in {companion['accuracy']:.1%}, the networks in "
    return [f"{told}, which is best for what was held out; {alone}{networks['accuracy']:.1%}"]


def learning_chart(runs: Sequence[Run]) -> str:
    """The loss of each network while it learned, and of what was held out where it was asked."""
    curves = [_curve(run.losses) for run in runs if run.losses]
    if not curves:
        return "<p>Nothing was learned anew.</p>"
    judged = [tuple(np.array(run.scores, float).reshape(-1, 2).T) for run in runs]
    values = [y for _, y in (*curves, *judged)]
    low, high = span(*values)
    chart = Chart((0.0, float(max(x[-1] for x, _ in curves))), (low, high), 240)
    chart.grid(*value_ticks(low, high))
    ticks = value_ticks(*chart.x)
    chart.axis(*ticks)
    for x, y in curves:
        chart.line(x, y, "learned")
    for x, y in judged:
        chart.line(x, y, "judged")
    legend = [("learned", "loss of what is learned from, by update; a line for each network")]
    if any(len(x) for x, _ in judged):
        legend.append(("judged", "of what was held out"))
    return chart.render(legend, label="Loss by update")


def _curve(losses: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Means of neighboring updates, and the last update of each."""
    parts = np.array_split(np.array(losses), min(POINTS, len(losses)))
    ends = np.cumsum([len(part) for part in parts])
    return ends.astype(float), np.array([part.mean() for part in parts])
