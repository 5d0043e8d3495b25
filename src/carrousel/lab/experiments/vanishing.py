"""``carrousel lab vanishing``: how much of the error reaches the steps and layers far back."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from ..gradients import jacobian_norms, spectral_norm, spectral_radius, update_shares
from ..learning import Budget, learn
from ..networks import Network, Reader, build
from ..outcome import About, Finding, Options, Outcome
from ..tasks import Recall
from .vanishing_picture import picture

ABOUT = About(
    name="vanishing",
    title="Vanishing and exploding gradients",
    question="How much of the error at the last step arrives k steps, or k layers, before?",
    method=(
        "The spectral norm of the Jacobian dh_T/ds_(T-k), s being all that is carried on (h, or h "
        "and c), before and after training on recall with 20 distractors. Then what each step, and "
        "each layer of a deep network, adds to one update of gradient descent, relative to the "
        "weights. A weight's whole gradient sums over all distances and would show nothing."
    ),
    theory=(
        "In a tanh RNN the Jacobian over k steps is a product of k factors diag(1 - h^2) W_hh, so "
        "that its norm is at most sigma_max^k; near zero it follows the spectral radius rho^k. A "
        "gated cell has another way back: through c (or the update gate's z h) the factor is the "
        "gate itself, and an open gate passes the error on unchanged."
    ),
)

PLAIN = Network("rnn")
NETWORKS = (
    PLAIN,
    Network("gru"),
    Network("lstm"),
    Network("lstm", forget_bias=3),
    Network("lstm", chrono=True),
)
DISTANCES = 100
LAYERS, WIDTH = 20, 24
STEP = 0.1  # of the gradient descent whose updates are measured
TASK, FAR = Recall(20), Recall(DISTANCES - 1)
PARAMETERS = 2000
GAIN = 4.0  # factor on the recurrent weights of the RNN that explodes


@dataclass
class Measured:
    """All that is measured, one list entry a seed."""

    before: dict[str, list[list[float]]] = field(default_factory=dict)  # label -> seeds x (T + 1)
    after: dict[str, list[list[float]]] = field(default_factory=dict)
    shares: dict[str, list[list[float]]] = field(default_factory=dict)  # update / weights
    sigma: list[float] = field(default_factory=list)  # sigma_max of the RNN at initialization
    radius: list[float] = field(default_factory=list)  # its largest |eigenvalue|
    solved: dict[str, list[bool]] = field(default_factory=dict)
    layers: list[list[float]] = field(default_factory=list)  # deep ann: update / weights, by layer
    learned: list[list[float]] = field(default_factory=list)  # change after training, likewise
    exploding: list[list[float]] = field(default_factory=list)
    clipped: list[list[float]] = field(default_factory=list)


def run(options: Options) -> Outcome:
    seeds = options.count
    options.progress.expect(seeds * (len(NETWORKS) + 1))
    updates = 150 if options.quick else 600
    data = Measured()
    for seed in range(seeds):
        for network in NETWORKS:
            measure(data, network, seed, updates)
            options.progress.advance(1, f"{network.label}, seed {seed}")
        measure_layers(data, seed, 100 if options.quick else 1000)
        measure_explosion(data, seed)
        options.progress.advance(1, f"deep ann, seed {seed}")
    details = {name: value for name, value in vars(data).items()}
    return Outcome(ABOUT, rows(data), findings(data), picture(vars(data)), details=details)


def measure(data: Measured, network: Network, seed: int, updates: int) -> None:
    """One network of one seed: Jacobians before and after training, updates before."""
    net, rng = build(network, TASK, PARAMETERS, seed), torch.Generator().manual_seed(seed)
    layer, batch = net.recurrent, FAR.batch(4, rng)
    label = network.label
    data.before.setdefault(label, []).append(jacobian_norms(layer, batch.inputs).tolist())
    shares, size = update_shares(layer, net.answer, batch.inputs, batch.target)
    data.shares.setdefault(label, []).append((STEP * shares / size).tolist())
    if network.label == PLAIN.label:
        data.sigma.append(spectral_norm(layer))
        data.radius.append(spectral_radius(layer))
    course = learn(net, TASK, Budget(32, updates, 0.01), rng)
    data.after.setdefault(label, []).append(jacobian_norms(layer, batch.inputs).tolist())
    data.solved.setdefault(label, []).append(course.solved)


def deep(seed: int) -> nn.Sequential:
    """A feed-forward network of many tanh layers, as torch initializes it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = [TASK.inputs, *[WIDTH] * (LAYERS - 1)]
        hidden = [
            nn.Sequential(nn.Linear(size, after), nn.Tanh())
            for size, after in zip(sizes, [*sizes[1:], WIDTH], strict=True)
        ]
        return nn.Sequential(*hidden, nn.Linear(WIDTH, TASK.outputs))


def measure_layers(data: Measured, seed: int, updates: int) -> None:
    """A deep network on the same classes without any delay: who learns, first layers or last?"""
    net, task, rng = deep(seed), Recall(0), torch.Generator().manual_seed(seed)
    descent = torch.optim.SGD(net.parameters(), lr=STEP)
    matrices = [weight for weight in net.parameters() if weight.dim() == 2]
    start = [weight.detach().clone() for weight in matrices]
    for update in range(updates):
        batch = task.batch(64, rng)
        descent.zero_grad()
        task.loss(net(batch.inputs[0]), batch).backward()
        if update == 0:
            grads = [weight.grad for weight in matrices if weight.grad is not None]
            data.layers.append(_relative([STEP * grad for grad in grads], start))
        descent.step()
    changes = [now.detach() - then for now, then in zip(matrices, start, strict=True)]
    data.learned.append(_relative(changes, start))


