"""``carrousel lab reber``: the next symbol of strings whose end depends on their second symbol."""

from .. import plots
from ..contest import Contest
from ..learning import Budget
from ..networks import Network
from ..outcome import About, Finding, Options, Outcome
from ..tasks import Reber
from ..tasks.reber import grammar_entropy
from .race import report, run_contests

ABOUT = About(
    name="reber",
    title="The embedded Reber grammar",
    question="Can a network learn a grammar whose last symbol but one repeats the second?",
    method=(
        "Predict each next symbol. Right: the symbols that may follow are the most active outputs, "
        "at every step; solved: the newest 512 strings all right (after Hochreiter & Schmidhuber "
        "1997, experiment 1). elman learns as Elman networks do: the error goes back one step."
    ),
    theory=(
        "Within the string, a short memory is enough, and an Elman network learns it. The last "
        "symbol but one depends on the second, over a string of any length in between: whoever "
        "cannot carry it there stops at the loss that this one symbol costs."
    ),
)

# Dependencies are short here (12 steps): the LSTM's usual bias of 1 instead of chrono.
FIELD = (
    Network("ann"),
    Network("elman"),
    Network("rnn"),
    Network("gru"),
    Network("lstm"),
    Network("lstm", forget_bias=1),
)


def contests(options: Options) -> list[Contest]:
    if options.quick:
        few = (Network("ann"), Network("elman"), Network("lstm"))
        budget = Budget(batch=16, updates=1300, rate=0.03)
        return [Contest(Reber(), few, 500, budget, rates=(0.03,), seeds=options.count)]
    return [Contest(Reber(), FIELD, 500, Budget(batch=16, updates=1600), seeds=options.count)]


def run(options: Options) -> Outcome:
    chosen = contests(options)
    outcome = report(ABOUT, chosen, run_contests(chosen, options))
    plots.baseline(outcome.figure.axes[0], grammar_entropy(), "perfect memory")
    elman = next(row for row in outcome.rows if row["network"] == "elman")
    outcome.findings.append(
        Finding(
            "embedded Reber: a network that learns one step back never succeeds",
            elman["solved"] == 0,
            f"elman solved {elman['solved']} of {elman['runs']}",
        )
    )
    return outcome
