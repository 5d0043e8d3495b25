"""How far gradients reach: Jacobians of the last state by earlier ones, and the theory's bound."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..ops import cells
from ..ops.written import of_kind
from ..plottable import Plottable
from ..record.record import Record
from ..tracing import trace
from .accounting import Books
from .asking import differentiable
from .private import check_model, private
from .steps import Steps


@dataclass(frozen=True)
class GradientFlow(Plottable, picture="carrousel.plots:plot_flow"):
    """Norms per step; see :func:`gradient_flow`. Arrays are (L*D, len(steps), B), float64.

    ``hidden`` is ‖∂h_T/∂h_t‖ at fixed c_t, ``cell`` ‖∂c_T/∂c_t‖ with all that follows from c_t,
    ``direct`` the same along the memory's own path alone, the largest product of forget (GRU:
    update) gates of any unit, and ``bound`` what Pascanu's argument guarantees ``hidden`` not to
    exceed (None of a run that was changed by hand, and of cells that torch lacks). With ``of`` a
    function, ``hidden`` and ``cell`` are ‖∂of/∂h_t‖ and ‖∂of/∂c_t‖, and there is no bound. What
    does not apply is None.
    """

    name: str
    kind: str
    steps: tuple[int, ...]
    hidden: Tensor
    cell: Tensor | None
    direct: Tensor | None
    bound: Tensor | None
    sigma_max: tuple[dict[str, float], ...]  # per entry: largest singular value per gate's W_hh


def gradient_flow(
    model: nn.Module,
    x: Any,
    of: Callable[[Any], Tensor] | None = None,
    *,
    steps: Iterable[int] | None = None,
    layer: str | None = None,
) -> GradientFlow:
    """How strongly the last state (or an output) depends on the state at each earlier step.

    Without ``of``: spectral norms of the full Jacobians ∂h_T/∂h_t and ∂c_T/∂c_t, by exact
    vector-Jacobian products in float64, one per unit of the last state. With ``of``, a function of
    the model's output that gives one number (per sequence or in all): the norm of its gradient by
    the states at each step, through everything that follows.

    Beside them stands the bound of Pascanu, Mikolov & Bengio (2013, "On the difficulty of training
    recurrent neural networks"): for the RNN the product of σ_max(W_hh) and the largest slope of
    each step; for LSTM and GRU the same argument block by block with the recorded gates. It holds
    always and is far from tight: a large bound promises nothing.

    Args:
        x: the model's input, or a tuple of its arguments; a few sequences are enough
        steps: positions to report, all by default
        layer: name of the recurrent layer, the one called last by default

    >>> import torch
    >>> from carrousel.explain import gradient_flow
    >>> flow = gradient_flow(torch.nn.LSTM(3, 8), torch.randn(50, 1, 3))
    >>> flow.hidden.shape, bool((flow.hidden <= flow.bound * 1.001).all())
    (torch.Size([1, 50, 1]), True)
    """
    check_model(model)
    asked, of = private(model, of)  # a record does not keep it alive, whose weights are read below
    with differentiable():
        record = _traced(asked, _plain(x), of, layer)
    chosen = list(record.steps) if steps is None else list(steps)
    for step in chosen:
        if step not in record.steps:
            first, last = record.steps[0], record.steps[-1]
            raise ValueError(f"steps must be of those recorded, {first} to {last}, got {step}")
    where = torch.tensor([step - record.steps.start for step in chosen], dtype=torch.long)
    entries = [Steps.of(record, index) for index in range(record.hidden.shape[0])]
    norms: Any = _of_output(record) if of is not None else _of_states(record, entries)
    norms = {key: None if value is None else value[:, where] for key, value in norms.items()}
    return GradientFlow(
        name=record.name,
        kind=record.kind,
        steps=tuple(chosen),
        sigma_max=tuple(sigma_max(entry) for entry in entries),
        **norms,
    )


def sigma_max(entry: Steps) -> dict[str, float]:
    """The largest singular value of each gate's recurrent matrix; "hidden" for the plain RNN."""
    return {
        name: max(float(torch.linalg.matrix_norm(head, 2)) for head in heads)
        for name, heads in entry.recurrent_matrices().items()
    }


def _traced(
    asked: nn.Module, x: Any, of: Callable[[Any], Tensor] | None, layer: str | None
) -> Record:
    arguments = x if isinstance(x, tuple) and not isinstance(x, PackedSequence) else (x,)
    parameters = [p for p in asked.parameters() if p.requires_grad]
    if of is not None and not parameters:
        raise ValueError("of= needs a model with parameters that require gradients")
    with trace(asked) as records, torch.set_grad_enabled(of is not None):
        output = asked(*arguments)
        if of is not None:
            # By the parameters, not .backward(): their .grad stays as it is.
            torch.autograd.grad(_asked_about(of, output).sum(), parameters, allow_unused=True)
    if not len(records):
        reasons = "; ".join(f"{left.name!r}: {left.reason}" for left in records.left)
        raise ValueError(f"model: no recurrent layer was seen at work; {reasons}")
    if layer is None:
        return records[-1]
    try:
        return records[layer]
    except KeyError as error:
        raise ValueError(f"layer: {error.args[0]}") from None


def _plain(x: Any) -> Any:
    """Without tensors of inference mode, which no gradient can pass."""
    if isinstance(x, tuple) and not isinstance(x, PackedSequence):
        return tuple(_plain(one) for one in x)
    return x.clone() if isinstance(x, Tensor) and x.is_inference() else x


def _asked_about(of: Callable[[Any], Tensor], output: Any) -> Tensor:
    found = of(output)
    if not isinstance(found, Tensor) or not found.requires_grad:
        raise ValueError("of= must give a tensor that depends on the model's parameters")
    return found


def _of_output(record: Record) -> dict[str, Tensor | None]:
    if record.grad_hidden is None:
        raise ValueError(f"of= does not depend on the layer {record.name!r}")
    cell = record.grad_cell
    return {
        "hidden": record.grad_hidden.double().norm(dim=-1).cpu(),
        "cell": None if cell is None else cell.double().norm(dim=-1).cpu(),
        "direct": None,
        "bound": None,
    }


def _of_states(record: Record, entries: list[Steps]) -> dict[str, Tensor | None]:
    kind = of_kind(entries[0].kind)
    hidden = [_jacobian_norms(entry, "hidden") for entry in entries]
    cell = [_jacobian_norms(entry, "cell") for entry in entries] if kind.has_cell else None
    direct = None
    if kind.keeps:
        direct = [Books.of(record, k).survival().amax(-1) for k in range(len(entries))]
    # The bound is torch's cell's; of a run that was changed by hand it would be another.
    bounded = entries[0].weights is not None and kind in _BOUNDS and not record.changed
    bound = [_bounds(entry) for entry in entries] if bounded else None

    def positioned(norms: list[Tensor] | None) -> Tensor | None:
        if norms is None:
            return None
        pairs = zip(entries, norms, strict=True)
        return torch.stack([entry.order.leave(norm) for entry, norm in pairs])

    return {
        "hidden": positioned(hidden),
        "cell": positioned(cell),
        "direct": positioned(direct),
        "bound": positioned(bound),
    }


def jacobians(entry: Steps, of: str) -> Iterable[tuple[int, Tensor]]:
    """(t, ∂s_T/∂s_t) from the last step to the first; s is "hidden" or "cell"; (K, B, K).

    ∂c_T/∂c_t counts everything that follows from c_t, the hidden state of the same step included.
    """
    steps, batch, _ = entry.hidden.shape
    own = 0 if of == "hidden" else 1
    size = entry.states[own].shape[-1]
    slopes = [torch.zeros(size, batch, s.shape[-1], dtype=torch.float64) for s in entry.states]
    slopes[own] = torch.eye(size, dtype=torch.float64)[:, None].expand(size, batch, size)
    for t in range(steps - 1, -1, -1):
        yield t, slopes[0] if of == "hidden" else entry.total_cell(t, slopes)
        if t:
            slopes = list(entry.back(t, slopes))


def _jacobian_norms(entry: Steps, of: str) -> Tensor:
    norms = [torch.linalg.matrix_norm(j.transpose(0, 1), 2) for _, j in jacobians(entry, of)]
    return torch.stack(norms[::-1])


def _bounds(entry: Steps) -> Tensor:
    """(T, B): the product of the steps' bounds, 2x2 in the norms of hidden and cell blocks."""
    steps, batch, _ = entry.hidden.shape
    sigma = sigma_max(entry)
    total = torch.eye(2, dtype=torch.float64).expand(batch, 2, 2)
    bounds = []
    for t in range(steps - 1, -1, -1):
        bounds.append(total[:, 0, 0])
        step = _step_bound(entry, t, sigma)
        total = torch.where(entry.order.present[t][:, None, None], total @ step, total)
    return torch.stack(bounds[::-1])


def _step_bound(entry: Steps, t: int, sigma: dict[str, float]) -> Tensor:
    """(B, 2, 2): bounds on the norms of the blocks ∂(h_t, c_t)/∂(h_{t-1}, c_{t-1})."""
    blocks = torch.zeros(entry.hidden.shape[1], 2, 2, dtype=torch.float64)
    return _BOUNDS[of_kind(entry.kind)](entry, t, sigma, blocks)


def _rnn_bound(entry: Steps, t: int, sigma: dict[str, float], blocks: Tensor) -> Tensor:
    blocks[:, 0, 0] = _top(entry.slope(t)) * sigma["hidden"]
    return blocks


def _gru_bound(entry: Steps, t: int, sigma: dict[str, float], blocks: Tensor) -> Tensor:
    r, z, n = (entry.gates[k][t] for k in ("reset", "update", "candidate"))
    through_n = (1 - z) * (1 - n**2)
    blocks[:, 0, 0] = (
        _top(z)
        + _top((entry.before[0][t] - n) * z * (1 - z)) * sigma["update"]
        + _top(through_n * r) * sigma["candidate"]
        + _top(through_n * entry.candidate_hidden(t) * r * (1 - r)) * sigma["reset"]
    )
    return blocks


def _lstm_bound(entry: Steps, t: int, sigma: dict[str, float], blocks: Tensor) -> Tensor:
    assert entry.cell is not None
    assert entry.weights is not None
    i, f, g, o = (entry.gates[k][t] for k in ("input", "forget", "candidate", "output"))
    squashed = entry.cell[t].tanh()
    out = o * (1 - squashed**2)
    outer = entry.weights.w_hr
    projected = 1.0 if outer is None else float(torch.linalg.matrix_norm(outer, 2))
    slopes = {
        "input": g * i * (1 - i),
        "forget": entry.before[1][t] * f * (1 - f),
        "candidate": i * (1 - g**2),
    }
    blocks[:, 1, 1] = _top(f)
    blocks[:, 1, 0] = sum(_top(slope) * sigma[k] for k, slope in slopes.items())
    blocks[:, 0, 1] = projected * _top(out * f)
    through_cell = sum(_top(out * slope) * sigma[k] for k, slope in slopes.items())
    through_gate = _top(squashed * o * (1 - o)) * sigma["output"]
    blocks[:, 0, 0] = projected * (through_cell + through_gate)
    return blocks


_BOUNDS = {cells.LSTM: _lstm_bound, cells.GRU: _gru_bound, cells.RNN: _rnn_bound}


def _top(diagonal: Tensor) -> Tensor:
    """The spectral norm of a diagonal matrix, (B, H) to (B,)."""
    return diagonal.abs().amax(-1)
