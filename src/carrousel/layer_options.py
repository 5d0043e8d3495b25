"""What a layer does beyond ``torch.nn``'s: options, their parameters, and who must know of them."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, TypedDict

import torch
from torch import Tensor, nn

from .ops import gate, noise
from .ops.cells import BY_MODE, HALF, Cell
from .ops.inside import places
from .ops.noise import Noise
from .ops.products import linear
from .ops.reference.equations import VARIANTS, Equations, Written
from .ops.rules import BY_MODE as RULES
from .ops.rules import LSTM_COUPLED, Rule
from .wording import no_option, one_of

_DROPOUTS = ("input_dropout", "recurrent_dropout", "output_dropout", "weight_dropout")
_OPTIONS = (*_DROPOUTS, "zoneout", "learn_initial_state", "residual", "highway", "equations",
            "precision")  # fmt: skip
_FIRST = {"hidden": "h_0", "cell": "c_0"}  # how learned initial states are called


if TYPE_CHECKING:

    class Options(TypedDict, total=False):
        """Of all three layers; docs/layers.md."""

        input_dropout: float
        recurrent_dropout: float
        output_dropout: float
        weight_dropout: float
        zoneout: float | tuple[float, float]
        learn_initial_state: bool
        residual: bool
        highway: bool
        equations: Equations | None
        precision: str


class WithOptions(nn.RNNBase):
    """Layers whose options torch lacks. What none of them asks for costs nothing."""

    # What layers have that were torch's.
    layer_norm = learn_initial_state = residual = highway = False
    input_dropout = recurrent_dropout = output_dropout = weight_dropout = 0.0
    zoneout: tuple[float, float] = (0.0, 0.0)  # of the hidden state, of the cell state
    equations: Equations | None = None
    own_cell: Cell | None = None  # of equations with gates or states of their own
    peepholes = coupled = False
    precision = "float32"  # of products; torch's layer may well compute in another one
    _beyond = False  # whether any option is set that torch's own layer would not heed

    def __init__(self, mode: str, input_size: int, hidden_size: int, *rest: Any) -> None:
        if isinstance(hidden_size, list | tuple):
            raise TypeError(
                "hidden_size must be one number, as h_n is one tensor of all levels, got "
                f"{hidden_size!r}; give carrousel.nn.Stack a layer for each"
            )
        super().__init__(mode, input_size, hidden_size, *rest)

    def _beyond_torch(self) -> list[str]:
        """Options that torch's layer of the same name lacks, as they would be written."""
        names = ("layer_norm", *_DROPOUTS, "zoneout", "learn_initial_state", "residual",
                 "highway", "peepholes", "coupled")  # fmt: skip
        plain = {name: getattr(WithOptions, name) for name in names}
        own = {name: getattr(self, name) for name in names}
        if not self._cell.has_cell and self.zoneout[0]:
            own["zoneout"] = self.zoneout[0]
        found = [f"{name}={value}" for name, value in own.items() if value != plain[name]]
        if self.equations is not None and not (self.peepholes or self.coupled):
            found.append(f"equations={getattr(self.equations.step, '__name__', '...')}")
        return found

    @property
    def _cell(self) -> Cell:
        """The row of the table."""
        return BY_MODE[self.mode] if self.own_cell is None else self.own_cell

    def _set_options(self, options: Options) -> None:
        if not options.keys() <= set(_OPTIONS):
            named = [name for name in signature(type(self)).parameters if name != "options"]
            raise TypeError(no_option(type(self).__name__, options, [*_OPTIONS, *named]))
        given: dict[str, Any] = dict(options)
        self._set_equations(given.pop("equations", None))
        for name in _DROPOUTS:
            setattr(self, name, _probability(name, given.pop(name, 0.0)))
        self.zoneout = self._shares(given.pop("zoneout", 0.0))
        for name in ("learn_initial_state", "residual", "highway"):
            setattr(self, name, _yes_or_no(name, given.pop(name, False)))
        self._set_precision(given.pop("precision", "float32"))
        if self.equations is not None and self.recurrent_dropout:
            raise ValueError(
                "recurrent_dropout must be 0 with equations, which say themselves how h is read, "
                f"got {self.recurrent_dropout}"
            )
        if self._cell.further and any(self.zoneout):
            raise ValueError(
                f"zoneout must be 0 with states beside 'hidden' and 'cell', got {self.zoneout}"
            )
        if self.highway:
            self._add_highways()
        self._beyond = bool(self._beyond_torch())
        if self.learn_initial_state:
            first, rows = next(self.parameters()), len(self._all_weights)
            for name, size in self._first_names().items():
                self.register_parameter(name, nn.Parameter(first.new_zeros(rows, 1, size)))

    def _first_names(self) -> dict[str, int]:
        """How learned initial states are called, and how wide they are."""
        names = [_FIRST.get(name, f"{name}_0") for name in self._cell.state_names]
        return dict(zip(names, self._state_sizes(), strict=True))

    def _set_precision(self, precision: str) -> None:
        one_of("precision", precision, ("float32", "bf16"))
        if precision != "float32" and (self.layer_norm or self.equations is not None):
            raise ValueError(
                f"precision must be 'float32' with {self._beyond_torch()[0]}, got {precision!r}"
            )
        self.precision = precision

    def _add_highways(self) -> None:
        """The gates between levels: how much of what a level gives passes, by what it was given."""
        if self.residual:
            raise ValueError("residual and highway exclude each other; give one of them")
        first, wide = next(self.parameters()), self._state_sizes()[0] * (1 + self.bidirectional)
        for level in range(1, self.num_layers):
            for name, shape in (("weight", (wide, wide)), ("bias", (wide,))):
                parameter = nn.Parameter(first.new_empty(shape))
                self.register_parameter(f"{name}_highway_l{level}", parameter)
        self._reset_highways()

    @torch.no_grad()
    def _reset_highways(self) -> None:
        for level in range(1, self.num_layers) if self.highway else ():
            weight = getattr(self, f"weight_highway_l{level}", None)
            if weight is not None:
                nn.init.uniform_(weight, -(len(weight) ** -0.5), len(weight) ** -0.5)
                # What is below passes, at first.
                getattr(self, f"bias_highway_l{level}").fill_(-1.0)

    def _passed(self, level: int, below: Tensor, y: Tensor, way: str) -> Tensor:
        """What a level above the first gives, beside what it was given."""
        if self.residual:
            return y + below
        if not self.highway:
            return y
        rows = below.reshape(-1, below.size(-1))
        weight, bias = (getattr(self, f"{name}_highway_l{level}") for name in ("weight", "bias"))
        share = linear(rows, weight, bias, way).sigmoid().view(y.shape)
        return share * y + (1 - share) * below

    def _set_equations(self, equations: Equations | None) -> None:
        """Take these, and give the weights the rows that they ask for, and vectors behind them."""
        if equations is None:
            return
        if not isinstance(equations, Equations):
            raise TypeError(
                f"equations must be carrousel.nn.Equations(step), got {type(equations).__name__}"
            )
        if self.equations is not None or self.layer_norm:
            raise ValueError("equations, peepholes, coupled and layer_norm exclude each other")
        own = BY_MODE[self.mode]
        cell = equations.cell(own)
        equations.check(cell)
        if cell is not own:
            if self.proj_size:
                raise ValueError(
                    f"proj_size must be 0 with gates or states of your own, got {self.proj_size}"
                )
            self.own_cell = cell
        self.equations = equations
        hidden, first = self.hidden_size, next(self.parameters())
        for names, place in zip(self._all_weights, self._places(), strict=True):
            for name in names:
                if not name.startswith("weight_hr"):
                    rest = getattr(self, name).shape[1:]
                    wide = first.new_empty(self._blocks() * hidden, *rest)
                    setattr(self, name, nn.Parameter(wide))
            for name, count in equations.vectors.items():
                self.register_parameter(name + place, nn.Parameter(first.new_empty(count * hidden)))
        self.reset_parameters()

    def _set_variant(self, peepholes: bool, coupled: bool) -> None:
        peepholes, coupled = _yes_or_no("peepholes", peepholes), _yes_or_no("coupled", coupled)
        if peepholes or coupled:
            self._set_equations(VARIANTS[peepholes, coupled])
            self.peepholes, self.coupled = peepholes, coupled

    def _blocks(self) -> int:
        """Rows of the weights for a unit."""
        own = BY_MODE[self.mode]
        return own.blocks if self.equations is None else self.equations.rows(own)

    def _with_vectors(self, weights: list[list[Tensor]]) -> list[list[Tensor]]:
        """What the equations read beside the usual weights, behind those but before w_hr."""
        if self.equations is None or not self.equations.vectors:
            return weights
        usual, found = -1 if self.proj_size else None, []
        for row, place in zip(weights, self._places(), strict=True):
            vectors = [getattr(self, name + place) for name in self.equations.vectors]
            found.append([*row[:usual], *vectors, *(row[usual:] if usual else ())])
        return found

    def _written(self) -> Written | None:
        """One step by equations that somebody wrote."""
        if self.equations is None:
            return None
        place = self._places()[0]
        names = [name.removesuffix(place) for name in self._all_weights[0]]
        names = [name for name in names if name != "weight_hr"]
        return Written(self.equations, self._cell, [*names, *self.equations.vectors])

    def _rule(self) -> Rule | None:
        """What kernel runs the layer with something between its steps; None: the equations do."""
        own = self.equations is not None and not (self.peepholes or self.coupled)
        if own or self.layer_norm or self.proj_size:
            return None
        return LSTM_COUPLED if self.coupled else RULES[self.mode]

    def _shares(self, zoneout: Any) -> tuple[float, float]:
        """Of the hidden and of the cell state."""
        has_cell = self._cell.has_cell
        both = zoneout if isinstance(zoneout, tuple | list) else (zoneout, zoneout)
        if len(both) != 2 or (isinstance(zoneout, tuple | list) and not has_cell):
            accepted = "one probability" + " or two, of hidden and cell state" * has_cell
            raise ValueError(f"zoneout must be {accepted}, got {zoneout!r}")
        hidden, cell = (_probability("zoneout", share) for share in both)
        return hidden, cell if has_cell else 0.0

    def _state_sizes(self) -> list[int]:
        count = BY_MODE[self.mode].has_cell if self.own_cell is None else self.own_cell.states - 1
        return [self.proj_size or self.hidden_size, *[self.hidden_size] * count]

    def _first_states(self, x: Tensor, batch: int) -> list[Tensor]:
        """Initial states (L*D, B, H) of a call that is given none."""
        if self.learn_initial_state:
            return [getattr(self, name).repeat(1, batch, 1) for name in self._first_names()]
        rows = len(self._all_weights)
        return [x.new_zeros(rows, batch, size) for size in self._state_sizes()]

    def _dropped(self, weights: list[list[Tensor]]) -> list[list[Tensor]]:
        """The weights of a call, some of W_hh's taken away (DropConnect)."""
        p = self.weight_dropout
        if not p or not self.training:
            return weights
        return [
            [row[0], row[1] * _factors(p, tuple(row[1].shape), row[1]), *row[2:]] for row in weights
        ]

    def _masked(self, x: Tensor, p: float, batch: int, batch_sizes: Tensor | None) -> Tensor:
        """x (T, B, K), or packed (N, K), one mask of each sequence's at all of its steps."""
        if not p or not self.training:
            return x
        mask = _factors(p, (batch, x.size(-1)), x)
        if batch_sizes is None:
            return x * mask
        _, position = places(batch_sizes, None, x.size(0), x.device)
        return x * mask[position]

    def _noises(self, x: Tensor, batch: int) -> list[Noise] | None:
        """Of each direction of one level over x (T, B, K), or packed (N, K)."""
        hidden, cell = self.zoneout
        reads = self.recurrent_dropout if self.training else 0.0
        if not (hidden or cell or reads):
            return None
        rows = x.shape[:-1].numel()
        size = self._state_sizes()[0]
        found = []
        for _ in range(2 if self.bidirectional else 1):
            read = _factors(reads, (batch, size), x) if reads else None
            shares = [
                noise.kept(share, (rows, wide), x) if share and self.training else share
                for share, wide in ((hidden, size), (cell, self.hidden_size))
            ]
            found.append(Noise(read, *shares))
        return found

    def _set_layer_norm(self, wanted: bool) -> None:
        if not _yes_or_no("layer_norm", wanted):
            return
        if self.proj_size:
            raise ValueError(
                f"layer_norm must be False with proj_size={self.proj_size}; give proj_size=0"
            )
        self.layer_norm, first = True, next(self.parameters())
        for place in self._places():
            for name, size in self._norm_sizes().items():
                if self.bias or name != "bias_c":
                    self.register_parameter(name + place, nn.Parameter(first.new_empty(size)))
        self._reset_norms()

    def _norm_sizes(self) -> dict[str, int]:
        """What layer normalization multiplies by and adds, in the kernels' order."""
        cell, hidden = BY_MODE[self.mode], self.hidden_size
        sizes = {"gain_ih": cell.blocks * hidden, "gain_hh": cell.blocks * hidden}
        return sizes | ({"gain_c": hidden, "bias_c": hidden} if cell.has_cell else {})

    def _places(self) -> list[str]:
        """What stands behind the names of the parameters of each level and direction."""
        return [names[0].removeprefix("weight_ih") for names in self._all_weights]

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self._reset_norms()
        self._reset_highways()
        for name in self._first_names() if self.learn_initial_state else ():
            if hasattr(self, name):
                nn.init.zeros_(getattr(self, name))

    @torch.no_grad()
    def _reset_norms(self) -> None:
        for place in self._places() if self.layer_norm else ():
            for name in self._norm_sizes():
                values = getattr(self, name + place, None)
                if values is not None:
                    values.fill_(1.0 if name.startswith("gain") else 0.0)

    def _run_mode(self) -> str:
        """The mode as the equations and kernels know it."""
        if self.layer_norm:
            return BY_MODE[self.mode].normalized or self.mode
        if self.precision == "bf16" or gate.in_half():
            return HALF.get(self.mode, self.mode)
        return self.mode

    def _with_norms(self, weights: list[list[Tensor]]) -> list[list[Tensor]]:
        """Of each level and direction the weights, and behind them what normalization needs."""
        if not self.layer_norm:
            return weights
        found = []
        for row, place in zip(weights, self._places(), strict=True):
            parts = [getattr(self, name + place, None) for name in self._norm_sizes()]
            given = [part for part in parts if part is not None]
            if BY_MODE[self.mode].has_cell and not self.bias:
                given.append(torch.zeros_like(given[-1]))
            self._check_norms(place, given)
            found.append([*row, torch.cat(given)])
        return found

    def _check_norms(self, place: str, given: list[Tensor]) -> None:
        for (name, size), part in zip(self._norm_sizes().items(), given, strict=True):
            if part.shape != (size,):
                raise RuntimeError(f"{name}{place} must be ({size},), got {tuple(part.shape)}")

    def extra_repr(self) -> str:
        said = [super().extra_repr(), *self._beyond_torch()]
        return ", ".join(said + [f"precision={self.precision}"] * (self.precision != "float32"))


def _probability(name: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        raise ValueError(f"{name} must be a probability from 0 to below 1, got {value!r}")
    return float(value)


def _yes_or_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def _factors(p: float, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """0 with probability p, else 1 / (1 - p): 1 in the mean."""
    return noise.kept(1 - p, shape, like) / (1 - p)
