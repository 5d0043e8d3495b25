"""``carrousel lab constant-error``: the carousel alone, with its gates set by hand."""

import torch
from torch import Tensor, nn

from ... import nn as layers
from ...colors import BLUE, BLUES, GREEN, ORANGE, PINK, SKY
from ...ops.cells import BY_MODE
from .. import plots
from ..outcome import About, Finding, Options, Outcome

ABOUT = About(
    name="constant-error",
    title="The constant error carousel",
    question="Does an open memory with closed gates keep a state, and its gradient, for ever?",
    method=(
        "No training: an LSTM unit whose gates are set by their biases (100: open, -100: closed). "
        "The derivative of c(t) by c(0) by automatic differentiation, against sigmoid(b_f)^t; and "
        "a state held for 1,000 steps while noise arrives, beside units that cannot shut it out."
    ),
    theory=(
        "Along the cell state dc(t)/dc(t-1) = f(t) where the gates do not depend on c: over t "
        "steps the product of the forget gates. With f = 1 it is exactly 1 at any distance, and "
        "i = 0 keeps out what arrives. A plain recurrent unit lets every input in with the same "
        "weight at every step: it cannot close its door."
    ),
)

OPEN, CLOSED = 100.0, -100.0
BIASES = (0.0, 1.0, 3.0, 5.0, OPEN)
TIMES = (1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500)
HELD = 1000
START = 0.7


def unit(forget: float, enter: float = CLOSED, noise: float = 1.0) -> layers.LSTM:
    """One LSTM unit: gates by bias alone; the candidate sees the input with weight ``noise``."""
    lstm = layers.LSTM(1, 1)
    with torch.no_grad():
        for weight in lstm.parameters():
            weight.zero_()
        lstm.get_parameter("bias_ih_l0")[:] = torch.tensor([enter, forget, 0.0, OPEN])  # i f g o
        lstm.get_parameter("weight_ih_l0")[2] = noise
    return lstm


def derivative(lstm: nn.RNNBase, steps: int) -> float:
    """dc(steps)/dc(0), without input."""
    c0 = torch.full((1, 1, 1), START, requires_grad=True)
    _, (_, c) = lstm(torch.zeros(steps, 1, 1), (torch.zeros(1, 1, 1), c0))
    (slope,) = torch.autograd.grad(c.sum(), c0)
    return float(slope)


@torch.no_grad()
def held(unit_of: nn.RNNBase, noise: Tensor) -> list[float]:
    """The state after each step, starting from ``START``; ``noise`` is (steps, 1, 1)."""
    state = torch.full((1, 1, 1), START)
    if BY_MODE[unit_of.mode].has_cell:
        carry, values = (torch.zeros(1, 1, 1), state), []
        for x in noise.split(1):
            _, carry = unit_of(x, carry)
            values.append(float(carry[1]))
        return values
    return unit_of(noise, state)[0].flatten().tolist()


def keepers() -> dict[str, nn.RNNBase]:
    """Units that try to hold a number while noise arrives."""
    rnn, gru = layers.RNN(1, 1), layers.GRU(1, 1)
    with torch.no_grad():
        for weight in (*rnn.parameters(), *gru.parameters()):
            weight.zero_()
        rnn.get_parameter("weight_hh_l0").fill_(1.0)  # would carry the state on for ever ...
        rnn.get_parameter("weight_ih_l0").fill_(0.1)  # ... but noise enters, and tanh shrinks it
        gru.get_parameter("weight_ih_l0")[2] = 1.0
        gru.get_parameter("bias_ih_l0")[1] = OPEN  # z = 1: h' = h
    return {
        "lstm, gates closed": unit(OPEN),
        "gru, update gate 1": gru,
        "lstm, input gate open by 2 %": unit(OPEN, enter=-4.0),
        "lstm, forget gate 0.993": unit(5.0),
        "rnn, recurrent weight 1": rnn,
    }


def run(options: Options) -> Outcome:
    options.progress.expect(2)
    slopes = {bias: [derivative(unit(bias), t) for t in TIMES] for bias in BIASES}
    options.progress.advance(1, "derivatives")
    noise = torch.randn(HELD, 1, 1, generator=torch.Generator().manual_seed(0))
    kept = {name: held(keeper, noise) for name, keeper in keepers().items()}
    options.progress.advance(1, "a state held")
    rows = [
        {"unit": f"lstm, b_f = {_bias(bias)}", "forget gate": round(_gate(bias), 5),
         "dc(500)/dc(0)": slopes[bias][-1], "sigmoid(b_f)^500": _gate(bias) ** 500}
        for bias in BIASES
    ]  # fmt: skip
    rows.append(
        {"unit": "ann", "forget gate": None, "dc(500)/dc(0)": 0.0, "sigmoid(b_f)^500": None}
    )
    details = {"times": TIMES, "slopes": {str(b): s for b, s in slopes.items()}, "held": kept}
    return Outcome(ABOUT, rows, _findings(slopes, kept), _picture(slopes, kept), details=details)


def _findings(slopes: dict[float, list[float]], kept: dict[str, list[float]]) -> list[Finding]:
    worst = max(
        abs(slope - _gate(bias) ** t)
        for bias, own in slopes.items()
        for t, slope in zip(TIMES, own, strict=True)
    )
    drift = max(abs(value - START) for value in kept["lstm, gates closed"])
    return [
        Finding("open memory, closed gates: dc(500)/dc(0) = 1", slopes[OPEN][-1] == 1.0,
                f"measured {slopes[OPEN][-1]}"),
        Finding("otherwise dc(t)/dc(0) = sigmoid(b_f)^t", worst < 1e-4,
                f"largest difference {worst:.1e}"),
        Finding(f"closed gates hold a state for {HELD:,} steps of noise", drift < 1e-5,
                f"largest deviation from {START}: {drift:.1e}"),
    ]  # fmt: skip


def _gate(bias: float) -> float:
    return float(torch.tensor(bias, dtype=torch.float64).sigmoid())


def _bias(bias: float) -> str:
    return "open" if bias == OPEN else f"{bias:g}"


def _picture(slopes: dict[float, list[float]], kept: dict[str, list[float]]):
    figure, axes = plots.canvas(1, 2, height=3.9)
    left, right = axes[0]
    grid = torch.linspace(0, TIMES[-1], 200)
    for (bias, own), shade in zip(slopes.items(), BLUES, strict=True):
        left.plot(grid, _gate(bias) ** grid.double(), color=shade, linewidth=1)
        label = f"$b_f$ = {_bias(bias)} (f = {_gate(bias):.3g})"
        left.plot(TIMES, own, "o", color=shade, markersize=4, label=label)
    left.set_yscale("log")
    left.set_ylim(1e-12, 5)
    plots.floor(left, "ann: 0, nothing is carried on")
    plots.titles(left, "dots: $\\partial c(t)/\\partial c(0)$ measured; lines: $f^{\\,t}$",
                 "steps t", "derivative")  # fmt: skip
    left.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.42, 0.05))
    colors = (BLUE, GREEN, SKY, PINK, ORANGE)
    for (name, values), shade in zip(kept.items(), colors, strict=True):
        style = "--" if name.startswith("gru") else "-"
        right.plot(values, style, color=shade, label=name, linewidth=1.4)
    plots.baseline(right, 0, "ann: forgets at once")
    plots.titles(right, f"{START} to be held for {HELD:,} steps while noise arrives",
                 "step", "state")  # fmt: skip
    right.set_ylim(-1.2, 1.35)
    right.legend(fontsize=7, loc="lower left", ncols=2)
    return figure
