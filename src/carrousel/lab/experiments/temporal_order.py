"""``carrousel lab temporal-order``: which of two signals came first, a hundred steps ago?"""

from ..contest import Contest
from ..learning import Budget
from ..networks import Network
from ..outcome import About, Options, Outcome
from ..tasks import TemporalOrder
from .race import FIELD, SHORT_FIELD, report, run_contests

ABOUT = About(
    name="temporal-order",
    title="Temporal order",
    question="Can a network tell in which order signals came, long after and amid noise?",
    method=(
        "Two signals X or Y (three in 6b) among 100 to 110 symbols of noise; the class is their "
        "order. Solved: the newest 2,000 sequences all with every output within 0.3 of its target "
        "(Hochreiter & Schmidhuber 1997, experiments 6a and 6b)."
    ),
    theory=(
        "The second signal must be kept apart from the first: the input gate has to depend on what "
        "is already in memory. Without memory the classes are equally likely: a loss of ln 4 (6a), "
        "ln 8 (6b)."
    ),
)


def contests(options: Options) -> list[Contest]:
    if options.quick:
        few = (Network("ann"), Network("rnn"), Network("lstm", chrono=True))
        budget = Budget(batch=32, updates=400, rate=0.03)
        return [Contest(TemporalOrder(2, 5), few, 500, budget, rates=(0.03,), seeds=options.count)]
    budget = Budget(batch=32, updates=800)
    return [
        Contest(TemporalOrder(2), FIELD, 500, budget, seeds=options.count),
        Contest(TemporalOrder(3), SHORT_FIELD, 500, budget, seeds=options.count),
    ]


def run(options: Options) -> Outcome:
    chosen = contests(options)
    return report(ABOUT, chosen, run_contests(chosen, options))
