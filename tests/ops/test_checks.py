"""Whatever is passed to the calls into the kernels: an error, never memory that is not theirs."""

import pytest
import torch
from torch import Tensor

from carrousel.ops import cpu, quantile_head, windows
from carrousel.ops.reference.anchors import Anchors
from carrousel.ops.reference.scaling import Prior

STEPS, BATCH, INPUTS, HIDDEN = 4, 3, 5, 6
MODES = range(6)
GATES = (1, 1, 4, 3, 4, 3)
NORM = (0, 0, 0, 0, 10, 6)  # rows of gains and biases, of modes with layer normalization


def layer(mode, packed=False, directions=1):
    """The arguments of cpu.forward, by name, all right."""
    rows, state = GATES[mode] * HIDDEN, (directions, BATCH, HIDDEN)
    weights = [torch.randn(rows, INPUTS), torch.randn(rows, HIDDEN), torch.randn(2, rows)[0]]
    weights.append(torch.randn(rows))
    if NORM[mode]:
        weights.append(torch.randn(NORM[mode] * HIDDEN))
    return {
        "mode": mode,
        "x": torch.randn(8, INPUTS) if packed else torch.randn(STEPS, BATCH, INPUTS),
        "offsets": torch.tensor([0, 3, 5, 7, 8]) if packed else None,
        "h0": torch.randn(state),
        "c0": torch.randn(state) if mode in (2, 4) else None,
        "weights": weights * directions,
    }


WRONG = {
    "x of another dtype": lambda a: a | {"x": a["x"].half()},
    "x of whole numbers": lambda a: a | {"x": a["x"].long()},
    "x on meta": lambda a: a | {"x": a["x"].to("meta")},
    "x of another batch": lambda a: a | {"x": a["x"][:, :2]},
    "x of four dimensions": lambda a: a | {"x": a["x"][None]},
    "x negated": lambda a: a | {"x": torch._neg_view(a["x"])},
    "x zero": lambda a: a | {"x": torch._efficientzerotensor(a["x"].shape)},
    "x sparse": lambda a: a | {"x": a["x"].to_sparse()},
    "h0 of another dtype": lambda a: a | {"h0": a["h0"].double()},
    "h0 of another width": lambda a: a | {"h0": a["h0"][..., :5]},
    "three directions": lambda a: a | {"h0": a["h0"].expand(3, -1, -1)},
    "mode": lambda a: a | {"mode": 10},
    "a weight too few": lambda a: a | {"weights": a["weights"][:3]},
    "no weights": lambda a: a | {"weights": []},
}
for place, name in enumerate(("w_ih", "w_hh", "b_ih", "b_hh")):

    def swap(arguments, change, place=place):
        weights = list(arguments["weights"])
        weights[place] = change(weights[place])
        return arguments | {"weights": weights}

    WRONG |= {
        f"{name} too small": lambda a, swap=swap: swap(a, lambda w: w[:-1]),
        f"{name} of another dtype": lambda a, swap=swap: swap(a, lambda w: w.double()),
        f"{name} of half": lambda a, swap=swap: swap(a, lambda w: w.half()),
        f"{name} on meta": lambda a, swap=swap: swap(a, lambda w: w.to("meta")),
    }


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("mode", MODES)
def test_what_makes_no_layer_is_refused(mode, what):
    given = WRONG[what](layer(mode))
    with pytest.raises((ValueError, TypeError)):
        cpu.forward(**given, record=False)
    right = layer(mode)
    y, _, _, saved, cells = cpu.forward(**right, record=True)
    with pytest.raises((ValueError, TypeError)):
        cpu.backward(**given, **record(y, saved, cells))


@pytest.mark.parametrize(
    "change", [lambda w: w[:-1], Tensor.double, Tensor.half, lambda w: w.to("meta")]
)
@pytest.mark.parametrize("mode", [4, 5])
def test_what_normalizes_no_layer_is_refused(mode, change):
    given = layer(mode, directions=2)
    given["weights"][-1] = change(given["weights"][-1])
    with pytest.raises((ValueError, TypeError), match="norm"):
        cpu.forward(**given, record=False)


def record(y, saved, cells, **changes):
    given = {"record": (y, saved, cells), "grads": (torch.ones_like(y), None, None)}
    return given | {"need_x": True, "need_weights": True, "runs": []} | changes


OFFSETS = {
    "that begin later": [1, 3, 5, 7, 8],
    "that grow": [0, 2, 5, 7, 8],
    "that go back": [0, 3, 2, 7, 8],
    "of fewer rows": [0, 3, 5, 7],
    "of more rows": [0, 3, 6, 9, 12],
    "of an empty step": [0, 3, 5, 5, 8],
    "far away": [0, 3, 5, 7, 1 << 60],
    "alone": [0],
    "of nothing": [],
}


@pytest.mark.parametrize("what", OFFSETS)
@pytest.mark.parametrize("mode", MODES)
def test_offsets(mode, what):
    given = layer(mode, packed=True) | {"offsets": torch.tensor(OFFSETS[what], dtype=torch.int64)}
    with pytest.raises(ValueError, match=r"batch_sizes|offsets"):
        cpu.forward(**given, record=False)


def test_the_error_says_what_the_offsets_should_be():
    given = layer(2, packed=True) | {"offsets": torch.tensor([0, 3, 5, 7])}
    with pytest.raises(ValueError, match=r"number of sequences \(3\).*rows of data \(8\)"):
        cpu.forward(**given, record=False)
    with pytest.raises(TypeError, match="offsets must be a plain int64 tensor"):
        cpu.forward(**given | {"offsets": torch.tensor([0, 3, 5, 7, 8.0])}, record=False)


