"""The weights of one recurrent cell, from a module, from a file, or drawn at random."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...conventions import place_of
from ...ops.cells import CELLS, name_of
from ...wording import one_of

# By the number of gates stacked in the weights; of two kinds with as many, the first in the table.
KINDS = {cell.blocks: cell.name for cell in reversed(CELLS.values())}


@dataclass(frozen=True)
class Weights:
    """The weights of one cell, stacked by gate as torch stacks them. H hidden units, I inputs."""

    kind: str  # "rnn" (tanh), "relu" (an rnn with relu), "lstm", "gru"
    ih: Tensor  # (G*H, I)
    hh: Tensor  # (G*H, H)
    bias_ih: Tensor  # (G*H,)
    bias_hh: Tensor  # (G*H,)

    @property
    def inputs(self) -> int:
        return self.ih.shape[1]

    @property
    def hidden(self) -> int:
        return self.hh.shape[1]

    @classmethod
    def of(cls, module: nn.Module, layer: int = 0, reverse: bool = False) -> "Weights":
        """From a recurrent layer (``layer``, ``reverse`` choose) or a recurrent cell.

        Raises:
            TypeError: ``module`` is neither.
            ValueError: It has no such layer or direction, or it projects its hidden state.
        """
        if isinstance(module, nn.RNNBase):
            _check_layer(module, layer, reverse)
            suffix = place_of(layer, int(reverse))
            relu = module.mode.endswith("_RELU")
        elif isinstance(module, nn.RNNCellBase):
            suffix = ""
            relu = getattr(module, "nonlinearity", "tanh") == "relu"
        else:
            raise TypeError(
                "module must be a recurrent layer (RNN, LSTM, GRU) or cell (RNNCell, LSTMCell, "
                f"GRUCell), got {type(module).__name__}"
            )
        own = {name: value.detach() for name, value in module.named_parameters()}
        return cls._named(own, "", suffix, "relu" if relu else name_of(module))

    @classmethod
    def from_state(cls, state: dict[str, Tensor], name: str = "", layer: int = 0) -> "Weights":
        """From saved weights, e.g. ``safetensors.torch.load_file(path)``.

        ``name`` is the path of the layer in its model; not needed where the file holds one. The
        kind is read off the shapes: 4, 3 or 1 blocks of H rows are LSTM, GRU, RNN (with tanh).
        """
        end = f"weight_ih_l{layer}"
        found = [key[: -len(end)] for key in state if key.endswith(end)]
        chosen = [prefix for prefix in found if prefix == f"{name}."] if name else found
        if len(chosen) != 1:
            names = ", ".join(repr(prefix.rstrip(".")) for prefix in found) or "none"
            raise ValueError(
                f"name is {name!r}; recurrent layers with a layer {layer} are: {names}"
            )
        return cls._named(state, chosen[0], f"_l{layer}")

    @classmethod
    def _named(
        cls, state: dict[str, Tensor], prefix: str, suffix: str, kind: str | None = None
    ) -> "Weights":
        ih, hh = (state[f"{prefix}weight_{part}{suffix}"] for part in ("ih", "hh"))
        zero = torch.zeros(ih.shape[0], dtype=ih.dtype)
        bias_ih, bias_hh = (
            state.get(f"{prefix}bias_{part}{suffix}", zero) for part in ("ih", "hh")
        )
        return cls(kind or KINDS[hh.shape[0] // hh.shape[1]], ih, hh, bias_ih, bias_hh)

    @classmethod
    def random(cls, kind: str, inputs: int, hidden: int, seed: int = 0) -> "Weights":
        """Weights as torch draws them, uniform in ±1/√H, from ``seed`` alone."""
        one_of("kind", kind, list(reversed(CELLS)))
        for name, value in (("inputs", inputs), ("hidden", hidden)):
            if value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")
        rng, rows = torch.Generator().manual_seed(seed), CELLS[kind].blocks * hidden
        sizes = ((rows, inputs), (rows, hidden), (rows,), (rows,))
        return cls(kind, *((torch.rand(s, generator=rng) * 2 - 1) / hidden**0.5 for s in sizes))


def _check_layer(module: nn.RNNBase, layer: int, reverse: bool) -> None:
    if not 0 <= layer < module.num_layers:
        raise ValueError(f"layer is {layer}, but the module has {module.num_layers} layer(s)")
    if reverse and not module.bidirectional:
        raise ValueError("reverse is True, but the module runs forwards only")
    if module.proj_size:
        raise ValueError(f"proj_size is {module.proj_size}; cells that project are not shown")
