"""A sample of what the fuzzer of layers tries; ``make fuzz`` tries more."""

import pytest
from tests.fuzz import layers


@pytest.mark.filterwarnings("ignore")
def test_random_layers_equal_torchs() -> None:
    found = layers.run(seconds=20, seed=0)
    assert not found, "\n".join(found)
