"""Units whose state follows something readable (Karpathy, Johnson & Li 2015).

"Visualizing and understanding recurrent networks" found units of a character model that switch on
inside quotes or count the characters of a line. Here they are looked for by their ranks, chosen on
the first part of a text and scored on the rest, beside the best unit of an untrained network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from ...plottable import Plottable, picture
from .features import readable

HELD_OUT = 0.4
RARE = 10  # tokens with a feature, and without it, that either part needs
_CONTEXT = 28  # characters before an exciting one


class Followable(Protocol):
    """What looking for such units needs of a model."""

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """(token, where it ends in ``text``); the first begins the text and ends at 0."""

    def states(self, tokens: Sequence[int]) -> Tensor:
        """(T, L, H): after each token, the state of each unit of each layer, carried along."""

    def untrained(self, seed: int) -> "Followable":
        """The same network with new random weights."""


@dataclass(frozen=True)
class Neuron:
    """The unit that follows ``feature`` best, and how well on text that did not choose it.

    ``score`` is, for a feature that is there or not, the area under the ROC curve (0.5: chance; the
    chance that the unit is higher where the feature is); for a count, Spearman's correlation. For
    both, ``sign`` is -1 where the unit is low when the feature is high, and the score is turned.
    """

    feature: str
    kind: str  # "auc" | "correlation"
    layer: int
    unit: int
    sign: int
    score: float  # on the held-out part
    chosen: float  # on the part that chose it
    untrained: float  # the best unit of an untrained network, chosen and scored in the same way
    states: np.ndarray  # (N,) of the whole text, times the sign
    labels: np.ndarray  # (N,) the feature itself
    excites: list[str]  # the strings that end where the unit is highest


@dataclass(frozen=True)
class Neurons(Plottable, picture="carrousel.text.neurons.picture:plot_neurons"):
    """See :func:`neurons`: what was learned most comes first; token t ends at ``text[ends[t]]``."""

    text: str
    ends: np.ndarray  # (N,)
    split: int  # the first held-out token
    found: list[Neuron]

    def to_html(self) -> str:
        """A page of its own: see :func:`carrousel.text.neurons.picture.neurons_page`."""
        return picture("carrousel.text.neurons.picture:neurons_page")(self)

    def rows(self) -> list[dict[str, Any]]:
        """Plain data, a row a feature."""
        keys = ("feature", "kind", "layer", "unit", "sign", "score", "chosen", "untrained")
        return [
            {**{key: getattr(neuron, key) for key in keys}, "excites": neuron.excites}
            for neuron in self.found
        ]


def neurons(
    model: Followable,
    text: str,
    features: Sequence[str] | None = None,
    *,
    strings: int = 5,
    seed: int = 0,
) -> Neurons:
    """For each readable feature of ``text``, the unit whose state follows it best.

    Units are read by their hidden state, from -1 to 1. The unit is chosen on the first 60 % of the
    tokens and scored on the rest.

    Raises ``ValueError`` for an unknown feature, or a text of which no feature can be learned:
    none that holds, and fails to hold, at ten tokens of each part.
    """
    pieces = [piece for piece in model.pieces(text) if piece[1] > 0]
    tokens, ends = [token for token, _ in pieces], np.array([end for _, end in pieces])
    split = round(len(tokens) * (1 - HELD_OUT))
    labels = {
        name: values
        for name, values in _at_tokens(text, ends, features).items()
        if all(_varies(part) for part in (values[:split], values[split:]))
    }
    if not labels:
        raise ValueError(
            f"text has {len(tokens)} tokens and nothing to follow in it that varies in its first "
            "60 % and in the rest; give a longer one"
        )
    states = model.states(tokens).double().numpy()  # (T, L, H)
    plain = model.untrained(seed).states(tokens).double().numpy()
    best, usual = (_best(values, labels, split) for values in (states, plain))
    found = [
        _neuron(name, (best[name], usual[name]), states, labels[name], (text, ends, strings))
        for name in labels
    ]
    return Neurons(text, ends, split, sorted(found, key=_learned, reverse=True))


def _varies(values: np.ndarray) -> bool:
    """A handful of cases would make any unit look good."""
    if _holds_or_not(values):
        return min(values.sum(), len(values) - values.sum()) >= RARE
    return True


def _holds_or_not(values: np.ndarray) -> bool:
    return set(np.unique(values)) <= {0.0, 1.0}


@dataclass(frozen=True)
class _Choice:
    kind: str
    place: int  # of L * H
    sign: int
    chosen: float
    score: float


def _at_tokens(text: str, ends: np.ndarray, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    """Each feature at the last character of each token."""
    return {name: values[ends - 1] for name, values in readable(text, names).items()}


def _best(states: np.ndarray, labels: dict[str, np.ndarray], split: int) -> dict[str, _Choice]:
    flat = states.reshape(len(states), -1)
    first, rest = ranks(flat[:split]), ranks(flat[split:])
    best = {}
    for name, values in labels.items():
        kind = "auc" if _holds_or_not(values) else "correlation"
        here = association(first, values[:split])
        place = int(np.abs(here).argmax())
        sign = -1 if here[place] < 0 else 1
        there = association(rest[:, place : place + 1], values[split:])[0]
        best[name] = _Choice(kind, place, sign, sign * here[place], sign * there)
    return best


def ranks(states: np.ndarray) -> np.ndarray:
    """Ranks from 1 down each column of (N, U), ties at their mean."""
    ranked = np.empty(states.shape)
    for unit, column in enumerate(states.T):
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranked[:, unit] = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return ranked


def association(ranked: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(U,) in [-1, 1]: 2 AUC - 1 where ``values`` are 0 or 1, Spearman's correlation otherwise."""
    if _holds_or_not(values):
        ones = values.sum()
        zeros = len(values) - ones
        auc = (values @ ranked - ones * (ones + 1) / 2) / (ones * zeros)
        return 2 * auc - 1
    centered = ranked - ranked.mean(0)
    other = ranks(values[:, None])[:, 0]
    other -= other.mean()
    norms = np.linalg.norm(centered, axis=0) * np.linalg.norm(other)
    return np.divide(other @ centered, norms, out=np.zeros_like(norms), where=norms > 0)


