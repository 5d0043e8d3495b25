"""``carrousel lab adding``: two marked numbers among hundreds, kept until asked for."""

from ..contest import Contest
from ..learning import Budget
from ..networks import Network
from ..outcome import About, Options, Outcome
from ..tasks import Adding
from .race import FIELD, SHORT_FIELD, report, run_contests

ABOUT = About(
    name="adding",
    title="The adding problem",
    question="Can a network keep two real numbers through hundreds of others, and add them?",
    method=(
        "Each step brings a number and a mark; the sum of the two marked numbers is asked for "
        "after the last of T to T + T/10 steps. Solved: the newest 2,000 sequences all within 0.04 "
        "of the target on the scale of Hochreiter & Schmidhuber (1997, experiment 4)."
    ),
    theory=(
        "The best constant answer has a mean squared error of 1/6 = 0.167. To do better, the "
        "network must let two numbers in, keep all others out for T steps, and not lose them."
    ),
)


def contests(options: Options) -> list[Contest]:
    if options.quick:
        few = (Network("ann"), Network("rnn"), Network("lstm", chrono=True))
        budget = Budget(batch=32, updates=1200, rate=0.02)
        return [Contest(Adding(40), few, 500, budget, rates=(0.02,), seeds=options.count)]
    budget = Budget(batch=32, updates=1500)
    fields = {100: FIELD, 500: SHORT_FIELD, 1000: SHORT_FIELD}
    return [
        Contest(Adding(steps), field, 500, budget, seeds=options.count)
        for steps, field in fields.items()
    ]


def run(options: Options) -> Outcome:
    chosen = contests(options)
    return report(ABOUT, chosen, run_contests(chosen, options))
