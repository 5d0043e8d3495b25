"""Activation patching: one run with single states of another, as a map over steps and units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..plottable import Plottable
from ..record.table import from_columns, grid
from .asking import Target
from .replacing import Place, Replacing, chosen


@dataclass(frozen=True)
class Patching(Plottable, picture="carrousel.plots:plot_patching"):
    """See :func:`activation_patching`. ``effects[b, s, u]`` is the answer with unit ``units[u]`` at
    step ``steps[s]`` taken from the other run, less the answer without.
    """

    effects: Tensor  # (B, S, U) float64
    answer: Tensor  # (B,) of this run
    other: Tensor  # (B,) of the other run
    steps: tuple[int, ...]
    units: tuple[int, ...]
    place: Place

    @property
    def share(self) -> Tensor:
        """The effects as a share of the way from this answer to the other's, NaN where there is
        none: 1 carries the whole difference. Shares of single states need not add up to 1."""
        way = (self.other - self.answer)[:, None, None]
        return self.effects / torch.where(way.abs() > 1e-12, way, torch.nan)

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per sequence, step and unit."""
        columns = grid(sequence=range(len(self.effects)), step=self.steps, unit=self.units)
        columns["effect"] = self.effects.flatten().numpy()
        columns["share"] = self.share.flatten().numpy()
        return from_columns(columns, backend).to_native()


def activation_patching(
    model: nn.Module,
    x: Tensor,
    other: Tensor,
    target: Target = None,
    *,
    steps: Sequence[int] | None = None,
    units: Sequence[int] | None = None,
    place: Place | None = None,
    time_dim: int | None = None,
) -> Patching:
    """What each unit at each step would change, had it been as in another run.

    For every step and unit the model reads ``x`` with that one number of the state replaced by what
    it was while the model read ``other``, and everything behind it follows (Vig et al. 2020; Meng
    et al. 2022). This is a cause, unlike the shares of a ledger; of one number at a time, so that
    what two units say both is missed. Variants run side by side, a few hundred at once, and only
    their own steps leave the kernels.

    Args:
        x, other: (B, T, ...) or (T, B, ...), as the model takes them; ``other`` of the same steps,
            one sequence serves all
        target: as in :func:`attribute`
        steps, units: those to patch, all by default
        place: which state, layer, level and direction: ``Place("cell", layer="rnn")``. The hidden
            state of the layer called last by default, its top level, forward.

    >>> import torch
    >>> from carrousel.explain import activation_patching
    >>> lstm = torch.nn.LSTM(2, 4, batch_first=True)
    >>> x, other = torch.randn(2, 3, 6, 2)
    >>> found = activation_patching(lstm, x, other, lambda out: out[0][:, -1].sum(-1))
    >>> found.effects.shape
    torch.Size([3, 6, 4])
    """
    asked = Replacing.of(model, x, target, place or Place(), time_dim)
    batch, length, width = asked.shape
    with torch.no_grad():
        values, answer = asked.other(other)
    of_steps, of_units = chosen("steps", steps, length), chosen("units", units, width)
    effects = []
    for step in of_steps:
        masks = torch.zeros(len(of_units), batch, length, width, dtype=torch.bool)
        masks[torch.arange(len(of_units)), :, step, list(of_units)] = True
        effects.append(asked.answers(masks, values) - asked.answer)
    stacked = torch.stack(effects).permute(2, 0, 1)
    return Patching(stacked, asked.answer, answer, of_steps, of_units, asked.place)
