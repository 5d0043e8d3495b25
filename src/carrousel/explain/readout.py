"""The ledger of a layer read out by the rest of the model, back to the steps that wrote it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..conventions import place_of
from ..newer_layers import Newer
from ..record.record import Record
from ..record.rows import to_padded
from ..tracing import Trace, trace
from .accounting import Books
from .asking import Question
from .by_hand import exposure, shown_share


def ledger_scores(
    question: Question, x: Tensor, prediction: Tensor, layer: str | None
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """(B, T) scores, (B,) conservation delta, and the parts "initial" and "remainder".

    The output's slopes w_t at the layer's states make it a sum, sum_t w_t . h_t + remainder. Each
    h_t = o_t * tanh(c_t) is shared among the terms of c_t's ledger in proportion, so that the
    score of step s is i_s g_s . S_s, where S runs backward in time:

        q_t = w_t * o_t * tanh(c_t) / c_t        S_t = q_t + f_{t+1} S_{t+1}
    """
    by_unit, initial, read = unit_scores(question, x, layer)
    if by_unit.shape[1] != question.steps:
        raise ValueError(
            f"layer {layer or 'last'!r} ran {by_unit.shape[1]} steps and x has "
            f"{question.steps}: its steps are not those of x"
        )
    scores, initial, read = by_unit.sum(-1), initial.sum(-1), read.sum(-1)
    delta = read - scores.sum(1) - initial
    padding = scores.masked_fill(question.present.cpu(), 0).sum(1)
    remainder = prediction.double().cpu() - read + padding
    parts = {"initial": initial, "remainder": remainder}
    return scores, delta, parts


def unit_scores(
    question: Question, x: Tensor, layer: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """What each unit of a layer's memory gave to the output, by the step at which it was written.

    Returns the scores (B, T, U), the initial state's share (B, U) and what is shared out (B, U)
    (``scores.sum(1) + initial``), float64; U counts the units of all levels and directions. The
    steps are the layer's, which need not be those of ``x``. See :func:`ledger_scores`.
    """
    record, slopes = _slopes(question, x, layer)
    entries = [_entry(record, k, slopes[k]) for k in range(record.hidden.shape[0])]
    scores, initial, read = (torch.cat(parts, -1) for parts in zip(*entries, strict=True))
    return scores.transpose(0, 1), initial, read


class _Slopes:
    """The output's slopes by one entry's hidden state at each step, and by its last cell state."""

    def __init__(self, hidden: Tensor, last_hidden: Tensor, last_cell: Tensor | None) -> None:
        self.hidden = hidden  # (T, B, H)
        self.last_hidden = last_hidden  # (B, H)
        self.last_cell = last_cell


def _entry(record: Record, index: int, slopes: _Slopes) -> tuple[Tensor, Tensor, Tensor]:
    """By unit: scores (T, B, H), the initial state's share and what is shared out, (B, H)."""
    books = Books.of(record, index)
    order = books.order
    w = order.enter(slopes.hidden.double())
    last = torch.zeros_like(w)
    final = (order.lengths - 1).clamp_min(0)
    at = final[None, :, None].expand(1, -1, w.shape[-1])
    w = w + last.scatter(0, at, slopes.last_hidden.double().cpu()[None])
    hidden = order.enter(record.hidden[index].double())
    value = (w * hidden).sum(0)
    q = w
    put = torch.zeros_like(w)
    if record.cell is not None:
        cell = order.enter(record.cell[index].double())
        share, put = exposure(record, index, order)
        if w.shape != cell.shape:  # by unit, and not by what is projected
            w = w @ _projection(record, index)
            value = (w * order.enter(shown_share(record, index)) * cell).sum(0)
        q = w * share * order.enter(shown_share(record, index))
        if slopes.last_cell is not None:
            at = final[None, :, None].expand(1, -1, cell.shape[-1])
            direct = torch.zeros_like(cell).scatter(0, at, slopes.last_cell.double().cpu()[None])
            q, value = q + direct, value + (direct * cell).sum(0)
    sums, carried = torch.zeros_like(q), torch.zeros_like(q[0])
    for t in range(len(q) - 1, -1, -1):
        carried = q[t] + carried
        sums[t] = carried
        carried = books.kept[t] * carried
    # What was put into the hidden state by hand is no step's.
    return order.leave(books.written * sums), books.initial * carried, value - (w * put).sum(0)


def _projection(record: Record, index: int) -> Tensor:
    """(P, H), of an LSTM with proj_size."""
    directions = record.info.num_directions
    name = "weight_hr" + place_of(index // directions, index % directions)
    projection: Tensor = getattr(record.module, name)
    return projection.detach().double().cpu()


def _slopes(question: Question, x: Tensor, layer: str | None) -> tuple[Record, list[_Slopes]]:
    """A record of the layer's one call, and the output's slopes by what the layer gave."""
    with trace(question.model, layers=None if layer is None else [layer]) as records:
        module = _module(question, records, layer)
        with _Cut(module) as cut:
            score = question.score(x)
    calls = [record for record in records if record.module is module]
    if len(calls) != 1 or cut.leaves is None:
        raise ValueError(
            f"method='ledger' needs a layer that is called once, this one was {len(calls)} times"
        )
    record, leaves = calls[0], cut.leaves
    slopes = question.slopes(score, leaves)
    return record, _arranged(record, cut, slopes)


def _module(question: Question, records: Trace, layer: str | None) -> nn.Module:
    modules = dict(question.model.named_modules())
    if layer is not None:
        return modules[layer]
    unseen = {left.name for left in records.left}
    whole = (nn.RNNBase, Newer)
    return [m for n, m in modules.items() if isinstance(m, whole) and n not in unseen][-1]


class _Cut:
    """Makes what a layer gives the leaves of the graph that follows."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.leaves: list[Tensor] | None = None
        self.packed: PackedSequence | None = None

    def __enter__(self) -> "_Cut":
        self._handle = self.module.register_forward_hook(self._hook)
        return self

    def __exit__(self, *exception: object) -> None:
        self._handle.remove()

    def _hook(self, module: nn.Module, args: tuple, output: Any) -> Any:
        sequence, state, *more = output  # more: where the model asks for every state
        states = state if isinstance(state, tuple) else (state,)
        self.packed = sequence if isinstance(sequence, PackedSequence) else None
        rows = sequence.data if self.packed is not None else sequence
        leaves = [tensor.detach().requires_grad_() for tensor in (rows, *states)]
        self.leaves = leaves
        given = leaves[0] if self.packed is None else self.packed._replace(data=leaves[0])
        return given, (tuple(leaves[1:]) if isinstance(state, tuple) else leaves[1]), *more


def _arranged(record: Record, cut: _Cut, slopes: list[Tensor]) -> list[_Slopes]:
    entries, _, batch, _ = record.hidden.shape
    directions = record.info.num_directions
    if cut.packed is not None:
        packed = cut.packed
        sequence = to_padded(slopes[0], packed.batch_sizes, batch, packed.sorted_indices)
    else:
        sequence = slopes[0].transpose(0, 1) if cut.module.batch_first else slopes[0]
    top = sequence.chunk(directions, -1)
    nothing = torch.zeros_like(top[0])
    arranged = []
    for index in range(entries):
        above = index - (entries - directions)
        by_step = top[above] if above >= 0 else nothing
        cell = slopes[2][index] if len(slopes) > 2 else None
        arranged.append(_Slopes(by_step, slopes[1][index], cell))
    return arranged
