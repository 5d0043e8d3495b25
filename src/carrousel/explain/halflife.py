"""How long units remember: by their gates, by the full Jacobian, and by taking away content."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..ops.written import of_kind
from ..plottable import Plottable
from ..record.record import Record
from .accounting import Books
from .by_hand import ByHand
from .flow import jacobians
from .order import at_step, check_record
from .steps import Steps


@dataclass(frozen=True)
class HalfLife(Plottable, picture="carrousel.plots:plot_half_life"):
    """Half-lives in steps, each (L*D, H) float64; see :func:`half_life`.

    ``inf`` means that the effect did not fall to half within the record.
    """

    gates: Tensor | None
    jacobian: Tensor
    ablation: Tensor
    lags: tuple[int, ...]
    curves: dict[str, Tensor]  # effect at each lag, (L*D, len(lags), H): jacobian, ablation


def half_life(record: Record, layer: nn.Module | None = None) -> HalfLife:
    """Steps after which half of what a unit held is gone, measured in three ways.

    - ``gates``: log(1/2) / mean(log f), from the forget (GRU: update) gates as they were. It
      supposes that later inputs would have moved the gates in the same way whatever the unit held,
      and sees the unit's own path only. None for a plain RNN.
    - ``jacobian``: the lag at which a small nudge to the unit still changes the last state half as
      much as at lag 0: the norm of the unit's column of ∂c_T/∂c_t (GRU and RNN: ∂h_T/∂h_t), which
      goes through every path, gates included.
    - ``ablation``: the same for taking the content away: the unit is set to 0 at step t, the layer
      runs on to T, and the change of the last state is divided by what was taken.

    They agree where the gates do not react to the state. Where they differ, the gates' half-life
    is an accounting and the ablation is what happened. Both measured curves are means over
    sequences and run back from the last step, whose distance limits what can be seen.

    Of a run that was changed by hand (:func:`carrousel.intervene`) the measured half-lives are of
    the run with its changes, and ``gates`` counts what was kept. Where the changes are not known
    (of a record from a file) or a gate was frozen, the two measured ones are NaN.

    ``layer`` is the layer whose record it is; needed only when the record has outlived it.

    >>> import torch, carrousel
    >>> from carrousel.explain import half_life
    >>> lstm = carrousel.LSTM(2, 4)
    >>> with carrousel.trace(lstm) as trace:
    ...     _ = lstm(torch.randn(20, 3, 2))
    >>> half_life(trace[-1]).gates.shape  # a level and direction, a unit
    torch.Size([1, 4])
    """
    check_record(record)
    entries = range(record.hidden.shape[0])
    lags = _lags(int(record.lengths.max()))
    if not all(ByHand.is_known(record, index) for index in entries):
        jacobian = ablation = _unknown(record, lags)
    else:
        steps = [Steps.of(record, index, layer) for index in entries]
        jacobian = torch.stack([_jacobian_curve(entry, lags) for entry in steps])
        ablation = torch.stack([_ablation_curve(entry, lags) for entry in steps])
    gated = of_kind(record.kind).keeps is not None
    return HalfLife(
        gates=torch.stack([_by_gates(record, index) for index in entries]) if gated else None,
        jacobian=first_half(jacobian, lags),
        ablation=first_half(ablation, lags),
        lags=lags,
        curves={"jacobian": jacobian, "ablation": ablation},
    )


def _unknown(record: Record, lags: tuple[int, ...]) -> Tensor:
    entries, _, _, units = record.hidden.shape
    return torch.full((entries, len(lags), units), math.nan, dtype=torch.float64)


def first_half(curves: Tensor, lags: tuple[int, ...]) -> Tensor:
    """Where curves (..., lags, H) first fall to half of their first value, log-linear between."""
    if len(lags) < 2:
        return torch.full_like(curves[..., 0, :], math.inf)
    relative = curves / curves[..., :1, :].clamp_min(1e-300)
    logs = relative.clamp_min(1e-300).log2() + 1  # 0 at one half
    below = logs <= 0
    after = below.long().argmax(-2, keepdim=True).clamp_min(1)
    high, low = logs.gather(-2, after - 1), logs.gather(-2, after)
    at = torch.tensor(lags, dtype=torch.float64)
    left, right = at[after - 1], at[after]
    crossing = left + (right - left) * high / (high - low)
    found = torch.where(below.any(-2, keepdim=True), crossing, math.inf).squeeze(-2)
    return found.masked_fill(curves.isnan().any(-2), math.nan)


def _lags(length: int) -> tuple[int, ...]:
    """0, 1, 2, 3, 4, 6, 8, 12, 16, ... below the length."""
    grid = [0, 1, 2, 3]
    while grid[-1] < length:
        grid.append(grid[-2] * 2)
    return tuple(lag for lag in grid if lag < length)


def _by_gates(record: Record, index: int) -> Tensor:
    books = Books.of(record, index)
    steps = books.order.lengths.sum().clamp_min(1)
    mean_log = books.kept.clamp_min(1e-300).log().sum((0, 1)) / steps
    # A sigmoid that has rounded to 1 says no more than that the half-life is beyond measure.
    return torch.where(mean_log < -1e-9, math.log(0.5) / mean_log, math.inf)


def _jacobian_curve(entry: Steps, lags: tuple[int, ...]) -> Tensor:
    of = "hidden" if entry.cell is None else "cell"
    total = int(entry.order.lengths.max())
    by_step = {t: matrix.norm(dim=0) for t, matrix in jacobians(entry, of)}  # (B, H)
    norms = torch.stack([by_step[t] for t in range(total)])
    final = entry.order.lengths - 1
    return torch.stack([_mean_over(at_step(norms, final - lag), final >= lag) for lag in lags])


def _ablation_curve(entry: Steps, lags: tuple[int, ...]) -> Tensor:
    final = entry.order.lengths - 1
    return torch.stack([_ablated(entry, lag, final >= lag) for lag in lags])


def _ablated(entry: Steps, lag: int, able: Tensor) -> Tensor:
    """(H,): change of the last state per unit taken away ``lag`` steps before it."""
    start = (entry.order.lengths - 1 - lag).clamp_min(0)
    state = at_step(entry.hidden if entry.cell is None else entry.cell, start)  # (B, H)
    keep = 1 - torch.eye(state.shape[-1], dtype=torch.float64)[:, None]
    final = _run(entry, start, lag, state * keep)  # (H, B, H): one unit emptied each
    whole = _run(entry, start, lag, state[None])
    change = (final - whole).norm(dim=-1).T  # (B, H)
    return _mean_over(change / state.abs().clamp_min(1e-12), able)


def _run(entry: Steps, start: Tensor, lag: int, state: Tensor) -> Tensor:
    """The last state from ``state`` at ``start``; an LSTM's cells expose their h first."""
    count = (len(state), -1, -1)
    states = [at_step(one, start).expand(count) for one in entry.states]
    if entry.cell is None:
        states[0] = state
    else:
        states = entry.exposed(start, state)
    for k in range(1, lag + 1):
        states = list(entry.go(start + k, states))
    return states[0] if entry.cell is None else states[1]


def _mean_over(values: Tensor, able: Tensor) -> Tensor:
    """Mean over the sequences (B, H) that are long enough."""
    return values[able].mean(0)
