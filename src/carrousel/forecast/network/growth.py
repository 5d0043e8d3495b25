"""Room in a trained network for categories and for members of a group that it has not seen.

The larger network says of everything that the smaller one knows what that one says. A new category
begins as the mean of the known ones; a new member of a group begins on its own: it shows the
others nothing and reads nothing of them.
"""

import torch
from torch import Tensor, nn

from .covariates import Columns
from .network import Network
from .shape import Shape


@torch.no_grad()
def grown(network: Network, shape: Shape) -> Network:
    """A network of ``shape``, which has more categories or members and is else the same."""
    if shape == network.shape:
        return network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        new = Network(shape)
    theirs = network.state_dict()
    for name, value in new.state_dict().items():
        if name in theirs and theirs[name].shape == value.shape:
            value.copy_(theirs[name])
    _grow_covariates(network, new)
    if new.group is not None and network.group is not None:
        known = len(network.group.enter)
        for part in (*new.group.enter[known:], *new.group.leave[known:]):
            for parameter in part.parameters():
                parameter.zero_()
    return new.eval()


def _grow_covariates(network: Network, new: Network) -> None:
    old, more, shape = network.covariates, new.covariates, network.shape
    if old is None or more is None:
        return
    places = {}
    for name in ("futr", "hist", "static"):
        one, other = getattr(old, name), getattr(more, name)
        places[name] = _places(one, other)
        for embedding, larger in zip(one.kinds, other.kinds, strict=True):
            _grow_embedding(embedding.weight, larger.weight)
    moving = [*places["futr"], *(more.futr.width + k for k in places["hist"])]
    _spread(old.shown, more.shown, moving, shape.patch)
    _spread(old.constant, more.constant, places["static"], 1)
    if old.coming is not None and more.coming is not None:
        _spread(old.coming.known, more.coming.known, places["futr"], 1 + len(shape.seasons))


def _places(old: Columns, new: Columns) -> list[int]:
    """Where each number that ``old`` gives stands among those that ``new`` gives."""
    places, first = list(range(len(old.numbers))), len(old.numbers)
    for kind, larger in zip(old.kinds, new.kinds, strict=True):
        places += range(first, first + kind.embedding_dim)
        first += larger.embedding_dim
    return places


def _grow_embedding(old: Tensor, new: Tensor) -> None:
    """(categories + 1, width), the first for what is missing: what is more in width is nothing for
    the known ones, and for the new ones as it was drawn."""
    rows, width = old.shape
    new[:rows] = 0.0
    new[:rows, :width] = old
    new[rows:, :width] = old[1:].mean(0) if rows > 1 else old[0]


def _spread(old: nn.Linear | None, new: nn.Linear | None, places: list[int], blocks: int) -> None:
    """The weights of inputs that come in ``blocks`` equal parts; of new inputs zero."""
    if old is None or new is None:
        return
    wide = new.in_features // blocks
    index = [block * wide + place for block in range(blocks) for place in places]
    new.weight.zero_()
    new.weight[:, index] = old.weight
