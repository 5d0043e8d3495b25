"""The memory as a sum over past steps: an exact accounting of what was written and what was kept.

    LSTM:  c_T = (prod f_s) c_0 + sum_t (prod_{s>t} f_s) i_t g_t
    GRU:   h_T = (prod z_s) h_0 + sum_t (prod_{s>t} z_s) (1 - z_t) n_t

The gates are taken as they were. They depend on the past themselves, so that the terms say where
the number came from, not what it would be had a step been another (Murdoch & Szlam 2017,
"Automatic rule extraction from long short term memory networks").
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.written import FORM, WrittenCell, of_kind
from ..record.record import Record
from ..showing import Shown
from ..wording import one_of
from .by_hand import NOT_SHOWN, shown_share, shows_memory, tanh_ratio
from .order import Order, check_record

RULES = ("proportional", "telescoping")


@dataclass(frozen=True)
class Books:
    """One level and direction in order of processing, float64: state = kept * before + written."""

    order: Order
    kept: Tensor  # (T, B, H) forget gate, or update gate of a GRU; 1 where there is no step
    written: Tensor  # (T, B, H) i*g, or (1-z)*n; 0 where there is no step
    size: Tensor  # (T, B, H) |i*g|, or |n|: what rounding errors are relative to
    initial: Tensor  # (B, H)
    final: Tensor  # (B, H)
    readout: Tensor  # (B, H) output gate at the last step, of an sLSTM over n; 1 for a GRU

    @classmethod
    def of(cls, record: Record, index: int, at: int | None = None) -> "Books":
        order = Order.of(record, index, at)
        absent = ~order.present[..., None]
        gate = {k: order.enter(g[index].double()) for k, g in record.gates.items()}
        cell = of_kind(record.kind)
        if cell.keeps is None or cell.writes is None or cell.weight is None:
            raise ValueError(_no_sum(record))
        kept, written, size = gate[cell.keeps], cell.writes(gate), cell.weight(gate)
        if record.kept is not None and record.written is not None:  # the memory was changed by hand
            kept, written = (
                order.enter(part[index].double()) for part in (record.kept, record.written)
            )
            size = torch.maximum(size, written.abs())
        readout = torch.ones_like(order.last(kept))
        states: Tensor | None = record.cell if cell.has_cell else record.hidden
        initial = record.initial_cell if cell.has_cell else record.initial_hidden
        if cell.normalizes is not None:
            readout = order.last(order.enter(shown_share(record, index)))
        elif cell.exposes is not None:
            readout = order.last(gate[cell.exposes])
        assert states is not None
        assert initial is not None
        begun = order.lengths[:, None] > 0
        before = initial[index].double().cpu().masked_fill(~begun, 0)
        final = torch.where(begun, order.last(order.enter(states[index].double())), before)
        kept, written = kept.masked_fill(absent, 1), written.masked_fill(absent, 0)
        books = cls(order, kept, written, size, before, final, readout)
        if isinstance(cell, WrittenCell):
            books._check(record, order.enter(states[index].double()))
        return books

    def _check(self, record: Record, states: Tensor) -> None:
        """``ValueError`` where somebody's equations do not do what they say."""
        before = torch.cat([self.initial[None], states[:-1]])
        off = (self.kept * before + self.written - states).abs()
        rounding = 100 * torch.finfo(record.hidden.dtype).eps
        scale = (self.kept * before).abs() + self.size
        wrong = self.order.present[..., None] & ~(off <= rounding * scale)
        if wrong.any():
            _, _, memory = record.kind.rpartition("; ")
            raise ValueError(
                f"the memory of {record.name!r} is not {memory}, as its equations say, but off by "
                f"{float(off[wrong].max()):.2g}: there is no sum to account for"
            )

    def survival(self) -> Tensor:
        """(T, B, H): the product of ``kept`` over all later steps."""
        later = torch.cat([self.kept[1:], torch.ones_like(self.kept[:1])])
        return later.flip(0).cumprod(0).flip(0)


