"""The number of threads changes nothing, bit for bit; callers in several threads do not meet."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from tests.nn.twins import every_cell, leaves, noise, observe, states, twins
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

cpu = pytest.importorskip("carrousel.ops.cpu")  # torch's own layers promise no such thing
SIZES = [
    (1, 1, 1, 1),
    (5, 1, 3, 64),
    (900, 1, 3, 64),
    (7, 3, 5, 17),
    (9, 33, 4, 50),
    (40, 33, 4, 50),
    (4, 70, 6, 130),
    (40, 2, 8, 300),
]


def with_threads(number: int, layer: nn.Module, *inputs: object) -> dict[str, Tensor]:
    torch.set_num_threads(number)
    return observe(layer, *inputs)


def assert_bit_identical(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    for name in one:
        assert torch.equal(one[name], other[name]), f"{name} depends on the number of threads"


@pytest.mark.usefixtures("threads")
@every_cell
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "T={} B={} I={} H={}".format(*s))
def test_one_and_two_threads(cell: str, dtype: torch.dtype, sizes: tuple[int, ...]) -> None:
    steps, batch, inputs, units = sizes
    _, ours = twins(cell, inputs, units, bidirectional=True, dtype=dtype)
    given = noise(steps, batch, inputs, dtype=dtype), states(ours, batch)
    one = with_threads(1, ours, *given)
    for number in (2, 3):
        assert_bit_identical(one, with_threads(number, ours, *given))


@pytest.mark.usefixtures("threads")
@every_cell
def test_one_and_two_threads_packed(cell: str) -> None:
    _, ours = twins(cell, 4, 60, 2, bidirectional=True)
    lengths = torch.tensor([1 + 7 * k % 19 for k in range(40)])
    batch = pack_padded_sequence(noise(19, 40, 4), lengths, enforce_sorted=False)
    assert_bit_identical(with_threads(1, ours, batch), with_threads(2, ours, batch))


@pytest.mark.usefixtures("threads")
@every_cell
def test_threads_that_share_rows_of_unequal_length(cell: str) -> None:
    """Each goes its own pace through projections made ahead, in windows of unequal rows."""
    _, ours = twins(cell, 9, 60)
    with torch.no_grad():
        for seed in range(3):
            draw = torch.Generator().manual_seed(seed)
            lengths = torch.randint(30, 61, (9,), generator=draw)
            batch = pack_padded_sequence(noise(60, 9, 9, seed=seed), lengths, enforce_sorted=False)
            torch.set_num_threads(1)
            one = leaves(ours(batch))
            torch.set_num_threads(2)
            for _ in range(20):
                assert all(map(torch.equal, one, leaves(ours(batch))))


# Kernels of avx512_bf16 are those of avx512, and of bfloat16 beside them.
SAME = {"avx512_vnni", *(["avx512"] if "avx512_bf16" in cpu.available_isas() else [])}


@pytest.mark.parametrize("isa", [isa for isa in cpu.available_isas() if isa not in SAME])
def test_random_shapes_on_one_two_and_three_threads(isa: str) -> None:
    """A sample of what ``make fuzz`` looks for, in a process of its own for the instruction set."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.threads", "--seconds", "2", "--seed", "3"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"CARROUSEL_ISA": isa},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("threads")
@every_cell
def test_one_and_two_threads_without_gradient(cell: str) -> None:
    _, ours = twins(cell, 4, 60, 2, bidirectional=True)
    results = []
    with torch.no_grad():
        for number in (1, 2):
            torch.set_num_threads(number)
            results.append(leaves(ours(noise(9, 33, 4))))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@every_cell
def test_a_second_run_repeats_the_first(cell: str) -> None:
    _, ours = twins(cell, 4, 60, 2, bidirectional=True)
    assert_bit_identical(observe(ours, noise(9, 33, 4)), observe(ours, noise(9, 33, 4)))


def observe_often(layer: nn.Module, seed: int) -> dict[str, Tensor]:
    """The sixth of six runs; no two callers run the same sizes at the same moment."""
    x = noise(10 + seed, 9 - seed, 5, seed=seed)
    return [observe(layer, x) for _ in range(6)][-1]


@every_cell
def test_two_callers_at_once_get_what_they_would_get_alone(cell: str) -> None:
    """Each caller has its own module and input; the kernels hold no state between them."""
    layers = [twins(cell, 5, 33, 2, seed=seed)[1] for seed in range(4)]
    alone = [observe_often(layers[seed], seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: observe_often(layers[seed], seed), range(4)))
    for one, other in zip(alone, together, strict=True):
        assert_bit_identical(one, other)


@every_cell
def test_two_callers_share_one_module(cell: str) -> None:
    _, ours = twins(cell, 5, 33)
    xs = [noise(12, 9, 5, seed=seed) for seed in range(8)]
    with torch.no_grad():
        alone = [ours(x)[0] for x in xs]

    def call(x: Tensor) -> Tensor:
        with torch.no_grad():  # grad mode belongs to the thread
            return ours(x)[0]

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(call, xs))
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))
