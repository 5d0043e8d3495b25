"""The forward pass of RNN, LSTM and GRU: from torch's calling conventions to one layer's run."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .conventions import Conventional, offsets_of
from .layer_options import WithOptions
from .machinery import Torchlike, as_leaf
from .ops import changed_layer, gate, half, layer, projected, recurrence, streaming_step
from .ops.cells import BY_MODE, NUMBER
from .ops.changes import changes
from .ops.inside import Inside
from .ops.noise import Noise
from .ops.reference.loops import OneStep
from .ops.tape import TAPE, tape, watch
from .states import states_of

_HAS_CELL = {mode: one.has_cell for mode, one in BY_MODE.items()}


def _exporting() -> bool:
    # Before 2.12 torch's own question has one answer in all that is compiled: yes.
    return torch.compiler.is_exporting() if _TELLS_EXPORTS else torch.compiler._is_exporting_flag


_TELLS_EXPORTS = torch.__version__ >= "2.12"  # compares versions, not texts


def as_torch(forward, *args):
    """torch's own layer. Compiled code leaves its graph for it, as it does for any of torch's."""
    if torch.compiler.is_dynamo_compiling() and not _exporting():
        forward = torch.compiler.disable(forward)
    return forward(*args)


def _watched() -> bool:
    """Whether somebody looks into the call that is running, or changes what is in it."""
    return tape() is not None or changes() is not None


class Recurrent(Conventional, Torchlike, WithOptions):
    """What the three layers share: the way from torch's calling conventions to one layer's run."""

    _torchs: type[nn.RNNBase]  # torch's layer of the same name

    # torch's older exporter to ONNX fills in every argument by its place.
    def forward(self, input, hx=None, return_states=False):  # type: ignore[override]
        if gate.autocast():
            done = self._under_autocast(input, hx, return_states)
            if done is not None:
                return done
        if return_states:
            looking = watch()
            if looking is not None:
                return looking.show(self, self._with_states, input, hx)
            return self._with_states(input, hx)
        if hx is not None and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
            stepped = self._step(input, hx)
            if stepped is not None:
                return stepped
        looking = watch()
        if looking is not None:
            return looking.show(self, self._carrousel_forward, input, hx)
        return self._carrousel_forward(input, hx)

    def _carrousel_forward(self, input, hx=None):
        prepared = self._prepare(input, hx)
        if prepared is None:
            leaf = as_leaf(self, input, hx)
            if leaf is not None:
                return leaf
            output = as_torch(self._torchs.forward, self, input, self._as_torchs(hx))  # or error
            if self._beyond:
                raise RuntimeError("input must have at least one step and sequences of one width")
            return output
        y, states = self._layers(*prepared)
        return self._as_given(input, y, states)

    def _under_autocast(self, input, hx, return_states):
        """What torch has no rule for, and what it has one for but we are better at; else None."""
        if self._beyond:
            return self._in_own_dtype(input, hx, return_states)
        if return_states or not gate.halves() or _watched():
            return None
        if next(self.parameters()).dtype is not torch.float32:
            return None
        dtypes = half.dtypes(self, input, hx)
        if dtypes is None:
            return None
        with gate.half():
            found = self._in_own_dtype(input, hx, False)
        return half.converted(found, dtypes)

    def _with_states(self, input, hx=None):
        prepared = self._prepare(input, hx, opened=True)
        if prepared is None:
            leaf = as_leaf(self, input, hx, return_states=True)
            if leaf is not None:
                return leaf
            if not gate.converted():
                as_torch(self._torchs.forward, self, input, self._as_torchs(hx))  # for its error
            raise RuntimeError(
                "return_states=True needs a batch that is not empty, and neither autocast nor "
                "torch.jit.trace around the call; under autocast call the layer inside "
                "torch.autocast(device, enabled=False)"
            )
        insides: list[Inside] = []
        x, batch_sizes, initial, weights, way = prepared
        y, states = self._layers(x, batch_sizes, initial, weights, way, insides)
        return *self._as_given(input, y, states), states_of(input, insides, self.batch_first)

    def _step(self, x, hx):
        """One step of streaming without detours; None where it is not one."""
        if self._beyond or self.bidirectional or self.proj_size or (self.dropout and self.training):
            return None
        if TAPE.get() is not None or not gate.quiet() or gate.converted():
            return None
        if not _HAS_CELL[self.mode]:
            if type(x) is not Tensor or type(hx) is not Tensor:
                return None
            out = streaming_step.run(self, x, hx, None)
            return out if out is None else out[:2]
        if type(x) is not Tensor or type(hx) is not tuple or [type(s) for s in hx] != [Tensor] * 2:
            return None
        out = streaming_step.run(self, x, *hx)
        return out if out is None else (out[0], out[1:])

    def _prepare(self, input, hx, opened=False):
        """(x time-major, batch sizes or None, states, weights, way); None where torch must run."""
        packed = isinstance(input, PackedSequence)
        x = input.data if packed else input
        if not isinstance(x, Tensor) or x.dim() not in ((2,) if packed else (2, 3)):
            return None
        if x.size(-1) != self.input_size or (x.numel() == 0 and not self._takes_empty(x, packed)):
            return None
        batch_sizes = order = None
        unbatched = not packed and x.dim() == 2
        if packed:
            batch_sizes, order = input.batch_sizes, input.sorted_indices
            if not gate.packs(batch_sizes, x):
                return None
            batch = int(batch_sizes[0])
        else:
            x = x.unsqueeze(1) if unbatched else x.transpose(0, 1) if self.batch_first else x
            batch = x.size(1)
        states = self._initial(hx, x, batch, unbatched, order)
        if states is None:
            if self.own_cell is not None:
                self._refuse_states(hx, x, batch, unbatched)
            return None
        weights = self._weights()
        self._check(weights)
        if self._beyond:
            self._check_input(x, weights[0][0])
        weights = self._with_norms(self._with_vectors(self._dropped(weights)))
        way = self._way(x, states, weights, opened)
        return None if way is gate.TORCH else (x, batch_sizes, states, weights, way)

    def _way(self, x, states, weights, opened):
        """Who computes this call. What torch would is done by the equations for a trace, a change
        and where all states are asked for."""
        if self.mode not in NUMBER or x.numel() == 0:
            return gate.EQUATIONS
        if self.equations is not None and self._rule() is None:
            return gate.EQUATIONS
        tensors = [x, *states, *chain.from_iterable(weights)]
        way = gate.way(tensors)
        if self.proj_size and way is not gate.TORCH:
            # The kernels make the state before it is projected, and no record of what is.
            if opened or _watched():
                return gate.EQUATIONS
            sizes = self.input_size, self.hidden_size, self.proj_size
            return way if self._beyond or projected.pays(*sizes) else gate.TORCH
        if way is not gate.TORCH or (gate.converted() and not self._beyond):
            return way
        if not self._beyond:
            gate.check_alike(self._all_weights, weights)
            if not (opened or _watched()):
                return way
        return self._unlike_torch(tensors)

    def _unlike_torch(self, tensors):
        """Who does what torch cannot, where our kernels on the CPU do not."""
        fits = not self.proj_size and not torch.compiler.is_compiling() and gate.on_gpu(tensors)
        return gate.TRITON if fits else gate.EQUATIONS

    def _takes_empty(self, x, packed) -> bool:
        """No sequences, which torch's own layers take; with options only the equations do."""
        return (
            self._beyond
            and not packed
            and x.dim() == 3
            and x.size(1 - self.batch_first) == 0 < x.size(int(self.batch_first))
        )

    def _check(self, weights) -> None:
        """Refuse weights of other sizes than the layer says; torch's LSTM reads beyond them."""
        gates, hidden, proj = self._blocks(), self.hidden_size, self.proj_size
        inputs, directions = self.input_size, 2 if self.bidirectional else 1
        for number, row in enumerate(weights):
            if number == directions:
                inputs = directions * (proj or hidden)
            if not gate.fits(row, gates, inputs, hidden, proj):
                gate.refuse(self._all_weights[number], row, gates, inputs, hidden, proj)

    def _check_input(self, x, first) -> None:
        """Refuse what the equations would multiply, or fail to, in another dtype or place."""
        if x.dtype is not first.dtype or x.device != first.device:
            raise ValueError(
                f"input must be {first.dtype} on {first.device} as the weights are, got {x.dtype} "
                f"on {x.device}"
            )

    def _initial(self, hx, x, batch, unbatched, order):
        """Initial states (L*D, B, H) in the order of the rows; None where hx does not fit."""
        rows = self.num_layers * (2 if self.bidirectional else 1)
        if hx is None:
            return self._first_states(x, batch)
        sizes = self._state_sizes()
        given = hx if len(sizes) > 1 else (hx,)
        if not isinstance(given, (tuple, list)) or len(given) != len(sizes):
            return None
        states = []
        for state, size in zip(given, sizes, strict=True):
            if not isinstance(state, Tensor):
                return None
            if unbatched:
                state = state.unsqueeze(1) if state.dim() == 2 else state.new_empty(0)
            if state.shape != (rows, batch, size) or state.dtype is not x.dtype:
                return None
            if state.device != x.device:
                return None
            states.append(state if order is None else state.index_select(1, order))
        return states

    def _as_torchs(self, hx):
        """States for torch's layer; it knows none of a cell with its own."""
        return hx if self.own_cell is None else None

    def _refuse_states(self, hx, x, batch, unbatched) -> None:
        """``ValueError`` for initial states that do not fit a cell with its own."""
        names = [one.removesuffix("_0") for one in self._first_names()]
        rows = self.num_layers * (2 if self.bidirectional else 1)
        shape = (rows, self.hidden_size) if unbatched else (rows, batch, self.hidden_size)
        given = hx if isinstance(hx, (tuple, list)) else (hx,)
        found = [
            f"{one.dtype} {tuple(one.shape)}" if isinstance(one, Tensor) else type(one).__name__
            for one in given
        ]
        many = f"a tuple of {', '.join(names)}" if len(names) > 1 else names[0]
        raise ValueError(f"hx must be {many}, {x.dtype} {shape}, got {', '.join(found)}")

    def _weights(self) -> list[list[Tensor]]:
        """Of each layer in each direction w_ih, w_hh, the biases if any, the projection if any."""
        own: dict = self._parameters
        return [
            # not among the parameters: parametrized, say
            [getattr(self, name) if own.get(name) is None else own[name] for name in names]
            for names in self._all_weights
        ]

    def one_step(self, index: int, dtype: torch.dtype) -> OneStep:
        """How level and direction ``index`` make a step, on the CPU and in this dtype, as in
        evaluation: whatever draws masks is not in it."""
        weights = self._with_norms(self._with_vectors(self._weights()))[index]
        own, w_hr = [weight.detach().to("cpu", dtype) for weight in weights], None
        if self.proj_size:
            *own, w_hr = own
        zoneout = Noise(None, *self.zoneout) if any(self.zoneout) else None
        return OneStep(self._run_mode(), own, w_hr, zoneout, self._written())

    def passed_on(self, level: int, below: Tensor, y: Tensor) -> Tensor:
        """What the level above is given, if this one was given ``below`` and made ``y``."""
        with torch.no_grad():
            return self._passed(level, below, y, gate.EQUATIONS) if level else y

    def _layers(self, x, batch_sizes, states, weights, way, insides=None):
        """All layers: -> y and the states after it, (L*D, B, H) each; ``insides`` receives what is
        in each."""
        directions = 2 if self.bidirectional else 1
        count, batch = len(states), states[0].size(1)
        asked, offsets = changes(), None
        if batch_sizes is not None:
            offsets = offsets_of(batch_sizes)
        if self.num_layers == 1 and not self.proj_size and not self._beyond and asked is None:
            flat, two = list(chain.from_iterable(weights)), layer.as_two(states)
            y, *ends = layer.run(self._run_mode(), x, offsets, *two, flat, way, None, insides)
            return y, ends[:count]
        last: list = []  # of each level, its states
        for first in range(0, len(weights), directions):
            rows, w_hr = weights[first : first + directions], None
            if self.proj_size:
                rows, w_hr = [row[:-1] for row in rows], [row[-1] for row in rows]
            start: list[Any] = [state[first : first + directions] for state in states]
            flat, below, two = list(chain.from_iterable(rows)), x, layer.as_two(start)
            x = self._masked(x, self.input_dropout, batch, batch_sizes)
            noise, written = self._noises(x, batch), self._written()
            between = noise is not None or written is not None
            rule = self._rule() if between else None
            level = first // directions
            own = [(asked or {}).get((level, d), ()) for d in range(directions)]
            mode, after = self._run_mode(), start
            if any(own):
                given = (mode, x, offsets, start, flat, way, w_hr)
                more = (insides, noise, written, rule, self.peepholes)
                x, after = changed_layer.of_layer(given, own, *more)
            elif rule is not None and way is gate.KERNELS and insides is None:
                x, *after = recurrence.layer(rule, x, offsets, *two, flat, noise, self.peepholes)
            elif between:
                how = (w_hr, insides, noise, written)
                x, after = layer.by_equations(mode, x, offsets, start, flat, *how)
            else:
                x, *after = layer.run(mode, x, offsets, *two, flat, way, w_hr, insides)
            if first:
                x = self._passed(first // directions, below, x, way)
            last.append(after[:count])
            if self.dropout and self.training and first + directions < len(weights):
                x = torch.dropout(x, self.dropout, True)
        x = self._masked(x, self.output_dropout, batch, batch_sizes)
        return x, [torch.cat(levels) for levels in zip(*last, strict=True)]
