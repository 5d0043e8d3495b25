"""From what is said of each step to what is said of a sequence."""

from typing import Any

import torch
from torch import Tensor, nn

from ..ragged import Abreast, Ragged

POOLINGS = ("last", "mean", "max", "attention", "concat")


class Pooling(nn.Module):
    """Rows (N, F) of the recurrent layers, and (N, G) of what stands beside, to (B, width).

    - "last": what was said when all had been read: at the last step, and by layers that read
      backwards at the first.
    - "mean" and "max" over the steps.
    - "attention": a mean whose weights are learned (Bahdanau, Cho & Bengio 2015).
    - "concat": last, mean and max, one behind the other (Howard & Ruder 2018).

    What stands beside is pooled by its mean, except with "max".
    """

    def __init__(self, kind: str, width: int, beside: int, bidirectional: bool) -> None:
        super().__init__()
        self.kind, self.bidirectional = kind, bidirectional
        self.width = (3 if kind == "concat" else 1) * width + beside
        self.weigh = nn.Linear(width, 1) if kind == "attention" else None

    def forward(
        self, batch: Ragged, rows: Tensor, beside: Tensor | None, dropout: Any = None
    ) -> Tensor:
        mask = None if dropout is None else dropout.mask(len(batch), rows.shape[1]).to(rows)
        if mask is not None and self.weigh is not None:
            rows = batch.scaled(rows, mask)  # weights depend on what is hidden
        parts = self._of_layers(batch, rows)
        if mask is not None and self.weigh is None:
            # A unit that is hidden at all steps is hidden in their mean, largest and last, too:
            # nothing has to be multiplied at every step.
            parts = [part * mask for part in parts]
        if beside is not None:
            pooled = _max(batch, beside) if self.kind == "max" else _mean(batch, beside)
            if dropout is not None:
                pooled = pooled * dropout.mask(*pooled.shape).to(pooled)
            parts.append(pooled)
        return torch.cat(parts, 1)

    def _of_layers(self, batch: Ragged, rows: Tensor) -> list[Tensor]:
        if self.kind == "concat" and isinstance(batch, Abreast):
            forwards = rows.shape[1] // (2 if self.bidirectional else 1)
            return list(_Pooled.apply(batch.grouped(rows)[0], forwards))
        if self.kind == "concat":
            return [self._last(batch, rows), _mean(batch, rows), _max(batch, rows)]
        if self.weigh is not None:
            return [_weighed(batch, rows, self.weigh(rows)[:, 0])]
        if self.kind == "last":
            return [self._last(batch, rows)]
        return [_max(batch, rows) if self.kind == "max" else _mean(batch, rows)]

    def advance(
        self, rows: Tensor, beside: Tensor | None, state: Any
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """(T, width) after each of the steps of one sequence that follow others, and what has to
        be known of these later: sums, largest values, how many there were."""
        state, after = state or {}, {}
        count = state.get("count", torch.zeros(1)) + torch.arange(1.0, len(rows) + 1)
        after["count"] = count[-1:]
        if self.weigh is not None:
            scores = self.weigh(rows).double()
            top = torch.maximum(state.get("top", scores[:1]), scores.amax())
            weights = (scores - top).exp()
            after["top"], shrunk = top, (state.get("top", top) - top).exp()
            total = state.get("total", 0.0) * shrunk + weights.cumsum(0)
            weighed = state.get("weighed", 0.0) * shrunk + (rows.double() * weights).cumsum(0)
            after["total"], after["weighed"] = total[-1:], weighed[-1:]
            parts = [(weighed / total).to(rows)]
        else:
            parts = []
            if self.kind in ("last", "concat"):
                parts.append(rows)
            if self.kind in ("mean", "concat"):
                parts.append(_running_mean(rows, count, "sum", state, after))
            if self.kind in ("max", "concat"):
                parts.append(_running_max(rows, "max", state, after))
        if beside is not None and self.kind == "max":
            parts.append(_running_max(beside, "beside", state, after))
        elif beside is not None:
            parts.append(_running_mean(beside, count, "beside", state, after))
        return torch.cat(parts, 1), after

    def _last(self, batch: Ragged, rows: Tensor) -> Tensor:
        if not self.bidirectional:
            return rows.index_select(0, batch.ends)
        forwards, backwards = rows.chunk(2, 1)
        ends = forwards.index_select(0, batch.ends), backwards.index_select(0, batch.starts)
        return torch.cat(ends, 1)


class _Pooled(torch.autograd.Function):
    """Last, mean and largest of steps (T, B, F), of which the first ``forwards`` units read
    forwards. torch's own gradients would be three of all steps, and those of the largest take
    longer than all else here: comparing numbers is slow where it makes booleans."""

    @staticmethod
    def forward(ctx: Any, steps: Tensor, forwards: int) -> tuple[Tensor, Tensor, Tensor]:
        largest = steps.amax(0)
        ctx.save_for_backward(steps, largest)
        ctx.forwards = forwards
        last = torch.cat([steps[-1, :, :forwards], steps[0, :, forwards:]], 1)
        return last, steps.mean(0), largest

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        steps, largest = ctx.saved_tensors
        last, mean, most = grads
        here = (steps - largest).sign_().add_(1)  # 1 where it is the largest, else 0
        found = torch.addcmul(mean / len(steps), here, most / here.sum(0))
        found[-1, :, : ctx.forwards] += last[:, : ctx.forwards]
        found[0, :, ctx.forwards :] += last[:, ctx.forwards :]
        return found, None


def _running_mean(
    rows: Tensor, count: Tensor, name: str, state: dict[str, Tensor], after: dict[str, Tensor]
) -> Tensor:
    total = state.get(name, 0.0) + rows.double().cumsum(0)
    after[name] = total[-1:]
    return (total / count[:, None]).to(rows)


def _running_max(
    rows: Tensor, name: str, state: dict[str, Tensor], after: dict[str, Tensor]
) -> Tensor:
    highest = torch.cat([state[name], rows] if name in state else [rows]).cummax(0).values
    after[name] = highest[-1:]
    return highest[len(highest) - len(rows) :]


def _mean(batch: Ragged, rows: Tensor) -> Tensor:
    return _sum(batch, rows) / batch.lengths[:, None].to(rows)


def _sum(batch: Ragged, rows: Tensor) -> Tensor:
    if batch.equal:
        side_by_side, steps = batch.grouped(rows)
        return side_by_side.sum(steps)
    return rows.new_zeros(len(batch), rows.shape[1]).index_add(0, batch.owner, rows)


def _max(batch: Ragged, rows: Tensor) -> Tensor:
    if batch.equal:
        side_by_side, steps = batch.grouped(rows)
        return side_by_side.amax(steps)
    longest = int(batch.lengths.max())
    if longest * len(batch) <= 2 * len(rows):  # faster, while little of it is padding
        return batch.like(rows).padded(-torch.inf).amax(0)
    return torch.stack([part.amax(0) for part in batch.like(rows).parts()])


def _weighed(batch: Ragged, rows: Tensor, scores: Tensor) -> Tensor:
    highest = _max(batch, scores.detach()[:, None])[:, 0]
    weights = (scores - highest.index_select(0, batch.owner)).exp()
    total = _sum(batch, weights[:, None])
    return _sum(batch, rows * weights[:, None]) / total