def _neuron(
    name: str,
    choices: tuple[_Choice, _Choice],
    states: np.ndarray,
    labels: np.ndarray,
    where: tuple[str, np.ndarray, int],
) -> Neuron:
    choice, usual = choices
    layer, unit = divmod(choice.place, states.shape[2])
    own = choice.sign * states[:, layer, unit]
    return Neuron(
        feature=name,
        kind=choice.kind,
        layer=layer,
        unit=unit,
        sign=choice.sign,
        score=_shown(choice.kind, choice.score),
        chosen=_shown(choice.kind, choice.chosen),
        untrained=_shown(choice.kind, usual.score),
        states=own,
        labels=labels,
        excites=exciting(own, *where),
    )


def _shown(kind: str, score: float) -> float:
    return float(score + 1) / 2 if kind == "auc" else float(score)


def _learned(neuron: Neuron) -> float:
    """How much better than untrained, on the scale of correlations."""
    gain = neuron.score - neuron.untrained
    return 2 * gain if neuron.kind == "auc" else gain


def exciting(states: np.ndarray, text: str, ends: np.ndarray, count: int) -> list[str]:
    """The strings before the highest states, no two of them overlapping."""
    taken: list[int] = []
    for at in np.argsort(-states, kind="stable"):
        end = int(ends[at])
        if all(abs(end - other) > _CONTEXT for other in taken):
            taken.append(end)
        if len(taken) == count:
            break
    return [text[max(end - _CONTEXT, 0) : end] for end in taken]
