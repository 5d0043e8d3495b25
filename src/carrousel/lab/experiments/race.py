"""Races: the same networks on one or more tasks; who solves them, how soon, how often not."""

from collections.abc import Sequence
from typing import Any

from ...ops.cells import CELLS
from .. import plots
from ..contest import Contest, Result, summary
from ..networks import Network
from ..outcome import About, Finding, Options, Outcome
from .published import numbers

# What the races compare: each kind as torch initializes it, and with a memory that begins open.
FIELD = (
    Network("ann"),
    Network("rnn"),
    Network("gru"),
    Network("gru", chrono=True),
    Network("lstm"),
    Network("lstm", chrono=True),
)
# Where a run takes long: the two that show what is missing, and those with the best chance.
SHORT_FIELD = (
    Network("ann"),
    Network("rnn"),
    Network("gru", chrono=True),
    Network("lstm", chrono=True),
)


def run_contests(contests: Sequence[Contest], options: Options) -> list[list[Result]]:
    options.progress.expect(sum(contest.cost for contest in contests))
    return [
        contest.run(options.runs, options.jobs, options.progress.advance) for contest in contests
    ]


def report(about: About, contests: Sequence[Contest], results: list[list[Result]]) -> Outcome:
    """Table, picture and the findings that every race has."""
    rows, findings = [], []
    for contest, runs in zip(contests, results, strict=True):
        own = summary(runs)
        rows += [row | {"published": beside(contest, row["network"])} for row in own]
        findings += [memoryless_fails(contest, own), gates_help(contest, own)]
        findings += compared_with_paper(contest, own)
    curves = [run for runs in results for run in runs]
    return Outcome(about, rows, findings, picture(contests, results), details={"runs": curves})


def beside(contest: Contest, network: str) -> str:
    """The published numbers for the kind of network in this row, as text."""
    kind = network.split(",")[0]
    titles = {"elman": "Elman"} | {name: cell.title for name, cell in CELLS.items()}
    found = numbers(contest.task.name, titles.get(kind, network))
    return "; ".join(e.text for e in found)


def memoryless_fails(contest: Contest, rows: list[dict[str, Any]]) -> Finding:
    row = next(row for row in rows if row["network"] == "ann")
    floor, loss = contest.task.memoryless, row["final loss (median)"]
    return Finding(
        f"{contest.task.name}: without memory nothing better than the baseline is learned",
        row["solved"] == 0 and loss > 0.9 * floor,
        f"ann solved {row['solved']} of {row['runs']}; loss {loss:.3f}, baseline {floor:.3f}",
    )


def gates_help(contest: Contest, rows: list[dict[str, Any]]) -> Finding:
    """Whether the best gated network is solved more often than the plain RNN, or without either
    being solved comes to half its loss."""
    by_name = {row["network"]: row for row in rows}
    plain = by_name.get("rnn") or by_name["elman"]
    kept = {name for name, cell in CELLS.items() if cell.keeps}
    gated = [row for row in rows if row["network"].split(",")[0] in kept]
    best = min(gated, key=lambda row: (-row["solved"], row["final loss (median)"]))
    losses = [row["final loss (median)"] for row in (best, plain)]
    closer = best["solved"] == plain["solved"] == 0 and losses[0] < losses[1] / 2
    return Finding(
        f"{contest.task.name}: the best gated network does better than the plain one",
        best["solved"] > plain["solved"] or closer,
        "; ".join(
            f"{row['network']} solved {row['solved']} of {row['runs']}, loss {loss:.3f}"
            for row, loss in zip((best, plain), losses, strict=True)
        ),
    )


def compared_with_paper(contest: Contest, rows: list[dict[str, Any]]) -> list[Finding]:
    """Whether the best LSTM needs no more sequences than the LSTM of 1997."""
    entries = numbers(contest.task.name, "LSTM")
    lstm = [row for row in rows if row["network"].startswith("lstm") and row["solved"]]
    if not entries or entries[0].sequences is None:
        return []
    claim = f"{contest.task.name}: an LSTM needs no more than {entries[0].sequences:,} sequences"
    if not lstm:
        return [Finding(claim, False, "no run of any LSTM solved it within the budget")]
    best = min(lstm, key=lambda row: (-row["solved"], row["sequences (median)"]))
    return [
        Finding(
            claim,
            best["sequences (median)"] <= entries[0].sequences,
            f"{best['network']}: median {best['sequences (median)']:,}, "
            f"solved {best['solved']} of {best['runs']}",
        )
    ]


def picture(contests: Sequence[Contest], results: list[list[Result]]):
    """A row a task: learning curves with the memoryless baseline; sequences until success."""
    figure, axes = plots.canvas(len(contests), 2, height=4.0)
    for (left, right), contest, runs in zip(axes, contests, results, strict=True):
        names = [network.label for network in contest.networks]
        plots.learning_curves(left, runs, names)
        plots.baseline(left, contest.task.memoryless, "best without memory")
        plots.titles(left, f"{contest.task.name}: learning, one line a run", "sequences", "loss")
        left.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4)
        known = {
            f"{entry.network}, 1997:": entry.sequences
            for entry in numbers(contest.task.name, "LSTM")
            if entry.sequences is not None
        }
        plots.successes(right, runs, names, contest.budget.sequences, known)
        title = f"sequences until solved ({contest.parameters} parameters each at most)"
        plots.titles(right, title, "sequences (log scale)", "")
    return figure
