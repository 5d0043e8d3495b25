"""Convolutions above thresholds: the kernel against the formula in plain torch, to the last bit."""

import pytest
import torch

from carrousel.ops import convolutions
from carrousel.ops.reference import convolutions as reference

GRID = 8192.0


def case(lengths, channels=3, kernels=84, dilations=(1, 2, 5), counts=(2, 0, 3), largest=4):
    """Multiples of 1 / 4096 and thresholds between them."""
    generator = torch.Generator().manual_seed(len(lengths) + channels)
    steps = sum(lengths)

    def drawn(*size, low=-largest * 4096, high=largest * 4096):
        return torch.randint(low, high + 1, size, generator=generator).float() / 4096

    chosen = torch.randint(0, 2, (len(dilations), channels, kernels), generator=generator).float()
    weight = torch.full((9, kernels), -1.0)
    weight[torch.randint(9, (3, kernels), generator=generator), torch.arange(kernels)] = 2.0
    return {
        "rows": drawn(steps, channels),
        "lengths": torch.tensor(lengths),
        "chosen": chosen,
        "weight": weight,
        "dilation": torch.tensor(dilations),
        "counts": torch.tensor(counts),
        "threshold": drawn(sum(counts), kernels) + 1 / GRID,
        "grid": GRID,
    }


@pytest.mark.parametrize(
    "options",
    [
        {"lengths": [40, 7, 1, 33]},
        {"lengths": [1]},
        {"lengths": [32, 32], "channels": 1, "kernels": 16},
        {"lengths": [5, 64], "kernels": 1, "dilations": (1 << 40,), "counts": (4,)},
        {"lengths": [31, 65, 2], "channels": 9, "largest": 20},
    ],
    ids=["four", "one step", "full blocks", "wider than everything", "the largest numbers"],
)
def test_the_kernel_does_what_the_formula_says(options):
    given = case(**options)
    wanted = reference.above(**given)
    for found, exact in zip(convolutions.above(**given), wanted, strict=True):
        assert torch.equal(found, exact)


def test_a_threshold_is_counted_as_by_hand():
    rows = torch.tensor([0.0, 1.0, 0.0, 2.0])[:, None]
    weight = torch.zeros(9, 1)
    weight[4] = 2.0  # the step itself
    weight[5] = -1.0  # and the next
    counts, sums = convolutions.above(
        rows, torch.tensor([4]), torch.ones(1, 1, 1), weight, torch.tensor([1]),
        torch.tensor([1]), torch.tensor([[0.5]]), 2.0,
    )  # fmt: skip
    # -1, 2, -2, 4: two are above a half, by 1.5 and 3.5
    assert (counts.item(), sums.item()) == (2, 5)


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("rows", torch.zeros(9, 3).double(), TypeError, "rows must be a plain float32"),
        ("lengths", torch.tensor([4, 4]), ValueError, "offsets must begin with 0 and end with"),
        ("lengths", torch.tensor([9, 0]), ValueError, "at least one step"),
        ("dilation", torch.tensor([1, 0, 2]), ValueError, "dilation must be above 0"),
        ("counts", torch.tensor([1, 1, 1]), ValueError, "end with the 5 places"),
        ("counts", torch.tensor([6, -2, 1]), ValueError, "first must not fall"),
        ("chosen", torch.zeros(3, 2, 84), ValueError, "chosen must have shape"),
    ],
)
def test_what_is_no_batch_is_refused(name, value, error, words):
    with pytest.raises(error, match=words):
        convolutions.above(**{**case([5, 4]), name: value})
