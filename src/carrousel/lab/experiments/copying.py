"""``carrousel lab copy``: symbols repeated after a silence."""

from ..contest import Contest
from ..learning import Budget
from ..networks import Network
from ..outcome import About, Options, Outcome
from ..tasks import Copy
from .race import SHORT_FIELD, report, run_contests

ABOUT = About(
    name="copy",
    title="The copy problem",
    question="Can a network keep several symbols in their order through a silence?",
    method=(
        "L symbols out of eight, T blanks, then the same symbols again (Arjovsky, Shah & Bengio "
        "2016, with L = 10 and T from 100; here L = 5 and T = 10, which fits the time of a "
        "laboratory). The loss without memory is L ln 8 / (T + 2 L). Solved: 99 % of the newest "
        "2,000 sequences have all symbols right (our criterion; the papers show curves)."
    ),
    theory=(
        "The network needs room for several symbols at once and must release them in order. "
        "Recurrent networks first learn when to answer, which is worth the memoryless loss (ann "
        "cannot know the time and loses more); then, much later if at all, what."
    ),
)


def contests(options: Options) -> list[Contest]:
    if options.quick:
        few = (Network("ann"), Network("rnn"), Network("lstm", chrono=True))
        budget = Budget(batch=32, updates=600, rate=0.03)
        return [Contest(Copy(5, 2), few, 1000, budget, rates=(0.03,), seeds=options.count)]
    budget = Budget(batch=32, updates=4000)
    return [Contest(Copy(10, 5), SHORT_FIELD, 4000, budget, seeds=options.count)]


def run(options: Options) -> Outcome:
    chosen = contests(options)
    return report(ABOUT, chosen, run_contests(chosen, options))
