"""``carrousel lab held-gate``: the forget gate held at 1, what that restores and what it costs."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch

from ...intervention import intervene
from ...tracing import trace
from .. import plots
from ..contest import Contest, summary
from ..gradients import jacobian_norms
from ..learning import Budget, learn
from ..networks import Network, build
from ..outcome import About, Finding, Options, Outcome
from ..tasks import Latest, Recall
from .race import run_contests

ABOUT = About(
    name="held-gate",
    title="The forget gate held at 1",
    question="Does holding the forget gate at 1 restore the gradient and the memory over 10 to 500 "
    "steps, and what does it cost?",
    method=(
        "An LSTM whose forget gate is 1 at every step of training and use (its bias is 100, which "
        "no gradient moves), beside LSTMs that begin as torch draws them, at 1, and with chrono "
        "initialization. Measured: the Jacobian of the last hidden state by the state k steps "
        "before, untrained; recall after 10 to 500 distractors, as in the experiment of that name; "
        "and the latest of four symbols, each of which has to take the place of the one before. "
        "Then LSTMs that learned recall with 10 distractors are asked with up to 500, as they are "
        "and, by carrousel.intervene, with the forget gate held at 1, or at 1/2, from the first "
        "distractor on: the share of right answers, chance being 0.25."
    ),
    theory=(
        "With f = 1 the derivative along the cell state is exactly 1 at any distance. But a memory "
        "that keeps everything also keeps what it should have lost: what the input gate lets in "
        "is added up, the cell state grows, the tanh that reads it saturates, and a symbol can be "
        "replaced only by writing its opposite."
    ),
)

OPEN = 100.0  # sigmoid(100) is 1 in float32, and its slope 0: it stays there
HELD = Network("lstm", forget_bias=OPEN)
NETWORKS = (Network("lstm"), Network("lstm", forget_bias=1), Network("lstm", chrono=True), HELD)
LEARNED = Recall(10)  # what those have learned that are asked later
HOLDS = {"as it is": None, "held at 1": 1.0, "held at 1/2": 0.5}
PARAMETERS, ASKED = 500, 512  # numbers of a network; sequences that one is asked


@dataclass(frozen=True)
class Scale:
    """How much of it is run."""

    lags: tuple[int, ...] = (10, 20, 50, 100, 200, 500)
    latest: int = 20
    updates: int = 500  # of recall
    replacing: int = 2000  # of the latest symbol
    longer: int = 1000  # of those that are asked later
    rates: tuple[float, ...] = (0.01, 0.03)

    @property
    def tasks(self) -> list[Recall | Latest]:
        return [*map(Recall, self.lags), Latest(self.latest)]


QUICK = Scale(lags=(10, 40), latest=10, updates=150, replacing=150, longer=150, rates=(0.03,))


@dataclass
class Measured:
    """Everything by the network's label."""

    slopes: dict[str, dict[int, float]] = field(default_factory=dict)  # by lag
    solved: dict[str, dict[str, int]] = field(default_factory=dict)  # by task
    seconds: dict[str, float] = field(default_factory=dict)  # of the longest recall
    right: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)  # by hold, lag
    cells: dict[str, dict[int, float]] = field(default_factory=dict)  # mean |c_T| by lag


def label(network: Network) -> str:
    return "lstm, held at 1" if network == HELD else network.label


def run(options: Options) -> Outcome:
    scale = QUICK if options.quick else Scale()
    contests = [_contest(task, scale, options) for task in scale.tasks]
    found = Measured()
    each = contests[0].cost / 10  # so that the bar moves here, too
    options.progress.expect(each * len(NETWORKS) * options.count)
    for network in NETWORKS:
        one = []
        for seed in range(options.count):
            one.append((_slopes(network, seed, scale), *_asked_later(network, seed, scale)))
            options.progress.advance(each, f"{label(network)}, seed {seed}")
        slopes, right, cells = zip(*one, strict=True)
        found.slopes[label(network)] = _medians(slopes)
        found.right[label(network)] = {h: _medians([r[h] for r in right]) for h in HOLDS}
        found.cells[label(network)] = _medians(cells)
    results = run_contests(contests, options)
    for task, runs in zip(scale.tasks, results, strict=True):
        for row, network in zip(summary(runs), NETWORKS, strict=True):
            found.solved.setdefault(label(network), {})[task.name] = row["solved"]
            found.seconds[label(network)] = row["CPU seconds a run"]
    details = {"runs": [run for runs in results for run in runs], **vars(found)}
    return Outcome(
        ABOUT, _rows(scale, found), _findings(scale, found, options.count),
        _picture(scale, found, options.count), details=details,
    )  # fmt: skip


def _contest(task: Recall | Latest, scale: Scale, options: Options) -> Contest:
    updates = scale.replacing if isinstance(task, Latest) else scale.updates
    budget = Budget(batch=32, updates=updates, rate=scale.rates[0])
    return Contest(task, NETWORKS, PARAMETERS, budget, scale.rates, seeds=options.count)


def _slopes(network: Network, seed: int, scale: Scale) -> dict[int, float]:
    """Norms of dh_T/d(h, c) of k steps before, untrained."""
    task = Recall(scale.lags[-1])
    inputs = task.batch(4, torch.Generator().manual_seed(seed)).inputs
    norms = jacobian_norms(build(network, task, PARAMETERS, seed).recurrent, inputs)
    return {lag: float(norms[lag]) for lag in scale.lags}


