"""Series that share a hidden state: many inputs, many outputs.

At each step one more recurrent layer reads what all series of a group show, and every series reads
that layer's state beside its own features:

    z_t = sum over members g of A_g features_g,t      s_t = z_t + layer(z)_t
    x_g,t = embed(features_g,t) + B_g s_t

B is zero at first, so that a group starts as series on their own. Where one group is all there is,
each member has its own A and B; where there are many groups, members share them and z is a mean.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...data.covariates import group_codes
from ...data.panel import Panel


class Together(NamedTuple):
    """Which rows of a batch belong together."""

    instance: Tensor  # (B,) rows of one number are of one group and end at one time
    slot: Tensor  # (B,) which member of the group; 0 where members are alike
    share: Tensor  # (B,) 1 / how often the very same row is in the batch


@dataclass(frozen=True)
class Members:
    """The groups of S series."""

    group: Tensor  # (S,) number of the group
    slot: Tensor  # (S,)
    epoch: Tensor  # (S,) position in ``y`` of a time that is the same for all series
    table: Tensor  # (groups, most members) series, -1 where there are fewer

    @classmethod
    def of(cls, panel: Panel) -> "Members | None":
        """None for a panel without groups."""
        codes = group_codes(panel)
        if codes is None:
            return None
        first = panel.start.min() if panel.n_series else 0
        epoch = panel.offsets[:-1] - panel.freq.count(first, panel.start)
        groups = [np.flatnonzero(codes[0] == g) for g in range(int(codes[0].max(initial=-1)) + 1)]
        table = np.full((len(groups), max(map(len, groups), default=0)), -1)
        for g, series in enumerate(groups):
            table[g, : len(series)] = series
        return cls(*(torch.from_numpy(np.asarray(a, np.int64)) for a in (*codes, epoch, table)))

    def expand(self, series: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """All members of the groups of ``series`` (B,), at the times of the positions ``end``."""
        all_members = self.table[self.group[series]]  # (B, most)
        time = end - self.epoch[series]
        there = all_members >= 0
        at = time[:, None] + self.epoch[all_members.clamp_min(0)]
        return all_members[there], at[there]

    def together(self, series: Tensor, end: Tensor) -> Together:
        """How rows (B,) belong together."""
        time = end - self.epoch[series]
        keys = torch.stack([self.group[series], time])
        instance = keys.unique(dim=1, return_inverse=True)[1]
        rows = torch.stack([series, time])
        _, same, count = rows.unique(dim=1, return_inverse=True, return_counts=True)
        return Together(instance, self.slot[series], 1.0 / count[same])


class Group(nn.Module):
    """(B, T, F) features to (B, T, hidden) what each series reads of its group's state."""

    def __init__(self, layer: nn.Module, features: int, hidden: int, members: int) -> None:
        """``members``: how many have weights of their own; 0: all are alike."""
        super().__init__()
        self.alike, self.hidden = members == 0, hidden
        self.enter = nn.ModuleList(nn.Linear(features, hidden) for _ in range(max(members, 1)))
        self.layer = layer
        leaves = [nn.Linear(hidden, hidden) for _ in range(max(members, 1))]
        for leave in leaves:
            nn.init.zeros_(leave.weight)
            nn.init.zeros_(leave.bias)
        self.leave = nn.ModuleList(leaves)

    def forward(
        self, features: Tensor, together: Together, state: Any = None
    ) -> tuple[Tensor, Any]:
        """``state`` is that of the layer before these steps, for each row that of its group;
        None: zeros. The state after them comes in the same way."""
        instance, slot, share = together
        places = [torch.nonzero(slot == k)[:, 0] for k in range(len(self.enter))]
        shape = int(instance.max()) + 1, features.shape[1], self.hidden
        z, weight = features.new_zeros(shape), share.to(features.dtype)[:, None, None]
        for rows, enter in zip(places, self.enter, strict=True):
            z = z.index_add(0, instance[rows], enter(features[rows]) * weight[rows])
        if self.alike:
            size = z.new_zeros(shape[0]).index_add(0, instance, weight[:, 0, 0])
            z = z / size[:, None, None]
        if state is not None:
            first = _first_rows(instance, shape[0])
            state = _rows(state, first)
        read, after = self.layer(z, state)
        shared = z + read
        out = features.new_zeros(len(instance), *shape[1:])
        for rows, leave in zip(places, self.leave, strict=True):
            out = out.index_copy(0, rows, leave(shared[instance[rows]]))
        return out, _rows(after, instance)


def _first_rows(instance: Tensor, count: int) -> Tensor:
    """(count,) one row of each group: they all hold its state."""
    return torch.zeros(count, dtype=torch.int64).index_copy(
        0, instance, torch.arange(len(instance))
    )


def _rows(state: Any, rows: Tensor) -> Any:
    """A layer's state (1, B, hidden), a pair for an LSTM, None without a loop, of some rows."""
    if isinstance(state, tuple):
        return tuple(part[:, rows] for part in state)
    return None if state is None else state[:, rows]