def _no_sum(record: Record) -> str:
    """Why there is nothing to account for."""
    if isinstance(of_kind(record.kind), WrittenCell):
        return (
            f"the equations of {record.name!r} do not say how the memory is a sum; give "
            f"Equations(..., memory='{FORM}') where it is one"
        )
    return (
        f"a plain RNN ({record.name!r}) has no additive memory to account for; "
        "gradient_flow tells how far its past reaches"
    )


def survival(record: Record, at: int | None = None) -> Tensor:
    """How much of what was written at step t is still there: the product of later forget gates.

    Returns ``(L*D, T, B, H)`` float64; for a GRU the product of update gates. ``at`` is the step
    (its position in the sequence) at which to look, the last one processed by default; steps that
    come after it count 0. The gates are taken as they were: see :func:`half_life`.

    >>> import torch, carrousel
    >>> from carrousel.explain import survival
    >>> lstm = carrousel.LSTM(2, 4)
    >>> with carrousel.trace(lstm) as trace:
    ...     _ = lstm(torch.randn(20, 3, 2))
    >>> survival(trace[-1])[0, -1].unique()  # what the last step wrote is all there
    tensor([1.], dtype=torch.float64)
    """
    check_record(record)
    entries = []
    for index in range(record.hidden.shape[0]):
        books = Books.of(record, index, at)
        entries.append(books.order.leave(books.survival()))
    return torch.stack(entries)


@dataclass(frozen=True)
class Projection:
    """An output as a sum over steps: ``steps.sum(0) + initial + bias = total``."""

    steps: Tensor  # (T, B, K)
    initial: Tensor  # (B, K)
    bias: Tensor  # (K,)
    total: Tensor  # (B, K) the output itself, from the recorded state
    error: float  # conservation error, relative


@dataclass(frozen=True)
class Ledger(Shown):
    """The state after the last step as a sum over steps: see :func:`ledger`.

    ``contributions.sum(1) + initial`` is ``state``; ``error`` is by how much it is not, at the
    worst unit, relative to the sum of the absolute terms (for a GRU, where 1 - z cancels, those of
    z h + n - z n).
    """

    contributions: Tensor  # (L*D, T, B, H) float64
    initial: Tensor  # (L*D, B, H)
    state: Tensor  # (L*D, B, H) the recorded cell state (LSTM) or hidden state (GRU)
    error: float
    kind: str
    readout: Tensor  # (L*D, B, H) the output gate at the last step (LSTM), over n (sLSTM), 1 (GRU)
    reverse: tuple[bool, ...]
    shown: bool = True  # whether h = readout * tanh(state), which an LSTM with layer_norm is not

    def project(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        index: int = -1,
        rule: str = "proportional",
    ) -> Projection:
        """What each step contributes to outputs ``weight @ h_T + bias``.

        ``weight`` is (K, H), the linear layer that reads the hidden state of entry ``index``.
        For the LSTM, h_T = o * tanh(c_T) is no sum, and a rule says how the tanh is shared out:

        - "proportional": each term a of c_T counts as o * a * tanh(c_T) / c_T;
        - "telescoping" (Murdoch & Szlam 2017): o * (tanh(sum up to t) - tanh(sum up to t-1)),
          in order of processing, the initial state first.

        Both add up to the output exactly. They differ where the tanh saturates: look at both.
        """
        one_of("rule", rule, RULES)
        if not self.shown:
            raise ValueError(NOT_SHOWN)
        units, entries = self.state.shape[-1], len(self.state)
        if not -entries <= index < entries:
            raise ValueError(f"index={index}: the ledger has {entries} levels and directions")
        weight = torch.as_tensor(weight).detach().double().cpu()
        if weight.dim() != 2 or weight.shape[1] != units:
            raise ValueError(f"weight must be (K, {units}), got {tuple(weight.shape)}")
        if bias is not None and tuple(torch.as_tensor(bias).shape) != (len(weight),):
            raise ValueError(
                f"bias must be ({len(weight)},), as weight is, got "
                f"{tuple(torch.as_tensor(bias).shape)}"
            )
        steps, initial = self._in_hidden(index, rule)
        steps, initial = steps @ weight.T, initial @ weight.T
        hidden = self.readout[index] * self._squashed(self.state[index])
        free = torch.zeros(len(weight)) if bias is None else torch.as_tensor(bias).detach().cpu()
        total = hidden @ weight.T + free.double()
        scale = steps.abs().sum(0) + initial.abs() + free.double().abs()
        error = relative_error(steps.sum(0) + initial + free.double(), total, scale)
        return Projection(steps, initial, free.double(), total, error)

    def _squashed(self, state: Tensor) -> Tensor:
        return state.tanh() if self._squashes else state

    @property
    def _squashes(self) -> bool:
        cell = of_kind(self.kind)
        return cell.exposes is not None and cell.normalizes is None

    def _in_hidden(self, index: int, rule: str) -> tuple[Tensor, Tensor]:
        """Contributions to h_T, (T, B, H), and of the initial state, (B, H)."""
        terms, initial = self.contributions[index], self.initial[index]
        readout = self.readout[index]
        if not self._squashes:
            return readout * terms, readout * initial
        if rule == "proportional":
            factor = readout * tanh_ratio(self.state[index])
            return factor * terms, factor * initial
        ordered = terms.flip(0) if self.reverse[index] else terms
        sums = torch.cat([initial[None], initial + ordered.cumsum(0)]).tanh()
        steps = readout * sums.diff(dim=0)
        return (steps.flip(0) if self.reverse[index] else steps), readout * sums[0]