def _asked_later(
    network: Network, seed: int, scale: Scale
) -> tuple[dict[str, dict[int, float]], dict[int, float]]:
    """Shares of right answers by hold and lag, and the mean |c_T| by lag as it is."""
    rng = torch.Generator().manual_seed(20_000 + seed)
    net = build(network, LEARNED, PARAMETERS, seed)
    learn(net, LEARNED, Budget(batch=32, updates=scale.longer, rate=0.03), rng)
    right: dict[str, dict[int, float]] = {hold: {} for hold in HOLDS}
    cells: dict[int, float] = {}
    for lag in scale.lags:
        batch = Recall(lag).batch(ASKED, rng)
        for hold, value in HOLDS.items():
            with ExitStack() as stack:
                stack.enter_context(torch.no_grad())
                records = stack.enter_context(trace(net))
                if value is not None:
                    change = stack.enter_context(intervene(net))
                    change.set("forget", value, steps=slice(1, None))
                answers = net(batch.inputs).argmax(-1)
            right[hold][lag] = float((answers == batch.target).float().mean())
            if value is None:
                memory = records[-1].cell
                assert memory is not None
                cells[lag] = float(memory[0, -1].abs().mean())
    return right, cells


def _medians(found: Any) -> dict[int, float]:
    return {lag: median([one[lag] for one in found]) for lag in found[0]}


def _rows(scale: Scale, found: Measured) -> list[dict[str, Any]]:
    last, middle = scale.lags[-1], scale.lags[len(scale.lags) // 2]
    rows = []
    for name, solved in found.solved.items():
        row: dict[str, Any] = {"network": name}
        row |= {f"gradient k={lag}": found.slopes[name][lag] for lag in (middle, last)}
        row |= {f"solved {task}": count for task, count in solved.items()}
        for hold, right in found.right[name].items():
            row |= {f"right at {lag}, {hold}": round(right[lag], 3) for lag in (middle, last)}
        row[f"mean |c| at {last}"] = round(found.cells[name][last], 2)
        rows.append(row)
    return rows


def _findings(scale: Scale, found: Measured, seeds: int) -> list[Finding]:
    held, plain = label(HELD), "lstm"
    last, recalls = scale.lags[-1], [Recall(lag).name for lag in scale.lags]
    slope, latest = found.slopes, Latest(scale.latest).name
    totals = {name: sum(solved[r] for r in recalls) for name, solved in found.solved.items()}
    best = max(totals, key=lambda name: (totals[name], name == held))
    replaced = {name: solved[latest] for name, solved in found.solved.items()}
    later = found.right[plain]
    everywhere = seeds * len(recalls)
    return [
        Finding(
            f"held at 1, the gradient of {last} steps before is more than a thousandth of that of "
            f"{scale.lags[0]} steps before, and of the default's it is not",
            slope[held][last] > 1e-3 * slope[held][scale.lags[0]]
            and slope[plain][last] <= 1e-3 * slope[plain][scale.lags[0]],
            f"{held} {slope[held][last]:.1e}; {plain} {slope[plain][last]:.1e}",
        ),
        Finding(
            "held at 1, recall is solved more often than by an LSTM as torch draws it",
            totals[held] > totals[plain],
            "; ".join(f"{name}: {count} of {everywhere}" for name, count in totals.items()),
        ),
        Finding(
            "no gate that learns is better at recall than one held at 1",
            best == held,
            f"{best} solved most: {totals[best]} of {everywhere}",
        ),
        Finding(
            f"{latest}: what has to be replaced is learned less often with the gate held at 1 than "
            "by the best other LSTM",
            replaced[held] < max(count for name, count in replaced.items() if name != held),
            "; ".join(f"{name}: {count} of {seeds}" for name, count in replaced.items()),
        ),
        Finding(
            f"held at 1 afterwards, the gate gives a trained default LSTM {last} steps of memory",
            later["held at 1"][last] > 0.9 and later["as it is"][last] < 0.5,
            "; ".join(f"{hold} {right[last]:.2f}" for hold, right in later.items()),
        ),
    ]


SHADES = dict(zip(map(label, NETWORKS), ("lstm", "lstm, forget bias 1", "lstm, chrono", "rnn"),
                  strict=True))  # fmt: skip


def _picture(scale: Scale, found: Measured, seeds: int) -> Any:
    figure, axes = plots.canvas(1, 3, width=4.4, height=4.1)
    left, middle, right = axes[0]
    for name, shade in SHADES.items():
        style = {"color": plots.color(shade), "markersize": 4}
        slopes = [found.slopes[name][lag] for lag in scale.lags]
        left.plot(scale.lags, slopes, "o-", label=name, **style)
        shares = [100 * found.solved[name][Recall(lag).name] / seeds for lag in scale.lags]
        middle.plot(scale.lags, shares, "o-", label=name, **style)
        latest = 100 * found.solved[name][Latest(scale.latest).name] / seeds
        middle.plot(scale.lags[-1] * 1.6, latest, "s", **style)
        held = found.right[name]
        right.plot(scale.lags, [held["as it is"][lag] for lag in scale.lags], "o-", **style)
        right.plot(scale.lags, [held["held at 1"][lag] for lag in scale.lags], "x--", **style)
    left.set_yscale("log")
    left.set_ylim(1e-30, 10)
    plots.titles(left, "what of the gradient arrives", "steps k", "|dh_T/ds_(T-k)|, untrained")
    title = "recall (circles) and the latest of four (squares)"
    plots.titles(middle, title, "distractors T", "runs solved (%)")
    middle.set_ylim(-4, 104)
    title = "learned with 10, asked with more: as it is (line), gate held at 1 (dashes)"
    plots.titles(right, title, "distractors T", "right answers")
    plots.baseline(right, 0.25, "chance")
    for ax in (left, middle, right):
        plots.logarithmic(ax, scale.lags)
    left.legend(fontsize=7, loc="lower left")
    return figure
