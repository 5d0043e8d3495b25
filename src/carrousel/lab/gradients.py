"""How much of a gradient arrives: Jacobians between steps, and what each step adds to a weight."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..ops import reference
from ..ops.cells import BY_MODE

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


@dataclass
class Unrolled:
    """A layer run step by step, so that any state or weight copy can be differentiated by.

    ``hidden`` and ``cell`` hold T + 1 tensors (B, H), the initial states first; ``weights`` holds
    one set of weights a step, equal in value: the gradient by one of them is that step's share.
    """

    hidden: list[Tensor]
    cell: list[Tensor]  # empty but for the LSTM
    weights: list[list[Tensor]]


def unroll(layer: nn.RNNBase, inputs: Tensor) -> Unrolled:
    """``inputs`` (T, B, I); the equations of :mod:`carrousel.ops.reference`, in float64."""
    inputs = inputs.double()
    own = [layer.get_parameter(name).detach().double() for name in NAMES]
    size = (inputs.shape[1], layer.hidden_size)
    start = torch.zeros(size, dtype=torch.float64)
    h: Tensor = start.clone().requires_grad_()
    c: Tensor | None = start.clone().requires_grad_() if BY_MODE[layer.mode].has_cell else None
    run = Unrolled([h], [] if c is None else [c], [])
    for x in inputs:
        weights = [weight.clone().requires_grad_() for weight in own]
        h, c, _ = reference.step(layer.mode, x, h, c, weights)
        run.weights.append(weights)
        h = h.clone()  # copies: what a step hands on, each free to vary with the other held
        run.hidden.append(h)
        if c is not None:
            c = c.clone()
            run.cell.append(c)
    return run


def jacobian_norms(layer: nn.RNNBase, inputs: Tensor) -> Tensor:
    """Spectral norm of ∂h_T/∂s_(T-k) for k = 0 ... T, mean over the sequences; s is h, or (h, c).

    ``inputs`` (T, B, I). Each sequence is run once for each of the H rows of the Jacobian.
    """
    size, count = layer.hidden_size, inputs.shape[1]
    run = unroll(layer, inputs.repeat_interleave(size, 1))  # rows: sequence-major, then unit
    last = run.hidden[-1].unflatten(0, (count, size))  # (B, H copies, H)
    total = last.diagonal(dim1=1, dim2=2).sum()  # copy j asks for unit j
    states = [*run.hidden, *run.cell]
    grads = torch.autograd.grad(total, states, allow_unused=True)
    rows = [torch.zeros_like(s) if g is None else g for s, g in zip(states, grads, strict=True)]
    steps = len(run.hidden)
    by_state = torch.stack(rows[:steps])  # (T + 1, B * H, H)
    if run.cell:
        by_state = torch.cat([by_state, torch.stack(rows[steps:])], -1)  # (T + 1, B * H, 2H)
    jacobians = by_state.unflatten(1, (count, size))
    return torch.linalg.matrix_norm(jacobians, 2).mean(1).flip(0)


def spectral_norm(layer: nn.RNNBase) -> float:
    """σ_max of the recurrent weights: for a tanh RNN, |∂h_T/∂h_(T-k)| <= σ_max^k."""
    return float(torch.linalg.matrix_norm(layer.get_parameter("weight_hh_l0").detach().double(), 2))


def spectral_radius(layer: nn.RNNBase) -> float:
    """The largest absolute eigenvalue of the recurrent weights: near zero states, where tanh is
    the identity, the RNN's gradient falls or grows as its k-th power."""
    weight = layer.get_parameter("weight_hh_l0").detach().double()
    return float(torch.linalg.eigvals(weight).abs().max())


def update_shares(
    layer: nn.RNNBase, answer: nn.Linear, inputs: Tensor, target: Tensor
) -> tuple[Tensor, float]:
    """What the step k back adds to the gradient of all weights, as a norm; and |weights|.

    ``inputs`` (T, B, I), ``target`` (B,) classes; the loss is the last step's cross-entropy.
    -> (T,) for k = 0 ... T-1, |W|
    """
    run = unroll(layer, inputs)
    logits = run.hidden[-1] @ answer.weight.detach().double().T + answer.bias.detach().double()
    loss = nn.functional.cross_entropy(logits, target)
    flat = [weight for step in run.weights for weight in step]
    grads = torch.autograd.grad(loss, flat)
    squares = torch.stack([grad.square().sum() for grad in grads])
    shares = squares.unflatten(0, (-1, len(NAMES))).sum(1).sqrt()
    size = torch.stack([weight.square().sum() for weight in run.weights[0]]).sum().sqrt()
    return shares.flip(0), float(size.detach())
