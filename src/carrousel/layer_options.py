"""What a layer does beyond ``torch.nn``'s: options, their parameters, and who must know of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .ops.cells import BY_MODE

_GAINS = ("gain_ih", "gain_hh", "gain_c", "bias_c")  # of layer normalization, in the kernels' order


class WithOptions(nn.RNNBase):
    """Layers whose options torch lacks. What none of them asks for costs nothing."""

    layer_norm = False  # so have layers that were torch's
    _beyond = False  # whether any option is set that torch's own layer would not heed

    def _beyond_torch(self) -> list[str]:
        """Options that torch's layer of the same name lacks, as they would be written."""
        return ["layer_norm=True"] if self.layer_norm else []

    def _set_layer_norm(self, wanted: bool) -> None:
        if not isinstance(wanted, bool):
            raise TypeError(f"layer_norm must be True or False, got {wanted!r}")
        if not wanted:
            return
        if self.proj_size:
            raise ValueError(
                f"layer_norm must be False with proj_size={self.proj_size}; give proj_size=0"
            )
        self.layer_norm = self._beyond = True
        cell, first = BY_MODE[self.mode], next(self.parameters())
        rows = {"gain_ih": cell.blocks, "gain_hh": cell.blocks}
        if cell.has_cell:
            rows |= {"gain_c": 1} | ({"bias_c": 1} if self.bias else {})
        for place in self._places():
            for name, count in rows.items():
                values = first.new_empty(count * self.hidden_size)
                self.register_parameter(name + place, nn.Parameter(values))
        self._reset_norms()

    def _places(self) -> list[str]:
        """What stands behind the names of the parameters of each level and direction."""
        return [names[0].removeprefix("weight_ih") for names in self._all_weights]

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self._reset_norms()

    @torch.no_grad()
    def _reset_norms(self) -> None:
        for place in self._places() if self.layer_norm else ():
            for name in _GAINS:
                values = getattr(self, name + place, None)
                if values is not None:
                    values.fill_(1.0 if name.startswith("gain") else 0.0)

    def _run_mode(self) -> str:
        """The mode as the equations and kernels know it."""
        found = BY_MODE[self.mode].normalized if self.layer_norm else None
        return self.mode if found is None else found

    def _with_norms(self, weights: list[list[Tensor]]) -> list[list[Tensor]]:
        """Of each level and direction the weights, and behind them what normalization needs."""
        if not self.layer_norm:
            return weights
        found = []
        for row, place in zip(weights, self._places(), strict=True):
            parts = [getattr(self, name + place, None) for name in _GAINS]
            given = [part for part in parts if part is not None]
            if BY_MODE[self.mode].has_cell and not self.bias:
                given.append(torch.zeros_like(given[-1]))
            self._check_norms(place, given)
            found.append([*row, torch.cat(given)])
        return found

    def _check_norms(self, place: str, given: list[Tensor]) -> None:
        blocks, hidden = BY_MODE[self.mode].blocks, self.hidden_size
        sizes = (blocks * hidden, blocks * hidden, hidden, hidden)
        for name, part, size in zip(_GAINS, given, sizes, strict=False):
            if part.shape != (size,):
                raise RuntimeError(f"{name}{place} must be ({size},), got {tuple(part.shape)}")

    def extra_repr(self) -> str:
        return ", ".join([super().extra_repr(), *self._beyond_torch()])
