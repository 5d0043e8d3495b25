"""A sample of what the fuzzer of layers tries; ``make fuzz`` tries more."""

import math

import pytest
from tests.fuzz import layers


@pytest.mark.filterwarnings("ignore")
def test_random_layers_equal_torchs() -> None:
    found = layers.run(seconds=math.inf, seed=0, cases=300)  # the same on every machine
    assert not found, "\n".join(found)
