"""``carrousel lab copy``: ten symbols repeated after a silence."""

from .contest import Contest
from .experiment import About, Options, Outcome
from .learning import Budget
from .networks import Network
from .race import FIELD, report, run_contests
from .tasks import Copy

ABOUT = About(
    name="copy",
    title="The copy problem",
    question="Can a network keep ten symbols in their order through T steps of silence?",
    method=(
        "Ten symbols out of eight, T blanks, then the ten symbols again (Arjovsky, Shah & Bengio "
        "2016). The loss without memory is 10 ln 8 / (T + 20). Solved: 99 % of the newest 2,000 "
        "sequences have all ten symbols right (our criterion; the papers show curves)."
    ),
)


def contests(options: Options) -> list[Contest]:
    if options.quick:
        few = (Network("ann"), Network("rnn"), Network("lstm", chrono=True))
        budget = Budget(batch=32, updates=300, rate=0.01)
        return [Contest(Copy(5), few, 2000, budget, rates=(0.01,), seeds=options.count)]
    budget = Budget(batch=32, updates=3000)
    return [Contest(Copy(20), FIELD, 5000, budget, seeds=options.count)]


def run(options: Options) -> Outcome:
    chosen = contests(options)
    return report(ABOUT, chosen, run_contests(chosen, options))