def test_records_that_are_not_those_of_forward():
    given = layer(2)
    y, _, _, saved, cells = cpu.forward(**given, record=True)
    for wrong in ((y[:2], saved, cells), (y, saved[..., :5], cells), (y, saved, cells.double())):
        with pytest.raises((ValueError, TypeError)):
            cpu.backward(**given, **record(*wrong))
    with pytest.raises(ValueError, match="dh_n must have shape"):
        cpu.backward(**given, **record(y, saved, cells, grads=(None, saved, None)))


@pytest.mark.parametrize("mode", MODES)
def test_records_and_gradients_may_lie_otherwise_in_memory(mode):
    """As hooks on saved tensors and autograd hand them back."""
    given = layer(mode)
    y, _, _, saved, cells = cpu.forward(**given, record=True)
    dy = torch.randn_like(y)
    right = cpu.backward(**given, **record(y, saved, cells, grads=(dy, None, None)))

    def other(t):
        return None if t is None else t.transpose(0, 2).contiguous().transpose(0, 2)

    negated = torch._neg_view(-dy)
    for grad in (other(dy), negated):
        moved = record(other(y), other(saved), other(cells), grads=(grad, None, None))
        found = cpu.backward(**given, **moved)
        assert all(map(torch.equal, [*found[:2], *found[3]], [*right[:2], *right[3]]))


def gather(**changes):
    given = {"y": torch.arange(10.0), "start": torch.tensor([0, 6]), "stop": torch.tensor([6, 10])}
    given |= {"series": torch.tensor([1, 0]), "end": torch.tensor([8, 6]), "history": 3, "h": 2}
    return windows.gather(**given | changes)


def test_windows_of_series_are_theirs():
    less, offset = gather()
    seen = less + offset
    assert torch.equal(seen[0].nan_to_num(-1), torch.tensor([-1.0, 6, 7, 8, 9]))
    assert torch.equal(seen[1].nan_to_num(-1), torch.tensor([3.0, 4, 5, -1, -1]))


FAR = 1 << 62
POSITIONS = {
    "a series that there is not": {"series": torch.tensor([2, 0])},
    "a negative series": {"series": torch.tensor([-1, 0])},
    "an end beyond the values": {"end": torch.tensor([8, 11])},
    "an end far away": {"end": torch.tensor([FAR, -FAR])},
    "a start before the values": {"start": torch.tensor([-5, 6])},
    "a stop beyond the values": {"stop": torch.tensor([6, 11])},
    "positions of another dtype": {"end": torch.tensor([8, 6], dtype=torch.int32)},
    "fewer ends than series": {"end": torch.tensor([8])},
    "fewer stops than starts": {"stop": torch.tensor([6])},
    "half values": {"y": torch.arange(10.0).half()},
    "a negative history": {"history": -4},
}


@pytest.mark.parametrize("changes", POSITIONS.values(), ids=POSITIONS)
def test_positions_outside_are_refused(changes):
    with pytest.raises((ValueError, TypeError)):
        gather(**changes)


def _look(step, h, seasons, anchors=Anchors, **given):
    return windows.look(anchors=anchors(step, h, seasons), **given)


class _TooFew(Anchors):
    names = ("last", "level", "mean")


LOOKS = {
    "no step": {"step": 0},
    "a step longer than the window": {"step": 13},
    "no horizon": {"h": 0},
    "no season": {"seasons": ()},
    "too few kinds": {"anchors": _TooFew},
    "a season of nothing": {"seasons": (0,)},
    "a step back to the future": {"backs": (-1,)},
    "whole numbers": {"history": torch.ones(2, 12, dtype=torch.int64)},
    "one dimension": {"history": torch.ones(12)},
}


@pytest.mark.parametrize("changes", LOOKS.values(), ids=LOOKS)
def test_what_is_no_window_is_refused(changes):
    given = {"history": torch.ones(2, 12), "step": 3, "h": 2, "seasons": (6,), "backs": (1,)}
    given |= {"offset": torch.zeros(2, 1, dtype=torch.float64), "prior": Prior()}
    _look(**given)
    with pytest.raises((ValueError, TypeError)):
        _look(**given | changes)


def test_quantiles_of_another_number_are_refused():
    given = [torch.zeros(2, 1, 3 * 4 + 2 * 2), torch.zeros(2, 1, 1, 4)]
    given += [torch.zeros(2, 1, dtype=torch.float64), torch.ones(2, 1, 1), 1.0]
    quantile_head.add_quantiles(*given, torch.zeros(2, 4, 5, dtype=torch.float64))
    for wrong in ((2, 4, 7), (2, 4, 4), (3, 4, 5), (2, 3, 5)):
        with pytest.raises(ValueError):  # noqa: PT011 - of different arguments
            quantile_head.add_quantiles(*given, torch.zeros(wrong, dtype=torch.float64))


@pytest.mark.parametrize("place", range(9))
def test_what_a_loss_is_not_made_from_is_refused(place):
    given = [torch.zeros(2, 3, 3 * 4 + 2 * 2), torch.zeros(2, 3, 1, 4), torch.zeros(2, 3, 4)]
    given += [torch.zeros(2, 1), torch.ones(2, 3, 1), torch.ones(2, 3, 1)]
    given += [torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3, 1), torch.full((4,), 0.5)]
    constants = 50.0, 0.5, 0.1, 0.5, 1e-5
    quantile_head.QuantileLoss.apply(*given, constants)
    given[place] = given[place][..., :1] if place in (0, 1, 2, 6, 8) else given[place][:1]
    with pytest.raises(ValueError):  # noqa: PT011 - of different arguments
        quantile_head.QuantileLoss.apply(*given, constants)
