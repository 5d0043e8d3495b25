"""The network: recurrent layers over the steps of a window, one head for all that follows."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...nn import LAYERS
from ...ops.constants import COUNTS, GAPS
from ...ops.quantile_head import add_quantiles
from ...ops.reference.anchors import Anchors
from ...ops.reference.features import steps_back
from ...ops.reference.scaling import Prior, Scaled, no_offset
from ...ops.windows import look
from .covariates import Covariates, Extra
from .distribution import SIDE, Forecast
from .groups import Group, Together
from .loss import training_loss
from .shape import Shape
from .tiles import Linear

State = list[Any]  # of each layer what carrousel.nn gives: h, or (h, c)


class Dense(nn.Module):
    """A recurrent layer without its loop: h_t = tanh(W x_t + b). It sees one step and forgets."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.linear = Linear(input_size, hidden_size)

    def forward(self, x: Tensor, state: None = None) -> tuple[Tensor, None]:
        return self.linear(x).tanh(), None


class Encoded(NamedTuple):
    """A batch of windows as a network sees them."""

    features: Tensor  # (B, T, F)
    anchors: Tensor  # (B, T, K, h), or T = 1: the last step alone is asked for
    scaled: Scaled  # of the steps that are asked for
    extra: Extra | None = None  # covariates

    def after(self, steps: int, step: int) -> "Encoded":
        """Without the first steps, of ``step`` observations; all anchors must be there."""
        which = slice(steps, None)
        return Encoded(
            self.features[:, which],
            self.anchors[:, which],
            self.scaled.part(which),
            None if self.extra is None else self.extra.part(slice(steps * step, None)),
        )