def _relative(parts: list[Tensor], wholes: list[Tensor]) -> list[float]:
    """|part| / |whole|, from the last layer to the first: distance from the error upwards."""
    pairs = list(zip(parts, wholes, strict=True))[::-1]
    return [float(part.norm() / whole.norm()) for part, whole in pairs]


def measure_explosion(data: Measured, seed: int) -> None:
    """An RNN with large recurrent weights: each step's share of one update, free and clipped."""
    net = build(Network("rnn"), TASK, PARAMETERS, seed)
    layer, rng = net.recurrent, torch.Generator().manual_seed(seed)
    with torch.no_grad():
        layer.get_parameter("weight_hh_l0").mul_(GAIN)
        layer.get_parameter("weight_ih_l0").mul_(0.1)  # small sums: tanh does not saturate
    batch = FAR.batch(4, rng)
    shares, size = update_shares(layer, net.answer, batch.inputs, batch.target)
    norm = float(net_gradient(net, batch.inputs, batch.target))
    data.exploding.append((STEP * shares / size).tolist())
    data.clipped.append((STEP * shares / size / max(1.0, norm)).tolist())


def net_gradient(net: Reader, inputs: Tensor, target: Tensor) -> Tensor:
    """Norm of the gradient of all weights, what clipping to 1 divides by."""
    loss = nn.functional.cross_entropy(net(inputs), target)
    grads = torch.autograd.grad(loss, list(net.parameters()))
    return torch.stack([grad.norm() for grad in grads]).norm()


def half_life(norms: list[float]) -> float:
    """Steps in which the norm halves, by a straight line through its logarithm."""
    logs = np.log2(np.maximum(norms[1:], 1e-300))
    slope = np.polyfit(np.arange(1, len(norms)), logs, 1)[0]
    return float("inf") if slope >= 0 else float(-1 / slope)


def rows(data: Measured) -> list[dict]:
    """Medians over the seeds; k = 50 is the norm of dh_T/ds_(T-50)."""
    table = []
    for label, before in data.before.items():
        now, then = np.median(before, axis=0), np.median(data.after[label], axis=0)
        share = np.median(data.shares[label], axis=0)[50]
        numbers = {
            "k=50": now[50],
            "k=100": now[100],
            "halves in (steps)": half_life(now.tolist()),
            "k=50 trained": then[50],
            "k=100 trained": then[100],
            "update by k=50 / weights": share,
        }
        rounded = {
            name: float(f"{value:.3g}") if np.isfinite(value) else None
            for name, value in numbers.items()
        }
        solved = f"{sum(data.solved[label])} of {len(before)}"
        table.append({"network": label, **rounded, "solved recall": solved})
    return table


def findings(data: Measured) -> list[Finding]:
    rnn = np.array(data.before["rnn"])
    bound = np.array(data.sigma)[:, None] ** np.arange(DISTANCES + 1)
    opened = np.median(data.before["lstm, chrono"], axis=0)
    plain = np.median(data.before["lstm"], axis=0)
    layers, free = np.median(data.layers, axis=0), np.median(data.exploding, axis=0)
    learned, clipped = np.median(data.learned, axis=0), np.median(data.clipped, axis=0)
    divided = np.array(data.clipped) / np.array(data.exploding)  # (seeds, k)
    middle = np.median(rnn, axis=0)
    return [
        Finding("rnn: |dh_T/dh_(T-k)| <= sigma_max^k, for every seed and k",
                bool((rnn <= bound * (1 + 1e-9)).all()),
                f"sigma_max {min(data.sigma):.2f} to {max(data.sigma):.2f}"),
        Finding("rnn: the gradient falls exponentially with distance",
                half_life(middle.tolist()) < 10,
                f"it halves every {half_life(middle.tolist()):.1f} steps; at 100 steps "
                f"{middle[100]:.1e} of it is left"),
        Finding("an LSTM whose memory begins open (chrono) keeps a gradient over 100 steps",
                bool(opened[100] > 1e-3),
                f"chrono {opened[100]:.1e}; as torch draws it {plain[100]:.1e}"),
        Finding("the first layers of a deep network learn next to nothing",
                bool(layers[-1] < 1e-3 * layers[0]),
                f"one update changes the last of {LAYERS} layers by {layers[0]:.1e} of its "
                f"weights, the first by {layers[-1]:.1e}; after training {learned[0]:.1e} and "
                f"{learned[-1]:.1e}"),
        Finding(f"recurrent weights {GAIN:g} times larger: the gradient grows with distance",
                bool(free[50] > 100 * free[0]),
                f"step 50 back adds {free[50] / free[0]:.1e} times what the last step adds"),
        Finding("clipping bounds the update but leaves the proportions as they are",
                bool(clipped.max() < 1 and np.allclose(divided, divided[:, :1])),
                f"the largest share of one update, relative to the weights: {free.max():.1e} free, "
                f"{clipped.max():.1e} clipped"),
    ]  # fmt: skip