def ledger(record: Record, at: int | None = None) -> Ledger:
    """The memory of each unit as a sum over the steps that wrote it.

    For an LSTM the cell state, ``c_T = (prod f) c_0 + sum_t (prod_{s>t} f_s) i_t g_t``; for a GRU
    the hidden state, with the update gate z for f and ``(1 - z_t) n_t`` for ``i_t g_t``. ``at`` is
    the step at which to look, by default the last one that each direction processed. Computed in
    float64 from the recorded gates; ``.error`` compares the sum with the recorded state.

    Raises ``ValueError`` for a plain RNN, which overwrites its state at each step, and for a
    written cell whose ``memory`` is not said (:class:`carrousel.nn.Equations`) or not what is said.

    >>> import torch, carrousel
    >>> from carrousel.explain import ledger
    >>> lstm = torch.nn.LSTM(3, 4)
    >>> with carrousel.trace(lstm) as trace:
    ...     _ = lstm(torch.randn(20, 1, 3))
    >>> books = ledger(trace[-1])
    >>> books.contributions.shape, books.error < 1e-6
    (torch.Size([1, 20, 1, 4]), True)
    """
    check_record(record)
    all_books = [Books.of(record, index, at) for index in range(record.hidden.shape[0])]
    contributions, initials, error = [], [], 0.0
    for books in all_books:
        terms = books.survival() * books.written
        initial = books.kept.prod(0) * books.initial
        scale = (books.survival() * books.size).sum(0) + initial.abs()
        total, dtype = terms.sum(0) + initial, record.hidden.dtype
        error = max(error, relative_error(total, books.final, scale, dtype))
        contributions.append(books.order.leave(terms))
        initials.append(initial)
    return Ledger(
        contributions=torch.stack(contributions),
        initial=torch.stack(initials),
        state=torch.stack([books.final for books in all_books]),
        error=error,
        kind=record.kind,
        readout=torch.stack([books.readout for books in all_books]),
        reverse=tuple(books.order.reverse for books in all_books),
        shown=all(shows_memory(record, index) for index in range(len(all_books))),
    )


def relative_error(
    total: Tensor, expected: Tensor, scale: Tensor, dtype: torch.dtype = torch.float64
) -> float:
    """The largest |total - expected| / scale; 0 for an empty comparison.

    Numbers recorded in ``dtype`` lose their digits below its smallest normal number: smaller scales
    than that over its epsilon count as that.
    """
    info = torch.finfo(dtype)
    relative = (total - expected).abs() / scale.clamp_min(info.tiny / info.eps)
    return float(relative.max()) if relative.numel() else 0.0
