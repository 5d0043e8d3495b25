"""``carrousel lab recall``: the first symbol, after more and more distractors."""

from collections.abc import Sequence

from .. import plots
from ..contest import Contest, Result, summary
from ..learning import Budget
from ..networks import Network
from ..outcome import About, Finding, Options, Outcome
from ..tasks import Recall
from .race import memoryless_fails, run_contests

ABOUT = About(
    name="recall",
    title="Remembering the first symbol",
    question="How far back can each network learn to look, and how does an open memory at the "
    "start help?",
    method=(
        "One of four symbols, then T distractors; which was the first? Solved: the newest 500 "
        "sequences all with every output within 0.3 of its target. The forget gate of the LSTM "
        "begins as torch draws it (near 0), at 0, 1 or 3, or with chrono initialization (Tallec & "
        "Ollivier 2018: memories as long as the task)."
    ),
    theory=(
        "With b_f near 0 the forget gate is 1/2: after k steps 2^-k of the error is left, and the "
        "network never learns that the first symbol matters. With b_f = 3 it is 0.95^k, and with "
        "chrono initialization some units remember about as long as the task is."
    ),
)

KINDS = (Network("ann"), Network("rnn"), Network("gru"), Network("lstm"))
OPENED = (
    Network("lstm", forget_bias=0),
    Network("lstm", forget_bias=1),
    Network("lstm", forget_bias=3),
    Network("lstm", chrono=True),
)


def contests(options: Options) -> list[Contest]:
    if options.quick:
        few = (Network("ann"), Network("rnn"), Network("lstm"), Network("lstm", chrono=True))
        budget = Budget(batch=32, updates=300, rate=0.03)
        return [
            Contest(Recall(steps), few, 500, budget, rates=(0.03,), seeds=options.count)
            for steps in (10, 50)
        ]
    budget = Budget(batch=32, updates=500)
    field = KINDS + OPENED
    return [
        Contest(Recall(steps), field, 500, budget, seeds=options.count)
        for steps in (10, 20, 50, 100)
    ]


def run(options: Options) -> Outcome:
    chosen = contests(options)
    results = run_contests(chosen, options)
    rows = [row for runs in results for row in summary(runs)]
    findings = [
        memoryless_fails(contest, summary(runs))
        for contest, runs in zip(chosen, results, strict=True)
    ]
    findings += [opened_helps(chosen[-1], results[-1]), reaches_further(rows)]
    details = {"runs": [run for runs in results for run in runs]}
    return Outcome(ABOUT, rows, findings, picture(chosen, results), details=details)


def opened_helps(contest: Contest, runs: Sequence[Result]) -> Finding:
    """At the longest T: the LSTM as torch draws it against the best that begins open."""
    solved = {row["network"]: row["solved"] for row in summary(runs)}
    opened = {label: count for label, count in solved.items() if label.startswith("lstm, ")}
    best = max(opened, key=lambda label: opened[label])
    return Finding(
        f"{contest.task.name}: an LSTM whose memory begins open succeeds where the default fails",
        opened[best] > solved["lstm"],
        "; ".join(f"{label}: {count} of {contest.seeds}" for label, count in solved.items()),
    )


def reaches_further(rows: Sequence[dict]) -> Finding:
    """The sum over T of runs solved: rnn against the LSTM with chrono initialization."""
    total = {
        label: sum(row["solved"] for row in rows if row["network"] == label)
        for label in ("rnn", "lstm, chrono")
    }
    return Finding(
        "over all T, the LSTM with an open memory is solved more often than the plain RNN",
        total["lstm, chrono"] > total["rnn"],
        "; ".join(f"{label}: {count}" for label, count in total.items()) + " runs solved",
    )


def picture(contests: Sequence[Contest], results: list[list[Result]]):
    """Success against T by kind and by initial memory; learning at the longest T."""
    figure, axes = plots.canvas(1, 3, width=4.4, height=4.1)
    labels = [network.label for network in contests[0].networks]
    kinds = [label for label in labels if "," not in label]
    variants = [label for label in labels if label.startswith("lstm")]
    titles = ("by kind, as torch initializes it", "by how the LSTM's memory begins")
    for ax, chosen, title in zip(axes[0], (kinds, ["ann", *variants]), titles, strict=False):
        for label in chosen:
            success(ax, label, contests, results)
        plots.titles(ax, title, "distractors T", "runs solved (%)")
        ax.set_ylim(-4, 104)
        ax.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
    last = axes[0, 2]
    plots.learning_curves(last, results[-1], labels)
    plots.baseline(last, contests[-1].task.memoryless, "best without memory")
    plots.titles(last, f"learning at T = {contests[-1].task.span - 1}", "sequences", "loss")
    return figure


def success(ax, label: str, contests: Sequence[Contest], results: list[list[Result]]) -> None:
    steps = [contest.task.span - 1 for contest in contests]
    shares = []
    for runs in results:
        own = [run["solved"] for run in runs if run["network"] == label]
        shares.append(100 * sum(own) / len(own))
    name = f"{label} (no memory)" if label == "ann" else label
    ax.plot(steps, shares, plots.dashes(label) + "o", color=plots.color(label), markersize=4,
            label=name)  # fmt: skip
    plots.logarithmic(ax, steps)