class Network(nn.Module):
    """(B, history) values, NaN where missing, to quantiles of the next ``h`` after every step.

    The location is a weighted mean of simple forecasts (see ``anchors``), with weights between 0
    and 1 that the network chooses for each window and each step of the horizon; around it lie
    the median (free) and, outwards from it, the other quantiles by positive increments, so that
    they cannot cross. ``start_from`` makes this a good forecast before any training.
    """

    interval_scale: Tensor
    prior: Tensor
    wander: Tensor
    factors: Tensor
    covariates: Covariates | None
    group: Group | None

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.anchors = Anchors(shape.patch, shape.h, shape.seasons)
        self.backs = steps_back(shape.patch, shape.steps, shape.seasons)
        kinds, hidden = len(self.anchors.names), shape.hidden
        shown = shape.patch * (2 + len(self.backs)) + 2
        self.embed = Linear(shown, hidden)
        self.layers = nn.ModuleList(_layer(shape.cell, hidden) for _ in range(shape.layers))
        self.head = Linear(hidden, shape.h * (kinds + 2) + 2 * SIDE)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer(
            "interval_scale", torch.ones(())
        )  # of all intervals, see ``calibrate``
        self.register_buffer("prior", torch.tensor(Prior(), dtype=torch.float64))  # see ``scaling``
        self.register_buffer("wander", torch.full((len(GAPS),), 0.5, dtype=torch.float64))
        self.register_buffer("factors", torch.ones(2, len(COUNTS), dtype=torch.float64))
        self.covariates = Covariates(shape, kinds) if shape.has_covariates else None
        self.group = None
        if shape.members is not None:
            shared = _layer(shape.cell, hidden)
            self.group = Group(shared, shown, hidden, shape.members)

    def forward(
        self,
        history: Tensor,
        last: bool = False,
        extra: Extra | None = None,
        offset: Tensor | None = None,
    ) -> Forecast:
        """Forecasts from every step, or only from the last (T = 1)."""
        return self.predict(self.encode(history, last, extra, offset))

    def encode(
        self,
        history: Tensor,
        last: bool = False,
        extra: Extra | None = None,
        offset: Tensor | None = None,
    ) -> Encoded:
        """What all networks of this shape see, of windows from which ``offset`` (B, 1) float64
        was taken (None: nothing); they may share it."""
        offset = no_offset(history) if offset is None else offset
        seen = look(history, self.anchors, self.backs, offset, Prior(*self.prior.tolist()), last)
        return Encoded(seen.features, seen.anchors, seen.scaled, extra)

    def predict(self, seen: Encoded) -> Forecast:
        """Forecasts from the steps for which there are anchors."""
        x, _ = self.recurrence(self.embedded(seen), wanted=seen.anchors.shape[1])
        return self.decode(self.heads(x, seen), seen.scaled, seen.anchors)

    @torch.no_grad()
    def add_quantiles(self, seen: Encoded, total: Tensor) -> None:
        """Add ``predict(seen).quantiles()`` after the last step to (B, h, Q), in fewer passes."""
        x, _ = self.recurrence(self.embedded(seen), wanted=1)
        scaled, interval_scale = seen.scaled, self.interval_scale.item()
        add_quantiles(
            self.heads(x, seen),
            seen.anchors,
            scaled.absolute(),
            scaled.scale,
            interval_scale,
            total,
        )

    def embedded(self, seen: Encoded) -> Tensor:
        """(B, T, hidden) what the recurrence reads at each step."""
        return self._embedded(seen.features, seen.extra, None)[0]

    def _embedded(self, features: Tensor, extra: Extra | None, shared: Any) -> tuple[Tensor, Any]:
        """The same from the state of the groups' layer, and that state after it."""
        x = self.embed(features)
        if self.covariates is not None:
            x = x + self.covariates.past(_given(extra))
        if self.group is not None:
            read, shared = self.group(features, _together(extra), shared)
            x = x + read
        return x, shared

    def carry(
        self, features: Tensor, extra: Extra | None, state: State | None = None
    ) -> tuple[Tensor, State]:
        """(B, T, hidden) from (B, T, F) features and the covariates of the same steps, from a
        state (zeros if None) to the next; its last entry, where there are groups, is the state of
        their layer, for each series that of its group."""
        shared = state[-1] if state is not None and self.group is not None else None
        x, shared = self._embedded(features, extra, shared)
        x, after = self.recurrence(x, state)
        return x, after if self.group is None else [*after, shared]

    def heads(self, x: Tensor, seen: Encoded) -> Tensor:
        """(B, T, K*h + 2h + 2 SIDE) raw outputs after the steps for which there are anchors."""
        x = x[:, -seen.anchors.shape[1] :]
        out = self.head(x)
        ahead = None if self.covariates is None else self.covariates.ahead(x, _given(seen.extra))
        return out if ahead is None else out + F.pad(ahead, (0, 2 * SIDE))

    def recurrence(
        self, x: Tensor, state: State | None = None, wanted: int | None = None
    ) -> tuple[Tensor, State]:
        """(B, T, hidden) through the layers, each of which adds to what it read, from a state
        (zeros if None) to the next; one entry a layer. Of the last layer's steps only the last
        ``wanted``, if given, are returned."""
        states = []
        for k, layer in enumerate(self.layers):
            y, after = layer(x) if state is None else layer(x, state[k])
            if wanted is not None and k == len(self.layers) - 1:
                x, y = x[:, -wanted:], y[:, -wanted:]
            x = x + y
            states.append(after)
        return x, states

    def decode(self, out: Tensor, scaled: Scaled, anchors: Tensor) -> Forecast:
        """The distributions that raw outputs stand for."""
        h, kinds = self.shape.h, len(self.anchors.names)
        weights, median, width, tails = out.split([h * kinds, h, h, 2 * SIDE], -1)
        weights = weights.unflatten(-1, (kinds, h)).softmax(-2)
        location = (weights * anchors).sum(-2)  # (B, T, h)
        quantile_offsets = F.softplus(tails.unflatten(-1, (2, SIDE))).cumsum(-1)
        width = F.softplus(width) * self.interval_scale
        return Forecast(location, scaled.scale, median, width, quantile_offsets, scaled)

    def loss(
        self, window: Tensor, extra: Extra | None = None, offset: Tensor | None = None
    ) -> Tensor:
        """Of windows (B, history + h): the mean over the forecasts from every step.

        Windows may begin some steps earlier. These are read first and nothing is learned from
        them: the others are taught from a state that was carried on, as ``Forecaster.update``
        carries it, and not from an empty one (truncated backpropagation through time).
        """
        shape = self.shape
        seen, state = self.encode(window[:, : -shape.h], extra=extra, offset=offset), None
        lead = seen.features.shape[1] - shape.steps
        if lead:
            with torch.no_grad():
                early = None if extra is None else extra.part(slice(lead * shape.patch))
                _, state = self.carry(seen.features[:, :lead], early)
            seen = seen.after(lead, shape.patch)
        x, _ = self.carry(seen.features, seen.extra, state)
        out = self.heads(x, seen)
        taught = targets(window, shape)[:, lead:]
        return training_loss(out, seen.anchors, seen.scaled, taught)


def _given(extra: Extra | None) -> Extra:
    if extra is None:
        raise ValueError("this network needs the covariates that it was trained with")
    return extra


def _together(extra: Extra | None) -> Together:
    together = _given(extra).together
    if together is None:
        raise ValueError("this network needs the groups that it was trained with")
    return together


def targets(window: Tensor, shape: Shape) -> Tensor:
    """(B, history + h) to (B, T, h): the values after each step; a view."""
    return window[:, shape.patch :].unfold(1, shape.h, shape.patch)


def _layer(cell: str, hidden: int) -> nn.Module:
    if cell == "ann":
        return Dense(hidden, hidden)
    if cell not in LAYERS:
        raise ValueError(f"cell must be {', '.join(map(repr, LAYERS))} or 'ann', got {cell!r}")
    return LAYERS[cell](hidden, hidden, batch_first=True)
